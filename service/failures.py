"""Messages that did not arrive: told to the duty desk, sent again or dismissed by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import ConflictError, NotFoundError
from service import outbox, reach, routing
from service.outbox import NORMAL, URGENT, Outgoing
from service.tickets import Actor
from sql.pool import Connection
from sql.query import Queries

Q = Queries("messages")
FAILED = ("dead", "bounced", "unknown")
LISTED = 100
REMINDED = timedelta(days=7)
SECRET = ("contact_code", "password")
"""Kinds of messages whose code or link is forgotten when it is sent: none of them is sent a second time."""
MOST = 10_000


@dataclass(frozen=True)
class Which:
    """Which of the failed messages: of these states, and of a channel, kind or time where one is given."""

    states: Sequence[str] = FAILED
    channel: str | None = None
    kind: str | None = None
    since: datetime | None = None


def tell_bounce(conn: Connection, outbox_id: int, staff_id: int, *, at: datetime) -> int:
    """Tell the duty desk at once that a colleague's address doesn't work; return in how many messages.

    Where the colleague is on the duty desk, by the ways that are not mail.
    """
    items = _items(conn, "failed_one", id=outbox_id)
    return _tell(conn, "bounced", f"bounced:{outbox_id}", items, len(items), at, bounced_id=staff_id)


def tell_daily(conn: Connection, *, at: datetime) -> int:
    """Tell the duty desk what did not arrive in a week and nobody has seen to; return how many that are."""
    since = at - REMINDED
    ((count,),) = conn.execute(Q["count_failed"], {"since": since}).fetchall()
    if count:
        items = _items(conn, "failed", since=since, most=LISTED)
        _tell(conn, "daily", f"failures:{at:%F}", items, int(count), at)
    return int(count)


def retry(conn: Connection, outbox_id: int, *, actor: Actor, why: str, at: datetime) -> None:
    """Send a message again, to the address that is on record now; ConflictError unless it failed."""
    if not _retried(conn, actor, why, at, ids=[outbox_id], which=Which()):
        raise _not_failed(conn, outbox_id, "sent again")


def retry_all(conn: Connection, which: Which, *, actor: Actor, why: str, at: datetime) -> int:
    """Send again what failed, up to `MOST` at a time, oldest first; return how many that are."""
    return _retried(conn, actor, why, at, ids=None, which=which)


def dismiss(conn: Connection, outbox_id: int, *, actor: Actor, why: str, at: datetime) -> None:
    """Say that a message that failed needs no more doing; ConflictError unless it failed."""
    params = {"id": outbox_id, "actor": actor.name, "why": why, "at": at}
    if conn.execute(Q["dismiss"], params).fetchone() is None:
        raise _not_failed(conn, outbox_id, "dismissed")


def _retried(
    conn: Connection, actor: Actor, why: str, at: datetime, *, ids: list[int] | None, which: Which
) -> int:
    params: dict[str, object] = {"ids": ids, "actor": actor.name, "why": why, "at": at, "most": MOST}
    params["secret"] = list(SECRET)
    params |= {
        "states": list(which.states),
        "channel": which.channel,
        "kind": which.kind,
        "since": which.since,
    }
    count = len(conn.execute(Q["retry"], params).fetchall())
    if count:
        conn.execute(Q["wake"])
    return count


def _not_failed(conn: Connection, outbox_id: int, done: str) -> Exception:
    row = conn.execute(Q["state"], {"id": outbox_id, "secret": list(SECRET)}).fetchone()
    if row is None:
        return NotFoundError(f"There is no message {outbox_id}.")
    state, secret = row
    if state in FAILED and secret:
        return ConflictError(
            f"Message {outbox_id} held a code or link that is kept nowhere.", cure="Have a new one made."
        )
    if state in FAILED:
        return ConflictError(
            f"Message {outbox_id} has nobody to go to.", cure="Give its addressee an address, then try again."
        )
    return ConflictError(
        f"Message {outbox_id} is {state}.", cure=f"Only what is {', '.join(FAILED)} can be {done}."
    )


_Item = dict[str, object]


def _items(conn: Connection, query: str, **params: object) -> list[_Item]:
    names = ("id", "kind", "channel", "recipient", "state", "error", "name")
    found = [dict(zip(names, row, strict=True)) for row in conn.execute(Q[query], params)]
    for item in found:
        item["recipient"] = reach.masked(str(item["channel"]), str(item["recipient"]))
    return found


def _tell(
    conn: Connection,
    step: str,
    key: str,
    items: list[_Item],
    count: int,
    at: datetime,
    bounced_id: int | None = None,
) -> int:
    told = 0
    for person in routing.duty_desk(conn, at):
        for way in reach.of_staff(conn, person.id, urgent=step == "bounced", at=at):
            if way.channel == "webhook" or (person.id == bounced_id and way.channel == "email"):
                continue
            out = Outgoing(
                kind="failures",
                step=step,
                channel=way.channel,
                recipient=way.recipient,
                language=way.language,
                key=f"{key}:{way.channel}:{way.recipient}",
                message={"items": items, "count": count, "who": items[0]["name"] if items else ""},
                rank=URGENT if step == "bounced" else NORMAL,
                staff_id=person.id,
            )
            told += outbox.enqueue(conn, out, at=at) is not None
    return told
