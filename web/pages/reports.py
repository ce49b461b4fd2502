"""Reports: the figures of a month and what is behind each, what comes back, who gets the report by mail."""

from datetime import date
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Response
from numpy.typing import NDArray

from api.causes.endpoints import list_recurring
from api.causes.schemas import RecurringFilter
from api.fields import Id, midnight
from api.figures import endpoints as api
from api.figures.schemas import BehindFilter, Figures, FiguresFilter, Month, Subscribe
from api.page import Page
from api.rows import Row
from api.segments.endpoints import list_unmanaged
from api.segments.schemas import UnmanagedFilter
from api.staff.duty import list_regions
from core.errors import NotFoundError
from service.figures import Behind, Dimension
from service.report import LOOK_BACK, ScopeKind
from service.volumes import first_of, step
from web.chart import Chart, Line, Look
from web.figures import COMPARED, GROUPS, Change, behind, change, spark, unit
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("figures:read")]
Chief = Annotated[View, sees("staff:write")]
By = Literal["", "utility", "region", "manager", "segment", "manager_segment"]
Key = Annotated[str, Query(max_length=200)]
Subject = Literal["customer", "dma", "meter"]
MONTHS_SHOWN = 24
FEW = 20
MOST = 200
OF_ALL: tuple[Dimension, ...] = ("utility", "region", "manager", "segment")
OF_ONE: tuple[Dimension, ...] = ("manager", "manager_segment")
CHARTS: dict[str, tuple[tuple[str, Look], ...]] = {
    "tickets": (("opened", "bars"), ("resolved", "line")),
    "deadlines": (("response_share", "line"), ("resolution_share", "line")),
    "satisfaction": (("satisfied_share", "line"), ("reopened_share", "line")),
    "visits": (("visits_share", "line"), ("plan_share", "line")),
    "saved": (("saved_m3", "bars"),),
    "volume": (("volume_m3", "bars"),),
}
"""What each chart draws, and how."""


@router.get("/reports")
def reports(
    view: Reader,
    month: Month | None = None,
    by: By = "",
    key: Key = "",
    subject: Subject = "customer",
    cursor: str | None = None,
) -> Response:
    """Show a month's figures: of the utility or one key in full, of a dimension key by key."""
    dimension, key, month = _meant(view, month, by, key)
    one = _one(view, dimension, key)
    found = _figures(view, month, month, dimension, cursor=cursor) if dimension != "utility" else None
    past = _figures(view, step(month, -LOOK_BACK), month, dimension, key).items if one else []
    known = {figures.month: figures for figures in past}
    months = [step(month, back - LOOK_BACK + 1) for back in range(LOOK_BACK)]
    shown, before, year = known.get(month), known.get(step(month, -1)), known.get(step(month, -LOOK_BACK))
    rows: dict[str, tuple[Change | None, str]] = {}
    for _, names in GROUPS if shown else ():
        for name in names:
            line = [getattr(known[m], name) if m in known else None for m in months]
            rows[name] = (change(name, shown, before), spark(line))
    running = first_of(view.now, view.utility.zone)
    return view.page(
        "reports.html.jinja",
        month=month,
        months=[step(running, -back) for back in range(MONTHS_SHOWN)],
        running=month == running,
        dimension=dimension,
        dimensions=OF_ALL if view.caller.key.sees_all else OF_ONE,
        key=key,
        one=one,
        name=_name(view, dimension, key, shown),
        listed=found,
        shown=shown,
        before=before,
        year=year,
        rows=rows,
        groups=GROUPS,
        compared=COMPARED,
        charts=CHARTS if past else {},
        unit_of=unit,
        behind_of=behind,
        scope=_scope(dimension, key),
        subject=subject,
        recurring=list_recurring(view.caller, RecurringFilter(by=subject, limit=FEW, format="json")),
        unmanaged=_unmanaged(view),
        orders=api.list_subscriptions(view.caller).items,
        staff=_staff(view),
        regions=list_regions(view.caller).items if view.caller.key.sees_all else [],
    )


@router.get("/charts/reports")
def trend(
    view: Reader, show: str, dimension: Dimension = "utility", key: Key = "", month: Month | None = None
) -> Response:
    """Return a year of a figure or two, by month."""
    if show not in CHARTS:
        raise NotFoundError(f"There is no chart {show!r}.")
    last = month or first_of(view.now, view.utility.zone)
    months = [step(last, back - LOOK_BACK + 1) for back in range(LOOK_BACK)]
    known = {one.month: one for one in _figures(view, months[0], last, dimension, key).items}
    at = np.array([midnight(month, view.utility.zone).timestamp() for month in months])
    lines = []
    for name, look in CHARTS[show]:
        share = name.endswith("_share")
        unit = "%" if share else "m³" if name.endswith("_m3") else view.say("Number")
        values = [getattr(known[m], name) if m in known else None for m in months]
        lines.append(Line(view.label("figure", name), unit, _column(values, 100 if share else 1), look))
    return Chart(at if known else at[:0], lines if known else []).response()


@router.get("/reports/tickets")
def tickets(
    view: Reader,
    month: Month,
    figure: Behind,
    dimension: Dimension = "utility",
    key: Key = "",
    cursor: str | None = None,
) -> Response:
    """Show the tickets that a figure counts."""
    given = BehindFilter.model_validate(
        {
            "month": f"{month:%Y-%m}",
            "figure": figure,
            "dimension": dimension,
            "key": key,
            "cursor": cursor,
            "limit": 100,
        }
    )
    found = api.list_behind(view.caller, given, view.request, Response())
    name = _name(view, dimension, key, None)
    return view.page(
        "report_tickets.html.jinja",
        tickets=found,
        month=month,
        figure=figure,
        name=name,
        dimension=dimension,
        key=key,
    )


@router.get("/reports/report.pdf")
def pdf(
    view: Reader,
    month: Month | None = None,
    language: Literal["zh", "en"] = "zh",
    scope: ScopeKind | None = None,
    key: str | None = None,
) -> Response:
    """Return the monthly report."""
    return api.get_report(view.caller, view.request, month, language, scope, key)


@router.get("/reports/figures.csv")
def table(view: Reader, month: Month, dimension: Dimension | None = None) -> Response:
    """Return a year of figures up to a month, for a spreadsheet."""
    given = FiguresFilter.model_validate(
        {
            "since": f"{step(month, 1 - LOOK_BACK):%Y-%m}",
            "until": f"{month:%Y-%m}",
            "dimension": dimension,
            "format": "csv",
        }
    )
    return api.list_figures(view.caller, given, view.request, Response())  # type: ignore[return-value]


@router.get("/reports/recurring.csv")
def recurring_table(view: Annotated[View, sees("tickets:read")], subject: Subject = "customer") -> Response:
    """Return the causes that come back, for a spreadsheet."""
    return list_recurring(view.caller, RecurringFilter(by=subject, limit=1000, format="csv"))  # type: ignore[return-value]


@router.get("/reports/unmanaged.csv")
def unmanaged_table(view: Annotated[View, sees("customers:read")]) -> Response:
    """Return the high-value customers whom nobody looks after, for a spreadsheet."""
    return list_unmanaged(view.caller, UnmanagedFilter(format="csv"), view.request, Response())  # type: ignore[no-any-return]


@router.post("/reports/subscriptions")
def subscribe(view: Chief, form: Fields) -> Response:
    """Send somebody the report each month."""
    scope, _, key = form.get("about", "").partition(":")
    given: dict[str, object] = {"staff": form.get("staff", ""), "scope": scope or "utility", "key": key}
    if form.get("language"):
        given["language"] = form["language"]
    api.subscribe(view.caller, taken(Subscribe, given))
    return view.go("/reports#mail", view.say("Noted: the report comes on the second of each month."))


@router.post("/reports/subscriptions/{id}/remove")
def unsubscribe(view: Chief, id_: Annotated[Id, Path(alias="id")]) -> Response:
    """End a subscription."""
    api.unsubscribe(view.caller, id_)
    return view.go("/reports#mail", view.say("The report is not sent there any more."))


def _meant(view: View, month: date | None, by: By, key: str) -> tuple[Dimension, str, date]:
    """Return which figures are meant: for who sees own customers only, the own."""
    ended = step(first_of(view.now, view.utility.zone), -1)
    if view.caller.key.sees_all:
        return by or "utility", key if by and by != "utility" else "", month or ended
    own = view.me.login
    if by != "manager_segment":
        return "manager", own, month or ended
    return by, key if key.startswith(f"{own}/") else "", month or ended


def _one(view: View, dimension: Dimension, key: str) -> bool:
    return dimension == "utility" or bool(key)


def _figures(
    view: View, since: date, until: date, dimension: Dimension, key: str = "", cursor: str | None = None
) -> Page[Figures]:
    given = FiguresFilter.model_validate(
        {
            "since": f"{since:%Y-%m}",
            "until": f"{until:%Y-%m}",
            "dimension": dimension,
            "key": key or None,
            "cursor": cursor,
            "limit": MOST,
            "format": "json",
        }
    )
    return api.list_figures(view.caller, given, view.request, Response())


def _name(view: View, dimension: Dimension, key: str, shown: Figures | None) -> str:
    """Return what a key is called."""
    if dimension == "utility":
        return view.say("The whole utility")
    if dimension in ("segment", "manager_segment"):
        return view.label("segment", key.rpartition("/")[2])
    return shown.name if shown and shown.name else key


def _scope(dimension: Dimension, key: str) -> str:
    """Return the part of the report's address that says whom it is about."""
    return f"&scope={dimension}&key={key}" if key and dimension in ("region", "manager") else ""


def _column(values: list[float | None], times: float) -> NDArray[np.float32]:
    return np.array([np.nan if value is None else value * times for value in values], np.float32)


def _unmanaged(view: View) -> list[object] | None:
    """Return whom nobody looks after; None for who sees own customers only."""
    if not (view.caller.key.sees_all and view.may("customers:read")):
        return None
    return list(list_unmanaged(view.caller, UnmanagedFilter(limit=FEW), view.request, Response()).items)


def _staff(view: View) -> list[Row]:
    """Return who may be sent the report: for who sees own customers only, nobody else."""
    return [one for one in view.colleagues if view.caller.key.sees_all or one["login"] == view.me.login]
