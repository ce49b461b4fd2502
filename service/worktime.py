"""Working time: how much of it passes between two instants, and when so much of it has passed.

Shifts are written in local time and counted in real time. A shift lasts from the first instant at which the
wall clock shows its start, or has jumped over it, to the first at which it shows its end or has jumped over
it: in the night that loses an hour a shift over it is an hour shorter, in the night with a double hour an
hour longer, and one that lies in the missing hour does not take place.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Literal
from zoneinfo import ZoneInfo

import holidays

from core.errors import BadDataError
from core.hours import parse

Kind = Literal["usual", "closed", "extra", "holiday", "made_up"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_REACH_YEARS = 60


@dataclass(frozen=True)
class Calendar:
    """When is worked: weekly hours (core.hours), public holidays, days of its own.

    `country` is an ISO 3166 code, or empty where public holidays are worked; its make-up working days count
    as `extra`. On an extra day the hours of its weekday are worked or, where that has none, those of the
    first weekday that has. Closed and extra days of its own go before public holidays. No shift begins on
    a day that is not worked; the one of the eve still ends.
    """

    code: str
    hours: str
    zone: ZoneInfo
    country: str = ""
    subdivision: str = ""
    closed: frozenset[date] = frozenset()
    extra: frozenset[date] = frozenset()

    def due(self, start: datetime, seconds: float) -> datetime:
        """Return the earliest instant by which `seconds` of work have passed since `start`, aware UTC.

        Raises BadDataError where sixty years hold less work than that.
        """
        return _instant(_line(self).due(_us(start), round(seconds * 1e6)))

    def before(self, end: datetime, seconds: float) -> datetime:
        """Return the latest instant from which `seconds` of work pass until `end`, aware UTC."""
        return _instant(_line(self).before(_us(end), round(seconds * 1e6)))

    def worked(self, start: datetime, end: datetime) -> float:
        """Return the seconds of work from `start` to `end`; negative where `end` is the earlier one."""
        return _line(self).worked(_us(start), _us(end)) / 1e6

    def day(self, day: date) -> "Day":
        """Return what is worked from shifts that begin on `day`, and by which rule."""
        kind, name = _kind(self, day)
        return Day(day, kind, name, _line(self).of(day))


@dataclass(frozen=True)
class Day:
    """A day: its shifts as aware UTC instants, and whether it is `usual` or which exception it is.

    `closed` and `extra` days are the calendar's own; `holiday` is a public one, `made_up` worked for one.
    """

    day: date
    kind: Kind
    name: str
    shifts: Sequence[tuple[datetime, datetime]]


def check(calendar: Calendar) -> None:
    """Raise BadDataError, with the cure, for a calendar that can't be read or by which nobody ever works."""
    if not parse(calendar.hours):
        raise BadDataError(
            f"Calendar {calendar.code!r} has no working hours, so nothing would ever be due by it.",
            cure="Give it some, for example `mo-fr 08:30-12:00 13:30-17:30`.",
        )
    both = sorted(calendar.closed & calendar.extra)
    if both:
        raise BadDataError(
            f"Calendar {calendar.code!r}: {both[0]} is both a closed and an extra day.",
            cure="Take it out of one of the two.",
        )
    _public_days(calendar.country, calendar.subdivision, 2026)


def _kind(calendar: Calendar, day: date) -> tuple[Kind, str]:
    """Return which rule holds on a day, and the name of the holiday in its country's language."""
    if day in calendar.extra:
        return "extra", ""
    if day in calendar.closed:
        return "closed", ""
    off, made_up = _public_days(calendar.country, calendar.subdivision, day.year)
    return ("holiday", off[day]) if day in off else ("made_up", "") if day in made_up else ("usual", "")


@lru_cache(maxsize=1024)
def _public_days(country: str, subdivision: str, year: int) -> tuple[Mapping[date, str], frozenset[date]]:
    """Return the public holidays of a year with their names, and its make-up working days."""
    if not country:
        return {}, frozenset()
    try:
        language = holidays.country_holidays(country, subdivision or None).default_language
        known = holidays.country_holidays(
            country,
            subdivision or None,
            years=(year - 1, year, year + 1),  # a make-up day may be announced with the year before or after
            language=language,
        )
    except NotImplementedError as problem:
        place = f"{country}-{subdivision}" if subdivision else country
        raise BadDataError(
            f"No public holidays are known for {place!r}.",
            cure="Give an ISO 3166 code such as CN, DE with BY, or none, and list the closed days yourself.",
        ) from problem
    return {d: name for d, name in known.items() if d.year == year}, frozenset(
        d for d in known.weekend_workdays if d.year == year
    )


class _Line:
    """A calendar's working time on the line of real time, in microseconds; grows as it is asked."""

    def __init__(self, calendar: Calendar) -> None:
        check(calendar)
        self._calendar = calendar
        self._week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for shift in parse(calendar.hours):
            self._week[shift.day].append((shift.start_min, shift.end_min))
        self._extra = next(spans for spans in self._week if spans)
        self._span: _Span | None = None

    def worked(self, start: int, end: int) -> int:
        span = self._over(min(start, end), max(start, end))
        return span.until(end) - span.until(start)

    def due(self, start: int, wanted: int) -> int:
        if wanted <= 0:
            return start
        span = self._over(start, start)
        while (found := span.earliest(span.until(start) + wanted)) is None:
            self._in_reach(span.last_year - _instant(start).year, wanted)
            span = self._grow(span.first_year, 2 * span.last_year - span.first_year + 1)
        return found

    def before(self, end: int, wanted: int) -> int:
        if wanted <= 0:
            return end
        span = self._over(end, end)
        while (found := span.latest(span.until(end) - wanted)) is None:
            self._in_reach(_instant(end).year - span.first_year, wanted)
            span = self._grow(2 * span.first_year - span.last_year - 1, span.last_year)
        return found

    def of(self, day: date) -> list[tuple[datetime, datetime]]:
        spans = [
            (self._at(day, start_min), self._at(day, end_min)) for start_min, end_min in self._shifts(day)
        ]
        return [(_instant(start), _instant(end)) for start, end in spans if start < end]

    def _in_reach(self, years: int, wanted: int) -> None:
        if years > _REACH_YEARS:
            raise BadDataError(
                f"Calendar {self._calendar.code!r} has less than {wanted / 1e6:.0f} s of work in "
                f"{_REACH_YEARS} years.",
                cure="Give it more working hours, or the policy a shorter time.",
            )

    def _grow(self, first_year: int, last_year: int) -> "_Span":
        self._span = _Span(first_year, last_year, self._intervals(first_year, last_year))
        return self._span

    def _over(self, first: int, last: int) -> "_Span":
        """Return a span that holds both instants, however a shift may cross the turn of the year."""
        span = self._span
        if span is None or not span.first <= first <= last < span.last:
            first_year, last_year = _instant(first - _WEEK_US).year, _instant(last + _WEEK_US).year
            if span is not None:
                first_year, last_year = min(first_year, span.first_year), max(last_year, span.last_year)
            span = self._grow(first_year, last_year)
        return span

    def _intervals(self, first_year: int, last_year: int) -> list[tuple[int, int]]:
        """Return what is worked, joined where shifts touch or overlap, in order."""
        joined: list[tuple[int, int]] = []
        day = date(first_year, 1, 1) - _DAY
        while day.year <= last_year:
            for start_min, end_min in self._shifts(day):
                start, end = self._at(day, start_min), self._at(day, end_min)
                if joined and start <= joined[-1][1]:
                    joined[-1] = joined[-1][0], max(joined[-1][1], end)
                elif start < end:
                    joined.append((start, end))
            day += _DAY
        return joined

    def _shifts(self, day: date) -> list[tuple[int, int]]:
        own, (kind, _) = self._week[day.weekday()], _kind(self._calendar, day)
        if kind in ("closed", "holiday"):
            return []
        return own if kind == "usual" else own or self._extra

    def _at(self, day: date, minutes: int) -> int:
        """Return the first instant at which the wall clock shows this time, or has jumped over it."""
        wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - wall time
        zone = self._calendar.zone
        there = wall.replace(tzinfo=zone)
        late = _us(there)
        if _instant(late).astimezone(zone).replace(tzinfo=None) == wall:
            return late
        before, after = there.utcoffset(), there.replace(fold=1).utcoffset()
        early = late - ((after or _NONE) - (before or _NONE)) // _US  # the jump lies in between
        while late - early > 1_000_000:
            middle = (early + late) // 2_000_000 * 1_000_000
            if _instant(middle).astimezone(zone).utcoffset() == before:
                early = middle
            else:
                late = middle
        return late


class _Span:
    """What is worked from the start of one year to the end of another, UTC, with running sums."""

    def __init__(self, first_year: int, last_year: int, intervals: list[tuple[int, int]]) -> None:
        self.first_year = first_year
        self.last_year = last_year
        self.first = _us(datetime(first_year, 1, 1, tzinfo=UTC)) + _WEEK_US
        self.last = _us(datetime(last_year + 1, 1, 1, tzinfo=UTC)) - _WEEK_US
        self._starts = [start for start, _ in intervals]
        self._ends = [end for _, end in intervals]
        self._sums = [0, *accumulate(end - start for start, end in intervals)]  # before each, and at last

    def until(self, at: int) -> int:
        """Return what is worked up to an instant."""
        i = bisect_right(self._starts, at) - 1
        return 0 if i < 0 else self._sums[i] + min(at, self._ends[i]) - self._starts[i]

    def earliest(self, wanted: int) -> int | None:
        """Return the first instant by which so much is worked (more than none), if it is in here."""
        i = bisect_left(self._sums, wanted) - 1
        return self._starts[i] + wanted - self._sums[i] if i < len(self._starts) else None

    def latest(self, wanted: int) -> int | None:
        """Return the last instant by which no more than so much (less than all) is worked."""
        if wanted < 0:
            return None
        i = bisect_right(self._sums, wanted) - 1
        return self._starts[i] + wanted - self._sums[i]


_NONE = timedelta()
_WEEK_US = timedelta(days=7) // _US


@lru_cache(maxsize=256)
def _line(calendar: Calendar) -> _Line:
    return _Line(calendar)


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _US


def _instant(us: int) -> datetime:
    return _EPOCH + us * _US
