"""A ticket's clock: it runs towards two deadlines, and stands still while it waits for the customer."""

from dataclasses import dataclass
from datetime import datetime

from core.errors import ConflictError, NotFoundError
from service import calendars, sla, tickets
from service.sla import Deadlines, by_policy, by_priority
from service.tickets import OPEN_STATES, Actor, Entry, Ticket
from sql.pool import Connection
from sql.query import Queries

__all__ = ["Deadlines", "by_policy", "by_priority", "pause", "resume"]
Q = Queries("deadlines")


@dataclass(frozen=True)
class _Clock:
    state: str
    sla: str
    waiting_since: datetime | None
    unanswered: bool
    response_due: datetime
    resolution_due: datetime


def pause(conn: Connection, ticket_id: int, *, actor: Actor, why: str, at: datetime) -> Ticket:
    """Stop the clock, as the ticket waits for the customer; `why` says for what.

    Raises ConflictError for a ticket that is closed or waits already.
    """
    clock = _lock(conn, ticket_id)
    if clock.state not in OPEN_STATES:
        raise ConflictError(
            f"Ticket {ticket_id} is {clock.state}: it waits for nobody.", cure="Reopen it first."
        )
    if clock.waiting_since is not None:
        raise ConflictError(
            f"Ticket {ticket_id} has been waiting since {clock.waiting_since:%Y-%m-%d %H:%M} UTC.",
            cure="Let it go on first.",
        )
    conn.execute(Q["stop_clock"], {"ticket_id": ticket_id, "at": at})
    conn.execute(Q["begin_pause"], {"ticket_id": ticket_id, "at": at, "actor": actor.name, "why": why})
    tickets.note(conn, ticket_id, Entry("paused", why), at=at, actor=actor.name)
    return tickets.lock(conn, ticket_id)


def resume(conn: Connection, ticket_id: int, *, actor: Actor, at: datetime, why: str = "") -> Ticket:
    """Let the clock go on: what was left of working time before a deadline is left of it now.

    A deadline that is met, or had passed before the pause, stays. Raises ConflictError for a ticket that
    doesn't wait.
    """
    clock = _lock(conn, ticket_id)
    since = clock.waiting_since
    if since is None:
        raise ConflictError(
            f"Ticket {ticket_id} doesn't wait for the customer.", cure="There is nothing to do."
        )
    at = max(at, since)  # a clock that was put back gives no time away
    calendar = calendars.load(conn, sla.policy(conn, clock.sla).calendar)

    def moved(due: datetime) -> datetime:
        return due if due <= since else calendar.due(at, calendar.worked(since, due))

    response_due = moved(clock.response_due) if clock.unanswered else clock.response_due
    resolution_due = moved(clock.resolution_due)
    params = {"ticket_id": ticket_id, "response_due": response_due, "resolution_due": resolution_due}
    conn.execute(Q["start_clock"], params)
    conn.execute(Q["end_pause"], {"ticket_id": ticket_id, "at": at, "actor": actor.name})
    detail = {
        "waited_s": round((at - since).total_seconds()),
        "response_due": response_due.isoformat(),
        "resolution_due": resolution_due.isoformat(),
    }
    tickets.note(conn, ticket_id, Entry("resumed", why, detail), at=at, actor=actor.name)
    return tickets.lock(conn, ticket_id)


def _lock(conn: Connection, ticket_id: int) -> _Clock:
    row = conn.execute(Q["clock_of_ticket"], {"ticket_id": ticket_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id}.")
    return _Clock(*row)
