"""Shift calendars of customers, `mo-fr 06:00-22:00; sa 06:00-14:00`, by the hour."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core import hours


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
    for shift in hours.parse(text):
        today, tomorrow = shift.day * 24, (shift.day + 1) % 7 * 24
        own[today + shift.start_min // 60 : today + min(24, -(-shift.end_min // 60))] = True
        if shift.end_min > 1440:
            spilled[tomorrow : tomorrow + -(-(shift.end_min - 1440) // 60)] = True
    return Shifts(own, spilled)
