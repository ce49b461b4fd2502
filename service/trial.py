"""A message that somebody sends to the own address, to see whether it arrives; it takes the usual way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import ConflictError, TooManyError
from service import outbox, reach, staff
from service.outbox import URGENT, Outgoing
from service.reach import Way
from service.tickets import Actor
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("reach")
MOST, PERIOD = 5, timedelta(hours=1)
"""So many trials to one person in so long."""


@dataclass(frozen=True)
class Sent:
    """A message of a trial, by its id in the outbox, and the way it goes."""

    id: int
    way: Way


def send(
    conn: Connection, login: str, channels: Sequence[str] | None, *, actor: Actor, at: datetime
) -> list[Sent]:
    """Write a message to a member of staff by each way, or those of `channels`, at once whatever the hour.

    ConflictError where there is no such way, TooManyError after `MOST` in an hour.
    """
    staff_id = staff.id_of(conn, login)
    conn.execute(Q["lock_trials"], {"key": f"trial {staff_id}"})
    ((count, first),) = conn.execute(Q["trials"], {"staff_id": staff_id, "since": at - PERIOD}).fetchall()
    if count >= MOST:
        raise TooManyError(
            f"{login} was sent {count} test messages within the hour.", wait=first + PERIOD - at
        )
    ways = [
        way
        for way in reach.of_staff(conn, staff_id, urgent=True, at=at)
        if channels is None or way.channel in channels
    ]
    if not ways:
        wanted = " or ".join(channels or ())
        raise ConflictError(
            f"{login} has no address{f' for {wanted}' if wanted else ''}.",
            cure="Say how to reach them first: PUT /v1/staff/{login}/reach.",
        )
    ours = utility(conn)
    outs = [
        Outgoing(
            kind="test",
            step="test",
            channel=way.channel,
            recipient=way.recipient,
            language=way.language,
            key=f"test:{staff_id}:{at.isoformat()}:{number}",
            message={
                "name": way.name,
                "by": actor.name,
                "at": at.isoformat(),
                "channel": way.channel,
                "utility": ours.name,
                "timezone": ours.zone.key,
            },
            rank=URGENT,
            staff_id=staff_id,
        )
        for number, way in enumerate(ways)
    ]
    made = outbox.enqueue_all(conn, outs, at=at)
    return [Sent(id_, way) for id_, way in zip(made, ways, strict=True) if id_ is not None]
