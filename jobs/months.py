"""The figures of a month in each DMA: its water balance and the pressure at its sensors."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from core.words import for_readers
from detection.kernels.water_loss import grade, ili, loss_rate, uarl_l_day
from sql.pool import Connection
from sql.query import Queries

Q = Queries("jobs")
Row = dict[str, Any]
#: So long after its end a month is made again, for what comes late.
_LATE = timedelta(days=7)
#: A month with less of it known has no figures of loss.
_ENOUGH_SHARE = 0.5


def months(conn: Connection, due: datetime) -> str:
    """Make the figures of the running month, and of the one before while readings may be late."""
    row = conn.execute(Q["zone_utility"]).fetchone()
    zone = ZoneInfo(row[0] if row else "UTC")
    wanted = sorted({_month(due, zone), _month(due - _LATE, zone)})
    counted = [make(conn, month, zone, due) for month in wanted]
    return "; ".join(
        for_readers(f"{m:%Y-%m}: {dmas} DMAs, {n} sensors")
        for m, (dmas, n) in zip(wanted, counted, strict=True)
    )


def make(conn: Connection, month: date, zone: ZoneInfo, now: datetime) -> tuple[int, int]:
    """Make the figures of one month up to `now`; return the number of DMAs and of sensors."""
    start = datetime(month.year, month.month, 1, tzinfo=zone)
    end = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=zone)
    until = min(end, now)
    span = {"from": start, "until": until, "timezone": zone.key}
    hours = int((until.timestamp() - start.timestamp()) // 3600)
    with conn.cursor(row_factory=dict_row) as cursor:
        dmas = cursor.execute(Q["dma_balance"], span).fetchall()
        sensors = cursor.execute(Q["pressure_quality"], span).fetchall()
    made = {"month": month, "made_at": now}
    with conn.cursor() as cursor:
        if sensors:
            cursor.executemany(Q["put_pressure_month"], [sensor | made for sensor in sensors])
        if dmas:
            rows = [
                _figures(dma, [s for s in sensors if s["dma_id"] == dma["id"]], hours) | made for dma in dmas
            ]
            cursor.executemany(Q["put_dma_month"], rows)
    return len(dmas), len(sensors)


def _month(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date().replace(day=1)


def _figures(dma: Row, sensors: Sequence[Row], hours: int) -> Row:
    """Return the row of a DMA; what can't be known of it stays empty."""
    known = dma["inflow_hours"] > 0
    balanced = dma["use_hours"] >= max(_ENOUGH_SHARE * hours, 1) and (dma["both_inflow_l"] or 0) > 0
    below = [s["minutes_below"] for s in sensors if s["minutes_below"] is not None]
    row: Row = {
        "dma_id": dma["id"],
        "hours": hours,
        "inflow_hours": dma["inflow_hours"],
        "use_hours": dma["use_hours"],
        "customers": dma["customers"],
        "inflow_m3": dma["inflow_l"] / 1000 if known else None,
        "night_lph": dma["night_lph"],
        "mean_kpa": _mean([s["mean_kpa"] for s in sensors]),
        "minutes_below": max(below) if below else None,
        "peak_valley_kpa": _mean([s["peak_valley_kpa"] for s in sensors]),
        **dict.fromkeys(("used_m3", "lost_m3", "lost_share", "uarl_l_day", "ili", "loss_rate", "grade")),
    }
    km, connections = dma["mains_km"], dma["connections"] or dma["customers"]
    unavoidable = math.nan
    if km is not None and connections and row["mean_kpa"] is not None:
        unavoidable = uarl_l_day(km, connections, 0.0, row["mean_kpa"])
        row["uarl_l_day"] = unavoidable
    if balanced:
        inflow, used = dma["both_inflow_l"], dma["both_used_l"]
        lost = inflow - used
        a_day = 24 / dma["use_hours"]
        a_year_10000_m3 = inflow * a_day * 365 / 1e7
        rate = loss_rate(
            lost / inflow,
            (dma["both_home_l"] or 0) / inflow,
            km / a_year_10000_m3 if km is not None else math.nan,
        )
        index = ili(lost * a_day, unavoidable)
        row |= {
            "used_m3": used / 1000,
            "lost_m3": lost / 1000,
            "lost_share": lost / inflow,
            "ili": None if math.isnan(index) else index,
            "loss_rate": rate,
            "grade": grade(rate),
        }
    return row


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
