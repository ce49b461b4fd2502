"""What a customer used in a month of the utility's zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import load
from jobs.job import Run
from jobs.people import customer_months
from service import volumes
from sql.pool import Connection
from tests import factories

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
OCTOBER = date(2026, 10, 1)


def fill(conn: Connection, meter_id: int, since: datetime, hours: int, litres: float = 1.0) -> None:
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality)"
        " select %s, t, %s, 0 from generate_series(%s::timestamptz, %s, interval '1 hour') t",
        (meter_id, litres, since, since + timedelta(hours=hours - 1)),
    )


def months(conn: Connection) -> dict[tuple[str, date], tuple[float, int]]:
    rows = conn.execute("select account_no, month, volume_l, hours from customer_month").fetchall()
    return {(account, month): (volume, hours) for account, month, volume, hours in rows}


@pytest.fixture
def town(conn: Connection) -> Connection:
    factories.insert(conn, "utility", name="x", timezone="Asia/Shanghai")
    return conn


def run(conn: Connection, now: datetime = NOW) -> str:
    return customer_months(Run(conn, load(), now, now))


def test_a_month_begins_and_ends_at_midnight_of_the_utility(town: Connection) -> None:
    meter = factories.customer(town, "A1", "m1")
    fill(town, meter, datetime(2026, 9, 30, 15, tzinfo=UTC), 2)  # 23:00 and 00:00 in Shanghai
    fill(town, meter, datetime(2026, 10, 31, 15, tzinfo=UTC), 2)
    run(town)
    assert months(town) == {
        ("A1", date(2026, 9, 1)): (1.0, 1),
        ("A1", OCTOBER): (2.0, 2),
        ("A1", date(2026, 11, 1)): (1.0, 1),
    }


def test_an_exchange_in_the_month_and_a_second_point_add_up(town: Connection) -> None:
    start, swap = volumes.bounds(OCTOBER, ZONE)[0], datetime(2026, 10, 11, tzinfo=UTC)
    old = factories.customer(town, "A1", "old")
    (point,) = town.execute("select id from service_point").fetchall()[0]
    new = factories.meter(town, "new")
    town.execute("update meter_installation set removed_at = %s where meter_id = %s", (swap, old))
    factories.insert(town, "meter_installation", meter_id=new, service_point_id=point, installed_at=swap)
    other_point = factories.insert(town, "service_point", "id", code="second", account_no="A1")
    beside = factories.meter(town, "beside")
    factories.insert(town, "meter_installation", meter_id=beside, service_point_id=other_point)
    for meter in (old, new):
        fill(town, meter, start, 744)  # each says more than its own time
    fill(town, beside, start, 10, litres=5.0)
    inlet = factories.meter(town, "inlet", kind="dma_inlet")
    factories.insert(town, "meter_installation", meter_id=inlet, service_point_id=other_point)
    fill(town, inlet, start, 744)
    run(town)
    assert months(town)["A1", OCTOBER] == (744.0 + 50.0, 744)


def test_one_by_one_is_the_same_as_for_everybody(town: Connection) -> None:
    start = volumes.bounds(OCTOBER, ZONE)[0]
    for number in range(5):
        meter = factories.customer(town, f"A{number}", f"m{number}")
        fill(town, meter, start + timedelta(hours=number), 700, litres=number + 0.5)
    town.execute("update meter_installation set removed_at = %s where id = 2", (start + timedelta(days=3),))
    volumes.make(town, OCTOBER, ZONE, NOW)
    whole = months(town)
    town.execute("delete from customer_month")
    assert volumes.make_of(town, OCTOBER, ZONE, NOW, [f"A{n}" for n in range(5)]) == 5
    assert months(town) == whole
    assert volumes.make(town, OCTOBER, ZONE, NOW) == 0  # what is as it was is not written


def test_an_older_month_is_made_again_for_whom_readings_came_late(town: Connection) -> None:
    start = volumes.bounds(date(2026, 8, 1), ZONE)[0]
    late, other = (factories.customer(town, account, account) for account in ("A1", "B1"))
    for meter in (late, other):
        fill(town, meter, start, 10)
    run(town)
    for meter in (late, other):
        fill(town, meter, start + timedelta(hours=20), 5)
    factories.insert(
        town,
        "arrival",
        at=NOW - timedelta(hours=3),
        meter_ids=[late],
        ts_min=[start + timedelta(hours=20)],
        ts_max=[start + timedelta(hours=25)],
        readings=5,
    )
    assert "2026-08 1 of 1 late" in run(town)
    assert months(town) == {("A1", date(2026, 8, 1)): (15.0, 15), ("B1", date(2026, 8, 1)): (10.0, 10)}


def test_the_month_before_is_made_again_for_a_week(town: Connection) -> None:
    meter = factories.customer(town, "A1", "m1")
    fill(town, meter, datetime(2026, 10, 30, tzinfo=UTC), 1)
    run(town, datetime(2026, 11, 1, tzinfo=UTC))
    fill(town, meter, datetime(2026, 10, 30, 5, tzinfo=UTC), 1)
    run(town, datetime(2026, 11, 7, 15, 59, tzinfo=UTC))
    assert months(town)["A1", OCTOBER] == (2.0, 2)
    fill(town, meter, datetime(2026, 10, 30, 9, tzinfo=UTC), 1)
    run(town, datetime(2026, 11, 8, 0, 0, tzinfo=UTC))
    assert months(town)["A1", OCTOBER] == (2.0, 2)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(-400, 400))
def test_steps_of_months_go_there_and_back(day: date, months: int) -> None:
    first = day.replace(day=1)
    there: Any = volumes.step(first, months)
    assert there.day == 1
    assert volumes.step(there, -months) == first
    assert (there.year - first.year) * 12 + there.month - first.month == months
