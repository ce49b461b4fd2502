"""Raw readings of one meter, page by page."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from api.rows import Q
from api.series.asked import Meter
from api.series.columns import flag_names
from sql.pool import Connection

Raw = tuple[Any, ...]
"""ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at."""


class Named(msgspec.Struct):
    """A reading as it stands in JSON."""

    ts: datetime
    register_l: float | None
    flow_lph: float | None
    pressure_kpa: float | None
    temperature_c: float | None
    battery_v: float | None
    flags: tuple[str, ...]
    received_at: datetime


def named(found: list[Raw]) -> list[Named]:
    """Return readings with their fields and flags named, to be written as JSON."""
    return [
        Named(ts, register, flow, pressure, temperature, battery, flag_names(flags), received)
        for ts, register, flow, pressure, temperature, battery, flags, received in found
    ]


def readings(conn: Connection, meter: Meter, after: datetime, until: datetime, limit: int) -> list[Raw]:
    """Return up to `limit` readings with after < ts <= until, oldest first.

    They are looked for in windows that should hold `limit` rows at the meter's interval, wider while nothing
    is found: the guarded view sorts what it lets through, and so never sorts much more than is asked for.
    """
    found: list[Raw] = []
    meter_id, _, interval_s = meter
    width = timedelta(seconds=interval_s * limit)
    while len(found) < limit and after < until:
        end = min(until, after + width)
        values = {"meter_id": meter_id, "after": after, "until": end, "limit": limit - len(found)}
        got = conn.execute(Q["readings"], values).fetchall()
        found += got
        width *= 1 if got else 4
        after = end
    return found
