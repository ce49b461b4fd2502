"""Put a message on its way, in the transaction of what it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from service import reach
from service.reach import Timing
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outbox")
URGENT, NORMAL, BULK = 0, 1, 2
NOBODY = "nobody"


@dataclass(frozen=True)
class Outgoing:
    """A message to one recipient by one channel.

    `kind` names the templates that say it, `message` the facts as JSON, `key` what makes it one of its kind:
    written twice, it is sent once. A `problem` stands against sending: it is kept where it is seen.
    """

    kind: str
    step: str
    channel: str
    recipient: str
    language: str
    key: str
    message: Mapping[str, Any] | msgspec.Struct
    rank: int = NORMAL
    ticket_id: int | None = None
    event_id: int | None = None
    account_no: str | None = None
    staff_id: int | None = None
    not_before: datetime | None = None
    problem: str | None = None
    webhook_id: int | None = None


_AT_ONCE = 5000
_WHOLE = ("digest", "failures", "report")


def enqueue(conn: Connection, out: Outgoing, *, at: datetime) -> int | None:
    """Write the message; return its id, or None where its key was there already.

    What goes to a member of staff and isn't urgent keeps to that person's quiet hours, digest and storms.
    """
    return enqueue_all(conn, [out], at=at)[0]


def enqueue_all(conn: Connection, outs: Sequence[Outgoing], *, at: datetime) -> list[int | None]:
    """Write many messages in one go; return for each what `enqueue` does."""
    made: dict[str, int] = {}
    for first in range(0, len(outs), _AT_ONCE):
        some = outs[first : first + _AT_ONCE]
        rows = [
            {
                **vars(out),
                "not_before": max(timing.not_before, out.not_before or at),
                "held_for": timing.held_for,
                "about_dma": timing.dma_id,
            }
            for out, timing in zip(some, _timings(conn, some, at), strict=True)
        ]
        made |= dict(
            conn.execute(Q["enqueue"], {"rows": Jsonb(rows, msgspec.json.encode), "at": at}).fetchall()
        )
    if made:
        conn.execute(Q["wake_senders"])
    return [made.pop(out.key, None) for out in outs]


def _timings(conn: Connection, outs: Sequence[Outgoing], at: datetime) -> list[Timing]:
    asked = [
        (number, (out.staff_id, out.ticket_id, out.channel))
        for number, out in enumerate(outs)
        if out.staff_id is not None
        and out.rank != URGENT
        and out.kind not in _WHOLE
        and out.channel != "webhook"
        and out.problem is None
    ]
    timings = [Timing(at)] * len(outs)
    for (number, _), timing in zip(asked, reach.timings(conn, [ask for _, ask in asked], at=at), strict=True):
        timings[number] = timing
    return timings
