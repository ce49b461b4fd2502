"""/v1/me: what a customer reads of the own account, through the utility's app or mini-program."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api import auth, page, tokens
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import span
from api.me.schemas import (
    ME,
    OUTAGES,
    PLAN,
    TICKET,
    TOKEN,
    USE,
    Issue,
    Me,
    OwnOutages,
    OwnPlan,
    OwnTicket,
    OwnTicketFilter,
    Token,
    Use,
    UseFilter,
)
from api.page import NEWEST, Page
from api.problem import RefusedError
from api.rows import filtered, first, rows
from core.errors import BadDataError, ForbiddenError
from service.utility import utility
from service.water_plans import month_of

router = APIRouter(prefix="/v1/me", tags=["me"])
Customer = Annotated[Caller, auth.customer]
# By step: how far it goes back unless said, and the longest period at a time.
PERIODS = {
    "hour": (timedelta(days=7), timedelta(days=31)),
    "day": (timedelta(days=31), timedelta(days=400)),
    "month": (timedelta(days=396), timedelta(days=1_200)),
}


def account(caller: Caller) -> str:
    """Return the account number of the customer who asks."""
    if caller.key.account_no is None:
        raise ForbiddenError("This is for customers, by their token.")
    return caller.key.account_no


@router.post("/tokens", operation_id="issueCustomerToken", responses=answers(TOKEN, 409, 413))
def issue_token(caller: Annotated[Caller, needs("self:issue")], given: Issue) -> Token:
    """Make a token by which the app asks and acts for one customer, whom the app has logged in.

    It is good for /v1/me alone, an hour at most, and ends with the key that made it: revoke or rotate that.
    """
    life = timedelta(seconds=given.life_s)
    with caller.transaction() as conn:
        if first(conn, "me.account_there", account_no=given.account_no) is None:
            raise BadDataError(f"There is no customer {given.account_no}, or none of yours.")
        token = tokens.issue(conn, caller.key.prefix or "", given.account_no, caller.now(), life)
    if token is None:
        raise ForbiddenError("Only an API key issues tokens.", cure="Give the app a key with self:issue.")
    expires_at = caller.now().replace(microsecond=0) + life
    return Token(token=token, account_no=given.account_no, expires_at=expires_at)


@router.get("", operation_id="getMe", responses=answers(ME))
def get_me(caller: Customer) -> Me:
    """Return the customer's own record, with price, balance and who answers for them."""
    with caller.transaction() as conn:
        found = first(conn, "me.me", account_no=account(caller))
        ours = utility(conn)
    if found is None:
        raise RefusedError(401, "unauthorized", "This customer is no longer served.", cure="Log in anew.")
    tariff = found["tariff_price_m3"]
    more: dict[str, Any] = {
        "price_m3": ours.price_m3 if tariff is None else tariff,
        "currency": ours.currency,
        "manager": found["manager_name"] and {"name": found["manager_name"], "phone": found["manager_phone"]},
        "balance": found["as_of"] and {"balance": found["balance"], "as_of": found["as_of"]},
    }
    return Me.model_validate({**found, **more})


@router.get("/use", operation_id="getMyUse", responses=answers(USE))
def get_use(caller: Customer, given: Annotated[UseFilter, Query()]) -> Use:
    """Return own use by hour, day or month."""
    usual, longest = PERIODS[given.step]
    with caller.transaction() as conn:
        zone = utility(conn).zone
        since: datetime | date | None = given.since
        if since is None:
            _, end = span(given.until, given.until, caller.now(), lambda: zone)
            since = end - usual
        start, end = span(since, given.until, caller.now(), lambda: zone, longest)
        found = rows(conn, f"me.{given.step}s", since=start, until=end, zone=zone.key)
    return Use.model_validate({"step": given.step, "items": found})


@router.get("/plan", operation_id="getMyPlan", responses=answers(PLAN))
def get_plan(caller: Customer) -> OwnPlan:
    """Return the running month's plan, use so far, and what is expected by its end."""
    with caller.transaction() as conn:
        month = month_of(caller.now(), conn)
        found = first(conn, "me.plan", account_no=account(caller), month=month) or {}
    known = {name: found.get(name) for name in OwnPlan.model_fields}
    return OwnPlan.model_validate({**known, "month": month})


@router.get(
    "/tickets", operation_id="listMyTickets", responses=answers(page_of(TICKET, "/v1/me/tickets"), paged=True)
)
def list_tickets(
    caller: Customer, given: Annotated[OwnTicketFilter, Query()], request: Request, response: Response
) -> Page[OwnTicket]:
    """List own matters, the latest first: what was reported, and what the meter gave away."""
    at, id_ = page.decode("own_tickets", tuple[datetime, int], given.cursor, NEWEST)
    values = {"account_no": account(caller), "at": at, "id": id_, "now": caller.now(), "only": None}
    with caller.transaction() as conn:
        found = filtered(conn, "me.own_tickets", **values, limit=given.limit + 1)
    items = [OwnTicket(**row) for row in found]
    return page.build(request, response, "own_tickets", items, given.limit, lambda t: (t.opened_at, t.id))


@router.get("/outages", operation_id="listMyOutages", responses=answers(OUTAGES))
def list_outages(caller: Customer) -> OwnOutages:
    """List interruptions at own places: announced, going on, and over within seven days."""
    with caller.transaction() as conn:
        found = rows(conn, "me.own_outages", account_no=account(caller), now=caller.now())
    return OwnOutages.model_validate({"items": found})
