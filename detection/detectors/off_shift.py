"""Use outside the shifts of industrial, commercial and institutional customers."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import structlog

from core.errors import BadDataError
from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Floats, Index, Marks, Measured, Param, Spans, by_size
from detection.episode import Episode
from detection.kernels.off_shift import off_shift, spread, weekly_profile
from detection.kernels.runs import quantile
from detection.shifts import Shifts, parse

log = structlog.get_logger(__name__)
_DAYS = 28


@dataclass(frozen=True)
class _Expected:
    """What is expected in the hours asked about: (rows, hours)."""

    off: Bools
    usual_l: Floats
    threshold_l: Floats


@lru_cache(maxsize=4096)
def _shifts(text: str) -> Shifts | None:
    try:
        return parse(text) if text.strip() else None
    except BadDataError as problem:
        log.warning("shift calendar ignored, rest hours are learned instead", problem=str(problem))
        return None


def _off(chunk: Chunk, index: Index, lo: int, hi: int, learned: Bools) -> Bools:
    """Return which hours lie outside the shifts: by the customer's calendar, else where the site rests."""
    off = learned[:, chunk.timetable.hour_of_week(lo, hi)]
    texts = chunk.roster.shifts[chunk.site[index]]
    holiday = chunk.timetable.holiday(lo, hi)
    for text in np.unique(texts):
        shifts = _shifts(str(text))
        if shifts is not None:
            off[texts == text] = ~chunk.timetable.worked(shifts, lo, hi)
    works = chunk.params["works_on_holidays"][index] > 0
    off[works] &= ~holiday
    return off


def _expect(chunk: Chunk, index: Index, lo: int, hi: int) -> _Expected:
    begin = chunk.day_lo - _DAYS * 24
    volume, covered = chunk.history(index, _DAYS)
    how = chunk.timetable.hour_of_week(begin, chunk.day_lo)
    profile = weekly_profile(volume, covered, how)
    rest, busy = (quantile(volume, covered, q)[:, None] for q in (0.1, 0.9))
    learned = profile < rest + chunk.params["rest_share"][index, None] * (busy - rest)
    off_then = _off(chunk, index, begin, chunk.day_lo, learned)
    sigma = spread(volume, covered & off_then, profile[:, how])
    working = np.nan_to_num(quantile(volume, covered & ~off_then, 0.5))
    least = np.maximum(
        chunk.params["min_excess_lph"][index], chunk.params["min_excess_share"][index] * working
    )
    usual = profile[:, chunk.timetable.hour_of_week(lo, hi)]
    threshold = usual + np.maximum(chunk.params["k_sigma"][index] * sigma, least)[:, None]
    known = covered.sum(axis=1) >= chunk.params["min_history_days"][index] * 24
    threshold[~known] = np.nan
    return _Expected(_off(chunk, index, lo, hi, learned), usual, threshold)


def mark(chunk: Chunk) -> Marks:
    """Raise after some hours in a row above what is usual for them, all outside the shifts."""
    hours = chunk.params["min_hours"].astype(np.int64)
    lookback = int(hours.max(initial=1)) - 1
    volume, covered = chunk.values(lookback)
    expected = _expect(chunk, np.arange(len(chunk.rows)), chunk.lo - lookback, chunk.hi)
    raises, clears = off_shift(volume, covered, expected.off, expected.threshold_l, hours)
    return Marks(raises[:, lookback:], clears[:, lookback:], np.ones(len(chunk.rows), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Count what was drawn beyond the usual outside the shifts since the onset."""
    hours = chunk.params["min_hours"][spans.index].astype(np.int64)
    onset = np.where(spans.onset < 0, spans.raised - hours + 1, spans.onset)
    volume, covered, start = chunk.whole(spans.index)
    expected = _expect(chunk, spans.index, start, chunk.hi)
    at = np.arange(volume.shape[1]) + start
    raising = (at >= onset[:, None]) & (at <= spans.raised[:, None])
    since = (expected.off & (at >= onset[:, None]) & (at < spans.end[:, None])) | raising
    since &= covered & ~np.isnan(expected.usual_l)
    excess = np.where(since, np.maximum(volume - expected.usual_l, 0), 0)
    highest = excess.max(axis=1, initial=0).astype(np.float64)
    raised = np.clip(spans.raised - start, 0, volume.shape[1] - 1)
    rows = np.arange(len(raised))
    evidence = [
        {
            "volume_l": round(float(np.where(since[i], volume[i], 0).sum()), 1),
            "usual_l": round(float(np.where(since[i], expected.usual_l[i], 0).sum()), 1),
            "threshold_l": round(float(expected.threshold_l[rows[i], raised[i]]), 1),
            "off_hours": int(since[i].sum()),
            "slot": chunk.timetable.text(int(spans.raised[i]) * 3600),
            "shift": str(chunk.roster.shifts[chunk.site[spans.index[i]]]) or "learned",
        }
        for i in range(len(spans.index))
    ]
    return Measured(onset, highest, excess.sum(axis=1).astype(np.float64), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by the highest excess: 100, 1,000 and 10,000 L/h."""
    return by_size(episode.magnitude, 100, 1000, 10_000)


DETECTOR = Detector(
    name="off_shift",
    group="industrial",
    finds="Use outside the shifts beyond what is usual then: machines left running, leaks, theft.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    sectors=frozenset({"industrial", "commercial", "institutional"}),
    params=(
        Param(
            "k_sigma",
            6.0,
            "sigma",
            "Distance from the median of the hour of the week, in 1.4826 MAD of the off-shift residuals.",
            "Rousseeuw and Croux 1993; 6: own, off-shift hours are many and their tails long",
            low=2,
            high=50,
        ),
        Param("min_excess_lph", 50, "L/h", "Least excess over the usual.", "own: 50 L/h is 1.2 m3 a day"),
        Param(
            "min_excess_share",
            0.10,
            "share",
            "Least excess as a share of the median hour in a shift.",
            "own",
            high=10,
        ),
        Param(
            "min_hours",
            2,
            "h",
            "So many off-shift hours in a row.",
            "own: cleaning overruns by one",
            low=1,
            high=24,
        ),
        Param(
            "rest_share",
            0.25,
            "share",
            "Without a shift calendar: an hour of the week counts as rest below this share of the way from "
            "the site's rest to its busy level (0.1 and 0.9 quantiles).",
            "own",
            high=1,
        ),
        Param("min_history_days", 14, "d", "Known history (of 28 days) needed.", "own", low=7, high=28),
        Param("works_on_holidays", 0, "0 or 1", "1: public holidays are not looked at.", "own", high=1),
    ),
    leaves_out=frozenset({"off_shift", "burst"}),
    mark=mark,
    measure=measure,
    severity=severity,
)
