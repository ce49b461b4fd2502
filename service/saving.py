"""What a customer's own use says about where water could be saved.

Three figures of the last four weeks: the flow that stays at night, the volume used outside working hours,
and how far the busiest hour of the day stands above the quietest. The lines they are held against are rules
of thumb, not a standard's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core import hours
from core.errors import BadDataError
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("saving")
DAYS = 28
ENOUGH_DAYS = 7
NIGHT_H = (0, 5)
_MONTH_H = 730.0
_WHOLE_DAY_H = 20
#: From here on a figure is worth a word.
NIGHT_SHARE, OFF_SHARE, UNEVEN, EVEN = 0.10, 0.15, 3.0, 1.3


@dataclass(frozen=True)
class UseProfile:
    """How the customer used water over `days` whole days; rates in litres an hour, volumes in m3 a month.

    `night_share` is the night flow's part of all use, did it run all day; `off_share` is None where the
    working hours are not on record; `peak_to_valley` compares hours of the mean day, infinite where the
    quietest is still.
    """

    days: int
    mean_lph: float
    night_lph: float
    night_share: float
    night_m3_month: float
    off_share: float | None
    off_m3_month: float | None
    peak_lph: float
    valley_lph: float
    peak_to_valley: float

    @property
    def findings(self) -> tuple[str, ...]:
        """What is worth a word: `night_base`, `off_shift`, `uneven`, `even`; the largest volume first."""
        volumes = []
        if self.night_share >= NIGHT_SHARE:
            volumes.append((self.night_m3_month, "night_base"))
        if (self.off_share or 0.0) >= OFF_SHARE:
            volumes.append((self.off_m3_month or 0.0, "off_shift"))
        found = [name for _, name in sorted(volumes, reverse=True)]
        if self.peak_to_valley >= UNEVEN:
            found.append("uneven")
        elif self.peak_to_valley <= EVEN:
            found.append("even")
        return tuple(found)


def profile(conn: Connection, account_no: str, *, at: datetime) -> UseProfile | None:
    """Return the profile of the 28 days before the local day of `at`; None with less than a week known."""
    row = conn.execute(Q["shifts_of"], {"account_no": account_no}).fetchone()
    if row is None:
        return None
    zone = utility(conn).zone
    last = at.astimezone(zone).date()
    span = {"since": _midnight(last - timedelta(days=DAYS), zone), "until": _midnight(last, zone)}
    found = conn.execute(Q["hours_of"], span | {"account_no": account_no}).fetchall()
    slots = [slot.astimezone(zone) for slot, _ in found]
    return of(slots, np.array([litres for _, litres in found], np.float64), row[0])


def of(slots: Sequence[datetime], litres: NDArray[np.float64], shifts: str | None) -> UseProfile | None:
    """Return the profile of litres by the hour that begins at each local `slot`.

    Days of which less than 20 hours are known are left out; None where that leaves less than a week, or
    nothing was used. Working hours that can't be read count as not on record; holidays as working days.
    """
    day = np.array([slot.toordinal() for slot in slots], np.int64)
    hour = np.array([slot.hour for slot in slots], np.int64)
    days, known = np.unique(day, return_counts=True)
    whole = np.isin(day, days[known >= _WHOLE_DAY_H])
    day, hour, litres = day[whole], hour[whole], litres[whole]
    count = len(np.unique(day))
    if count < ENOUGH_DAYS or not litres.sum() > 0:
        return None
    mean_lph = float(litres.mean())
    night = (hour >= NIGHT_H[0]) & (hour < NIGHT_H[1])
    lowest = [litres[night & (day == one)].min(initial=np.inf) for one in np.unique(day[night])]
    night_lph = float(np.median(lowest)) if lowest else 0.0
    by_hour = np.bincount(hour, litres, 24) / np.maximum(np.bincount(hour, minlength=24), 1)
    peak_lph, valley_lph = float(by_hour.max()), float(by_hour.min())
    works = _working(shifts)
    off = None if works is None else float(litres[~works[(day - 1) % 7, hour]].sum())
    return UseProfile(
        days=count,
        mean_lph=mean_lph,
        night_lph=night_lph,
        night_share=night_lph / mean_lph,
        night_m3_month=night_lph * _MONTH_H / 1000,
        off_share=None if off is None else off / float(litres.sum()),
        off_m3_month=None if off is None else off / len(litres) * _MONTH_H / 1000,
        peak_lph=peak_lph,
        valley_lph=valley_lph,
        peak_to_valley=peak_lph / valley_lph if valley_lph > 0 else math.inf,
    )


def _working(shifts: str | None) -> NDArray[np.bool_] | None:
    """Return the hours of the week that are worked, `(7, 24)` from Monday; None where nobody has said."""
    try:
        given = hours.parse(shifts or "")
    except BadDataError:
        return None
    if not given:
        return None
    minute = np.arange(7 * 1440)
    worked = np.zeros(7 * 1440, bool)
    for shift in given:
        begin, length = shift.day * 1440 + shift.start_min, shift.end_min - shift.start_min
        worked[minute[(minute - begin) % (7 * 1440) < length]] = True
    by_hour: NDArray[np.bool_] = np.logical_or.reduce(worked.reshape(7, 24, 60), axis=2)
    return by_hour


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
