"""A ticket's life: acknowledged, responded to, resolved, confirmed or reopened.

Every change is an entry (who, when, from, to, why); no entry is ever changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError, StaleError, changed
from core.words import for_readers
from service import sla
from service.priority import RANK, Priority
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
CLOCK = Queries("deadlines")
SYSTEM = "system"
OPEN_STATES = frozenset({"open", "acknowledged", "responded", "reopened"})

Step = Literal["acknowledge", "respond", "resolve", "confirm", "reopen"]
STEPS: dict[Step, tuple[frozenset[str], str]] = {
    "acknowledge": (frozenset({"open", "reopened"}), "acknowledged"),
    "respond": (frozenset({"open", "acknowledged", "reopened"}), "responded"),
    "resolve": (OPEN_STATES, "resolved"),
    "confirm": (frozenset({"resolved"}), "confirmed"),
    "reopen": (frozenset({"resolved", "confirmed"}), "reopened"),
}


def allowed(state: str, waiting_since: datetime | None) -> list[str]:
    """Return the steps that a state allows, beside notes and relations, which every state does."""
    steps: list[str] = [step for step, (states, _) in STEPS.items() if state in states]
    if state in OPEN_STATES:
        steps += ["resume" if waiting_since else "pause", "priority", "merge"]
    if state == "merged":
        steps.append("unmerge")
    if state in {"acknowledged", "responded", "resolved", "confirmed"}:
        steps.append("undo")
    return steps


@dataclass(frozen=True)
class Actor:
    """Who acts: a name for the record and, where it is a member of staff, the id."""

    name: str
    staff_id: int | None = None


@dataclass(frozen=True)
class Act:
    """Who does something, when and why; `version` is the one of the ticket that they saw, if they say so."""

    actor: Actor
    at: datetime
    why: str = ""
    version: int | None = None


@dataclass(frozen=True)
class Entry:
    """What is noted on a ticket beside its changes of state."""

    kind: str
    why: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ticket:
    """A ticket as it stands, held for the rest of the transaction."""

    id: int
    state: str
    priority: str
    urgent: bool
    sla: str
    account_no: str | None
    assignee_id: int | None
    response_due: datetime
    resolution_due: datetime
    version: int
    topic: str
    waiting_since: datetime | None
    opened_at: datetime
    merged_into: int | None

    def allowed(self) -> list[str]:
        """Return the steps that are allowed now."""
        return allowed(self.state, self.waiting_since)


def acknowledge(
    conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "", version: int | None = None
) -> Ticket:
    """Note that somebody looks after the ticket."""
    return _step(conn, ticket_id, "acknowledge", Act(actor, at, why, version))


def respond(
    conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "", version: int | None = None
) -> Ticket:
    """Note the first response: a preliminary solution, which `why` tells."""
    return _step(conn, ticket_id, "respond", Act(actor, at, why, version))


def resolve(
    conn: Connection,
    ticket_id: int,
    *,
    actor: Actor,
    at: datetime,
    why: str = "",
    cause: str | None = None,
    cause_code: str | None = None,
    version: int | None = None,
) -> Ticket:
    """Note that the matter is settled; the cause is what it turned out to be, as a code, in words or both."""
    if cause_code is not None and conn.execute(Q["usable_cause"], {"code": cause_code}).fetchone() is None:
        raise BadDataError(f"No cause has the code {cause_code!r}.", cure="GET /v1/causes lists them.")
    done = {"staff_id": actor.staff_id, "cause": cause, "cause_code": cause_code}
    return _step(conn, ticket_id, "resolve", Act(actor, at, why, version), **done)


def confirm(
    conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "", version: int | None = None
) -> Ticket:
    """Note that the customer agrees that the matter is settled."""
    return _step(conn, ticket_id, "confirm", Act(actor, at, why, version))


def reopen(
    conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "", version: int | None = None
) -> Ticket:
    """Open the ticket again with new deadlines; who resolved it stays on record."""
    ticket = held(conn, ticket_id, version)
    anew = sla.by_policy(conn, ticket.sla, at)
    due = {"response_due": anew.response_due, "resolution_due": anew.resolution_due}
    return _step(conn, ticket_id, "reopen", Act(actor, at, why, version), **due)


def lock(conn: Connection, ticket_id: int) -> Ticket:
    """Return the ticket and keep others from changing it until the transaction ends."""
    row = conn.execute(Q["lock_ticket"], {"ticket_id": ticket_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id}.")
    return Ticket(*row)


def held(conn: Connection, ticket_id: int, version: int | None) -> Ticket:
    """Lock the ticket for somebody who saw `version` of it; ConflictError if it has changed since."""
    ticket = lock(conn, ticket_id)
    if version is not None and version != ticket.version:
        seen = f"(version {version}, now {ticket.version})"
        said = f"Ticket {ticket_id} has changed since you looked at it {seen}."
        raise refusal(conn, ticket, said, StaleError)
    return ticket


def lock_all(conn: Connection, ticket_ids: Collection[int]) -> dict[int, Ticket]:
    """Lock many tickets, in the order of their ids, and return them by id."""
    rows = conn.execute(Q["lock_tickets"], {"ticket_ids": sorted(set(ticket_ids))})
    found = {ticket.id: ticket for ticket in (Ticket(*row) for row in rows)}
    if missing := set(ticket_ids) - found.keys():
        raise NotFoundError(f"There is no ticket {min(missing)}.")
    return found


def note(
    conn: Connection,
    ticket_id: int,
    entry: Entry,
    *,
    at: datetime,
    actor: str = SYSTEM,
    from_state: str | None = None,
    to_state: str | None = None,
) -> int:
    """Append an entry to the ticket's history and return its id."""
    row = conn.execute(
        Q["insert_entry"],
        {
            "ticket_id": ticket_id,
            "at": at,
            "actor": actor,
            "kind": entry.kind,
            "from_state": from_state,
            "to_state": to_state,
            "why": entry.why,
            "detail": Jsonb(dict(entry.detail)),
        },
    ).fetchall()[0]
    return int(row[0])


def raise_priority(conn: Connection, ticket_id: int, priority: Priority, *, at: datetime) -> bool:
    """Lift a ticket that has become more pressing; deadlines only ever come nearer by this.

    One that waits for the customer gets the time of its new priority from when its clock goes on.
    """
    ticket = lock(conn, ticket_id)
    if ticket.state not in OPEN_STATES or RANK[priority.level] <= RANK[ticket.priority]:
        return False
    start = ticket.waiting_since or at  # where its clock stands
    new = sla.by_priority(conn, priority, start, account_no=ticket.account_no, topic=ticket.topic)
    conn.execute(
        Q["set_priority"],
        {
            "ticket_id": ticket_id,
            "priority": priority.level,
            "urgent": priority.urgent,
            "sla": new.sla,
            "response_due": new.response_due,
            "resolution_due": new.resolution_due,
        },
    )
    detail = {"from": ticket.priority, "to": priority.level, "reasons": list(priority.reasons)}
    note(conn, ticket_id, Entry("priority", ", ".join(priority.reasons), detail), at=at)
    return True


def ticket_of_event(conn: Connection, event_id: int) -> int | None:
    """Return the id of the ticket that the event is worked on under, if it has one: after a merger, that."""
    row = conn.execute(Q["ticket_of_event"], {"event_id": event_id}).fetchone()
    return None if row is None else int(row[0])


def latest_events(conn: Connection, ticket_ids: Collection[int]) -> dict[int, int | None]:
    """Return the latest event of each ticket, None where it has none; one that stands comes first."""
    rows = conn.execute(Q["latest_events"], {"ticket_ids": list(ticket_ids)})
    return {row[0]: row[1] for row in rows}


def refusal(
    conn: Connection, ticket: Ticket, said: str, kind: type[ConflictError] = ConflictError
) -> ConflictError:
    """Return the conflict that tells who changed the ticket last, what that was, and what is allowed now.

    `said` is a sentence.
    """
    row = conn.execute(Q["last_change"], {"ticket_id": ticket.id}).fetchone()
    steps = ticket.allowed()
    more: dict[str, Any] = {"allowed": steps}
    if row is not None:
        by, at, what, why = row
        said += " " + for_readers(f"Last change: {what} by {by} at {at:%Y-%m-%d %H:%M} UTC.")
        more |= changed(by, at, ticket.version, what, why)
    return kind(said, cure=for_readers(f"Allowed now: {', '.join(steps)}."), more=more)


def _step(conn: Connection, ticket_id: int, step: Step, act: Act, **columns: Any) -> Ticket:
    ticket = held(conn, ticket_id, act.version)
    states, to_state = STEPS[step]
    if ticket.state not in states:
        raise refusal(conn, ticket, f"Ticket {ticket.id} is {ticket.state}: it can't be {to_state}.")
    if ticket.waiting_since is not None and to_state not in OPEN_STATES:
        conn.execute(CLOCK["end_pause"], {"ticket_id": ticket_id, "at": act.at, "actor": act.actor.name})
    conn.execute(Q[f"set_{to_state}"], {"ticket_id": ticket_id, "at": act.at, **columns})
    detail = {name: columns[name] for name in ("cause", "cause_code") if columns.get(name)}
    note(
        conn,
        ticket_id,
        Entry(step, act.why, detail),
        at=act.at,
        actor=act.actor.name,
        from_state=ticket.state,
        to_state=to_state,
    )
    return lock(conn, ticket_id)
