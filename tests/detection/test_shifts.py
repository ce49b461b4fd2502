"""Shift calendars, local time and holidays."""

from datetime import UTC, datetime

import numpy as np
import pytest

from core.errors import BadDataError
from detection.shifts import parse
from detection.timetable import Timetable


def hours(text: str) -> list[int]:
    week = parse(text)
    return np.flatnonzero(week.own | week.spilled).tolist()


def test_days_and_hours() -> None:
    assert hours("mo 06:00-08:00") == [6, 7]
    assert hours("fr-mo 00:00-01:00") == [0, 96, 120, 144]
    assert hours("tu,th 12:30-13:15") == [36, 37, 84, 85]
    assert hours("mo 06:00-07:00, 09:00-10:00; tu 00:00-24:00") == [6, 9, *range(24, 48)]
    assert len(hours("daily 00:00-24:00")) == 168
    assert hours("") == []


def test_overnight_shift_ends_on_the_next_day_even_over_the_weekend() -> None:
    assert hours("su 22:00-06:00") == [0, 1, 2, 3, 4, 5, 166, 167]


@pytest.mark.parametrize(
    "text",
    [
        "mo-fr",
        "xx 06:00-08:00",
        "mo 6-8",
        "mo 25:00-26:00",
        "mo 06:00-06:00",
        "mo 06:70-08:00",
        "06:00-22:00",
    ],
)
def test_wrong_calendar_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadDataError, match="mo-fr 06:00-22:00"):
        parse(text)


def utc(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type]


def test_no_shift_begins_on_a_holiday_but_the_one_of_the_eve_ends() -> None:
    table = Timetable("Asia/Shanghai", "CN")
    eve = utc(2026, 4, 29, 16) // 3600  # 30 April, 00:00 in Shanghai; 1 May is a holiday
    worked = table.worked(parse("daily 22:00-06:00"), eve, eve + 48)
    assert np.flatnonzero(worked).tolist() == [*range(6), *range(22, 30)]


def test_holiday_is_a_sunday() -> None:
    table = Timetable("Asia/Shanghai", "CN")
    noon = utc(2026, 5, 1, 4) // 3600
    assert table.hour_of_week(noon, noon + 1).tolist() == [6 * 24 + 12]


def test_days_have_23_24_or_25_hours() -> None:
    table = Timetable("Europe/Rome", "")
    for day, length in (((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)):
        noon = utc(*day, 12)
        assert table.next_day(noon) - table.day_start(noon) == length * 3600


def test_unknown_country_has_no_holidays() -> None:
    assert not Timetable("UTC", "XX").holiday(0, 24).any()


def test_day_and_month_begin_with_the_first_whole_hour_that_starts_in_them() -> None:
    kolkata, rome = Timetable("Asia/Kolkata", ""), Timetable("Europe/Rome", "")
    march, april = (int(datetime(2026, m, 1, tzinfo=UTC).timestamp()) for m in (3, 4))
    first = april - 5 * 3600
    for ts in (first - 1800, first - 3600):  # 00:00 on the first lies in the hour that starts at 23:30
        assert kolkata.month_name(ts) == "2026-03" and kolkata.next_day(ts) == first
        assert kolkata.day_start(ts) == first - 86_400
    assert kolkata.day_start(first) == kolkata.month(first)[0] == first
    assert kolkata.month_name(first) == "2026-04"
    # March has lost an hour to summer time.
    assert rome.month(march) == (march - 3600, april - 7200)
    assert rome.month_name(april - 7200) == "2026-04" and rome.month_name(april - 10800) == "2026-03"
