"""Put a message on its way, in the transaction of what it tells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    message: Mapping[str, Any]
    rank: int = NORMAL
    ticket_id: int | None = None
    event_id: int | None = None
    account_no: str | None = None
    staff_id: int | None = None
    not_before: datetime | None = None
    problem: str | None = None


_WHOLE = ("digest", "failures", "report")


def enqueue(conn: Connection, out: Outgoing, *, at: datetime) -> int | None:
    """Write the message; return its id, or None where its key was there already.

    What goes to a member of staff and isn't urgent keeps to that person's quiet hours, digest and storms.
    """
    timing = _timing(conn, out, at)
    params = {
        **vars(out),
        "message": Jsonb(dict(out.message)),
        "at": at,
        "not_before": max(timing.not_before, out.not_before or at),
        "held_for": timing.held_for,
        "about_dma": timing.dma_id,
    }
    row = conn.execute(Q["enqueue"], params).fetchone()
    if row is None:
        return None
    conn.execute(Q["wake_senders"])
    return int(row[0])


def _timing(conn: Connection, out: Outgoing, at: datetime) -> Timing:
    if out.staff_id is None or out.rank == URGENT or out.kind in _WHOLE or out.problem is not None:
        return Timing(at)
    return reach.timing(conn, out.staff_id, out.ticket_id, out.channel, at=at)
