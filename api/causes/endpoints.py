"""/v1/causes, /v1/known-problems and /v1/recurring-causes: the desk's memory."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.causes.schemas import (
    CAUSE,
    KNOWN,
    RECURRING,
    Cause,
    CauseChange,
    CauseFilter,
    Causes,
    CauseWords,
    Code,
    KnownProblem,
    NewCause,
    NewHelp,
    NewProblem,
    ProblemChange,
    ProblemFilter,
    Recurring,
    RecurringCauses,
    RecurringFilter,
)
from api.fields import Id, instant
from api.meters.formats import TABLE, csv_response, rows_csv, wanted
from api.page import Page
from api.rows import filtered, first, rows
from core.errors import NotFoundError
from service import causes
from service.tickets import Actor
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1", tags=["causes"])
Reader = Annotated[Caller, needs("tickets:read")]
Writer = Annotated[Caller, needs("policies:write")]
CauseCode = Annotated[Code, Path(alias="code")]
ProblemId = Annotated[Id, Path(alias="id")]
Accept = Annotated[str | None, Header(include_in_schema=False)]
MOST = 1000


def _cause(conn: Connection, code: str) -> Cause:
    found = first(conn, "causes.cause", code=code)
    if found is None:
        raise NotFoundError(f"There is no cause {code}.")
    return Cause(**found)


def _problem(conn: Connection, id_: int) -> KnownProblem:
    found = first(conn, "causes.problem", id=id_)
    if found is None:
        raise NotFoundError(f"There is no known problem {id_}.")
    return KnownProblem(**found)


def _made_cause(code: str, given: CauseWords) -> causes.Cause:
    return causes.Cause(code, given.zh, given.en, given.topics, given.groups, given.active)


def _made_problem(given: NewProblem) -> causes.Problem:
    return causes.Problem(
        _guide(given.zh),
        _guide(given.en),
        given.topics,
        given.groups,
        given.detectors,
        given.sectors,
        given.cause_code,
        given.active,
    )


def _guide(given: NewHelp) -> causes.Guide:
    return causes.Guide(given.title, given.symptoms, given.steps)


def _actor(caller: Caller) -> Actor:
    return Actor(caller.actor, caller.key.staff_id)


@router.get("/causes", operation_id="listCauses", responses=answers({"items": [CAUSE]}))
def list_causes(caller: Reader, given: Annotated[CauseFilter, Query()]) -> Causes:
    """List the causes that a resolution may name."""
    with caller.transaction() as conn:
        found = rows(conn, "causes.causes", active=given.active, topic=given.topic, grp=given.group)
    return Causes(items=[Cause(**row) for row in found[:MOST]])


@router.post("/causes", operation_id="addCause", responses=answers(CAUSE, 409, 413))
def add_cause(caller: Writer, given: NewCause) -> Cause:
    """Add a cause; 409 where its code is taken."""
    with caller.transaction() as conn:
        causes.add_cause(conn, _made_cause(given.code, given), actor=_actor(caller), at=caller.now())
        return _cause(conn, given.code)


@router.put("/causes/{code}", operation_id="changeCause", responses=answers(CAUSE, 404, 409, 413))
def change_cause(caller: Writer, code: CauseCode, given: CauseChange) -> Cause:
    """Change a cause's words, or take it out of use and back."""
    with caller.transaction() as conn:
        made = _made_cause(code, given)
        causes.change_cause(conn, made, actor=_actor(caller), at=caller.now(), version=given.version)
        return _cause(conn, code)


@router.get(
    "/known-problems",
    operation_id="listKnownProblems",
    responses=answers(page_of(KNOWN, "/v1/known-problems"), paged=True),
)
def list_problems(
    caller: Reader, given: Annotated[ProblemFilter, Query()], request: Request, response: Response
) -> Page[KnownProblem]:
    """List what is known to go wrong, and how it is put right."""
    (id_,) = page.decode("known-problems", tuple[int], given.cursor, (0,))
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "causes.problems",
            id=id_,
            active=given.active,
            topic=given.topic,
            grp=given.group,
            detector=given.detector,
            limit=given.limit + 1,
        )
    items = [KnownProblem(**row) for row in found]
    return page.build(request, response, "known-problems", items, given.limit, lambda p: (p.id,))


@router.post("/known-problems", operation_id="addKnownProblem", responses=answers(KNOWN, 409, 413))
def add_problem(caller: Writer, given: NewProblem) -> KnownProblem:
    """Add a known problem, in both languages."""
    with caller.transaction() as conn:
        made = _made_problem(given)
        return _problem(conn, causes.add_problem(conn, made, actor=_actor(caller), at=caller.now()))


@router.put(
    "/known-problems/{id}", operation_id="changeKnownProblem", responses=answers(KNOWN, 404, 409, 413)
)
def change_problem(caller: Writer, id_: ProblemId, given: ProblemChange) -> KnownProblem:
    """Change a known problem, or take it out of use and back."""
    with caller.transaction() as conn:
        made = _made_problem(given)
        causes.change_problem(conn, id_, made, actor=_actor(caller), at=caller.now(), version=given.version)
        return _problem(conn, id_)


_REPORT = answers(RECURRING, 406)
_REPORT[200]["content"]["text/csv"] = {
    "schema": {"type": "string"},
    "example": ",".join(Recurring.model_fields) + "\r\n",
}


@router.get(
    "/recurring-causes", operation_id="listRecurringCauses", response_model=RecurringCauses, responses=_REPORT
)
def list_recurring(
    caller: Reader, given: Annotated[RecurringFilter, Query()], accept: Accept = None
) -> RecurringCauses | Response:
    """Report causes that come back: by customer, district or meter, the most often first; JSON or CSV."""
    form = wanted(given.format, accept, TABLE)
    with caller.transaction() as conn:
        until = caller.now() if given.until is None else instant(given.until, lambda: utility(conn).zone)
        since = until - timedelta(days=given.days)
        found = causes.recurring(
            conn, given.by, since, until, cause=given.cause, least=given.least, limit=given.limit
        )
    if form == "csv":
        return csv_response("recurring-causes", rows_csv(tuple(Recurring.model_fields), map(vars, found)))
    return RecurringCauses(since=since, until=until, items=[Recurring(**vars(row)) for row in found])
