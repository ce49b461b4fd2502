"""Shift calendars of customers: `mo-fr 06:00-22:00; sa 06:00-14:00`."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.errors import BadDataError

_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_PART = re.compile(r"^(?P<days>[a-z,\- ]+?)\s+(?P<hours>[\d:,\- ]+)$")
_HOURS = re.compile(r"^(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$")
_CURE = (
    "Write for example `mo-fr 06:00-22:00; sa 06:00-14:00`; a shift may end on the next day (22:00-06:00)."
)


@dataclass(frozen=True)
class Shifts:
    """Working hours by hour of the local week (168, hour 0 = Monday 00:00).

    `own` are hours worked in a shift that began on the same day, `spilled` in one that began the day before:
    on a holiday no shift begins, but the one of the eve still ends. An hour counts as worked if any minute
    of it is.
    """

    own: NDArray[np.bool_]
    spilled: NDArray[np.bool_]


@lru_cache(maxsize=4096)
def parse(text: str) -> Shifts:
    """Read a shift calendar; raises BadDataError naming the part that can't be read.

    >>> week = parse("mo-fr 22:00-06:00").own | parse("mo-fr 22:00-06:00").spilled
    >>> int(week.sum()), bool(week[5 * 24 + 5]), bool(week[0])
    (40, True, False)
    """
    own, spilled = np.zeros(168, bool), np.zeros(168, bool)
    for part in filter(None, (p.strip().lower() for p in text.split(";"))):
        match = _PART.match(part)
        if not match:
            raise BadDataError(f"Shift calendar {text!r}: can't read {part!r}.", cure=_CURE)
        days = [d for token in match["days"].split(",") for d in _days(token.strip(), text)]
        for hours in match["hours"].split(","):
            start, end = _minutes(hours.strip(), text)
            for day in days:
                _work(own, spilled, day, start, end)
    return Shifts(own, spilled)


def _days(named: str, text: str) -> list[int]:
    if named == "daily":
        return list(range(7))
    first, _, last = named.partition("-")
    if first.strip() not in _DAYS or (last.strip() or first.strip()) not in _DAYS:
        raise BadDataError(
            f"Shift calendar {text!r}: {named!r} is no day (mo tu we th fr sa su, daily).", cure=_CURE
        )
    a, b = _DAYS.index(first.strip()), _DAYS.index(last.strip() or first.strip())
    return [(a + i) % 7 for i in range((b - a) % 7 + 1)]


def _minutes(token: str, text: str) -> tuple[int, int]:
    match = _HOURS.match(token)
    if match:
        h0, m0, h1, m1 = (int(g) for g in match.groups())
        start, end = h0 * 60 + m0, h1 * 60 + m1
        if h0 < 24 and m0 < 60 and m1 < 60 and end <= 1440 and start != end:
            return start, end if end > start else end + 1440
    raise BadDataError(f"Shift calendar {text!r}: {token!r} are no working hours.", cure=_CURE)


def _work(own: NDArray[np.bool_], spilled: NDArray[np.bool_], day: int, start: int, end: int) -> None:
    own[day * 24 + start // 60 : day * 24 + min(24, -(-end // 60))] = True
    if end > 1440:
        tomorrow = (day + 1) % 7 * 24
        spilled[tomorrow : tomorrow + -(-(end - 1440) // 60)] = True
