"""POST /v1/customers/{account_no}/merge, and the way back."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from api.answers import answers
from api.auth import Caller, needs
from api.customers.changes import Account, Line, Seen
from api.customers.examples import PROFILE
from api.customers.profile import profile
from api.customers.schemas import Profile
from api.tickets.schemas import Body, Said
from service import customer_merging

router = APIRouter(prefix="/v1/customers", tags=["customers"])
Writer = Annotated[Caller, needs("customers:write")]
ONE = answers(PROFILE, 404, 409, 413)


class MergeCustomer(Body):
    """The record that goes on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"into": "10023417", "why": "The same household, entered twice."}]}
    )

    into: Line = Field(description="Account number of the record that goes on.")
    why: Said
    version: Seen = None


class UnmergeCustomer(Body):
    """Why they are two after all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "They are mother and daughter."}]})

    why: Said


@router.post("/{account_no:path}/merge", operation_id="mergeCustomer", responses=ONE)
def merge(caller: Writer, account_no: Account, given: MergeCustomer) -> Profile:
    """Merge a duplicate into the record that goes on, and return that.

    Meters, tickets, events, visits, plans and surveys go on under it; the old number finds it. A manager may
    merge own customers, operations any.
    """
    with caller.transaction() as conn:
        now = caller.now()
        customer_merging.merge(
            conn,
            account_no,
            given.into,
            actor=caller.actor,
            why=given.why,
            at=now,
            version=given.version,
            staff_id=_staff(caller),
        )
        return profile(conn, given.into, now)


@router.post("/{account_no:path}/merge/undo", operation_id="undoCustomerMerge", responses=ONE)
def undo(caller: Writer, account_no: Account, given: UnmergeCustomer) -> Profile:
    """Give a merged record back what was its own, and return it; 409 if the merge was built upon."""
    with caller.transaction() as conn:
        now = caller.now()
        customer_merging.undo(
            conn, account_no, actor=caller.actor, why=given.why, at=now, staff_id=_staff(caller)
        )
        return profile(conn, account_no, now)


def _staff(caller: Caller) -> int | None:
    """Return whose customers alone may be merged; None for all. A key of nobody has none."""
    return None if caller.key.sees_all else caller.key.staff_id or 0
