"""Series of one meter: raw readings page by page, interval volumes by hour and by the utility's day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from api.auth import Caller
from api.fields import midnight
from api.rows import Q, Row, rows
from core.words import Flag, Quality
from sql.pool import Connection

STREAM_ROWS = 5_000
QUALITY = tuple(quality.name.lower() for quality in Quality)

Raw = tuple[Any, ...]
"""ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at."""


@lru_cache(1024)
def flag_names(flags: int) -> tuple[str, ...]:
    """Return the names of the status bits that are set; bits without a name are left out."""
    return tuple(flag.name.lower() for flag in Flag if flags & flag and flag.name)


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


def readings(conn: Connection, meter: Row, after: datetime, until: datetime, limit: int) -> list[Raw]:
    """Return up to `limit` readings with after < ts <= until, oldest first.

    They are looked for in windows that should hold `limit` rows at the meter's interval, wider while nothing
    is found: the guarded view sorts what it lets through, and so never sorts much more than is asked for.
    """
    found: list[Raw] = []
    width = timedelta(seconds=meter["interval_s"] * limit)
    while len(found) < limit and after < until:
        end = min(until, after + width)
        values = {"meter_id": meter["id"], "after": after, "until": end, "limit": limit - len(found)}
        got = conn.execute(Q["readings"], values).fetchall()
        found += got
        width *= 1 if got else 4
        after = end
    return found


def stream(caller: Caller, meter: Row, after: datetime, until: datetime) -> Iterator[list[Raw]]:
    """Yield all readings of a period in parts, each in a transaction of its own.

    So no connection waits for a slow client, and memory holds one part.
    """
    while True:
        with caller.transaction() as conn:
            part = readings(conn, meter, after, until, STREAM_ROWS)
        if part:
            yield part
        if len(part) < STREAM_ROWS:
            return
        after = part[-1][0]


def hourly(conn: Connection, meter: Row, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return the hours that begin in the period, with how each volume came about."""
    found = rows(conn, "usage_hourly", meter_id=meter["id"], since=since, until=until)
    return [{**row, "quality": QUALITY[row["quality"]]} for row in found]


def whole_days(since: datetime, until: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the period widened to whole days of `zone`."""
    start = midnight(since.astimezone(zone).date(), zone)
    last = until.astimezone(zone).date()
    end = midnight(last, zone)
    return start, end if end >= until and end > start else midnight(last + timedelta(days=1), zone)


def daily(
    conn: Connection, meter: Row, since: datetime, until: datetime, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """Return the days of `zone` that have any hour in the period, each with the hours it should have."""
    found = rows(conn, "usage_daily", meter_id=meter["id"], since=since, until=until, zone=zone.key)
    for row in found:
        length = midnight(row["day"] + timedelta(days=1), zone) - midnight(row["day"], zone)
        row["hours_expected"] = round(length / timedelta(hours=1))
    return found
