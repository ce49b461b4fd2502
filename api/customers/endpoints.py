"""GET /v1/customers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.customers.examples import PROFILE
from api.customers.profile import profile
from api.customers.schemas import BRIEF, CustomerBrief, CustomerFilter, Profile
from api.fields import Name
from api.page import Page
from api.rows import filtered

router = APIRouter(prefix="/v1/customers", tags=["customers"])
Reader = Annotated[Caller, needs("customers:read")]


@router.get("", operation_id="listCustomers", responses=answers(page_of(BRIEF, "/v1/customers"), paged=True))
def list_customers(
    caller: Reader, given: Annotated[CustomerFilter, Query()], request: Request, response: Response
) -> Page[CustomerBrief]:
    """List customers by account number."""
    (after,) = page.decode("customers", tuple[str], given.cursor, ("",))
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "customers",
            after=after,
            segment=given.segment,
            sector=given.sector,
            manager=given.manager,
            dma=given.dma,
            limit=given.limit + 1,
        )
    customers = [CustomerBrief(**row) for row in found]
    return page.build(request, response, "customers", customers, given.limit, lambda c: (c.account_no,))


@router.get("/{account_no:path}", operation_id="getCustomer", responses=answers(PROFILE, 404))
def get_customer(caller: Reader, account_no: Annotated[Name, Path()]) -> Profile:
    """Return one customer's whole profile: contacts, manager, meters, use, plan, events, tickets, visits."""
    with caller.transaction() as conn:
        return profile(conn, account_no, caller.now())
