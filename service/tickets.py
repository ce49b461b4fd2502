"""A ticket's life: acknowledged, responded to, resolved, confirmed or reopened.

Every change is an entry (who, when, from, to, why); no entry is ever changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import ConflictError, NotFoundError
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


@dataclass(frozen=True)
class Actor:
    """Who acts: a name for the record and, where it is a member of staff, the id."""

    name: str
    staff_id: int | None = None


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

    def allowed(self) -> list[Step]:
        """Return the steps that this state allows."""
        return [step for step, (states, _) in STEPS.items() if self.state in states]


def acknowledge(conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "") -> Ticket:
    """Note that somebody looks after the ticket."""
    return _step(conn, ticket_id, "acknowledge", actor, at, why)


def respond(conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "") -> Ticket:
    """Note the first response: a preliminary solution, which `why` tells."""
    return _step(conn, ticket_id, "respond", actor, at, why)


def resolve(
    conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "", cause: str | None = None
) -> Ticket:
    """Note that the matter is settled; `cause` is what it turned out to be."""
    return _step(conn, ticket_id, "resolve", actor, at, why, staff_id=actor.staff_id, cause=cause)


def confirm(conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "") -> Ticket:
    """Note that the customer agrees that the matter is settled."""
    return _step(conn, ticket_id, "confirm", actor, at, why)


def reopen(conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "") -> Ticket:
    """Open the ticket again with new deadlines; who resolved it stays on record."""
    ticket = lock(conn, ticket_id)
    anew = sla.by_policy(conn, ticket.sla, at)
    return _step(
        conn,
        ticket_id,
        "reopen",
        actor,
        at,
        why,
        response_due=anew.response_due,
        resolution_due=anew.resolution_due,
    )


def lock(conn: Connection, ticket_id: int) -> Ticket:
    """Return the ticket and keep others from changing it until the transaction ends."""
    row = conn.execute(Q["lock_ticket"], {"ticket_id": ticket_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id}.")
    return Ticket(*row)


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
) -> None:
    """Append an entry to the ticket's history."""
    conn.execute(
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
    )


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
    """Return the id of the ticket that the event belongs to, if it has one."""
    row = conn.execute(Q["ticket_of_event"], {"event_id": event_id}).fetchone()
    return None if row is None else int(row[0])


def latest_events(conn: Connection, ticket_ids: Collection[int]) -> dict[int, int | None]:
    """Return the latest event of each ticket, None where it has none; one that stands comes first."""
    rows = conn.execute(Q["latest_events"], {"ticket_ids": list(ticket_ids)})
    return {row[0]: row[1] for row in rows}


def _step(
    conn: Connection, ticket_id: int, step: Step, actor: Actor, at: datetime, why: str, **columns: Any
) -> Ticket:
    ticket = lock(conn, ticket_id)
    allowed, to_state = STEPS[step]
    if ticket.state not in allowed:
        raise _refusal(conn, ticket, step)
    if ticket.waiting_since is not None and to_state not in OPEN_STATES:
        conn.execute(CLOCK["end_pause"], {"ticket_id": ticket_id, "at": at, "actor": actor.name})
    conn.execute(Q[f"set_{to_state}"], {"ticket_id": ticket_id, "at": at, **columns})
    detail = {name: value for name, value in columns.items() if name == "cause" and value}
    note(
        conn,
        ticket_id,
        Entry(step, why, detail),
        at=at,
        actor=actor.name,
        from_state=ticket.state,
        to_state=to_state,
    )
    return lock(conn, ticket_id)


def _refusal(conn: Connection, ticket: Ticket, step: Step) -> ConflictError:
    row = conn.execute(Q["last_change"], {"ticket_id": ticket.id}).fetchone()
    since = f" since {row[1]:%Y-%m-%d %H:%M} UTC, by {row[0]}" if row else ""
    allowed = ", ".join(ticket.allowed()) or "nothing"
    return ConflictError(
        f"Ticket {ticket.id} is {ticket.state}{since}: it can't be {STEPS[step][1]}.",
        cure=f"Allowed now: {allowed}.",
    )
