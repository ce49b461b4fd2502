"""What the detectors of industry, trade and institutions take as usual for a site."""

from dataclasses import dataclass

import numpy as np

from detection.detector import Bools, Chunk, Floats, Index, Param
from detection.kernels.weekly import daily_means, day_spread, newest_level, spread, weekly_profile

#: Five weeks: every hour of the week five times; with the seven days of the level the best of 28 to 84 days.
DAYS = 35

SECTORS = frozenset({"industrial", "commercial", "institutional"})
#: What is left out of the usual: whatever these say lasted half a day or longer.
EVENTS = frozenset({"off_shift", "spike", "level_shift", "burst"})

MIN_HISTORY = Param(
    "min_history_days", 14, "d", "Known history (of 35 days) needed.", "own", low=7, high=DAYS
)


@dataclass(frozen=True)
class Usual:
    """What was learned of some rows before the day: litres an hour, (rows,) but for what is by the hour.

    `residual_l` is what the history lay above its profile, `known` which of it counts, (rows, hours).
    """

    profile_l: Floats
    level_l: Floats
    mean_l: Floats
    residual_l: Floats
    known: Bools
    enough: Bools
    first: int

    def at(self, chunk: Chunk, lo: int, hi: int) -> Floats:
        """Return what is usual in the hours [lo, hi), (rows, hours); NaN where nothing is known."""
        return self.profile_l[:, chunk.timetable.hour_of_week(lo, hi)] + self.level_l[:, None]

    def day_sigma(self) -> Floats:
        """Return how far a day lies from the level of the days before it, robust sigma."""
        return day_spread(daily_means(self.residual_l, self.known))

    def hour_sigma(self) -> Floats:
        """Return how far an hour lies from the profile, robust sigma."""
        return spread(self.residual_l, self.known, np.zeros_like(self.residual_l))


def learn(chunk: Chunk, index: Index) -> Usual:
    """Learn what is usual from the five weeks before the day."""
    lo = chunk.day_lo - DAYS * 24
    volume, covered = chunk.history(index, DAYS)
    how = chunk.timetable.hour_of_week(lo, chunk.day_lo)
    profile = weekly_profile(volume, covered, how)
    residual = volume - profile[:, how]
    known = covered & ~np.isnan(residual)
    level = np.nan_to_num(newest_level(daily_means(residual, known)))
    count = (~np.isnan(profile)).sum(axis=1)
    mean = np.nansum(profile, axis=1) / np.maximum(count, 1) + level
    enough = covered.sum(axis=1) >= chunk.params["min_history_days"][index] * 24
    return Usual(profile, level, mean.astype(np.float32), residual, known, enough, lo)
