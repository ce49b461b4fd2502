"""What is to be simulated, and the time axis that everything is drawn on."""

import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.errors import BadDataError

BIN_S = 300
DAY_S = 86_400


@dataclass(frozen=True)
class Plan:
    """A town to simulate from local midnight of `first` for `days` days; one plan gives one town."""

    homes: int = 300
    factories: int = 12
    days: int = 42
    seed: int = 7
    first: date = date(2026, 1, 1)
    interval_s: int = 3600
    tz: str = "Asia/Shanghai"
    country: str = "CN"

    def __post_init__(self) -> None:
        if self.homes < 1 or self.factories < 0 or self.days < 2:
            raise BadDataError(
                f"{self.homes} homes, {self.factories} factories, {self.days} days can't be simulated.",
                cure="Ask for at least 1 home, 0 factories and 2 days.",
            )
        if self.interval_s not in {900, 1800, 3600}:
            raise BadDataError(
                f"Meters can't report every {self.interval_s} s.", cure="Use 900, 1800 or 3600."
            )

    def rng(self, what: str, part: int = 0) -> np.random.Generator:
        """Return a generator of its own for each purpose, so that one more draw here moves nothing there."""
        return np.random.default_rng([self.seed, zlib.crc32(what.encode()), part])

    @cached_property
    def start(self) -> datetime:
        """The first instant."""
        return datetime.combine(self.first, time(), ZoneInfo(self.tz))

    @property
    def dates(self) -> list[date]:
        """The local days."""
        return [self.first + timedelta(days=n) for n in range(self.days)]

    @cached_property
    def midnights_s(self) -> NDArray[np.int64]:
        """Seconds from `start` to each local midnight, to the one after the last day: days + 1 values."""
        zone = ZoneInfo(self.tz)
        days = [*self.dates, self.first + timedelta(days=self.days)]
        ends = [datetime.combine(day, time(), zone).timestamp() for day in days]
        return np.array([end - ends[0] for end in ends], np.int64)

    @property
    def bins(self) -> int:
        """Number of bins of BIN_S seconds."""
        return int(self.midnights_s[-1]) // BIN_S

    @cached_property
    def local_s(self) -> NDArray[np.int64]:
        """Seconds since local midnight at the start of each bin."""
        at = np.arange(self.bins) * BIN_S
        return np.asarray(at - self.midnights_s[self.day_of_bin])

    @cached_property
    def day_of_bin(self) -> NDArray[np.intp]:
        """The day, counted from 0, of each bin."""
        return np.searchsorted(self.midnights_s, np.arange(self.bins) * BIN_S, side="right") - 1

    @cached_property
    def weekday(self) -> NDArray[np.int64]:
        """Monday 0 to Sunday 6, of each day."""
        return np.array([day.weekday() for day in self.dates], np.int64)

    @property
    def learn_days(self) -> int:
        """Days at the start without any fault."""
        return min(21, self.days // 2)
