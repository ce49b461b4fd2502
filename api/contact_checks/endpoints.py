"""GET /v1/contact-checks, and what came of one: confirmed, corrected or dismissed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from psycopg.rows import dict_row

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.contact_checks.schemas import EXAMPLE, Check, CheckFilter, Confirm, Correct, Dismiss
from api.fields import Id
from api.page import NEWEST, Page
from service import contact_checks
from sql.pool import Connection
from sql.query import Queries

router = APIRouter(prefix="/v1/contact-checks", tags=["customers"])
Q = Queries("profiles")
Reader = Annotated[Caller, needs("customers:read")]
Writer = Annotated[Caller, needs("customers:write")]
CheckId = Annotated[Id, Path(alias="id")]
SETTLED = answers({**EXAMPLE, "state": "confirmed"}, 404, 409, 413)


@router.get(
    "",
    operation_id="listContactChecks",
    responses=answers(page_of(EXAMPLE, "/v1/contact-checks"), paged=True),
)
def list_checks(
    caller: Reader, given: Annotated[CheckFilter, Query()], request: Request, response: Response
) -> Page[Check]:
    """List doubts about contact data, the latest first: the open ones unless asked otherwise."""
    at, id_ = page.decode("contact_checks", tuple[datetime, int], given.cursor, NEWEST)
    wanted = given.model_dump(include={"state", "kind", "account_no", "manager"})
    with caller.transaction() as conn:
        found = _rows(conn, "contact_checks", **wanted, at=at, id=id_, limit=given.limit + 1)
    items = [Check(**row) for row in found]
    return page.build(request, response, "contact_checks", items, given.limit, lambda c: (c.opened_at, c.id))


@router.post("/{id}/confirm", operation_id="confirmContacts", responses=SETTLED)
def confirm(caller: Writer, id_: CheckId, said: Confirm | None = None) -> Check:
    """Say that the data on record hold; they count as confirmed today."""
    with caller.transaction() as conn:
        why = said.why if said else ""
        contact_checks.settle(conn, id_, "confirmed", actor=caller.actor, why=why, at=caller.now())
        return _one(conn, id_)


@router.post("/{id}/correct", operation_id="correctContacts", responses=SETTLED)
def correct(caller: Writer, id_: CheckId, said: Correct) -> Check:
    """Say what they are: a new version of the profile; 409 if somebody was quicker than `version`."""
    changes = said.model_dump(include=said.model_fields_set - {"why", "version"})
    with caller.transaction() as conn:
        contact_checks.correct(
            conn, id_, changes, actor=caller.actor, why=said.why, at=caller.now(), version=said.version
        )
        return _one(conn, id_)


@router.post("/{id}/dismiss", operation_id="dismissContactCheck", responses=SETTLED)
def dismiss(caller: Writer, id_: CheckId, said: Dismiss) -> Check:
    """Say that there is nothing to verify."""
    with caller.transaction() as conn:
        contact_checks.settle(conn, id_, "dismissed", actor=caller.actor, why=said.why, at=caller.now())
        return _one(conn, id_)


def _one(conn: Connection, id_: int) -> Check:
    (row,) = _rows(conn, "contact_check", id=id_)
    return Check(**row)


def _rows(conn: Connection, name: str, **values: Any) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(Q[name], values, prepare=False).fetchall()
