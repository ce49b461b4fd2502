"""Days of use: what stands summed is what the hours say, whoever wrote them and when."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from psycopg import errors

from core.settings import load
from detection.store import write_usage
from detection.usage import Usage
from jobs.job import Run
from jobs.people import usage_days
from sql.pool import Connection, connect
from tests import factories

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2025, 10, 20, tzinfo=UTC)  # the clocks go back on the 26th
END = datetime(2025, 11, 4, tzinfo=UTC)
SWAP = datetime(2025, 10, 29, 10, tzinfo=UTC)
Days = dict[date, float]


@pytest.fixture
def town(conn: Connection) -> Connection:
    """A customer whose meter 1 is exchanged for meter 2 within a day, with a meter 3 beside them."""
    factories.insert(conn, "utility", name="x", timezone=ZONE.key)
    old = factories.customer(conn, "A1", "m1")
    for serial, since in (("m2", SWAP), ("m3", "-infinity")):
        factories.insert(
            conn,
            "meter_installation",
            meter_id=factories.meter(conn, serial),
            service_point_id=1,
            installed_at=since,
        )
    conn.execute("update meter_installation set removed_at = %s where meter_id = %s", (SWAP, old))
    conn.execute("select set_config('headwater.sees', 'all', false)")
    return conn


def write(conn: Connection, meter_id: int, slots: list[datetime], litres: float) -> None:
    n = len(slots)
    seconds = np.array([int(slot.timestamp()) for slot in slots])
    with conn.transaction():
        write_usage(conn, Usage(np.full(n, meter_id), seconds, np.full(n, litres), np.zeros(n, np.int16)))


def run(conn: Connection, now: datetime = END) -> str:
    return usage_days(Run(conn, load(), now, now))


def told(conn: Connection, since: datetime = START, until: datetime = END, zone: ZoneInfo = ZONE) -> Days:
    rows = conn.execute("select * from customer_days('A1', %s, %s, %s)", (zone.key, since, until)).fetchall()
    return {day: round(volume, 6) for day, volume in rows}


def truth(conn: Connection, since: datetime = START, until: datetime = END, zone: ZoneInfo = ZONE) -> Days:
    days: Days = {}
    for meter, slot, volume in conn.execute("select meter_id, slot, volume_l from usage_hourly").fetchall():
        here = {1: slot < SWAP, 2: slot >= SWAP, 3: True}[meter]
        if here and since <= slot < until:
            day = slot.astimezone(zone).date()
            days[day] = round(days.get(day, 0) + volume, 6)
    return days


def test_days_say_what_the_hours_say_after_late_and_corrected_ones(town: Connection) -> None:
    rng = random.Random(3)  # noqa: S311 - a sequence of deeds, no secret
    hours = [START + timedelta(hours=n) for n in range(int((END - START) / timedelta(hours=1)))]
    made = 0
    for step in range(24):
        write(town, rng.choice([1, 2, 3]), rng.sample(hours, 60), rng.randrange(1, 50))
        if step % 3 == 2:
            run(town, END if step > 10 else SWAP)
        since = rng.choice([START, *hours])
        assert told(town, since, END) == truth(town, since, END)
        ((summed,),) = town.execute("select count(*) from usage_daily where volume_l is not null").fetchall()
        made = max(made, summed)
    assert made > 30
    right = truth(town)
    run(town, END + timedelta(days=2))
    assert town.execute("select count(*) from usage_daily where volume_l is null").fetchall() == [(0,)]
    gone = (START + timedelta(days=1), SWAP - timedelta(days=1))
    town.execute("delete from usage_hourly where slot >= %s and slot < %s", gone)
    assert told(town) == right  # the days are read, not the hours


def test_days_of_another_zone_are_read_from_the_hours_and_made_anew_when_it_is_the_utilitys(
    town: Connection,
) -> None:
    write(town, 3, [START + timedelta(hours=n) for n in range(72)], 1.0)
    run(town)
    other = ZoneInfo("Asia/Kathmandu")
    assert told(town, zone=other) == truth(town, zone=other)
    town.execute("update utility set timezone = %s", (other.key,))
    run(town)
    assert town.execute("select zone from usage_daily_made").fetchall() == [(other.key,)]
    assert told(town, zone=other) == truth(town, zone=other)
    assert told(town) == truth(town)


@pytest.mark.parametrize("level", ["read committed", "repeatable read"])
def test_an_hour_written_while_its_day_is_summed_is_not_passed_over(
    town: Connection, database_url: str, level: str
) -> None:
    write(town, 3, [START + timedelta(hours=n) for n in range(48)], 1.0)
    late = [START + timedelta(hours=30)]
    with connect(database_url, "owner") as writer:
        writer.execute(f"set transaction isolation level {level}")
        writer.execute("select count(*) from usage_daily")  # its snapshot, before the days are made
        run(town)
        try:
            write(writer, 3, late, 9.0)
            writer.commit()
        except errors.SerializationFailure:
            writer.rollback()
            assert level == "repeatable read"
            write(writer, 3, late, 9.0)
            writer.commit()
    assert told(town) == truth(town)
    assert sum(told(town).values()) == 48 - 1 + 9
    run(town)
    assert told(town) == truth(town)


def test_a_day_that_is_being_written_is_left_to_the_next_run(town: Connection, database_url: str) -> None:
    write(town, 3, [START + timedelta(hours=n) for n in range(48)], 1.0)
    run(town)
    with connect(database_url, "owner") as writer:
        writer.execute("select")  # begins a transaction, which `write` leaves open
        write(writer, 3, [START], 5.0)
        assert run(town) == "days of meters: 0 summed, 0 again"
        writer.commit()
    assert told(town) == truth(town)
    assert run(town) == "days of meters: 0 summed, 1 again"
    assert told(town) == truth(town)


def test_a_manager_sees_the_days_of_own_customers_meters_alone(town: Connection, database_url: str) -> None:
    write(town, 1, [START + timedelta(hours=n) for n in range(24 * 14)], 1.0)
    run(town)
    anna, ben = factories.staff(town, "anna"), factories.staff(town, "ben")
    town.execute("update customer set manager_id = %s", (anna,))
    asked = "select count(*), sum(hours) from meter_days(1, %s, %s, %s)"
    span = [ZONE.key, START, END]
    with connect(database_url, "api", autocommit=True) as api:
        for staff, seen in ((anna, int((SWAP - START) / timedelta(hours=1))), (ben, None)):
            api.execute(
                "select set_config('headwater.sees', 'own', false), set_config('headwater.staff', %s, false)",
                [str(staff)],
            )
            assert api.execute(asked, span).fetchall()[0][1] == seen
            assert bool(
                api.execute("select * from customer_days('A1', %s, %s, %s)", span).fetchall()
            ) == bool(seen)
        with pytest.raises(errors.InsufficientPrivilege):
            api.execute("select from usage_daily")
