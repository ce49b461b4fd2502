"""Customers: who is meant, everything about one of them, and what is changed in the record."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Response
from numpy.typing import NDArray

from api.customers import changes as edits
from api.customers.endpoints import list_customers
from api.customers.profile import profile
from api.customers.schemas import CustomerFilter, Profile, Use
from api.customers.search import Asked, find_customers
from api.fields import Name, midnight
from api.page import Filter
from api.plans.endpoints import list_plans
from api.plans.schemas import Plan, PlanFilter
from api.rows import rows
from api.series.columns import SHAPES
from api.series.parts import stored
from core.errors import NotFoundError
from core.words import Sector, Segment
from sql.columns import EPOCH_US, array
from sql.pool import Connection
from sql.query import Queries
from web.chart import Chart, Line
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("customers:read")]
Writer = Annotated[View, sees("customers:write")]
Account = Annotated[Name, Path()]
SERIES = Queries("series")
EDITED = ("name", "sector", "segment", "language", "address", "phone", "email", "manager", "shifts",
          "household_size", "lives_alone")  # fmt: skip
PRIVATE_MOST = 50
A_YEAR = timedelta(weeks=52)
"""Back to the same day of the week, which decides more of a day's use than its date."""


@router.get("/customers")
def customers(
    view: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    segment: Literal["", "large", "special", "vulnerable", "general"] = "",
    sector: Literal["", "residential", "industrial", "commercial", "institutional"] = "",
    mine: bool = False,
    cursor: str | None = None,
) -> Response:
    """Show who is meant by what was typed; without a word, the list by account number."""
    word = q.strip()
    found = find_customers(view.caller, Asked(q=word, limit=PRIVATE_MOST)).items if word else []
    if len(found) == 1 and found[0].score > 0.99:
        return view.go(f"/customers/{found[0].account_no}")
    listed = None
    if not word:
        given = CustomerFilter(
            segment=Segment(segment) if segment else None,
            sector=Sector(sector) if sector else None,
            manager=view.me.login if mine else None,
            cursor=cursor,
        )
        listed = list_customers(view.caller, given, view.request, Response())
    return view.page(
        "customers.html.jinja", q=word, found=found, listed=listed, segment=segment, sector=sector, mine=mine
    )


@router.get("/charts/customers/{account_no:path}")
def use(
    view: Annotated[View, sees("customers:read", "readings:read")],
    account_no: Account,
    by: Literal["hour", "day", "year", "month"] = "hour",
) -> Response:
    """Return the use of all meters: two weeks of hours; or by day or month, beside a year before."""
    zone, now = view.utility.zone, view.now
    today = now.astimezone(zone).date()
    with view.caller.transaction() as conn:
        if not rows(conn, "customer", account_no=account_no):
            raise NotFoundError(f"No customer {account_no}.")
        if by == "hour":
            at, value = _hours(conn, account_no, now - timedelta(days=14), now)
            return Chart(at, [Line(view.say("Use"), "L/h", value, "step")]).response()
        if by == "month":
            shown = _months(profile(conn, account_no, now).use)
        else:
            span = [today - timedelta(days=n) for n in range(396 if by == "year" else 91, -1, -1)]
            period = {"since": midnight(span[0] - A_YEAR, zone), "until": now}
            days = rows(conn, "customer_days", account_no=account_no, zone=zone.key, **period)
            known = {row["day"]: row["volume_l"] / 1000 for row in days}
            shown = [(day, known.get(day), known.get(day - A_YEAR)) for day in span]
    shown = [(on, this, before) for on, this, before in shown if this is not None or before is not None]
    at = np.array([midnight(on, zone).timestamp() for on, *_ in shown])
    this, before = np.array([pair for _, *pair in shown], np.float32).reshape(-1, 2).T
    than = view.say("A year before") if by == "month" else view.say("52 weeks before, same weekday")
    lines = [Line(view.say("Use"), "m³", this, "bars"), Line(than, "m³", before, "before")]
    return Chart(at, lines).response()


@router.get("/customers/{account_no:path}/history")
def history(view: Reader, account_no: Account, cursor: str | None = None) -> Response:
    """Show how the record became what it is."""
    changes = edits.list_changes(view.caller, account_no, Filter(cursor=cursor), view.request, Response())
    return view.page("customer_history.html.jinja", account_no=account_no, changes=changes)


@router.get("/customers/{account_no:path}")
def customer(view: Reader, account_no: Account) -> Response:
    """Show everything about one customer on one page."""
    with view.caller.transaction() as conn:
        found = profile(conn, account_no, view.now)
    plan = _plan(view, found)
    return view.page(
        "customer.html.jinja",
        c=found,
        plan=plan,
        gauge=_gauge(plan, found.use.this_month_m3),
        edited=EDITED,
        months=_months(found.use),
    )


@router.post("/customers/{account_no:path}/edit")
def edit(view: Writer, account_no: Account, form: Fields) -> Response:
    """Change the record: what was left as it stood stays."""
    with view.caller.transaction() as conn:
        stands = _editable(profile(conn, account_no, view.now))
    changed = {
        name: form[name].strip() for name in EDITED if name in form and form[name].strip() != stands[name]
    }
    given = taken(edits.ChangeCustomer, _typed(changed) | {"why": form.get("why", "")} | _version(form))
    found = edits.change_customer(view.caller, account_no, given)
    undo = f"/customers/{account_no}/changes/{found.version}/undo"
    return view.go(f"/customers/{account_no}", view.say("Saved."), undo=undo)


@router.post("/customers/{account_no:path}/changes/{version}/undo")
def undo(view: Writer, account_no: Account, version: int) -> Response:
    """Put back what a change replaced."""
    edits.undo_change(
        view.caller, account_no, version, edits.Undo(why=view.say("Taken back in the console."))
    )
    return view.go(f"/customers/{account_no}", view.say("Taken back."))


def _hours(
    conn: Connection, account_no: str, since: datetime, until: datetime
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the hours of a period and the use of all meters in each, while they were the customer's.

    The meters are named to the guarded view: joined to it, they would not narrow what it reads.
    """
    period = {"since": since, "until": until}
    meters = conn.execute(SERIES["meters_of_customer"], period | {"account_no": account_no}).fetchall()
    ids = array(np.unique(np.array([id_ for id_, *_ in meters], np.int32)))
    shape = SHAPES["usage", "hour"]
    found = stored(conn, shape, period | {"meter_ids": ids, "limit": None})
    at = (found["slot"].astype(np.int64) + EPOCH_US) / 1e6
    theirs = np.zeros(len(found), bool)
    for id_, _, _, begins, ends in meters:
        here = (at >= begins.timestamp()) & (at < ends.timestamp())
        theirs |= (found["meter_id"] == id_) & here
    slots, place = np.unique(at[theirs], return_inverse=True)
    volume_l = np.bincount(place, found["volume_l"][theirs].astype(np.float64), len(slots))
    return slots, volume_l.astype(np.float32)


def _months(use: Use) -> list[tuple[date, float | None, float | None]]:
    """Return the last 13 months of which there is data: the use and that of the year before, in m³."""
    known = {month.month: month.volume_m3 for month in use.months}
    first = use.today.replace(day=1, year=use.today.year - 1)
    return [
        (month, known[month], known.get(month.replace(year=month.year - 1)))
        for month in sorted(known)
        if month >= first
    ]


def _editable(found: Profile) -> dict[str, str]:
    """Return what the form shows of a record, as text."""
    flat = {**found.model_dump(), **found.contacts.model_dump()}
    flat["manager"] = found.manager.login if found.manager else ""
    return {name: _text(flat[name]) for name in EDITED}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)


def _typed(changed: dict[str, str]) -> dict[str, object]:
    made: dict[str, object] = {name: value or None for name, value in changed.items()}
    if "lives_alone" in changed:
        made["lives_alone"] = changed["lives_alone"] == "yes"
    if changed.get("household_size", "").isdecimal():
        made["household_size"] = int(changed["household_size"])
    return made


def _version(form: dict[str, str]) -> dict[str, int]:
    return {"version": int(form["version"])} if form.get("version", "").isdecimal() else {}


def _plan(view: View, found: Profile) -> Plan | None:
    if not view.may("plans:read"):
        return None
    given = PlanFilter(account_no=found.account_no)
    plans = list_plans(view.caller, given, view.request, Response()).items
    return plans[0] if plans else None


def _gauge(plan: Plan | None, used_m3: float) -> dict[str, float] | None:
    """Return where a plan's gauge has its marks, in percent of its width."""
    if plan is None or not plan.plan_m3:
        return None
    most = max(plan.plan_m3, plan.high_m3 or 0, used_m3) * 1.05
    return {
        name: round(100 * (value or 0) / most, 2)
        for name, value in (
            ("plan", plan.plan_m3),
            ("used", used_m3),
            ("low", plan.low_m3),
            ("high", plan.high_m3),
            ("forecast", plan.forecast_m3),
        )
    }
