"""Gather what was held for a digest, or in a storm, into one message each."""

from datetime import datetime

from sql.pool import Connection
from sql.query import Queries

Q = Queries("outbox")
MOST = 5_000


def gather(conn: Connection, *, at: datetime) -> int:
    """Put the held messages that are due on their way; return how many messages that makes.

    Of several to one recipient there is one that lists them, and they are `bundled` in it; a single one goes
    out as it is. Any number of notifiers may do this at once: what one has locked the others leave alone.
    """
    ((made,),) = conn.execute(Q["gather"], {"at": at, "most": MOST}).fetchall()
    if made:
        conn.execute(Q["wake_senders"])
    return int(made)
