"""PATCH /v1/customers/{account_no}, the history of a profile, and the way back."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ConfigDict, Field

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.customers.examples import PROFILE
from api.customers.profile import LAST, changes, number_now, profile
from api.customers.schemas import Change, Profile
from api.fields import Name, Text
from api.page import Filter, Page
from api.tickets.schemas import Body, Said
from core.errors import BadDataError, ForbiddenError
from service import profiles
from sql.pool import Connection
from sql.query import Queries

router = APIRouter(prefix="/v1/customers", tags=["customers"])
Q = Queries("profiles")
Reader = Annotated[Caller, needs("customers:read")]
Writer = Annotated[Caller, needs("customers:write")]
Account = Annotated[Name, Path()]
Seen = Annotated[
    int | None, Field(ge=1, le=LAST, description="The version you saw; 409 if another has come since.")
]
Line = Annotated[Text, Field(max_length=profiles.LONGEST)]


class ChangeCustomer(Body):
    """What is to be otherwise; what is left out stays, null empties."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"phone": "+86 27 5550 0148", "why": "She called: a new number.", "version": 3}]
        }
    )

    why: Said = Field(description="Where you know it from; stands in the history.")
    version: Seen = None
    name: Line | None = None
    sector: Literal["residential", "industrial", "commercial", "institutional"] | None = None
    segment: Literal["large", "special", "vulnerable", "general"] | None = Field(
        None, description="Then a person's word, which no rule changes."
    )
    language: Literal["zh", "en"] | None = None
    address: Line | None = None
    phone: Line | None = None
    email: Line | None = None
    channel: Line | None = None
    manager: Line | None = Field(None, description="Login of the account manager.")
    tariff_price_m3: float | None = Field(None, ge=0)
    shifts: Line | None = None
    dwellings: int | None = Field(None, ge=1, le=LAST)
    household_size: int | None = Field(None, ge=0, le=LAST)
    lives_alone: bool | None = None


class Undo(Body):
    """Why a change is taken back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "It was the neighbour's."}]})

    why: Said
    version: Seen = None


EXAMPLE: dict[str, Any] = {
    "version": 3,
    "at": "2026-11-02T03:12:44Z",
    "actor": "li.wei",
    "why": "She called: a new number.",
    "fields": [{"field": "phone", "before": "+86 27 5550 0146", "after": "+86 27 5550 0147"}],
}
ONE = answers(PROFILE, 404, 409, 413)


@router.get(
    "/{account_no:path}/changes",
    operation_id="listCustomerChanges",
    responses=answers(page_of(EXAMPLE, "/v1/customers/10023417/changes"), 404, paged=True),
)
def list_changes(
    caller: Reader,
    account_no: Account,
    given: Annotated[Filter, Query()],
    request: Request,
    response: Response,
) -> Page[Change]:
    """List how a profile became what it is, the latest first; of a merged record by its old number."""
    (before,) = page.decode("changes", tuple[int], given.cursor, (LAST,))
    with caller.transaction() as conn:
        number_now(conn, account_no)  # 404 where it is nobody's, or of nobody the caller sees
        items = changes(conn, account_no, before, given.limit + 1)
    return page.build(request, response, "changes", items, given.limit, lambda c: (c.version,))


@router.patch("/{account_no:path}", operation_id="changeCustomer", responses=ONE)
def change_customer(caller: Writer, account_no: Account, given: ChangeCustomer) -> Profile:
    """Change a profile: a new version, with who and why; 409 if somebody was quicker than `version`."""
    wanted = given.model_dump(include=given.model_fields_set - {"why", "version"})
    with caller.transaction() as conn:
        if "manager" in wanted:
            wanted["manager_id"] = _manager(conn, caller, wanted.pop("manager"))
        now = caller.now()
        seen, why = given.version, given.why
        profiles.change(conn, account_no, wanted, actor=caller.actor, why=why, at=now, version=seen)
        return profile(conn, account_no, now)


@router.post("/{account_no:path}/changes/{version}/undo", operation_id="undoCustomerChange", responses=ONE)
def undo_change(
    caller: Writer, account_no: Account, version: Annotated[int, Path(ge=1, le=LAST)], given: Undo
) -> Profile:
    """Put back what a change replaced, as a new version; 409 where a later change built upon it."""
    with caller.transaction() as conn:
        now = caller.now()
        seen, why = given.version, given.why
        profiles.undo(conn, account_no, version, actor=caller.actor, why=why, at=now, version=seen)
        return profile(conn, account_no, now)


def _manager(conn: Connection, caller: Caller, login: str | None) -> int | None:
    """Return the id of the new account manager; a manager can't give own customers away."""
    if not caller.key.sees_all:
        raise ForbiddenError("Another account manager is for operations to name.", cure="Ask operations.")
    if login is None:
        return None
    row = conn.execute(Q["manager_by_login"], {"login": login}).fetchone()
    if row is None:
        raise BadDataError(f"No active member of staff has the login {login!r}.", cure="Check manager.")
    return int(row[0])
