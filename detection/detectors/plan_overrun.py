"""The month will end beyond the water plan."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Index, Ints, Marks, Measured, Param, Spans, by_size
from detection.detectors.usual import MIN_HISTORY, learn, weeks
from detection.detectors.usual import screen as may_be_usual
from detection.episode import Episode
from detection.kernels.month_end import month_end
from detection.kernels.weekly import daily_means, level_error

Doubles = NDArray[np.float64]

#: A week's mean is never surer than this share of it: five weeks hardly show a season or a holiday.
LEAST_SHARE = 0.05


@dataclass(frozen=True)
class _Outlook:
    """By row and hour of [lo, hi): used this month by the end of the hour, and month_end of it, litres."""

    used_l: Doubles
    low_l: Doubles
    middle_l: Doubles
    high_l: Doubles


def _plan_l(chunk: Chunk) -> Doubles:
    month = chunk.timetable.month_name(chunk.day_lo * 3600)
    return chunk.roster.plan_m3(month)[chunk.site] * 1000.0


def _week_sigma_l(chunk: Chunk, index: Index) -> Doubles:
    """Return how far the mean of a week lies from the level before it, litres a day (unknown: all of it)."""

    def learned(lacking: Index) -> tuple[Doubles]:
        _, residual, known = weeks(chunk, lacking)
        return (level_error(daily_means(residual, known)).astype(np.float64) * 24,)

    (sigma,) = chunk.learn("level_error", index, learned)
    mean = 24 * np.maximum(learn(chunk, index).mean_l, 0).astype(np.float64)
    return np.asarray(np.where(np.isnan(sigma), mean, np.maximum(sigma, LEAST_SHARE * mean)), np.float64)


def _outlook(chunk: Chunk, index: Index, lo: int, hi: int) -> _Outlook:
    """Look ahead to the end of the month; past hours that aren't known count as nothing: no guess raises."""
    start, end = (s // 3600 for s in chunk.timetable.month(chunk.day_lo * 3600))
    known = learn(chunk, index)
    usual = np.nan_to_num(known.at(chunk, start, end)).astype(np.float64)
    volume, covered = chunk.series.read(chunk.rows[index], start, hi)
    used = np.cumsum(np.where(covered, volume, 0), axis=1, dtype=np.float64)[:, lo - start :]
    rest = (usual.sum(axis=1, keepdims=True) - np.cumsum(usual, axis=1))[:, lo - start : hi - start]
    left = (end - np.arange(lo, hi) - 1) / 24
    sigma = _week_sigma_l(chunk, index)[:, None]
    low, middle, high = month_end(used, rest, sigma, np.broadcast_to(left, rest.shape))
    return _Outlook(used, low, middle, high)


def screen(chunk: Chunk) -> Bools:
    """Return the rows that have a plan of their own and of which enough may be known."""
    return np.asarray(_plan_l(chunk) > 0) & may_be_usual(chunk)


def mark(chunk: Chunk) -> Marks:
    """Raise where the band's lower end passes the plan, or the use itself does; a month begins anew."""
    rows = np.arange(len(chunk.rows))
    hours = np.arange(chunk.lo, chunk.hi)
    start = chunk.timetable.month(chunk.day_lo * 3600)[0] // 3600
    seen = _outlook(chunk, rows, chunk.lo, chunk.hi)
    plan = _plan_l(chunk)[:, None]
    early = hours - start < chunk.params["min_days"][:, None] * 24
    enough = learn(chunk, rows).enough[:, None] & (plan > 0)
    raises = enough & ~early & (seen.low_l > plan)
    clears = (hours == start) | (enough & (seen.middle_l < plan) & (seen.used_l <= plan))
    return Marks(raises, clears & ~raises, np.ones(len(rows), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Take the excess forecast at the end of the span, in per cent of the plan, as the size."""
    plan = _plan_l(chunk)[spans.index]
    seen = _outlook(chunk, spans.index, chunk.lo, chunk.hi)
    at: Ints = np.clip(spans.end - 1 - chunk.lo, 0, chunk.hi - chunk.lo - 1)
    rows = np.arange(len(at))
    middle, low, high, used = (a[rows, at] for a in (seen.middle_l, seen.low_l, seen.high_l, seen.used_l))
    over = 100 * (middle / np.where(plan > 0, plan, 1) - 1)
    evidence = [
        {
            "plan_m3": round(float(plan[i] / 1000), 1),
            "used_m3": round(float(used[i] / 1000), 1),
            "forecast_m3": round(float(middle[i] / 1000), 1),
            "low_m3": round(float(low[i] / 1000), 1),
            "high_m3": round(float(high[i] / 1000), 1),
        }
        for i in rows
    ]
    onset = np.where(spans.onset < 0, spans.raised, spans.onset)
    return Measured(onset, np.maximum(over, 0), np.zeros(len(at)), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by the excess over the plan: 10, 30 and 100 %."""
    return by_size(episode.magnitude, 10, 30, 100)


DETECTOR = Detector(
    name="plan_overrun",
    group="plan",
    finds="The month will end beyond the customer's water plan, or already is.",
    plane="hourly",
    unit="%",
    kinds=frozenset({"customer"}),
    params=(
        Param(
            "min_days",
            4,
            "d",
            "So many days of the month must have passed.",
            "own: a week's pattern shows; one month's event is not joined to the next's",
            low=3,
            high=28,
        ),
        MIN_HISTORY,
    ),
    mark=mark,
    measure=measure,
    severity=severity,
    screen=screen,
)
