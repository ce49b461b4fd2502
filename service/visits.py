"""A visit's life: due, postponed, done with an outcome, called off, taken up again. Every change is an entry.

A visit that is due, or postponed, and whose day is past is overdue: that is seen from the day and not stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError, StaleError, changed
from core.words import for_readers
from service import agenda, profiles
from service.cases import Case, open_case
from service.findings import Desk
from service.priority import Level
from service.tickets import Actor
from service.utility import utility
from service.visit_plan import Works, half_days, next_worked, office_days
from sql.pool import Connection
from sql.query import Queries

Q = Queries("visits")
CLOSED = frozenset({"done", "cancelled"})
#: So long a visit that is done or called off may be taken up again.
UNDO = timedelta(days=1)
#: So far back a visit may have been held that is put on record now; so far ahead one may be put off.
LATE, FAR = timedelta(days=92), timedelta(days=400)

Form = Literal["on_site", "call", "letter"]
Step = Literal["finish", "postpone", "cancel", "reopen"]


@dataclass(frozen=True)
class Visit:
    """A visit as it stands, held for the rest of the transaction."""

    id: int
    account_no: str
    manager_id: int | None
    kind: str
    form: str
    state: str
    due_on: date
    version: int

    def allowed(self) -> list[Step]:
        """Return the steps that this state allows."""
        return allowed(self.state)


@dataclass(frozen=True)
class FollowUp:
    """What somebody has to see to after a visit: it becomes a ticket."""

    subject: str
    said: str = ""
    level: Level = "normal"


@dataclass(frozen=True)
class Outcome:
    """What came of a visit.

    `learned` are fields of the profile with their new values; `questions` stay open until the next visit;
    `held_on` is the day it took place, today where it isn't said.
    """

    discussed: str
    learned: Mapping[str, Any] = field(default_factory=dict)
    questions: Sequence[str] = ()
    follow_up: FollowUp | None = None
    next_on: date | None = None
    held_on: date | None = None


def allowed(state: str) -> list[Step]:
    """Return the steps that a state allows."""
    return ["reopen"] if state in CLOSED else ["finish", "postpone", "cancel"]


def wish(
    conn: Connection,
    account_no: str,
    every_months: int | None,
    form: Form | None,
    why: str,
    *,
    actor: Actor,
    at: datetime,
) -> None:
    """Say how often a customer is visited (0: never), and how; this wins over the rule. None: by rule."""
    given = {"account_no": account_no, "every_months": every_months, "form": form, "why": why}
    conn.execute(Q["set_wish"], given | {"actor": actor.name, "at": at})


def lock(conn: Connection, visit_id: int) -> Visit:
    """Return the visit and keep others from changing it until the transaction ends."""
    row = conn.execute(Q["lock_visit"], {"id": visit_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no visit {visit_id}.")
    return Visit(*row)


def arrange(
    conn: Connection, account_no: str, day: date, form: Form, why: str, *, actor: Actor, at: datetime
) -> int:
    """Arrange a visit beside the cadence; return its id. ConflictError where one of that day is open."""
    _ahead(conn, day, at)
    given = {"account_no": account_no, "due_on": day, "form": form, "period": day.isoformat(), "why": why}
    if conn.execute(Q["customer_there"], given).fetchone() is None:
        raise BadDataError(f"No customer {account_no}.", cure="GET /v1/search finds customers.")
    row = conn.execute(Q["insert_visit"], given).fetchone()
    if row is None:
        raise ConflictError(
            f"A visit to {account_no} has been arranged for {day} already.",
            cure="Change that one, or take another day.",
        )
    _enter(conn, int(row[0]), "arranged", None, "due", why, actor, at)
    return int(row[0])


def postpone(
    conn: Connection,
    visit_id: int,
    until: date,
    why: str,
    *,
    actor: Actor,
    at: datetime,
    version: int | None = None,
) -> Visit:
    """Put a visit off to another day."""
    visit = _may(conn, visit_id, "postpone", version)
    _ahead(conn, until, at)
    if until == visit.due_on:
        raise BadDataError(f"Visit {visit_id} is due on {until} as it is.", cure="Give another day.")
    conn.execute(Q["move_visit"], {"id": visit_id, "due_on": until, "state": "postponed", "why": why})
    detail = {"from": f"{visit.due_on}", "to": f"{until}"}
    _enter(conn, visit_id, "postpone", visit.state, "postponed", why, actor, at, detail)
    return lock(conn, visit_id)


def cancel(
    conn: Connection, visit_id: int, why: str, *, actor: Actor, at: datetime, version: int | None = None
) -> Visit:
    """Call a visit off; the next one comes with the next period."""
    visit = _may(conn, visit_id, "cancel", version)
    conn.execute(Q["cancel_visit"], {"id": visit_id, "why": why})
    _enter(conn, visit_id, "cancel", visit.state, "cancelled", why, actor, at)
    return lock(conn, visit_id)


def reopen(
    conn: Connection, visit_id: int, why: str, *, actor: Actor, at: datetime, version: int | None = None
) -> Visit:
    """Take up a visit that was done or called off within a day; what it changed elsewhere stays."""
    visit = _may(conn, visit_id, "reopen", version)
    ((by, closed_at, from_state),) = conn.execute(Q["closing_entry"], {"id": visit_id}).fetchall() or [
        ("", None, "due")
    ]
    if closed_at is None or at - closed_at > UNDO:
        since = f" since {closed_at:%Y-%m-%d %H:%M} UTC, by {by}" if closed_at else ""
        raise ConflictError(
            f"Visit {visit_id} is {visit.state}{since}: after a day it stays so.",
            cure="Arrange a new visit.",
        )
    conn.execute(Q["reopen_visit"], {"id": visit_id, "state": from_state})
    _enter(conn, visit_id, "reopen", visit.state, from_state, why, actor, at)
    return lock(conn, visit_id)


def finish(
    conn: Connection,
    visit_id: int,
    outcome: Outcome,
    *,
    actor: Actor,
    at: datetime,
    version: int | None = None,
    desk: Desk | None = None,
) -> Visit:
    """Put the outcome of a visit on record, and do what follows from it.

    The profile takes what was learned, a follow-up becomes a ticket, the next visit keeps its distance or
    comes on the day that was agreed; the agenda stays with the visit as it stood.
    """
    visit = _may(conn, visit_id, "finish", version)
    zone = utility(conn).zone
    today = at.astimezone(zone).date()
    held_on = outcome.held_on or today
    if not today - LATE <= held_on <= today:
        raise BadDataError(
            f"A visit can't be put on record for {held_on}.", cure="Give a day of the last three months."
        )
    kept = agenda.as_json(agenda.make(conn, visit_id, at=at))
    record: dict[str, Any] = {
        "discussed": outcome.discussed,
        "learned": dict(outcome.learned),
        "questions": list(outcome.questions),
    }
    if outcome.learned:
        why = f"learnt at visit {visit_id}"
        record["profile_version"] = profiles.change(
            conn, visit.account_no, outcome.learned, actor=actor.name, why=why, at=at
        )
    if outcome.follow_up:
        record["ticket_id"] = _follow_up(conn, visit, outcome.follow_up, actor, at, desk)
    if outcome.next_on:
        record["next_on"] = outcome.next_on.isoformat()
    done_at = at if held_on == today else datetime.combine(held_on, time(12), zone)
    conn.execute(
        Q["finish_visit"],
        {
            "id": visit_id,
            "done_at": done_at,
            "done_by": actor.name,
            "agenda": Jsonb(kept),
            "outcome": Jsonb(record),
        },
    )
    _enter(conn, visit_id, "finish", visit.state, "done", outcome.discussed, actor, at, record)
    if outcome.next_on:
        _agree(conn, visit, outcome.next_on, actor, at)
    else:
        _keep_apart(conn, visit, held_on, office_days(conn, zone), at)
    return lock(conn, visit_id)


def _follow_up(
    conn: Connection, visit: Visit, wanted: FollowUp, actor: Actor, at: datetime, desk: Desk | None
) -> int:
    case = Case(
        source="visit",
        topic="visit",
        subject=wanted.subject,
        said=wanted.said,
        account_no=visit.account_no,
        level=wanted.level,
    )
    return open_case(conn, case, actor=actor, at=at, desk=desk)


def _agree(conn: Connection, visit: Visit, day: date, actor: Actor, at: datetime) -> None:
    """Let the next visit be on the day that was agreed: the planned one moves, or a new one is arranged."""
    _ahead(conn, day, at)
    why = f"agreed at visit {visit.id}"
    coming = conn.execute(Q["coming_visit"], {"account_no": visit.account_no, "id": visit.id}).fetchone()
    if coming is None:
        arrange(conn, visit.account_no, day, "on_site", why, actor=actor, at=at)
    elif coming[1] != day:
        conn.execute(Q["move_visit"], {"id": coming[0], "due_on": day, "state": coming[2], "why": why})
        detail = {"from": f"{coming[1]}", "to": f"{day}"}
        _enter(conn, coming[0], "moved", coming[2], coming[2], why, actor, at, detail)


def _keep_apart(conn: Connection, visit: Visit, held_on: date, works: Works, at: datetime) -> None:
    """Move the next visit where this one, held late, has come within half a cadence of it."""
    coming = conn.execute(Q["coming_visit"], {"account_no": visit.account_no, "id": visit.id}).fetchone()
    if coming is None or visit.kind == "inspection":
        return
    id_, due_on, state, every_months = coming
    earliest = held_on + timedelta(days=half_days(every_months))
    if due_on >= earliest:
        return
    moved = next_worked(earliest, works)
    why = f"visit {visit.id} was held on {held_on}"
    conn.execute(Q["move_visit"], {"id": id_, "due_on": moved, "state": state, "why": why})
    detail = {"from": f"{due_on}", "to": f"{moved}"}
    _enter(conn, id_, "moved", state, state, why, Actor("system"), at, detail)


def _may(conn: Connection, visit_id: int, step: Step, version: int | None) -> Visit:
    visit = lock(conn, visit_id)
    if step in visit.allowed() and version in {None, visit.version}:
        return visit
    row = conn.execute(Q["last_visit_entry"], {"id": visit_id}).fetchone()
    who, at = row or ("", None)
    by = f" by {who} on {at:%Y-%m-%d %H:%M} UTC" if at else ""
    stale = step in visit.allowed()
    said = f"has been changed{by} meanwhile" if stale else f"is {visit.state}{by}"
    raise (StaleError if stale else ConflictError)(
        for_readers(f"Visit {visit_id} {said}: it is version {visit.version}."),
        cure=for_readers(f"Allowed now: {', '.join(visit.allowed())}."),
        more=changed(who, at, visit.version) if at else None,
    )


def _ahead(conn: Connection, day: date, at: datetime) -> None:
    today = at.astimezone(utility(conn).zone).date()
    if not today <= day <= today + FAR:
        raise BadDataError(
            f"A visit can't be planned for {day}.", cure=f"Give a day from {today} to {today + FAR}."
        )


def _enter(  # noqa: PLR0913, PLR0917 - the columns of an entry
    conn: Connection,
    visit_id: int,
    kind: str,
    from_state: str | None,
    to_state: str,
    why: str,
    actor: Actor,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    conn.execute(
        Q["enter_visit"],
        {
            "id": visit_id,
            "at": at,
            "actor": actor.name,
            "kind": kind,
            "from_state": from_state,
            "to_state": to_state,
            "why": why,
            "detail": Jsonb(dict(detail or {})),
        },
    )
