"""GET and POST /v1/tickets: the inbox, a ticket whole, and what somebody brings to the desk."""

import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, failures, page_of
from api.auth import Caller, needs
from api.fields import Id, instant
from api.page import NEWEST, Page
from api.problem import refused_value
from api.rows import filtered, first, found_by
from api.tickets.bodies import NewTicket
from api.tickets.detail import detail
from api.tickets.schemas import (
    DETAIL,
    LISTED,
    OPENED,
    UNFINISHED,
    ListedTicket,
    Opened,
    TicketDetail,
    TicketFilter,
    shaped,
)
from api.tickets.whose import customer, district
from core.errors import ForbiddenError, NotFoundError
from service import cases, tickets
from service.cases import Case
from service.utility import utility

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])
Reader = Annotated[Caller, needs("tickets:read")]
Writer = Annotated[Caller, needs("tickets:write")]
TicketId = Annotated[Id, Path(alias="id")]
FILE = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "JPEG data ..."}
}
# By order: the list's name, the form of a place in it, and where it begins.
LISTS: dict[str, tuple[str, type[tuple[Any, ...]], tuple[Any, ...]]] = {
    "newest": ("tickets", tuple[datetime, int], NEWEST),
    "time_left": ("inbox", tuple[int, datetime, int], (-1, "-infinity", 0)),
}


@router.get("", operation_id="listTickets", responses=answers(page_of(LISTED, "/v1/tickets"), paged=True))
def list_tickets(
    caller: Reader, given: Annotated[TicketFilter, Query()], request: Request, response: Response
) -> Page[ListedTicket]:
    """List tickets: the latest opened first, or as an inbox by the time that is left."""
    inbox = given.sort == "time_left"
    if inbox and set(given.state or ()) - set(UNFINISHED):
        raise refused_value("query", "state", f"Time is left to open ones only: {', '.join(UNFINISHED)}.")
    if given.whose in {"mine", "team"} and caller.key.staff_id is None:
        raise refused_value("query", "whose", "This key belongs to nobody: give `assignee`.")
    kind, form, start = LISTS[given.sort]
    *place, id_ = page.decode(kind, form, given.cursor, start)
    with caller.transaction() as conn:
        since, until = (w and instant(w, lambda: utility(conn).zone) for w in (given.since, given.until))
        found = filtered(
            conn,
            f"tickets.{kind}",
            queue=place[0],
            at=place[-1],
            id=id_,
            states=given.state,
            assignee=given.assignee,
            whose=given.whose,
            me=caller.key.staff_id,
            account_no=given.account_no,
            urgent=given.urgent,
            grp=given.group,
            topic=given.topic,
            source=given.source,
            dma=given.dma,
            segment=given.segment,
            overdue=given.overdue,
            snoozed=given.snoozed,
            waiting=given.waiting,
            since=since,
            until=until,
            detector=given.detector,
            found=found_by(conn, "tickets.tickets_by", given.detector),
            now=caller.now(),
            q=given.q,
            limit=given.limit + 1,
        )
    items = [ListedTicket(**shaped(row)) for row in found]
    queues = {row["id"]: row["queue"] for row in found}

    def key(ticket: ListedTicket) -> tuple[Any, ...]:
        return (queues[ticket.id], ticket.next_due, ticket.id) if inbox else (ticket.opened_at, ticket.id)

    return page.build(request, response, kind, items, given.limit, key)


@router.post("", operation_id="openTicket", responses=answers(OPENED, 409, 413))
def open_ticket(caller: Writer, given: NewTicket) -> Opened:
    """Take a complaint or question in, by whichever channel it came.

    It gets a ticket: routed, with deadlines, its assignee told. Where the customer has open tickets about the
    matter (a leak that the meter saw, an earlier complaint), these become one and take it in.
    """
    with caller.transaction() as conn:
        account_no = customer(conn, given)
        dma_id = district(conn, given)
        if account_no is None and not caller.key.sees_all:
            raise ForbiddenError(
                "This key sees own customers only: it can't open a ticket that is nobody's.",
                cure="Name the customer, or use a key that sees everybody.",
            )
        case = Case(
            given.source,
            given.topic,
            given.subject,
            given.text,
            account_no,
            dma_id,
            level="urgent" if given.urgent else "normal",
            reasons=(given.urgent,) if given.urgent else (),
            event_ids=given.events,
            reporter={name: value for name, value in given.reporter.model_dump().items() if value},
        )
        actor = tickets.Actor(caller.actor, caller.key.staff_id)
        made = cases.report(conn, case, actor=actor, at=caller.now())
        return Opened(how=made.how, ticket=detail(conn, made.ticket_id))


@router.get("/{id}", operation_id="getTicket", responses=answers(DETAIL, 404))
def get_ticket(caller: Reader, id_: TicketId) -> TicketDetail:
    """Return one ticket with its history, events, related tickets and messages."""
    with caller.transaction() as conn:
        return detail(conn, id_)


@router.get(
    "/{id}/attachments/{attachment_id}",
    operation_id="getTicketAttachment",
    response_class=Response,
    responses={**failures(401, 403, 404, 422, 500, 503), 200: {"description": "The file.", "content": FILE}},
)
def get_attachment(
    caller: Reader, id_: TicketId, attachment_id: Annotated[Id, Path(description="As its entry lists it.")]
) -> Response:
    """Return a file that came with a mail, to be saved: a browser neither shows nor runs it."""
    with caller.transaction() as conn:
        found = first(conn, "tickets.attachment", id=id_, attachment_id=attachment_id)
    if found is None:
        raise NotFoundError(f"Ticket {id_} has no attachment {attachment_id}.")
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", found["name"])
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(found['name'], safe='')}"
    headers = {
        "Content-Disposition": named,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
    }
    return Response(found["content"], media_type=found["media_type"], headers=headers)
