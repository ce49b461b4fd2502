"""The evidence of an event as series: what the chart draws."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from notify.figures import leading
from notify.speech import finite
from service.facts import Facts
from sql.pool import Connection
from sql.query import Queries

Q = Queries("notify")
_USAGE_DAYS, _FLOW_DAYS, _PRESSURE_DAYS = 10, 3, 3
_LINES = 4
_HOUR_S = 3_600.0


@dataclass(frozen=True)
class Line:
    """One series: `at` seconds since 1970 UTC; a use or flow holds from its `at` to the next."""

    label: str
    at: NDArray[np.float64]
    value: NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """What to draw: litres an hour for usage and flow, kilopascal for pressure."""

    kind: Literal["usage", "flow", "pressure"]
    lines: list[Line]
    threshold: float | None
    onset: datetime
    until: datetime
    over: bool


def load(conn: Connection, about: Facts) -> Series | None:
    """Return the days before the event was last seen; None where the store holds nothing to draw."""
    event, detector = about.event, leading(about.event)
    until = max(event.last_seen, event.detected_at, event.cleared_at or event.last_seen)
    evidence = event.evidence.get(detector)
    known = evidence if isinstance(evidence, dict) else {}
    if event.grp == "pressure":
        serials = [serial for serial in known.get("meters", []) if isinstance(serial, str)]
        serials = serials[:_LINES] or ([about.meter.serial] if about.meter else [])
        kind: Literal["usage", "flow", "pressure"] = "pressure"
        lines = _pressure(conn, serials, until - timedelta(days=_PRESSURE_DAYS), until)
        threshold = finite(known.get("service_min_kpa")) or (
            about.dma.min_pressure_kpa if about.dma else None
        )
    elif about.meter is None:
        return None
    elif detector == "burst":
        kind, lines = "flow", _flow(conn, about.meter.id, until - timedelta(days=_FLOW_DAYS), until)
        threshold = finite(known.get("threshold_lph"))
    else:
        kind, lines = "usage", _usage(conn, about.meter.id, until - timedelta(days=_USAGE_DAYS), until)
        threshold = finite(known.get("threshold_lph")) or finite(known.get("threshold_l"))
    if not lines and about.meter is not None and kind == "usage":
        kind, lines = "flow", _flow(conn, about.meter.id, until - timedelta(days=_FLOW_DAYS), until)
    if not lines:
        return None
    return Series(kind, lines, threshold, event.onset, until, event.cleared_at is not None)


def _usage(conn: Connection, meter_id: int, since: datetime, until: datetime) -> list[Line]:
    params = {"meter_id": meter_id, "since": since, "until": until}
    rows = conn.execute(Q["hourly_usage"], params).fetchall()
    if not rows:
        return []
    at = np.array([slot.timestamp() for slot, _, _ in rows])
    value = np.array([volume_l for _, volume_l, _ in rows], dtype=float)
    return [_with_gaps("", at, value, np.full(len(at), _HOUR_S))]


def _flow(conn: Connection, meter_id: int, since: datetime, until: datetime) -> list[Line]:
    """Return the mean flow between consecutive readings, from registers where there are any."""
    params = {"meter_id": meter_id, "since": since, "until": until}
    rows = conn.execute(Q["register_readings"], params).fetchall()
    if len(rows) < 2:
        return []
    at = np.array([ts.timestamp() for ts, _, _ in rows])
    register = np.array([np.nan if r is None else r for _, r, _ in rows], dtype=float)
    reported = np.array([np.nan if f is None else f for _, _, f in rows], dtype=float)[1:]
    took = np.diff(at)
    flow = np.diff(register) / took * _HOUR_S
    flow = np.where(np.isfinite(flow) & (flow >= 0), flow, reported)
    return [_with_gaps("", at[:-1], flow, took)] if np.isfinite(flow).any() else []


def _pressure(conn: Connection, serials: list[str], since: datetime, until: datetime) -> list[Line]:
    params = {"serials": serials, "since": since, "until": until}
    found: dict[str, list[tuple[float, float]]] = {}
    for serial, ts, kpa in conn.execute(Q["pressure_readings"], params):
        found.setdefault(serial, []).append((ts.timestamp(), kpa))
    return [
        Line(serial, np.array([at for at, _ in points]), np.array([kpa for _, kpa in points]))
        for serial, points in found.items()
    ]


def _with_gaps(
    label: str, at: NDArray[np.float64], value: NDArray[np.float64], took: NDArray[np.float64]
) -> Line:
    """End every interval: where the next one does not begin at once there is a gap, not a bridge."""
    ends = at + took
    breaks = np.flatnonzero(np.append(at[1:] > ends[:-1] + 1.0, True)) + 1
    return Line(label, np.insert(at, breaks, ends[breaks - 1]), np.insert(value, breaks, np.nan))
