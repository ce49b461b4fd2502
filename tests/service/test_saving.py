"""What a customer's own use says about saving, by hand and from stored hours."""

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from service import saving
from service.saving import UseProfile
from sql.pool import Connection
from tests import factories

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 2, tzinfo=ZONE)


def hours(days: int = 14, start: datetime = MONDAY) -> list[datetime]:
    return [start + timedelta(hours=n) for n in range(24 * days)]


def made(litres: NDArray[np.float64], shifts: str | None, days: int = 14) -> UseProfile:
    found = saving.of(hours(days), litres, shifts)
    assert found is not None
    return found


def factory(night: float, day: float) -> NDArray[np.float64]:
    """`day` litres an hour on weekdays from 8 to 18, else `night`."""
    return np.array([day if at.weekday() < 5 and 8 <= at.hour < 18 else night for at in hours()])


def test_the_three_figures_by_hand() -> None:
    use = made(factory(100.0, 1000.0), "mo-fr 08:00-18:00")
    volume = 100 * 1000 + 236 * 100  # 2 x 5 x 10 hours of work, the other 236 of 336 at 100 L/h
    assert use.mean_lph == pytest.approx(volume / 336)
    assert use.night_lph == 100
    assert use.night_share == pytest.approx(100 * 336 / volume)
    assert use.night_m3_month == pytest.approx(73.0)
    assert use.off_share == pytest.approx(23_600 / volume)
    assert use.off_m3_month == pytest.approx(23_600 / 336 * 0.73)
    assert use.peak_lph == pytest.approx((10 * 1000 + 4 * 100) / 14)
    assert (use.valley_lph, use.days) == (100, 14)
    assert use.peak_to_valley == pytest.approx(use.peak_lph / 100)
    assert use.findings == ("night_base", "off_shift", "uneven")


def test_a_shift_over_midnight_is_worked_on_the_next_morning() -> None:
    litres = np.array([50.0 if at.weekday() == 5 and at.hour < 6 else 0.001 for at in hours()])
    worked = made(litres, "mo-fr 22:00-06:00").off_share
    rest = made(litres, "mo-th 22:00-06:00").off_share
    assert worked is not None
    assert rest is not None
    assert worked < 0.01
    assert rest > 0.99


def test_what_is_not_on_record_is_not_guessed() -> None:
    use = made(factory(0.0, 800.0), None)
    assert (use.off_share, use.off_m3_month) == (None, None)
    assert math.isinf(use.peak_to_valley)
    assert use.findings == ("uneven",)
    assert made(factory(1.0, 2.0), "whenever").off_share is None


def test_even_use_round_the_clock_is_seen() -> None:
    assert made(np.full(336, 400.0), "daily 00:00-24:00").findings == ("night_base", "even")


@pytest.mark.parametrize("litres", [np.zeros(336), np.full(24 * 6, 5.0)])
def test_too_little_to_say_anything(litres: NDArray[np.float64]) -> None:
    assert saving.of(hours(len(litres) // 24), litres, None) is None


def test_a_customer_s_meters_are_summed_over_the_days_before(conn: Connection, desk_conn: Connection) -> None:
    factories.insert(conn, "utility", name="Jiangcheng", timezone="Asia/Shanghai")
    first = factories.customer(conn, "F1", "M1", sector="industrial", shifts="mo-fr 08:00-18:00")
    second = factories.meter(conn, "M2")
    ((point,),) = conn.execute("select id from service_point").fetchall()
    factories.insert(conn, "meter_installation", meter_id=second, service_point_id=point)
    at = MONDAY + timedelta(days=30, hours=9)
    for meter in (first, second):
        for slot in hours(31, MONDAY):
            litres = 500.0 if slot.weekday() < 5 and 8 <= slot.hour < 18 else 30.0
            factories.insert(conn, "usage_hourly", meter_id=meter, slot=slot, volume_l=litres, quality=0)
    use = saving.profile(desk_conn, "F1", at=at)
    assert use is not None
    assert (use.days, use.night_lph) == (28, 60)
    assert use.off_share == pytest.approx(60 * (672 - 200) / (60 * (672 - 200) + 1000 * 200))
    assert saving.profile(desk_conn, "F2", at=at) is None
