"""GET /v1/visits, the steps of a visit, and how often somebody is visited."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, Name
from api.page import Page
from api.problem import refused_value
from api.rows import filtered, first, rows
from api.visits.schemas import (
    CADENCE,
    DETAIL,
    EXAMPLE,
    FORMS,
    OPEN,
    Arrange,
    Cadence,
    Close,
    Finish,
    Postpone,
    SetCadence,
    Visit,
    VisitDetail,
    VisitFilter,
    VisitForms,
)
from core.errors import NotFoundError
from service import agenda, visit_form, visits
from service.tickets import Actor
from service.utility import utility
from service.visits import FollowUp, Outcome
from sql.pool import Connection

router = APIRouter(prefix="/v1/visits", tags=["visits"])
Reader = Annotated[Caller, needs("visits:read")]
Writer = Annotated[Caller, needs("visits:write")]
VisitId = Annotated[Id, Path(alias="id")]
Account = Annotated[Name, Path()]
MOST = 500
STEP = answers(DETAIL, 404, 409, 413)


def _today(conn: Connection, caller: Caller) -> date:
    return caller.now().astimezone(utility(conn).zone).date()


def _detail(conn: Connection, caller: Caller, id_: int) -> VisitDetail:
    found = first(conn, "visits.visit_detail", id=id_, today=_today(conn, caller))
    if found is None:
        raise NotFoundError(f"There is no visit {id_}.")
    if found["state"] in OPEN:
        found["agenda"] = agenda.as_json(agenda.make(conn, id_, at=caller.now()))
    allowed = visits.allowed(found["state"])
    entries = rows(conn, "visits.visit_entries", id=id_, limit=MOST)
    return VisitDetail.model_validate({**found, "entries": entries, "allowed": allowed})


def _actor(caller: Caller) -> Actor:
    return Actor(caller.actor, caller.key.staff_id)


@router.get("", operation_id="listVisits", responses=answers(page_of(EXAMPLE, "/v1/visits"), paged=True))
def list_visits(
    caller: Reader, given: Annotated[VisitFilter, Query()], request: Request, response: Response
) -> Page[Visit]:
    """List visits by the day they are due."""
    if given.mine and caller.key.login is None:
        raise refused_value("query", "mine", "This key belongs to nobody: give `manager`.")
    day, id_ = page.decode("visits", tuple[date, int], given.cursor, (date.min, 0))
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "visits.visits",
            day=day,
            id=id_,
            today=_today(conn, caller),
            states=given.state,
            only_open=bool(given.state) and OPEN.issuperset(given.state or ()),
            manager=caller.key.login if given.mine else given.manager,
            account_no=given.account_no,
            kind=given.kind,
            form=given.form,
            segment=given.segment,
            dma=given.dma,
            since=given.since,
            until=given.until,
            limit=given.limit + 1,
        )
    items = [Visit(**row) for row in found]
    return page.build(request, response, "visits", items, given.limit, lambda v: (v.due_on, v.id))


@router.post("", operation_id="arrangeVisit", responses=answers(DETAIL, 409, 413))
def arrange(caller: Writer, said: Arrange) -> VisitDetail:
    """Arrange a visit beside the cadence."""
    with caller.transaction() as conn:
        id_ = visits.arrange(
            conn, said.account_no, said.due_on, said.form, said.why, actor=_actor(caller), at=caller.now()
        )
        return _detail(conn, caller, id_)


@router.get("/forms", operation_id="listVisitForms", responses=answers(FORMS))
def list_forms(caller: Reader) -> VisitForms:
    """Return what the outcome of a visit asks, by how it is made, in Chinese and English."""
    return VisitForms.model_validate({"items": [asdict(form) for form in visit_form.forms()]})


@router.get("/cadences/{account_no:path}", operation_id="getVisitCadence", responses=answers(CADENCE, 404))
def get_cadence(caller: Reader, account_no: Account) -> Cadence:
    """Return how often a customer is visited, and who decided that."""
    with caller.transaction() as conn:
        return _cadence(conn, caller, account_no)


@router.put(
    "/cadences/{account_no:path}", operation_id="setVisitCadence", responses=answers(CADENCE, 404, 409, 413)
)
def set_cadence(caller: Writer, account_no: Account, said: SetCadence) -> Cadence:
    """Say how often a customer is visited, and how; this wins over the rule."""
    with caller.transaction() as conn:
        _cadence(conn, caller, account_no)
        visits.wish(
            conn,
            account_no,
            said.every_months,
            said.form,
            said.why,
            actor=_actor(caller),
            at=caller.now(),
        )
        return _cadence(conn, caller, account_no)


def _cadence(conn: Connection, caller: Caller, account_no: str) -> Cadence:
    found = first(
        conn,
        "visits.cadence",
        account_no=account_no,
        timezone=utility(conn).zone.key,
        today=_today(conn, caller),
    )
    if found is None:
        raise NotFoundError(f"No customer {account_no}.")
    return Cadence(**found)


@router.get("/{id}", operation_id="getVisit", responses=answers(DETAIL, 404))
def get_visit(caller: Reader, id_: VisitId) -> VisitDetail:
    """Return one visit with its agenda, in Chinese and English, its outcome and its history."""
    with caller.transaction() as conn:
        return _detail(conn, caller, id_)


@router.post("/{id}/postpone", operation_id="postponeVisit", responses=STEP)
def postpone(caller: Writer, id_: VisitId, said: Postpone) -> VisitDetail:
    """Put a visit off to another day."""
    with caller.transaction() as conn:
        visits.postpone(
            conn, id_, said.until, said.why, actor=_actor(caller), at=caller.now(), version=said.version
        )
        return _detail(conn, caller, id_)


@router.post("/{id}/finish", operation_id="finishVisit", responses=STEP)
def finish(caller: Writer, id_: VisitId, said: Finish) -> VisitDetail:
    """Put the outcome on record: the profile, a ticket and the next visit follow from it."""
    asked = said.follow_up
    outcome = Outcome(
        discussed=said.discussed,
        learned=said.learned,
        questions=said.open_questions,
        follow_up=FollowUp(asked.subject, asked.said, asked.priority) if asked else None,
        next_on=said.next_on,
        held_on=said.held_on,
    )
    with caller.transaction() as conn:
        visits.finish(conn, id_, outcome, actor=_actor(caller), at=caller.now(), version=said.version)
        return _detail(conn, caller, id_)


@router.post("/{id}/cancel", operation_id="cancelVisit", responses=STEP)
def cancel(caller: Writer, id_: VisitId, said: Close) -> VisitDetail:
    """Call a visit off; the next comes with the next period."""
    with caller.transaction() as conn:
        visits.cancel(conn, id_, said.why, actor=_actor(caller), at=caller.now(), version=said.version)
        return _detail(conn, caller, id_)


@router.post("/{id}/reopen", operation_id="reopenVisit", responses=STEP)
def reopen(caller: Writer, id_: VisitId, said: Close) -> VisitDetail:
    """Take up a visit that was done or called off within a day; what it changed elsewhere stays."""
    with caller.transaction() as conn:
        visits.reopen(conn, id_, said.why, actor=_actor(caller), at=caller.now(), version=said.version)
        return _detail(conn, caller, id_)
