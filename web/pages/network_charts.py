"""What the pages of the network draw: a district's balance, nights and pressure, and the map."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, Path, Response
from numpy.typing import NDArray

from api.dmas.endpoints import get_dma, get_months, get_nights
from api.dmas.schemas import NightFilter, Since
from api.fields import Name, midnight
from api.network.endpoints import FRESH
from api.rows import Row, first, rows
from sql.columns import EPOCH_US, read
from sql.query import Queries
from web.chart import MEDIA_TYPE, Chart, Limit, Line, Mark, Span, packed, seconds
from web.pages.network import open_events, ranked
from web.route import PageRoute
from web.view import View, sees

router = APIRouter(prefix="/charts", include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("events:read", "readings:read")]
Code = Annotated[Name, Path()]
Q = Queries("network")
HOURS = {"meter": ">i4", "slot": ">i8", "kpa": ">f4"}
LINES = {"x1": ">f8", "y1": ">f8", "x2": ">f8", "y2": ">f8", "mm": ">f4"}
WIDTHS_MM = (200, 400)
SIDES = ("left", "bottom", "right", "top")
KEPT_S = 600
"""So long a browser draws the pipes that it has: they change with the utility's own map."""
FEW = 4
WEEKS = timedelta(days=14)


@router.get("/dmas/{code:path}/balance")
def balance(view: Reader, code: Code) -> Response:
    """Return what flowed in, was metered and lost, by month."""
    today = view.now.astimezone(view.utility.zone).date()
    months = get_months(view.caller, code, Since(since=today.replace(year=today.year - 1, day=1))).items[::-1]
    at = np.array([midnight(m.month, view.utility.zone).timestamp() for m in months], np.float64)
    lines = [
        Line(view.say("Inflow"), "m³", _column([m.inflow_m3 for m in months]), "bars"),
        Line(view.say("Metered use"), "m³", _column([m.used_m3 for m in months]), "bars"),
        Line(view.say("Loss"), "m³", _column([m.lost_m3 for m in months])),
    ]
    return Chart(at, lines).response()


@router.get("/dmas/{code:path}/nights")
def nights(view: Reader, code: Code) -> Response:
    """Return the minimum night flow by day, with the band of what was usual before, and what was found."""
    found = get_nights(view.caller, code, NightFilter()).items
    at = np.array([midnight(n.night, view.utility.zone).timestamp() for n in found], np.float64)
    large = max((n.lph for n in found), default=0.0) >= 1000
    unit, part = ("m³/h", 1000) if large else ("L/h", 1)
    lines = [
        Line(view.say("Minimum night flow"), unit, _column([n.lph for n in found], part)),
        Line(view.say("Usual, at most"), unit, _column([n.usual_high_lph for n in found], part)),
        Line(view.say("Usual, at least"), unit, _column([n.usual_low_lph for n in found], part)),
    ]
    chart = Chart(at, lines, bands=[(1, 2)])
    if len(at):
        onsets = [e for e in open_events(view, code) if e.group == "network" and seconds(e.onset) >= at[0]]
        chart.marks = [Mark(seconds(e.onset), view.say("Onset")) for e in onsets]
    return chart.response()


@router.get("/dmas/{code:path}/pressure")
def pressure(view: Reader, code: Code) -> Response:
    """Return the hourly pressure of up to four sensors; of more, the lowest, the middle and the highest."""
    d = get_dma(view.caller, code)
    since = view.now - WEEKS
    with view.caller.transaction() as conn:
        found = read(conn, Q["pressures"], {"code": code, "since": since, "until": view.now}, HOURS)
        sensors = {row["id"]: row["serial"] for row in rows(conn, "network.sensors", code=code)}
        outages = rows(conn, "outages.of_dma", dma=code, since=since, until=view.now)
    slots, seat = np.unique(found["slot"], return_inverse=True)
    meters, place = np.unique(found["meter"], return_inverse=True)
    kpa = np.full((len(meters), len(slots)), np.nan, np.float32)
    kpa[place, seat] = found["kpa"]
    at = (slots.astype(np.int64) + EPOCH_US) / 1e6
    if len(meters) <= FEW:
        each = [Line(sensors[int(m)], "kPa", row) for m, row in zip(meters, kpa, strict=True)]
        chart = Chart(at, each)
    else:
        lines = [
            Line(view.say("Highest sensor"), "kPa", np.nanmax(kpa, axis=0)),
            Line(view.say("Middle of the sensors"), "kPa", np.nanmedian(kpa, axis=0)),
            Line(view.say("Lowest sensor"), "kPa", np.nanmin(kpa, axis=0)),
        ]
        chart = Chart(at, lines, bands=[(0, 2)])
    if d.service_min_kpa is not None:
        chart.limits.append(Limit(d.service_min_kpa, view.say("Service minimum"), "kPa"))
    for row in outages:
        end = seconds(row["ended_at"] or view.now)
        chart.spans.append(Span(seconds(row["began_at"]), end, view.say("Outage"), "outage"))
    return chart.response()


@router.get("/network")
def network(view: Reader, dma: Name | None = None) -> Response:
    """Return what the map shows on its pipes: meters, and the places of the events that are open."""
    found = open_events(view, dma)
    names = sorted({name for event in found for name in ranked(event)})
    with view.caller.transaction() as conn:
        meters = rows(conn, "network.map_meters", code=dma, since=view.now - FRESH, until=view.now)
        around = first(conn, "network.map_extent", code=dma)
        own = rows(conn, "network.map_own", code=dma) if dma else []
        seats = rows(conn, "network.map_seats", names=names) if names else []
    shown = {
        "meters": [_meter(m) for m in meters if m["x"] is not None and m["y"] is not None],
        "events": [{"id": e.id, "places": ranked(e), "subject": e.subject} for e in found],
        "seats": {seat["name"]: _ends(seat) for seat in seats},
        "own": [_ends(pipe) for pipe in own],
        "extent": [around[side] for side in SIDES] if around and around["left"] is not None else None,
    }
    return Response(msgspec.json.encode(shown), media_type="application/json")


@router.get("/network/pipes")
def pipes(view: Reader) -> Response:
    """Return every pipe from end to end, packed: decimetres from the corner, and a width of 0 to 2.

    The process keeps them for as long as the utility's map is as it was.
    """
    state = view.request.app.state
    with view.caller.transaction() as conn:
        revision = rows(conn, "network.map_revision")[0]["revision"]
        kept: tuple[int, bytes] | None = getattr(state, "pipes", None)
        if kept is None or kept[0] != revision:
            kept = state.pipes = (revision, _packed(read(conn, Q["map_lines"], {}, LINES)))
    headers = {"Cache-Control": f"private, max-age={KEPT_S}"}
    return Response(kept[1], media_type=MEDIA_TYPE, headers=headers)


def _packed(found: NDArray[np.void]) -> bytes:
    left = min(found["x1"].min(), found["x2"].min()) if len(found) else 0.0
    bottom = min(found["y1"].min(), found["y2"].min()) if len(found) else 0.0
    sides = (("x1", left), ("y1", bottom), ("x2", left), ("y2", bottom))
    ends = [np.round((found[name] - corner) * 10).astype("<i4") for name, corner in sides]
    width = np.digitize(found["mm"], WIDTHS_MM).astype("u1")
    head = {"n": len(found), "left": float(left), "bottom": float(bottom)}
    return packed(head, [*ends, width])


def _ends(line: Row) -> list[float]:
    return [round(line[name], 1) for name in ("x1", "y1", "x2", "y2")]


def _meter(m: Row) -> dict[str, Any]:
    return {
        "name": m["meter"],
        "kind": m["kind"],
        "x": m["x"],
        "y": m["y"],
        "kpa": m["pressure_kpa"] and round(m["pressure_kpa"], 1),
        "least": m["service_min_kpa"],
        "at": m["measured_at"] and m["measured_at"].timestamp(),
    }


def _column(values: Sequence[float | None], part: float = 1) -> NDArray[np.float32]:
    return np.array([np.nan if v is None else v / part for v in values], np.float32)
