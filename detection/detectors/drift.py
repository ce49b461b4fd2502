"""Use that rises week after week."""

import numpy as np

from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Floats, Index, Marks, Measured, Param, Spans, by_size
from detection.detectors.usual import DAYS, SECTORS
from detection.episode import Episode
from detection.kernels.drift import steady_rise, weekly_levels
from detection.kernels.weekly import daily_means


def _weeks(chunk: Chunk, index: Index) -> Floats:
    """Return the levels of the five weeks before the day, (rows, 5), litres an hour."""
    return chunk.learn("weeks", index, lambda lacking: (_learn(chunk, lacking),))[0]


def _learn(chunk: Chunk, index: Index) -> Floats:
    lo = chunk.day_lo - DAYS * 24
    volume, covered = chunk.history(index, DAYS)
    # Noon of each day; a public holiday counts as a Sunday.
    weekday = chunk.timetable.hour_of_week(lo, chunk.day_lo)[12::24] // 24
    return weekly_levels(daily_means(volume, covered), weekday)


def screen(chunk: Chunk) -> Bools:
    """Pass at the start of the day what may know four days of the first week."""
    return chunk.may_know(DAYS - 4) & (chunk.lo == chunk.day_lo)


def mark(chunk: Chunk) -> Marks:
    """Raise or clear at the first hour of the day: what is judged is the weeks before it."""
    rows = np.arange(len(chunk.rows))
    shape = (len(rows), chunk.hi - chunk.lo)
    raises, clears, back = np.zeros(shape, bool), np.zeros(shape, bool), np.ones(len(rows), np.int64)
    if chunk.lo == chunk.day_lo:
        weeks, limit = _weeks(chunk, rows), chunk.params["min_rise"]
        raises[:, 0] = steady_rise(weeks) > limit
        clears[:, 0] = weeks[:, -1] < (1 + limit / 2) * weeks[:, 0]
    return Marks(raises, clears, back)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset to the end of the first week, as each one after it is higher; size is the rise."""
    weeks = _weeks(chunk, spans.index)
    onset = np.where(spans.onset < 0, spans.raised - (DAYS - 7) * 24, spans.onset)
    volume, covered, start = chunk.whole(spans.index)
    at = np.arange(volume.shape[1]) + start
    before = covered & (at >= (onset - 7 * 24)[:, None]) & (at < onset[:, None])
    base = np.where(before, volume, 0).sum(axis=1, dtype=np.float64) / np.maximum(before.sum(axis=1), 1)
    since = covered & (at >= onset[:, None]) & (at < np.maximum(spans.end, spans.raised + 1)[:, None])
    over = np.where(since, volume - base[:, None], 0).sum(axis=1, dtype=np.float64)
    rise = np.nan_to_num(weeks[:, -1].astype(np.float64) - weeks[:, 0])
    evidence = [
        {
            "level_lph": round(float(np.nan_to_num(weeks[i, -1])), 1),
            "usual_lph": round(float(np.nan_to_num(weeks[i, 0])), 1),
            "rise_share": round(float(rise[i] / max(float(np.nan_to_num(weeks[i, 0])), 1e-9)), 3),
            "weeks": DAYS // 7,
        }
        for i in range(len(onset))
    ]
    return Measured(onset, np.maximum(rise, 0), np.maximum(over, 0), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by the rise: 100, 1,000 and 10,000 L/h."""
    return by_size(episode.magnitude, 100, 1000, 10_000)


DETECTOR = Detector(
    name="drift",
    group="industrial",
    finds="Use that rises week after week: a leak that grows, a valve that wears out.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    sectors=SECTORS,
    params=(
        Param(
            "min_rise",
            0.12,
            "share",
            "Five weeks, each above the one before, the last above the first by this share of it.",
            "own: the season moves a site by a tenth in a month",
            low=0.01,
            high=10,
        ),
    ),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
