"""Working time against a porter who walks through it minute by minute, and its own laws."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadDataError
from service.worktime import Calendar, check
from tests.service.slow_calendar import SlowCalendar

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
# Days about which clocks, calendars and years do something odd, by zone.
ODD = {
    "Asia/Shanghai": [date(2026, 2, 13), date(2026, 9, 30), date(2024, 2, 28), date(2026, 12, 31)],
    "Europe/Berlin": [date(2026, 3, 28), date(2026, 10, 24), date(2028, 2, 28), date(2026, 12, 24)],
    "America/New_York": [date(2026, 3, 7), date(2026, 10, 31), date(2026, 11, 25), date(2026, 12, 31)],
    "Australia/Lord_Howe": [date(2026, 4, 4), date(2026, 10, 3), date(2024, 2, 28), date(2025, 12, 31)],
}
COUNTRY = {
    "Asia/Shanghai": "CN",
    "Europe/Berlin": "DE",
    "America/New_York": "US",
    "Australia/Lord_Howe": "AU",
}
# Copied from the notices of the State Council for 2026 and the holiday acts of the others; nothing here asks
# the library. Weekend days around a holiday are just weekend days.
OFF = {
    "CN": "0101 0102 0216 0217 0218 0219 0220 0223 0405 0406 0501 0502 0504 0505 0619 0925 1001 1002 1003"
    " 1005 1006 1007",
    "DE": "0101 0403 0406 0501 0514 0525 1003 1225 1226",
    "US": "0101 0119 0216 0525 0619 0703 0704 0907 1012 1111 1126 1225",
    "AU": "0101 0126 0403 0406 0425 1225 1226",
}
MADE_UP = "0104 0214 0228 0509 0920 1010"


def public(country: str) -> dict[date, bool]:
    """Return what differs from the week between Christmas 2025 and the end of January 2027."""
    days = dict.fromkeys((date(2026, int(d[:2]), int(d[2:])) for d in OFF[country].split()), False)
    days |= dict.fromkeys([date(2027, 1, 1)], False)
    if country == "CN":
        days |= dict.fromkeys((date(2026, int(d[:2]), int(d[2:])) for d in MADE_UP.split()), True)
    else:
        days |= dict.fromkeys([date(2025, 12, 25)], False)
    return days


@st.composite
def weeks(draw: st.DrawFn) -> dict[int, list[tuple[int, int]]]:
    """Weekly hours: split and overnight shifts on some of the days."""
    quarter = st.integers(0, 95).map(lambda n: n * 15)
    shift = st.tuples(quarter, quarter.map(lambda m: m or 1440)).filter(lambda s: s[0] != s[1])
    week = draw(
        st.dictionaries(st.integers(0, 6), st.lists(shift, min_size=1, max_size=3), min_size=1, max_size=7)
    )
    return {
        day: [(start, end if end > start else end + 1440) for start, end in shifts]
        for day, shifts in week.items()
    }


def written(week: dict[int, list[tuple[int, int]]]) -> str:
    def clock(minutes: int) -> str:
        minutes = minutes - 1440 if minutes > 1440 else minutes
        return f"{minutes // 60:02}:{minutes % 60:02}"

    return "; ".join(
        f"{DAYS[day]} {' '.join(f'{clock(a)}-{clock(b)}' for a, b in shifts)}" for day, shifts in week.items()
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, SlowCalendar, datetime]:
    zone = draw(st.sampled_from(sorted(ODD)))
    week = draw(weeks())
    odd = draw(st.sampled_from(ODD[zone]))
    near = st.integers(-2, 5).map(lambda n: odd + timedelta(days=n))
    own = draw(st.dictionaries(near, st.booleans(), max_size=2))
    country = draw(st.sampled_from(["", COUNTRY[zone]])) if odd.year == 2026 else ""
    fast = Calendar(
        "drawn",
        written(week),
        ZoneInfo(zone),
        country=country,
        closed=frozenset(day for day, works in own.items() if not works),
        extra=frozenset(day for day, works in own.items() if works),
    )
    slow = SlowCalendar(ZoneInfo(zone), week, (public(country) if country else {}) | own)
    midnight = datetime(odd.year, odd.month, odd.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return fast, slow, midnight + timedelta(minutes=draw(st.integers(-1000, 3000)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases(), minutes=st.integers(0, 4500))
def test_as_much_is_worked_as_the_porter_counts(
    case: tuple[Calendar, SlowCalendar, datetime], minutes: int
) -> None:
    fast, slow, start = case
    end = start + timedelta(minutes=minutes)
    assert fast.worked(start, end) == slow.worked(start, end)
    assert fast.worked(end, start) == -slow.worked(start, end)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases(), minutes=st.integers(0, 700))
def test_it_is_due_when_the_porter_says_so(
    case: tuple[Calendar, SlowCalendar, datetime], minutes: int
) -> None:
    fast, slow, start = case
    minutes = min(minutes, sum(end - start for shifts in slow.week.values() for start, end in shifts))
    assert fast.due(start, minutes * 60) == slow.due(start, minutes * 60)


@settings(max_examples=60, deadline=None)
@given(
    case=cases(),
    seconds=st.integers(1, 40 * 86_400_000_000).map(lambda us: us / 1e6),
    later_s=st.integers(0, 400 * 86_400).map(float),
)
def test_due_before_and_worked_undo_each_other(
    case: tuple[Calendar, SlowCalendar, datetime], seconds: float, later_s: float
) -> None:
    calendar, _, start = case
    due = calendar.due(start, seconds)
    assert calendar.worked(start, due) == seconds
    assert calendar.worked(start, due - timedelta(microseconds=1)) == pytest.approx(seconds - 1e-6, abs=1e-7)
    back = calendar.before(due, seconds)
    assert calendar.worked(back, due) == seconds
    assert back >= start
    end = start + timedelta(seconds=later_s)
    assert calendar.due(start, calendar.worked(start, end)) <= end
    assert calendar.worked(start, end) + calendar.worked(end, due) == pytest.approx(seconds, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(case=cases(), first=st.integers(0, 10**6), second=st.integers(0, 10**6))
def test_a_time_may_be_taken_in_two_parts(
    case: tuple[Calendar, SlowCalendar, datetime], first: int, second: int
) -> None:
    calendar, _, start = case
    assert calendar.due(calendar.due(start, first), second) == calendar.due(start, first + second)


OFFICE = "mo-fr 08:30-12:00 13:30-17:30"


def office(zone: str = "Asia/Shanghai", country: str = "CN", hours: str = OFFICE, **days: Any) -> Calendar:
    return Calendar("office", hours, ZoneInfo(zone), country=country, **days)


def local(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        # Friday 13 February 2026; Saturday the 14th is worked, 15-23 is Spring Festival.
        ((2026, 2, 13, 16, 30), 2, (2026, 2, 14, 9, 30)),
        ((2026, 2, 14, 16, 30), 2, (2026, 2, 24, 9, 30)),
        ((2026, 9, 30, 17, 0), 1, (2026, 10, 8, 9, 0)),  # National Day
        ((2026, 11, 20, 11, 0), 2, (2026, 11, 20, 14, 30)),  # over lunch
        ((2026, 11, 20, 9, 30), 6.5, (2026, 11, 20, 17, 30)),  # due at the end of work, not on Monday
        ((2026, 11, 21, 10, 0), 0, (2026, 11, 21, 10, 0)),  # at once, whoever is there
        ((2024, 2, 28, 16, 30), 8.5, (2024, 2, 29, 17, 30)),  # 29 February, a Thursday
        ((2026, 12, 31, 17, 0), 1, (2027, 1, 4, 9, 0)),  # over New Year
    ],
)
def test_office_hours_of_a_chinese_utility(
    start: tuple[int, ...], hours: float, due: tuple[int, ...]
) -> None:
    zone = "Asia/Shanghai"
    assert office().due(local(zone, *start), hours * 3600) == local(zone, *due)


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 28), 7),
        ("Europe/Berlin", (2026, 10, 24), 9),
        ("Europe/Berlin", (2026, 7, 1), 8),
        ("Australia/Lord_Howe", (2026, 10, 3), 7.5),
        ("Australia/Lord_Howe", (2026, 4, 4), 8.5),
    ],
)
def test_a_night_shift_is_as_long_as_the_night(zone: str, night: tuple[int, ...], hours: float) -> None:
    calendar = office(zone, "", "daily 22:00-06:00")
    evening = local(zone, *night, 12)
    assert calendar.worked(evening, evening + timedelta(days=1)) == hours * 3600


def test_a_shift_in_the_missing_hour_does_not_take_place_and_one_in_the_double_hour_does_once() -> None:
    calendar = office("Europe/Berlin", "", "daily 02:10-02:50")
    for day, minutes in (((2026, 3, 29), 0), ((2026, 10, 25), 40), ((2026, 10, 26), 40)):
        morning = local("Europe/Berlin", *day)
        assert calendar.worked(morning, morning + timedelta(days=1)) == minutes * 60


def test_round_the_clock_is_plain_time() -> None:
    calendar = office("America/New_York", "", "daily 00:00-24:00")
    start = datetime(2026, 2, 28, 7, 11, 13, 17, tzinfo=UTC)
    for seconds in (1, 86_400, 172_800, 40 * 365 * 86_400):
        assert calendar.due(start, seconds) == start + timedelta(seconds=seconds)
        assert calendar.before(start, seconds) == start - timedelta(seconds=seconds)


def test_own_days_go_before_public_holidays_and_extra_days_borrow_the_first_days_hours() -> None:
    calendar = office(closed=frozenset({date(2026, 2, 14)}), extra=frozenset({date(2026, 2, 18)}))
    start = local("Asia/Shanghai", 2026, 2, 13, 17, 30)
    assert calendar.due(start, 3600) == local("Asia/Shanghai", 2026, 2, 18, 9, 30)
    sunday = office(hours="tu 09:00-10:00", country="", extra=frozenset({date(2026, 11, 22)}))
    day = local("Asia/Shanghai", 2026, 11, 22)
    assert sunday.worked(day, day + timedelta(days=1)) == 3600


def test_no_shift_begins_on_a_holiday_but_the_one_of_the_eve_ends() -> None:
    calendar = office(hours="daily 22:00-06:00")
    day = local("Asia/Shanghai", 2026, 5, 1)
    assert calendar.worked(day, day + timedelta(days=1)) == 6 * 3600


@pytest.mark.parametrize(
    ("calendar", "says"),
    [
        (office(hours=""), "no working hours.*Give it some, for example"),
        (office(hours="; ;"), "no working hours"),
        (office(hours="mo-fr 8 to 5"), "can't read 'mo-fr 8 to 5'.*mo-fr 06:00-22:00"),
        (office(country="XX"), "No public holidays are known for 'XX'"),
        (Calendar("c", OFFICE, ZoneInfo("UTC"), country="DE", subdivision="ZZ"), "'DE-ZZ'"),
        (
            office(closed=frozenset({date(2026, 5, 4)}), extra=frozenset({date(2026, 5, 4)})),
            "2026-05-04 is both",
        ),
    ],
)
def test_a_calendar_that_can_not_work_is_refused_with_the_cure(calendar: Calendar, says: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: check(calendar),
        lambda: calendar.due(datetime(2026, 1, 1, tzinfo=UTC), 60),
        lambda: calendar.worked(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ]
    for ask in asked:
        with pytest.raises(BadDataError, match=says):
            ask()


def test_a_calendar_with_hardly_any_work_ends_in_words_not_in_a_loop() -> None:
    calendar = office(hours="mo 08:00-08:01")
    with pytest.raises(BadDataError, match=r"less than 360000 s of work in 60 years.*more working hours"):
        calendar.due(datetime(2026, 1, 1, tzinfo=UTC), 360_000)
    with pytest.raises(BadDataError, match="60 years"):
        calendar.before(datetime(2026, 1, 1, tzinfo=UTC), 360_000)
