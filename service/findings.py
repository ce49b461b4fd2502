"""What each turn of an event means for its ticket, and which of them are told.

The event is read as it stands now, not as it stood when the entry was written: a notifier that was away
does not tell of a flow that has long stopped as if it went on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from service import opening, tickets
from service.messages import Step, tell
from service.opening import Event, Opened
from service.priority import SEVERITY_RANK
from service.tickets import OPEN_STATES, Actor, Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
T = Queries("tickets")
GATHER = timedelta(minutes=5)
_SYSTEM = Actor(tickets.SYSTEM)
_OVER = frozenset({"cleared", "retracted", "suppressed", "normal"})
_WITHDRAWN = {
    "retracted": "late readings removed the finding",
    "suppressed": "an announced outage explains it",
    "normal": "that is normal",
}


@dataclass(frozen=True)
class Turn:
    """An entry of an event's history."""

    id: int
    event_id: int
    kind: str
    why: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """What the rules need beside the database: where posts go, and where the utility's day begins."""

    webhooks: Sequence[str] = ()
    zone: tzinfo = UTC


def take(conn: Connection, turn: Turn, desk: Desk, *, at: datetime) -> int | None:
    """Do what the turn asks for; return the ticket it concerns, if any. Taking it twice changes nothing."""
    event = opening.load_event(conn, turn.event_id)
    ticket_id = tickets.ticket_of_event(conn, turn.event_id)
    if ticket_id is None:
        return _begin(conn, turn, event, desk, at)
    if conn.execute(Q["entry_of_finding"], {"ticket_id": ticket_id, "event_entry_id": turn.id}).fetchone():
        return ticket_id
    params = {"ticket_id": ticket_id, "event_id": turn.event_id}
    told = {row[0] for row in conn.execute(Q["severities_told"], params)}
    tickets.note(conn, ticket_id, Entry(f"event_{turn.kind}", turn.why, _detail(turn, event)), at=at)
    if turn.kind in _WITHDRAWN:
        _withdrawn(conn, ticket_id, turn, event, desk, at)
    elif _is_normal(conn, event):
        return ticket_id  # what happens to it is no news any more
    elif turn.kind == "cleared":
        _cleared(conn, ticket_id, event, desk, at)
    elif turn.kind in ("opened", "reopened", "undone"):
        _back(conn, ticket_id, event, desk, at)
    elif turn.kind != "confirmed":
        _updated(conn, ticket_id, event, told, desk, at)
    return ticket_id


def _begin(conn: Connection, turn: Turn, event: Event, desk: Desk, at: datetime) -> int | None:
    """Open a ticket for an event that has none, unless there is nothing to do about it any more."""
    explained = event.suppressed_by is not None or event.retracted_at is not None
    if explained or turn.kind in _OVER or _is_normal(conn, event):
        return None
    opened = opening.open_from_event(conn, turn.event_id, at=at, event_entry_id=turn.id)
    if opened.how == "opened":
        _tell(conn, opened.ticket_id, event, desk, at, kind="opened", key="opened")
    elif opened.how == "joined":
        _joined(conn, opened, event, desk, at)
    return opened.ticket_id


def _joined(conn: Connection, opened: Opened, event: Event, desk: Desk, at: datetime) -> None:
    """Tell what joined a ticket in one message for all that do so within some minutes; at once if it matters.

    A customer with hundreds of meters would get as many messages else. The message lists what is on the
    ticket when it is sent.
    """
    waiting = {"ticket_id": opened.ticket_id, "at": at}
    if not opened.lifted and conn.execute(T["joined_told_soon"], waiting).fetchone() is not None:
        return
    step = Step(
        "joined",
        f"joined:{event.id}",
        event.id,
        event.priority.reasons,
        not_before=at if opened.lifted else at + GATHER,
    )
    tell(conn, opened.ticket_id, step, webhooks=desk.webhooks, at=at)


def _is_normal(conn: Connection, event: Event) -> bool:
    """Whether somebody has said so."""
    row = conn.execute(Q["standing_verdict"], {"event_id": event.id}).fetchone()
    return row is not None and row[1] == "normal"


def _cleared(conn: Connection, ticket_id: int, event: Event, desk: Desk, at: datetime) -> None:
    if event.cleared_at is None or _told_as_over(conn, ticket_id, event):
        return
    if tickets.lock(conn, ticket_id).state in OPEN_STATES:
        day = event.cleared_at.astimezone(desk.zone).date()
        _tell(conn, ticket_id, event, desk, at, kind="cleared", key=f"cleared:{event.id}:{day}")


def _back(conn: Connection, ticket_id: int, event: Event, desk: Desk, at: datetime) -> None:
    """Take up again what came back, or outlasted the outage that had explained it."""
    if event.cleared_at is not None:
        return  # over again already
    closed = tickets.lock(conn, ticket_id).state not in OPEN_STATES
    if closed:
        tickets.reopen(
            conn, ticket_id, actor=_SYSTEM, at=at, why="the event it was opened for is there again"
        )
    if closed or _told_as_over(conn, ticket_id, event):
        day = event.last_seen.astimezone(desk.zone).date()
        _tell(conn, ticket_id, event, desk, at, kind="reopened", key=f"reopened:{event.id}:{day}")


def _told_as_over(conn: Connection, ticket_id: int, event: Event) -> bool:
    """Whether the latest message about the event said that it has ended."""
    row = conn.execute(Q["told_as_over"], {"ticket_id": ticket_id, "event_id": event.id}).fetchone()
    return row is not None and bool(row[0])


def _withdrawn(conn: Connection, ticket_id: int, turn: Turn, event: Event, desk: Desk, at: datetime) -> None:
    """Close a ticket that has lost its last ground; a person's work on an explained one is left alone."""
    (live,) = conn.execute(Q["live_events"], {"ticket_id": ticket_id}).fetchall()[0]
    state = tickets.lock(conn, ticket_id).state
    retracted = turn.kind == "retracted"
    if live or state not in (OPEN_STATES if retracted else ("open", "reopened")):
        return
    why = turn.why or _WITHDRAWN[turn.kind]
    tickets.resolve(conn, ticket_id, actor=_SYSTEM, at=at, why=why)
    if retracted:
        _tell(conn, ticket_id, event, desk, at, kind="withdrawn", key=f"withdrawn:{event.id}", why=why)


def _updated(
    conn: Connection, ticket_id: int, event: Event, told: set[str], desk: Desk, at: datetime
) -> None:
    severity = event.severity
    worse = all(SEVERITY_RANK[severity] > SEVERITY_RANK[before] for before in told)
    if not worse or tickets.lock(conn, ticket_id).state not in OPEN_STATES or event.cleared_at is not None:
        return
    tickets.raise_priority(conn, ticket_id, event.priority, at=at)
    _tell(conn, ticket_id, event, desk, at, kind="worse", key=f"worse:{event.id}:{severity}")


def _tell(
    conn: Connection,
    ticket_id: int,
    event: Event,
    desk: Desk,
    at: datetime,
    *,
    kind: str,
    key: str,
    why: str = "",
) -> None:
    reasons = event.priority.reasons
    tell(conn, ticket_id, Step(kind, key, event.id, reasons, why), webhooks=desk.webhooks, at=at)


def _detail(turn: Turn, event: Event) -> dict[str, Any]:
    return {
        "event_id": turn.event_id,
        "event_entry_id": turn.id,
        "severity": event.severity,
        "magnitude": event.magnitude,
        "unit": event.unit,
        **({"change": turn.detail} if turn.detail else {}),
    }
