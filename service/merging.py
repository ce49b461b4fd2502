"""Several tickets about one matter: one is merged into another, or they are related."""

from core.errors import BadDataError, ConflictError, NotFoundError
from service import deadlines, tickets
from service.findings import Desk
from service.messages import Step, tell
from service.priority import RANK
from service.tickets import OPEN_STATES, Act, Entry, Ticket
from sql.pool import Connection
from sql.query import Queries

Q = Queries("tickets")


def merge(
    conn: Connection,
    ticket_id: int,
    into_id: int,
    act: Act,
    *,
    across_customers: bool = False,
    desk: Desk | None = None,
) -> Ticket:
    """Merge a duplicate into the ticket that goes on, and return the latter.

    The duplicate keeps its events, history and words; what comes later about it, replies included, goes to
    the survivor, which takes the nearer deadlines and the higher priority. Both assignees are told.
    ConflictError where a state forbids it, BadDataError for two customers unless `across_customers`.
    """
    if ticket_id == into_id:
        raise BadDataError(f"Ticket {ticket_id} can't be merged into itself.")
    first, second = (_lock(conn, id_, act, ticket_id) for id_ in sorted((ticket_id, into_id)))
    ticket, into = (first, second) if first.id == ticket_id else (second, first)
    for each in (ticket, into):
        if each.state not in OPEN_STATES:
            where = f" into {each.merged_into}" if each.merged_into else ""
            said = f"Ticket {each.id} is {each.state}{where}: only open tickets are merged."
            raise tickets.refusal(conn, each, said)
    if ticket.account_no not in (None, into.account_no) and not across_customers:
        raise BadDataError(
            f"Ticket {ticket_id} is of customer {ticket.account_no}, ticket {into_id} of"
            f" {into.account_no or 'no customer'}.",
            cure="Set across_customers if that is meant, or relate them.",
        )
    if ticket.waiting_since is not None:
        deadlines.resume(conn, ticket_id, actor=act.actor, at=act.at, why=f"merged into ticket {into_id}")
        ticket = tickets.lock(conn, ticket_id)
    conn.execute(Q["set_merged"], {"ticket_id": ticket_id, "into_id": into_id})
    higher = max(ticket, into, key=lambda t: RANK[t.priority])
    taken = {"priority": higher.priority, "urgent": higher.urgent, "sla": higher.sla}
    due = {"response_due": ticket.response_due, "resolution_due": ticket.resolution_due}
    conn.execute(tickets.Q["set_priority"], {"ticket_id": into_id, **taken, **due})
    _note(conn, ticket, act, Entry("merge", act.why, {"into": into_id}), "merged")
    change = {"from": into.priority, "to": higher.priority} if higher is not into else {}
    _note(conn, into, act, Entry("merged_in", act.why, {"ticket": ticket_id, **change}))
    _tell(conn, ticket_id, into_id, act, desk)
    return tickets.lock(conn, into_id)


def unmerge(conn: Connection, ticket_id: int, act: Act) -> Ticket:
    """Take a merger back: the ticket goes on by itself in the state it had; ConflictError if not merged."""
    ticket = tickets.held(conn, ticket_id, act.version)
    if ticket.state != "merged" or ticket.merged_into is None:
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is not merged.")
    given = {"ticket_id": ticket_id, "state": "merged", "kinds": ["merge"]}
    ((state,),) = conn.execute(Q["state_before"], given).fetchall()
    conn.execute(Q["set_unmerged"], {"ticket_id": ticket_id, "state": state})
    _note(conn, ticket, act, Entry("unmerge", act.why, {"from": ticket.merged_into}), state)
    into = tickets.lock(conn, ticket.merged_into)
    _note(conn, into, act, Entry("unmerged", act.why, {"ticket": ticket_id}))
    return tickets.lock(conn, ticket_id)


def relate(conn: Connection, ticket_id: int, related_id: int, act: Act) -> None:
    """Say that two tickets belong together and why, on both; ConflictError if that is said already."""
    if ticket_id == related_id:
        raise BadDataError(f"Ticket {ticket_id} can't be related to itself.")
    pair = _pair(conn, ticket_id, related_id)
    given = {"ticket_id": ticket_id, "related_id": related_id, "why": act.why}
    if not conn.execute(tickets.Q["relate_tickets"], given).rowcount:
        raise ConflictError(f"Tickets {ticket_id} and {related_id} are related already.")
    for ticket, other in (pair, pair[::-1]):
        _note(conn, ticket, act, Entry("related", act.why, {"ticket": other.id}))


def unrelate(conn: Connection, ticket_id: int, related_id: int, act: Act) -> None:
    """Say that they don't belong together after all; NotFoundError where they aren't related."""
    pair = _pair(conn, ticket_id, related_id)
    given = {"ticket_id": ticket_id, "related_id": related_id}
    if not conn.execute(Q["unrelate_tickets"], given).rowcount:
        raise NotFoundError(f"Tickets {ticket_id} and {related_id} are not related.")
    for ticket, other in (pair, pair[::-1]):
        _note(conn, ticket, act, Entry("unrelated", act.why, {"ticket": other.id}))


def _pair(conn: Connection, ticket_id: int, related_id: int) -> tuple[Ticket, Ticket]:
    """Lock both, the lower id first, so that two who do it at once don't block each other."""
    held = {id_: tickets.lock(conn, id_) for id_ in sorted((ticket_id, related_id))}
    return held[ticket_id], held[related_id]


def _lock(conn: Connection, ticket_id: int, act: Act, seen_id: int) -> Ticket:
    return tickets.held(conn, ticket_id, act.version if ticket_id == seen_id else None)


def _note(conn: Connection, ticket: Ticket, act: Act, entry: Entry, to_state: str | None = None) -> None:
    from_state = ticket.state if to_state else None
    tickets.note(
        conn, ticket.id, entry, at=act.at, actor=act.actor.name, from_state=from_state, to_state=to_state
    )


def _tell(conn: Connection, ticket_id: int, into_id: int, act: Act, desk: Desk | None) -> None:
    """Tell both assignees, but not who did it, and nobody twice."""
    knows = {act.actor.staff_id}
    for id_, step in ((into_id, f"merged_in:{ticket_id}"), (ticket_id, f"merged:{into_id}")):
        assignee = tickets.lock(conn, id_).assignee_id
        if assignee is None or assignee not in knows:
            kind = step.partition(":")[0]
            key = f"{step}:{act.at.timestamp():.0f}"
            tell(conn, id_, Step(kind, key, why=act.why), webhooks=desk.webhooks if desk else (), at=act.at)
            knows.add(assignee)
