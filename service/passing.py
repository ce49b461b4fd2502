"""What one way has refused for good goes by the person's next one, e-mail last.

Never where it may have arrived: an attempt without an answer, or another way by which the same was sent.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from service import reach
from service.outbox import URGENT
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outbox")
log = structlog.get_logger(__name__)
_FAILED = frozenset({"dead", "bounced", "dismissed"})


@dataclass(frozen=True)
class _Dead:
    """A dead message; `key` is what makes it one of its kind, of a digest that of what it lists."""

    id: int
    channel: str
    recipient: str
    key: str
    item_key: str
    rank: int
    ticket_id: int | None
    account_no: str | None
    staff_id: int | None
    doubtful: bool

    def stem(self, key: str) -> str:
        """Return a key without the way, which most end with."""
        return key.removesuffix(f":{self.channel}:{self.recipient}")


def pass_on(conn: Connection, outbox_id: int, *, at: datetime) -> int | None:
    """Send a dead message by the addressee's next way; return the new one's id, None where there is none.

    Its log says what was done, or why nothing was. Of several ways that die at once the last one to come
    here passes on: the lock lets it see the others.
    """
    row = conn.execute(Q["dead_message"], {"id": outbox_id}).fetchone()
    if row is None:
        return None
    dead = _Dead(*row)
    ways = _ways(conn, dead)
    stem = dead.stem(dead.item_key)
    keys = [f"{stem}:{channel}:{address}" for channel, address in ways]
    conn.execute(Q["lock_passing"], {"stem": stem})
    found = {key: (state, doubtful) for key, state, doubtful in conn.execute(Q["by_keys"], {"keys": keys})}
    if any(state not in _FAILED for state, _ in found.values()):
        return None
    if dead.doubtful or any(doubtful for _, doubtful in found.values()):
        _note(conn, outbox_id, False, "not passed on: an attempt without an answer may have arrived", at)
        return None
    left = [way for way, key in zip(ways, keys, strict=True) if key not in found]
    left = [way for way in left if way != (dead.channel, dead.recipient)]
    return _send(conn, dead, *left[0], at) if left else None


def _ways(conn: Connection, dead: _Dead) -> list[tuple[str, str]]:
    if dead.staff_id is None:
        rows = conn.execute(Q["email_of_customer"], {"account_no": dead.account_no})
        return [("email", row[0]) for row in rows]
    return reach.in_turn(conn, dead.staff_id, urgent=dead.rank == URGENT)


def _send(conn: Connection, dead: _Dead, channel: str, recipient: str, at: datetime) -> int | None:
    due = at
    if channel != "email" and dead.staff_id is not None and dead.rank != URGENT:
        (timing,) = reach.timings(conn, [(dead.staff_id, dead.ticket_id, channel)], at=at)
        due = timing.not_before
    key = f"{dead.stem(dead.key)}:{channel}:{recipient}"
    way = {"id": dead.id, "channel": channel, "recipient": recipient, "key": key, "at": at, "due": due}
    row = conn.execute(Q["pass_on"], way).fetchone()
    if row is None:
        return None
    conn.execute(Q["wake_senders"])
    shown = reach.masked(channel, recipient)
    _note(conn, dead.id, True, f"passed on by {channel} to {shown} as message {row[0]}", at)
    log.info("passed on", outbox=dead.id, channel=dead.channel, by=channel, to=row[0])
    return int(row[0])


def _note(conn: Connection, outbox_id: int, ok: bool, words: str, at: datetime) -> None:
    conn.execute(Q["note_passing"], {"id": outbox_id, "ok": ok, "words": words, "at": at})
