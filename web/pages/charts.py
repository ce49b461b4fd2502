"""What the charts of the pages draw: a meter's use, flow and pressure, and the evidence of an event."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Response
from numpy.typing import NDArray

from api.events.endpoints import get_event
from api.events.schemas import EventDetail
from api.fields import Id, Name, When, span
from api.rows import first, rows
from api.series.columns import SHAPES
from api.series.parts import stored
from core.errors import NotFoundError
from notify.speech import finite
from sql.columns import EPOCH_US
from sql.pool import Connection
from web.chart import Chart, Limit, Line, Mark, Span, joined, seconds
from web.route import PageRoute
from web.view import View, sees

router = APIRouter(prefix="/charts", include_in_schema=False, route_class=PageRoute)
MOST_ROWS = 600_000
HOUR_S = 3_600.0
Show = Literal["use", "flow", "pressure"]
Curve = tuple[NDArray[np.float64], NDArray[np.float32]]
PRESSURE = {"pressure", "main_burst", "pressure_drop", "low_pressure"}


@router.get("/meters/{serial}")
def meter(
    view: Annotated[View, sees("readings:read")],
    serial: Annotated[Name, Path()],
    show: Show = "use",
    since: Annotated[When | None, Query(alias="from")] = None,
    until: Annotated[When | None, Query(alias="to")] = None,
) -> Response:
    """Return one meter's hourly use, its flow between readings, or its pressure."""
    start, end = span(since, until, view.now, lambda: view.utility.zone)
    with view.caller.transaction() as conn:
        found = first(conn, "meter", serial=serial)
        if found is None:
            raise NotFoundError(f"There is no meter {serial!r}.")
        chart = Chart(*_lines(view, show, [(serial, _curve(conn, found["id"], show, start, end))]))
        _outages(conn, view, chart, found.get("dma"), start, end)
    return chart.response()


@router.get("/events/{id}")
def event(
    view: Annotated[View, sees("events:read", "readings:read")], id_: Annotated[Id, Path(alias="id")]
) -> Response:
    """Return what an event was found in: from ten days before its onset to a day after its end."""
    found = get_event(view.caller, id_)
    until = min(
        max(found.last_seen, found.detected_at, found.cleared_at or found.last_seen) + timedelta(days=1),
        view.now,
    )
    since = found.onset - timedelta(days=10)
    show: Show = "use"
    if found.group == "pressure" or PRESSURE & set(found.detectors):
        show = "pressure"
    elif "burst" in found.detectors:
        show = "flow"
    with view.caller.transaction() as conn:
        curves = []
        for serial in _serials(found):
            place = first(conn, "meter", serial=serial)
            if place is not None:
                curves.append((serial, _curve(conn, place["id"], show, since, until)))
        chart = Chart(*_lines(view, show, curves))
        _outages(conn, view, chart, found.dma, since, until)
    chart.spans.append(
        Span(seconds(found.onset), seconds(found.cleared_at or until), view.say("Event"), "event")
    )
    chart.marks.append(Mark(seconds(found.onset), view.say("Onset")))
    if found.cleared_at:
        chart.marks.append(Mark(seconds(found.cleared_at), view.say("Over")))
    limit, unit = _threshold(found, show)
    if limit is not None:
        chart.limits.append(Limit(limit, view.say("Threshold"), unit))
    return chart.response()


def _serials(found: EventDetail) -> list[str]:
    """Return the meters that an event was seen at: the first four."""
    named = [found.meter] if found.meter else []
    for known in found.evidence.values():
        if isinstance(known, dict):
            listed = known.get("meters") or known.get("sensors") or []
            named += [one if isinstance(one, str) else one.get("meter", "") for one in listed if one]
    return [serial for serial in dict.fromkeys(named) if serial][:4]


def _threshold(found: EventDetail, show: Show) -> tuple[float | None, str]:
    names = ("service_min_kpa",) if show == "pressure" else ("threshold_lph", "threshold_l", "usual_lph")
    for known in found.evidence.values():
        for name in names if isinstance(known, dict) else ():
            value = finite(known.get(name))
            if value is not None:
                return value, "kPa" if show == "pressure" else "L/h"
    return None, ""


def _lines(view: View, show: Show, curves: list[tuple[str, Curve]]) -> tuple[NDArray[np.float64], list[Line]]:
    at, columns = joined([curve for _, curve in curves])
    names = {"use": view.say("Use"), "flow": view.say("Flow"), "pressure": view.say("Pressure")}
    unit = "kPa" if show == "pressure" else "L/h"
    one = len(curves) == 1
    return at, [
        Line(names[show] if one else serial, unit, column, "line" if show == "pressure" else "step")
        for (serial, _), column in zip(curves, columns, strict=True)
    ]


def _curve(conn: Connection, meter_id: int, show: Show, since: datetime, until: datetime) -> Curve:
    shape = SHAPES["usage", "hour"] if show == "use" else SHAPES["reading", "raw"]
    params = {"meter_ids": f"{{{meter_id}}}", "since": since, "until": until, "limit": MOST_ROWS}
    found = stored(conn, shape, params)
    at = (found[shape.clock].astype(np.int64) + EPOCH_US) / 1e6
    if show == "use":
        return _with_ends(at, found["volume_l"].astype(np.float32), np.full(len(at), HOUR_S))
    if show == "pressure":
        kpa = found["pressure_kpa"].astype(np.float32)
        known = np.isfinite(kpa)
        return at[known], kpa[known]
    return _flow(at, found["register_l"].astype(np.float64), found["flow_lph"].astype(np.float32))


def _flow(at: NDArray[np.float64], register_l: NDArray[np.float64], reported: NDArray[np.float32]) -> Curve:
    """Return the mean flow from each reading to the next: by the registers, else as the meter reported it."""
    if len(at) < 2:
        return np.empty(0), np.empty(0, np.float32)
    took = np.diff(at)
    flow = np.diff(register_l) / took * HOUR_S
    flow = np.where(np.isfinite(flow) & (flow >= 0), flow, reported[1:])
    return _with_ends(at[:-1], flow.astype(np.float32), took)


def _with_ends(at: NDArray[np.float64], value: NDArray[np.float32], took: NDArray[np.float64]) -> Curve:
    """End every interval: where the next one does not begin at once there is a gap, not a bridge."""
    if not len(at):
        return at, value
    ends = at + took
    breaks = np.flatnonzero(np.append(at[1:] > ends[:-1] + 1.0, True)) + 1
    return np.insert(at, breaks, ends[breaks - 1]), np.insert(value, breaks, np.nan)


def _outages(
    conn: Connection, view: View, chart: Chart, dma: str | None, since: datetime, until: datetime
) -> None:
    """Shade the outages of a district."""
    if dma is None:
        return
    for row in rows(conn, "outages.of_dma", dma=dma, since=since, until=until):
        end = row["ended_at"] or min(until, view.now)
        chart.spans.append(Span(seconds(row["began_at"]), seconds(end), view.say("Outage"), "outage"))
