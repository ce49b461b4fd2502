"""A ticket put off: it leaves one person's own list until a time, and comes back by itself.

Nothing else knows of it: no deadline moves, and everybody else sees the ticket as before. It comes back
before the time when its next deadline passes, when it becomes urgent, or when somebody else adds to its
history.
"""

from datetime import datetime, timedelta

from core.errors import BadDataError, ConflictError
from service import tickets
from service.tickets import OPEN_STATES, Act
from sql.pool import Connection
from sql.query import Queries

Q = Queries("tickets")
LONGEST = timedelta(days=92)


class CantWaitError(ConflictError):
    """The ticket is urgent or overdue."""


def snooze(conn: Connection, ticket_id: int, until: datetime, act: Act) -> None:
    """Put a ticket off for who acts; ConflictError where it can't wait, BadDataError for a wrong time."""
    if not act.at < until <= act.at + LONGEST:
        raise BadDataError(
            f"A ticket is put off by up to {LONGEST.days} days from now, not to {until:%Y-%m-%d %H:%M}."
        )
    ticket = tickets.lock(conn, ticket_id)
    if ticket.state not in OPEN_STATES:
        raise tickets.refusal(
            conn, ticket, f"Ticket {ticket_id} is {ticket.state}: there is nothing to put off."
        )
    ((next_due,),) = conn.execute(Q["next_due"], {"ticket_id": ticket_id}).fetchall()
    late = ticket.waiting_since is None and next_due <= act.at
    if ticket.urgent or late:
        why = "overdue" if late else "urgent"
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is {why}: it can't wait.", CantWaitError)
    given = {"ticket_id": ticket_id, "staff_id": act.actor.staff_id, "until": until, "actor": act.actor.name}
    conn.execute(Q["snooze"], given)


def wake(conn: Connection, ticket_id: int, act: Act) -> None:
    """Take a ticket that was put off back onto the list; does nothing where it wasn't."""
    tickets.lock(conn, ticket_id)
    conn.execute(Q["wake"], {"ticket_id": ticket_id, "staff_id": act.actor.staff_id})
