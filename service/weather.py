"""The weather as it was and as it is forecast: what comes in, and the frost and heat that lie ahead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from core.errors import BadDataError
from sql.pool import Connection
from sql.query import Queries

Q = Queries("weather")
Hazard = Literal["frost", "heat"]
AHEAD = timedelta(hours=72)
#: Hours that are no air temperature on Earth.
COLDEST_C, HOTTEST_C = -90.0, 60.0


@dataclass(frozen=True)
class Limits:
    """At or below which air temperature it is frost, at or above which heat, degrees Celsius."""

    frost_c: float
    heat_c: float


@dataclass(frozen=True)
class Spell:
    """Hours ahead that are too cold or too hot: from the first to the last, and the extreme of them."""

    hazard: Hazard
    since: datetime
    until: datetime
    extreme_c: float


def take(conn: Connection, hours: Iterable[Mapping[str, Any]], *, issued_at: datetime) -> tuple[int, int]:
    """Store hours of weather; return how many are measured and how many forecast.

    Hours that end after `issued_at` are forecast. A newer forecast replaces an older one, what was measured
    replaces both, and no forecast replaces what was measured.
    """
    measured = forecast = 0
    rows = []
    for hour in hours:
        air_c = hour["air_c"]
        if air_c is not None and not COLDEST_C <= air_c <= HOTTEST_C:
            raise BadDataError(
                f"The air temperature at {hour['ts']:%FT%TZ} is {air_c} °C.",
                cure="Give degrees Celsius.",
            )
        ahead = hour["ts"] > issued_at
        forecast, measured = forecast + ahead, measured + (not ahead)
        rows.append({**hour, "issued_at": issued_at if ahead else None})
    if rows:
        conn.cursor().executemany(Q["put_weather"], rows)
    return measured, forecast


def spells(conn: Connection, limits: Limits, *, at: datetime) -> list[Spell]:
    """Return the frost and the heat that the next three days bring, at most one of each."""
    rows = conn.execute(Q["air_ahead"], {"at": at, "until": at + AHEAD}).fetchall()
    cold = [(ts, c) for ts, c in rows if c <= limits.frost_c]
    hot = [(ts, c) for ts, c in rows if c >= limits.heat_c]
    found = []
    if cold:
        found.append(Spell("frost", cold[0][0], cold[-1][0], min(c for _, c in cold)))
    if hot:
        found.append(Spell("heat", hot[0][0], hot[-1][0], max(c for _, c in hot)))
    return found
