"""Local time for slots: hour of the week, holidays, the start of the day."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import structlog
from numpy.typing import NDArray

from detection.shifts import Shifts

log = structlog.get_logger(__name__)
_SUNDAY = 6 * 24


class Timetable:
    """The utility's local time and public holidays.

    Hours are counted in whole UTC hours since 1970; where the zone is off by half an hour, an hour belongs
    to the local hour it starts in.
    """

    def __init__(self, timezone: str, country: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._country = country
        self._hour = lru_cache(maxsize=20_000)(self._local)
        self._years = lru_cache(maxsize=64)(self._holidays)
        self._columns = lru_cache(maxsize=256)(self._read)

    def _holidays(self, year: int) -> frozenset[object]:
        if not self._country:
            return frozenset()
        try:
            return frozenset(holidays.country_holidays(self._country, years=year))
        except NotImplementedError:
            log.warning("no public holidays known", country=self._country)
            return frozenset()

    def _local(self, hour: int) -> tuple[int, bool, bool]:
        local = datetime.fromtimestamp(hour * 3600, self._zone)
        day, eve = local.date(), local.date() - timedelta(days=1)
        how = local.weekday() * 24 + local.hour
        return how, day in self._years(day.year), eve in self._years(eve.year)

    def _read(self, lo: int, hi: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        rows = [self._hour(hour) for hour in range(lo, hi)]
        how, holiday, eve = zip(*rows, strict=True) if rows else ((), (), ())
        columns = np.array(how, np.int64), np.array(holiday, bool), np.array(eve, bool)
        for column in columns:
            column.flags.writeable = False
        return columns

    def own_hour_of_week(self, lo: int, hi: int) -> NDArray[np.int64]:
        """Return the hour of the week of the hours [lo, hi), a holiday being the weekday that it is."""
        return self._columns(lo, hi)[0]

    def hour_of_week(self, lo: int, hi: int) -> NDArray[np.int64]:
        """Return the hour of the week (0 = Monday 00:00) of the hours [lo, hi); a holiday is a Sunday."""
        how, holiday, _ = self._columns(lo, hi)
        return np.where(holiday, _SUNDAY + how % 24, how)

    def worked(self, shifts: Shifts, lo: int, hi: int) -> NDArray[np.bool_]:
        """Return which of the hours [lo, hi) lie in a shift; no shift begins on a holiday."""
        how, holiday, eve = self._columns(lo, hi)
        return (shifts.own[how] & ~holiday) | (shifts.spilled[how] & ~eve)

    def holiday(self, lo: int, hi: int) -> NDArray[np.bool_]:
        """Return which of the hours [lo, hi) lie on a public holiday."""
        return self._columns(lo, hi)[1]

    def day_start(self, ts_s: int) -> int:
        """Return the first whole UTC hour of the local day that holds the hour of `ts_s`, seconds."""
        return _up(self._hour_of(ts_s).replace(hour=0, fold=0))

    def next_day(self, ts_s: int) -> int:
        """Return the first whole UTC hour of the local day after the one that holds the hour of `ts_s`."""
        local = self._hour_of(ts_s).replace(tzinfo=None)
        tomorrow = datetime(local.year, local.month, local.day) + timedelta(days=1)  # noqa: DTZ001 - local wall time
        return _up(tomorrow.replace(tzinfo=self._zone))

    def month(self, ts_s: int) -> tuple[int, int]:
        """Return the first whole UTC hour of the local month of the hour of `ts_s`, and of the next."""
        first = self._hour_of(ts_s).replace(day=1, hour=0, fold=0)
        return _up(first), _up((first + timedelta(days=32)).replace(day=1))

    def month_name(self, ts_s: int) -> str:
        """Return the local month that holds the hour of `ts_s`, e.g. `2026-11`."""
        return f"{self._hour_of(ts_s):%Y-%m}"

    def _hour_of(self, ts_s: int) -> datetime:
        return datetime.fromtimestamp(ts_s // 3600 * 3600, self._zone)

    def text(self, ts_s: int) -> str:
        """Return an instant as ISO text, UTC."""
        return datetime.fromtimestamp(ts_s, UTC).isoformat().replace("+00:00", "Z")


def _up(local: datetime) -> int:
    """Return the first whole UTC hour at or after the local midnight of a day, seconds."""
    return -(-int(local.replace(minute=0).timestamp()) // 3600) * 3600
