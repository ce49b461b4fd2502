"""GET /v1/tickets, and the steps that people take: acknowledge, respond, resolve."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.events.schemas import shaped as event_shaped
from api.fields import Id, instant
from api.page import NEWEST, Page
from api.rows import filtered, first, rows
from api.tickets.schemas import (
    DETAIL,
    EXAMPLE,
    Acknowledge,
    Resolve,
    Respond,
    Ticket,
    TicketDetail,
    TicketFilter,
    shaped,
)
from core.errors import NotFoundError
from service import surveys, tickets
from service.reach import masked
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])
Reader = Annotated[Caller, needs("tickets:read")]
Writer = Annotated[Caller, needs("tickets:write")]
TicketId = Annotated[Id, Path(alias="id")]
MOST = 500
STEP = answers(DETAIL, 404, 409, 413)


def _detail(conn: Connection, id_: int) -> TicketDetail:
    found = first(conn, "ticket", id=id_)
    if found is None:
        raise NotFoundError(f"There is no ticket {id_}.")
    return TicketDetail.model_validate(
        {
            **shaped(found),
            "entries": rows(conn, "ticket_entries", id=id_, limit=MOST),
            "events": [event_shaped(event) for event in rows(conn, "ticket_events", id=id_, limit=MOST)],
            "related": rows(conn, "ticket_related", id=id_, limit=MOST),
            "messages": [
                {**message, "recipient": masked(message["channel"], message["recipient"])}
                for message in rows(conn, "ticket_messages", id=id_, limit=MOST)
            ],
        }
    )


@router.get("", operation_id="listTickets", responses=answers(page_of(EXAMPLE, "/v1/tickets"), paged=True))
def list_tickets(
    caller: Reader, given: Annotated[TicketFilter, Query()], request: Request, response: Response
) -> Page[Ticket]:
    """List tickets, the latest opened first."""
    at, id_ = page.decode("tickets", tuple[datetime, int], given.cursor, NEWEST)
    with caller.transaction() as conn:
        since = None if given.since is None else instant(given.since, lambda: utility(conn).zone)
        found = filtered(
            conn,
            "tickets",
            at=at,
            id=id_,
            states=given.state,
            assignee=given.assignee,
            account_no=given.account_no,
            urgent=given.urgent,
            grp=given.group,
            since=since,
            limit=given.limit + 1,
        )
    items = [Ticket(**shaped(row)) for row in found]
    return page.build(request, response, "tickets", items, given.limit, lambda t: (t.opened_at, t.id))


@router.get("/{id}", operation_id="getTicket", responses=answers(DETAIL, 404))
def get_ticket(caller: Reader, id_: TicketId) -> TicketDetail:
    """Return one ticket with its history, events, related tickets and messages."""
    with caller.transaction() as conn:
        return _detail(conn, id_)


def _actor(caller: Caller) -> tickets.Actor:
    return tickets.Actor(caller.actor, caller.key.staff_id)


@router.post("/{id}/acknowledge", operation_id="acknowledgeTicket", responses=STEP)
def acknowledge(caller: Writer, id_: TicketId, said: Acknowledge | None = None) -> TicketDetail:
    """Take a ticket on; refused with 409 unless it is open or reopened."""
    with caller.transaction() as conn:
        why = said.why if said else ""
        tickets.acknowledge(conn, id_, actor=_actor(caller), at=caller.now(), why=why)
        return _detail(conn, id_)


@router.post("/{id}/respond", operation_id="respondToTicket", responses=STEP)
def respond(caller: Writer, id_: TicketId, said: Respond) -> TicketDetail:
    """Say what will be done first; this keeps the response deadline."""
    with caller.transaction() as conn:
        tickets.respond(conn, id_, actor=_actor(caller), at=caller.now(), why=said.why)
        return _detail(conn, id_)


@router.post("/{id}/resolve", operation_id="resolveTicket", responses=STEP)
def resolve(caller: Writer, id_: TicketId, said: Resolve) -> TicketDetail:
    """Say that it is done, what it was and what was done; this keeps the resolution deadline."""
    with caller.transaction() as conn:
        at = caller.now()
        tickets.resolve(conn, id_, actor=_actor(caller), at=at, why=said.why, cause=said.cause)
        surveys.on_resolved(conn, id_, at=at)
        return _detail(conn, id_)
