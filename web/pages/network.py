"""The network: districts by what they lose, and one of them whole, with its map."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from api import page
from api.dmas.endpoints import get_dma, get_months, list_dmas
from api.dmas.schemas import Dma, DmaFilter, Since
from api.events.endpoints import list_events
from api.events.schemas import Event, EventFilter
from api.fields import Name
from api.outages.endpoints import list_outages
from api.outages.schemas import Outage, OutageFilter
from api.rows import rows
from notify.speech import finite
from web.route import PageRoute
from web.view import View, sees

router = APIRouter(prefix="/network", include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("events:read", "readings:read")]
Code = Annotated[Name, Path()]
MOST_PAGES, FIRST = 25, 20
GRADES = {"1": 1, "2": 2, "above": 3}
Sort = Literal["lost", "share", "ili", "grade", "inflow", "night", "pressure", "events", "code"]


@dataclass(frozen=True)
class Place:
    """Where an event may lie: a pipe, or a sensor; the likeliest first."""

    name: str
    nodes: str
    length_m: float | None
    diameter_mm: float | None


@dataclass(frozen=True)
class Totals:
    """All districts together, of those that have figures."""

    inflow_m3: float
    used_m3: float
    lost_m3: float
    events: int

    @property
    def lost_share(self) -> float | None:
        """What is lost of what flowed in while both were known."""
        both = self.used_m3 + self.lost_m3
        return self.lost_m3 / both if both > 0 else None


@router.get("")
def network(
    view: Reader,
    month: Annotated[str, Query(pattern=r"^((19|20|21)\d\d-(0[1-9]|1[0-2]))?$")] = "",
    sort: Sort = "lost",
    up: bool = False,
    whole: Annotated[bool, Query(alias="all")] = False,
) -> Response:
    """Show the districts, those that lose most first; of a month, else of the latest that has figures.

    Of many the first ones stand above the map, and all are shown when asked for.
    """
    shown = date.fromisoformat(f"{month}-01") if month else None
    dmas = list(_dmas(view, shown))
    shown = shown or max((d.figures.month for d in dmas if d.figures), default=None)
    dmas = [_of_month(d, shown) for d in dmas]
    known = [d for d in dmas if d.figures]
    found = open_events(view, None)
    totals = Totals(
        sum(d.figures.inflow_m3 or 0 for d in known if d.figures),
        sum(d.figures.used_m3 or 0 for d in known if d.figures),
        sum(d.figures.lost_m3 or 0 for d in known if d.figures),
        sum(d.network_events + d.pressure_events for d in dmas),
    )
    return view.page(
        "network.html.jinja",
        dmas=_sorted(dmas, sort, up=up)[: None if whole else FIRST],
        count=len(dmas),
        whole=whole,
        month=shown,
        before=shown and _step(shown, -1),
        after=shown and _step(shown, 1) if shown and _step(shown, 1) <= _today(view) else None,
        totals=totals if known else None,
        sort=sort,
        up=up,
        night=night_change,
        mapped=_mapped(view),
        found=found,
        places=places(view, found),
    )


@router.get("/{code:path}")
def dma(view: Reader, code: Code) -> Response:
    """Show one district: its months, nights and pressure, what is open there, and where it may lie."""
    found = get_dma(view.caller, code)
    months = get_months(view.caller, code, Since(since=_step(_today(view).replace(day=1), -12))).items
    events = open_events(view, code)
    outages: list[Outage] = []
    if view.may("outages:read"):
        for when in ("current", "planned"):
            asked = OutageFilter(dma=code, when=when)
            outages += list_outages(view.caller, asked, view.request, Response()).items
    return view.page(
        "dma.html.jinja",
        d=found,
        months=months,
        outages=outages,
        night=night_change,
        mapped=_mapped(view),
        found=events,
        places=places(view, events),
    )


def open_events(view: View, code: str | None) -> list[Event]:
    """Return the open events of the network and its pressure, the latest first: in a district, or all."""
    found: list[Event] = []
    for group in ("network", "pressure"):
        asked = EventFilter(state="open", group=group, dma=code, limit=100)
        found += list_events(view.caller, asked, view.request, Response()).items
    return sorted(found, key=lambda e: e.detected_at, reverse=True)


def ranked(event: Event) -> list[str]:
    """Return the names of the places where an event most likely is, the likeliest first."""
    for known in event.evidence.values():
        named = known.get("area") if isinstance(known, dict) else None
        if isinstance(named, list):
            return [str(name) for name in named if isinstance(name, str)][:20]
    return []


def places(view: View, events: list[Event]) -> dict[int, list[Place]]:
    """Return the same by event, with what the map knows of each."""
    named = {event.id: ranked(event) for event in events}
    names = sorted({name for likely in named.values() for name in likely})
    with view.caller.transaction() as conn:
        known = {row["pipe"]: row for row in rows(conn, "network.map_places", names=names)}
    return {id_: [_place(name, known.get(name)) for name in likely] for id_, likely in named.items()}


def night_change(d: Dma) -> float | None:
    """Return by how much of the usual the night flow is above it."""
    night = finite(d.figures.night_lph) if d.figures else None
    return None if night is None or not d.usual_night_lph else night / d.usual_night_lph - 1


def _place(name: str, row: dict[str, Any] | None) -> Place:
    if row is None:
        return Place(name, "", None, None)
    return Place(name, f"{row['node1']} – {row['node2']}", row["length_m"], row["diameter_mm"])


def _dmas(view: View, month: date | None) -> Iterator[Dma]:
    cursor = None
    for _ in range(MOST_PAGES):
        part = list_dmas(
            view.caller, DmaFilter(month=month, limit=200, cursor=cursor), view.request, Response()
        )
        yield from part.items
        if part.next is None:
            return
        cursor = page.encode("dmas", (part.items[-1].code,))


def _of_month(d: Dma, month: date | None) -> Dma:
    """Leave figures of another month out: they can't be compared."""
    return d if d.figures is None or d.figures.month == month else d.model_copy(update={"figures": None})


def _sorted(dmas: list[Dma], by: Sort, *, up: bool) -> list[Dma]:
    """Sort by a column; what isn't known stands last either way."""

    def value(d: Dma) -> float | str | None:
        f = d.figures
        if by == "code":
            return d.code
        if by == "events":
            return d.network_events + d.pressure_events
        if f is None:
            return None
        return {
            "lost": f.lost_m3,
            "share": f.lost_share,
            "ili": f.ili,
            "grade": GRADES.get(f.grade or ""),
            "inflow": f.inflow_m3,
            "night": night_change(d),
            "pressure": f.minutes_below,
        }[by]

    keyed = [(value(d), d) for d in dmas]
    known = sorted(
        ((v, d) for v, d in keyed if v is not None),
        key=lambda pair: pair[0],
        reverse=not up,
    )
    return [d for _, d in known] + [d for v, d in keyed if v is None]


def _mapped(view: View) -> bool:
    with view.caller.transaction() as conn:
        return bool(rows(conn, "network.map_any"))


def _today(view: View) -> date:
    return view.now.astimezone(view.utility.zone).date()


def _step(month: date, by: int) -> date:
    years, zeroth = divmod(month.month - 1 + by, 12)
    return date(month.year + years, zeroth + 1, 1)
