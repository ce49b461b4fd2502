"""What a customer does through the app, by the rules of the desk: reports, judges, corrects."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.answers import answers
from api.auth import Caller
from api.fields import Id
from api.me import endpoints
from api.me.endpoints import Customer, account
from api.me.schemas import (
    ME,
    REPORTED,
    SENT,
    TICKET,
    Code,
    CodeSent,
    Judged,
    Me,
    NewContact,
    OwnTicket,
    Report,
    Reported,
)
from api.rows import first
from core.errors import ConflictError, NotFoundError, TooManyError
from core.settings import Settings
from service import cases, contact_claims, surveys
from service.cases import Case
from service.findings import Desk
from service.surveys import CUSTOMER, Answer
from sql.pool import Connection

router = APIRouter(prefix="/v1/me", tags=["me"])
REPORTS, PERIOD = 20, timedelta(days=1)
"""So many reports of one customer in so long."""


def _desk(request: Request) -> Desk:
    settings: Settings = request.app.state.settings
    return Desk(webhooks=[settings.webhook_url] if settings.webhook_url else [])


def _ticket(conn: Connection, caller: Caller, id_: int) -> OwnTicket:
    """Return a ticket as the customer sees it; NotFoundError where it is none of theirs."""
    caller.narrow(conn)
    values = {"at": "infinity", "id": 0, "limit": 1, "only": id_, "now": caller.now()}
    found = first(conn, "me.own_tickets", account_no=account(caller), **values)
    if found is None:
        raise NotFoundError(f"You have no ticket {id_}.")
    return OwnTicket(**found)


@router.post("/tickets", operation_id="reportFault", responses=answers(REPORTED, 409, 413))
def report_fault(caller: Customer, given: Report, request: Request) -> Reported:
    """Report a fault or ask something: a ticket, or a part of the one that is about the matter already."""
    account_no = account(caller)
    reporter = {"phone": given.phone} if given.phone else {}
    case = Case(given.source, given.topic, given.subject, given.text, account_no, reporter=reporter)
    with caller.transaction() as conn:
        caller.widen(conn)
        lately = {"account_no": account_no, "since": caller.now() - PERIOD}
        if (first(conn, "me.reported_lately", **lately) or {"count": 0})["count"] >= REPORTS:
            raise TooManyError(f"{REPORTS} reports came within a day.", wait=timedelta(hours=1))
        made = cases.report(conn, case, actor=CUSTOMER, at=caller.now(), desk=_desk(request))
        return Reported.model_validate({"how": made.how, "ticket": _ticket(conn, caller, made.ticket_id)})


@router.post("/tickets/{id}/survey", operation_id="answerSurvey", responses=answers(TICKET, 404, 409, 413))
def answer_survey(
    caller: Customer, id_: Annotated[Id, Path(alias="id")], given: Judged, request: Request
) -> OwnTicket:
    """Say whether the matter is settled, where that was asked; 409 where it wasn't, or was answered."""
    answer = Answer(given.satisfied, given.score, given.remark)
    with caller.transaction() as conn:
        _ticket(conn, caller, id_)
        asked = first(conn, "me.open_survey", ticket_id=id_, account_no=account(caller))
        if asked is None:
            raise ConflictError(f"Nothing was asked about ticket {id_}.", cure="Report it, if it goes on.")
        caller.widen(conn)
        link = surveys.token(conn, id_, asked["round"], asked["expires_at"])
        found = surveys.answer(conn, link, answer, at=caller.now(), desk=_desk(request))
        if found.state != "asked":
            raise ConflictError(
                f"No answer about ticket {id_} is awaited: {found.state}.", cure="Report it, if it goes on."
            )
        return _ticket(conn, caller, id_)


@router.post("/contacts", operation_id="correctContact", responses=answers(SENT, 409, 413))
def correct_contact(caller: Customer, given: NewContact) -> CodeSent:
    """Ask for another phone number or e-mail address: a code is sent there, the record waits for it."""
    with caller.transaction() as conn:
        caller.widen(conn)
        made = contact_claims.make(conn, account(caller), given.field, given.value, at=caller.now())
    return CodeSent.model_validate(vars(made))


@router.post("/contacts/{id}/confirm", operation_id="confirmContact", responses=answers(ME, 404, 409, 413))
def confirm_contact(caller: Customer, id_: Annotated[Id, Path(alias="id")], given: Code) -> Me:
    """Give the code back that was sent: the new address is on record from now on; five tries."""
    account_no, now = account(caller), caller.now()
    apart = caller.apart()
    with apart.transaction() as conn:  # a wrong try counts, though the deed fails
        tried = contact_claims.attempt(conn, account_no, id_, at=now)
    with caller.transaction() as conn:
        caller.widen(conn)
        contact_claims.confirm(conn, account_no, id_, given.code, tried, actor=caller.actor, at=now)
    return endpoints.get_me(caller)
