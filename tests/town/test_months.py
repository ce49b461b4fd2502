"""The figures of a month: balance, losses and pressure of a DMA."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.months import make
from sql.pool import Connection
from tests import factories

START = datetime(2026, 10, 1, tzinfo=UTC)
MONTH = date(2026, 10, 1)
HOURS = 31 * 24


def usage(conn: Connection, meter: int, litres: float, hours: range = range(HOURS), quality: int = 0) -> None:
    conn.execute(
        "insert into usage_hourly select %s, %s + h * interval '1 hour', %s, %s from unnest(%s::int[]) h",
        (meter, START, litres, quality, list(hours)),
    )


def town(conn: Connection) -> int:
    """North takes 1,000 L/h, passes 300 on to the south, and its tank rises by 50; two homes use 260 each."""
    conn.execute("insert into utility (name, timezone) values ('Test', 'UTC')")
    known = {"min_pressure_kpa": 200, "connections": 100, "mains_km": 2.0}
    north, south = factories.dma(conn, "N", **known), factories.dma(conn, "S")
    usage(conn, factories.meter(conn, "in", kind="dma_inlet", dma_id=north), 1000)
    usage(conn, factories.meter(conn, "over", kind="dma_inlet", dma_id=south, from_dma_id=north), 300)
    usage(conn, factories.meter(conn, "tank", kind="storage", dma_id=north), 50)
    for n in range(2):
        usage(conn, factories.customer(conn, f"A{n}", f"m{n}", dma_id=north), 260)
    sensor = factories.meter(conn, "p", kind="pressure", dma_id=north, interval_s=3600)
    for h in range(HOURS):
        kpa = 180 if h in {100, 101} else 392.266 + (20 if h % 24 == 3 else 0)
        at = START + timedelta(hours=h + 1)
        factories.insert(conn, "reading", meter_id=sensor, ts=at, pressure_kpa=kpa)
    return north


def figures(conn: Connection, dma: str, *columns: str) -> tuple[object, ...]:
    names = ", ".join(f"m.{c}" for c in columns)
    query = f"select {names} from dma_month m join dma d on d.id = m.dma_id where d.code = %s"  # noqa: S608 - names of ours
    return tuple(conn.execute(query, (dma,)).fetchall()[0])


def test_a_month_s_balance_losses_and_pressure(conn: Connection) -> None:
    town(conn)
    assert make(conn, MONTH, ZoneInfo("UTC"), START + timedelta(days=40)) == (2, 1)
    assert figures(conn, "N", "hours", "inflow_hours", "use_hours", "customers") == (HOURS, HOURS, HOURS, 2)
    inflow, used, lost, share, night = figures(
        conn, "N", "inflow_m3", "used_m3", "lost_m3", "lost_share", "night_lph"
    )
    assert (inflow, used, lost) == pytest.approx((650 * HOURS / 1000, 520 * HOURS / 1000, 130 * HOURS / 1000))
    assert share == pytest.approx(0.2)
    assert night == 650
    mean, below, spread = figures(conn, "N", "mean_kpa", "minutes_below", "peak_valley_kpa")
    assert below == 120
    assert mean == pytest.approx(392.5, abs=0.5)
    # Every day spans the 20 kPa of its one high hour, the day of the drop 232.
    assert spread == pytest.approx(20 + (232.266 - 20) / 31, abs=0.01)
    unavoidable, index = figures(conn, "N", "uarl_l_day", "ili")
    assert unavoidable == pytest.approx((18 * 2 + 0.8 * 100) * float(str(mean)) / 9.80665)
    assert index == pytest.approx(130 * 24 / float(str(unavoidable)))
    rate, grade = figures(conn, "N", "loss_rate", "grade")
    # All use is households' (0.08 * 0.8), and 2 km for 0.57 ten thousand m3 a year is beyond 3 %.
    assert rate == pytest.approx(0.2 - 0.08 * 0.8 - 0.03)
    assert grade == "2"


def test_what_is_not_known_stays_empty(conn: Connection) -> None:
    town(conn)
    make(conn, MONTH, ZoneInfo("UTC"), START + timedelta(days=40))
    assert figures(conn, "S", "inflow_m3", "used_m3", "ili", "grade", "mean_kpa") == (
        pytest.approx(300 * HOURS / 1000),
        None,
        None,
        None,
        None,
    )


def test_hours_that_are_estimated_or_lack_a_meter_do_not_count(conn: Connection) -> None:
    north = town(conn)
    conn.execute("delete from usage_hourly where volume_l = 50 and slot < %s", (START + timedelta(hours=10),))
    conn.execute(
        "update usage_hourly set quality = 2 where volume_l = 1000 and slot >= %s",
        (START + timedelta(hours=HOURS - 5),),
    )
    make(conn, MONTH, ZoneInfo("UTC"), START + timedelta(days=40))
    assert figures(conn, "N", "inflow_hours") == (HOURS - 15,)
    assert north


def test_a_month_is_made_again_as_it_goes_on(conn: Connection) -> None:
    town(conn)
    make(conn, MONTH, ZoneInfo("UTC"), START + timedelta(days=10))
    assert figures(conn, "N", "hours", "inflow_hours") == (240, 240)
    make(conn, MONTH, ZoneInfo("UTC"), START + timedelta(days=40))
    assert figures(conn, "N", "hours", "inflow_hours") == (HOURS, HOURS)
