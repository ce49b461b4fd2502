"""What changed, in one numbered log: tickets, events, outages, and what failed.

The numbers are given out by one writer at a time, who follows the histories by snapshot (sql/feed.py): who
has read up to n has missed nothing below n, whatever committed late. docs/decisions/0043 says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import psycopg

from sql import feed
from sql.pool import Connection
from sql.query import Queries

Q = Queries("changes")
CONSUMER = "changes"
ORDERED = "headwater_ordered"
"""Notified when the log has grown."""
MADE = "headwater_change"
"""Notified when a history has grown, and the log is to follow."""
KEPT = timedelta(days=14)
SPAN = 1_000
"""So many numbers are read at once."""

Topic = Literal["events", "tickets", "outages", "messages", "jobs"]
TOPICS: tuple[Topic, ...] = ("events", "tickets", "outages", "messages", "jobs")
NOUNS: dict[str, str] = {
    "events": "event",
    "tickets": "ticket",
    "outages": "outage",
    "messages": "message",
    "jobs": "job",
}


@dataclass(frozen=True)
class Change:
    """One line of the log with the entry it stands for, and the noun as it is now."""

    seq: int
    topic: Topic
    kind: str
    at: datetime
    actor: str | None
    why: str
    from_state: str | None
    to_state: str | None
    detail: dict[str, Any]
    subject: dict[str, Any]

    @property
    def type(self) -> str:
        """What happened to what: `ticket.acknowledge`."""
        return f"{NOUNS[self.topic]}.{self.kind}"

    def document(self) -> dict[str, Any]:
        """Return it as readers get it, ready for JSON."""
        return {
            "sequence": self.seq,
            "type": self.type,
            "at": self.at.isoformat(),
            "actor": self.actor,
            "why": self.why,
            "from_state": self.from_state,
            "to_state": self.to_state,
            "detail": self.detail,
            NOUNS[self.topic]: self.subject,
        }


@dataclass(frozen=True)
class Range:
    """The first and the last number that the log holds; both 0 where it is empty."""

    oldest: int
    newest: int

    def reaches(self, after: int) -> bool:
        """Whether everything after this number is still there; 0 asks for whatever there is."""
        return after == 0 or self.oldest <= after <= self.newest


def order(conn: Connection) -> int:
    """Number what is new in the histories; return how many lines the log has grown by.

    A transaction of its own, on a connection in autocommit. Any number of processes may: one at a time does
    it. The asker must see everything.
    """
    try:
        with conn.transaction():
            conn.execute("set transaction isolation level repeatable read")
            conn.execute(Q["sees_all"])
            seen = feed.lock(conn, CONSUMER)
            if seen is None:
                return 0
            now = feed.snapshot(conn)
            ((new, ordered),) = conn.execute(Q["order_new"], {"seen": seen}).fetchall()
            if new:
                feed.advance(conn, CONSUMER, now)
                conn.execute(Q["tell"])
            return int(ordered)
    except psycopg.errors.SerializationFailure:
        return 0  # another has just done it


def extent(conn: Connection) -> Range:
    """Return how far the log reaches, for everybody alike."""
    ((oldest, newest),) = conn.execute(Q["range"]).fetchall()
    return Range(oldest, newest)


def read(conn: Connection, after: int, upto: int, topics: Sequence[str] = TOPICS) -> list[Change]:
    """Return the changes after one number up to another that the asker may see, in order."""
    params = {"after": after, "upto": upto, "topics": list(topics)}
    return [Change(*row) for row in conn.execute(Q["changes"], params)]


def visible(conn: Connection, after: int, upto: int) -> frozenset[int]:
    """Return which of these numbers the asker may see."""
    return frozenset(row[0] for row in conn.execute(Q["seqs"], {"after": after, "upto": upto}))
