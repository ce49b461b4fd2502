"""What a person does with a ticket beside its steps: a remark, another priority, a step taken back."""

from datetime import datetime

from core.errors import BadDataError
from service import deadlines, sla, tickets
from service.priority import RANK, Level, Priority
from service.tickets import OPEN_STATES, Act, Actor, Entry, Ticket
from sql.pool import Connection
from sql.query import Queries

Q = Queries("tickets")
UNDONE = ("acknowledge", "respond", "resolve", "confirm")


def remark(conn: Connection, ticket_id: int, act: Act) -> Ticket:
    """Put a remark on record."""
    ticket = tickets.lock(conn, ticket_id)
    tickets.note(conn, ticket_id, Entry("note", act.why), at=act.at, actor=act.actor.name)
    return ticket


def set_priority(conn: Connection, ticket_id: int, level: Level, act: Act) -> Ticket:
    """Set another priority, for a reason that is said.

    A higher one brings the deadlines nearer, counted from now; a lower one puts them off to those that a
    ticket of that level would have had, unless they are later already.
    """
    ticket = tickets.held(conn, ticket_id, act.version)
    if ticket.state not in OPEN_STATES:
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is {ticket.state}: its priority is settled.")
    if level == ticket.priority:
        raise BadDataError(f"Ticket {ticket_id} has the priority {level} already.")
    raised = RANK[level] > RANK[ticket.priority]
    priority = Priority(level, ("person",))
    start = act.at if raised else ticket.opened_at
    new = sla.by_priority(conn, priority, start, account_no=ticket.account_no, topic=ticket.topic)
    given = {
        "ticket_id": ticket_id,
        "priority": level,
        "urgent": priority.urgent,
        "sla": new.sla,
        "response_due": new.response_due,
        "resolution_due": new.resolution_due,
    }
    conn.execute(tickets.Q["set_priority"] if raised else Q["lower_priority"], given)
    detail = {"from": ticket.priority, "to": level}
    tickets.note(conn, ticket_id, Entry("priority", act.why, detail), at=act.at, actor=act.actor.name)
    return tickets.lock(conn, ticket_id)


def pause(conn: Connection, ticket_id: int, act: Act) -> Ticket:
    """Stop the clock while the ticket waits for the customer."""
    ticket = tickets.held(conn, ticket_id, act.version)
    if "pause" not in ticket.allowed():
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is {_how(ticket)}: it can't be paused.")
    return deadlines.pause(conn, ticket_id, actor=act.actor, why=act.why, at=act.at)


def resume(conn: Connection, ticket_id: int, act: Act) -> Ticket:
    """Let the clock go on."""
    ticket = tickets.held(conn, ticket_id, act.version)
    if "resume" not in ticket.allowed():
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is {_how(ticket)}: it doesn't wait.")
    return deadlines.resume(conn, ticket_id, actor=act.actor, at=act.at, why=act.why)


def heard(conn: Connection, ticket_id: int, actor: Actor, at: datetime) -> None:
    """Let the clock of a ticket go on if it waits for the customer, who has spoken."""
    if tickets.lock(conn, ticket_id).waiting_since is not None:
        deadlines.resume(conn, ticket_id, actor=actor, at=at, why="the customer answered")


def _how(ticket: Ticket) -> str:
    return "waiting for the customer" if ticket.waiting_since else ticket.state


def undo(conn: Connection, ticket_id: int, act: Act) -> Ticket:
    """Take back the step that led to the present state: to acknowledge, respond, resolve or confirm.

    The state is what it was before, and the deadlines are as they stand: a step taken back is no reopening.
    """
    ticket = tickets.held(conn, ticket_id, act.version)
    given = {"ticket_id": ticket_id, "state": ticket.state, "kinds": list(UNDONE)}
    row = conn.execute(Q["state_before"], given).fetchone()
    if row is None:
        raise tickets.refusal(
            conn, ticket, f"Ticket {ticket_id} is {ticket.state}: there is no step to be taken back."
        )
    before = row[0]
    conn.execute(Q["set_undone"], {"ticket_id": ticket_id, "state": before})
    tickets.note(
        conn,
        ticket_id,
        Entry("undo", act.why),
        at=act.at,
        actor=act.actor.name,
        from_state=ticket.state,
        to_state=before,
    )
    return tickets.lock(conn, ticket_id)
