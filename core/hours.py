"""Hours of a week as people write them: `mo-fr 08:30-12:00 13:30-17:30; sa 22:00-06:00`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from core.errors import BadDataError

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_PART = re.compile(r"^(?P<days>[a-z,\- ]+?)\s+(?P<hours>[\d:,\- ]+)$")
_HOURS = re.compile(r"^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$")
_CURE = (
    "Write for example `mo-fr 06:00-22:00; sa 06:00-14:00`; a shift may be split (08:30-12:00 13:30-17:30) "
    "and may end on the next day (22:00-06:00)."
)


@dataclass(frozen=True, order=True)
class Shift:
    """Work that begins on `day` (0 = Monday), in minutes since its midnight; past 1440 on the next day."""

    day: int
    start_min: int
    end_min: int


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Shift, ...]:
    """Read the shifts of a week, in order; raises BadDataError naming the part that can't be read.

    >>> parse("fr 8:30-12:00, 22:00-06:00")
    (Shift(day=4, start_min=510, end_min=720), Shift(day=4, start_min=1320, end_min=1800))
    """
    shifts = set()
    for part in filter(None, (p.strip().lower() for p in text.split(";"))):
        match = _PART.match(part)
        if not match:
            raise BadDataError(f"Working hours {text!r}: can't read {part!r}.", cure=_CURE)
        days = [d for token in match["days"].split(",") for d in _days(token.strip(), text)]
        for hours in re.sub(r"\s*-\s*", "-", match["hours"]).replace(",", " ").split():
            start_min, end_min = _minutes(hours, text)
            shifts |= {Shift(day, start_min, end_min) for day in days}
    return tuple(sorted(shifts))


def of_days(text: str) -> dict[str, list[str]]:
    """Return the shifts of each day that has some, as they are written.

    >>> of_days("sa 22:00-6:00")
    {'sa': ['22:00-06:00']}
    """
    week: dict[str, list[str]] = {}
    for shift in parse(text):
        end_min = shift.end_min if shift.end_min <= 1440 else shift.end_min - 1440
        week.setdefault(DAYS[shift.day], []).append(f"{_clock(shift.start_min)}-{_clock(end_min)}")
    return week


def of_week(week: Mapping[str, Sequence[str]]) -> str:
    """Return the hours of a week as `parse` reads them; days in a row with the same shifts are one part.

    >>> of_week({"mo": ["08:00-12:00"], "tu": ["08:00-12:00"], "we": ["22:00-06:00"], "th": []})
    'mo-tu 08:00-12:00; we 22:00-06:00'
    """
    parts = []
    for hours, run in groupby(DAYS, key=lambda day: " ".join(week.get(day, ()))):
        first, *rest = run
        if hours:
            parts.append(f"{first}{'-' + rest[-1] if rest else ''} {hours}")
    return "; ".join(parts)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days(named: str, text: str) -> list[int]:
    if named == "daily":
        return list(range(7))
    first, _, last = named.partition("-")
    if first.strip() not in DAYS or (last.strip() or first.strip()) not in DAYS:
        raise BadDataError(
            f"Working hours {text!r}: {named!r} is no day (mo tu we th fr sa su, daily).", cure=_CURE
        )
    a, b = DAYS.index(first.strip()), DAYS.index(last.strip() or first.strip())
    return [(a + i) % 7 for i in range((b - a) % 7 + 1)]


def _minutes(token: str, text: str) -> tuple[int, int]:
    match = _HOURS.match(token)
    if match:
        h0, m0, h1, m1 = (int(g) for g in match.groups())
        start, end = h0 * 60 + m0, h1 * 60 + m1
        if h0 < 24 and m0 < 60 and m1 < 60 and end <= 1440 and start != end:
            return start, end if end > start else end + 1440
    raise BadDataError(f"Working hours {text!r}: {token!r} are no working hours.", cure=_CURE)
