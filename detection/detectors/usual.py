"""What the detectors of industry, trade and institutions take as usual for a site."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from detection.detector import Bools, Chunk, Floats, Index, Param
from detection.kernels.runs import quantile
from detection.kernels.weekly import daily_means, day_spread, newest_level, spread, weekly_profile

#: Five weeks: every hour of the week five times; with the seven days of the level the best of 28 to 84 days.
DAYS = 35

SECTORS = frozenset({"industrial", "commercial", "institutional"})
#: What is left out of the usual: whatever these say lasted half a day or longer.
EVENTS = frozenset({"off_shift", "spike", "level_shift", "burst"})

MIN_HISTORY = Param(
    "min_history_days", 14, "d", "Known history (of 35 days) needed.", "own", low=7, high=DAYS
)


#: Of five weeks the highest hour but one.
_TAIL = 0.998


@dataclass(frozen=True)
class Usual:
    """What was learned of some rows before the day: (rows,) litres an hour, the profile by hour of the week.

    `day_sigma_l` is how far a day lies from the level of the week before it, `hour_sigma_l` how far an hour
    lies from the profile, `tail_l` the highest hour but one above it; `enough` says whether to trust it.
    """

    profile_l: Floats
    level_l: Floats
    mean_l: Floats
    day_sigma_l: Floats
    hour_sigma_l: Floats
    tail_l: Floats
    enough: Bools

    def at(self, chunk: Chunk, lo: int, hi: int) -> Floats:
        """Return what is usual in the hours [lo, hi), (rows, hours); NaN where nothing is known."""
        return self.profile_l[:, chunk.timetable.hour_of_week(lo, hi)] + self.level_l[:, None]


def screen(chunk: Chunk) -> Bools:
    """Pass the rows of which enough may be known: of others nothing is usual, and nothing is raised."""
    return chunk.may_know(chunk.params["min_history_days"])


def learn(chunk: Chunk, index: Index) -> Usual:
    """Return what is usual, learned from the five weeks before the day."""
    profile, level, mean, day, hour, tail, known_h = chunk.learn(
        "usual", index, lambda lacking: _learn(chunk, lacking), shared=True
    )
    enough = known_h >= chunk.params["min_history_days"][index] * 24
    return Usual(profile, level, mean, day, hour, tail, enough)


def _learn(chunk: Chunk, index: Index) -> tuple[Any, ...]:
    profile, residual, known = weeks(chunk, index)
    daily = daily_means(residual, known)
    level = np.nan_to_num(newest_level(daily))
    count = (~np.isnan(profile)).sum(axis=1)
    mean = np.nansum(profile, axis=1) / np.maximum(count, 1) + level
    return (
        profile,
        level,
        mean.astype(np.float32),
        np.nan_to_num(day_spread(daily)),
        np.nan_to_num(spread(residual, known, np.zeros_like(residual))),
        np.nan_to_num(quantile(residual, known, _TAIL)),
        known.sum(axis=1),
    )


def weeks(chunk: Chunk, index: Index) -> tuple[Floats, Floats, Bools]:
    """Return the profile (rows, 168), what the five weeks' hours lay above it, and which of these count."""
    profile, residual, known = chunk.once("weeks", index, lambda: _weeks(chunk, index))
    return profile, residual, known


def _weeks(chunk: Chunk, index: Index) -> tuple[Floats, Floats, Bools]:
    lo = chunk.day_lo - DAYS * 24
    volume, covered = chunk.history(index, DAYS)
    how = chunk.timetable.hour_of_week(lo, chunk.day_lo)
    profile = weekly_profile(volume, covered, how)
    residual = volume - profile[:, how]
    return profile, residual, covered & ~np.isnan(residual)
