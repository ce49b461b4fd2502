"""Use outside the shifts of industrial, commercial and institutional customers."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import structlog

from core.errors import BadDataError
from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Floats, Index, Marks, Measured, Param, Spans, by_size
from detection.detectors.usual import DAYS, EVENTS, MIN_HISTORY, SECTORS, screen, weeks
from detection.episode import Episode
from detection.kernels.excess import rest_excess
from detection.kernels.runs import quantile
from detection.kernels.weekly import daily_means, day_spread, newest_level
from detection.shifts import Shifts, parse

log = structlog.get_logger(__name__)
#: A rest that raises began to be unusual at most a day ago.
_LOOKBACK = 24
#: So many hours make the night of a day.
_NIGHT_HOURS = 3


@dataclass(frozen=True)
class _Expected:
    """What is expected in the hours asked about: (rows, hours), the threshold (rows,) above the usual."""

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
    profile, level, threshold, rests = chunk.learn("rest", index, lambda lacking: _learn(chunk, lacking))
    usual = profile[:, chunk.timetable.hour_of_week(lo, hi)] + level[:, None]
    return _Expected(_off(chunk, index, lo, hi, rests), usual, threshold)


def _learn(chunk: Chunk, index: Index) -> tuple[Floats, Floats, Floats, Bools]:
    """Return the profile, the level of the newest rests, the threshold, and the hours of the week at rest."""
    begin = chunk.day_lo - DAYS * 24
    profile, residual, known = weeks(chunk, index)
    low, busy = (quantile(profile, ~np.isnan(profile), q)[:, None] for q in (0.1, 0.9))
    rests = profile < low + chunk.params["rest_share"][index, None] * (busy - low)
    off = _off(chunk, index, begin, chunk.day_lo, rests)
    nights = daily_means(residual, known & off, _NIGHT_HOURS)
    level = np.nan_to_num(newest_level(nights))
    usual = profile[:, chunk.timetable.hour_of_week(begin, chunk.day_lo)]
    resting, working = (np.nan_to_num(quantile(usual, known & m, 0.5)) for m in (off, ~off))
    threshold = np.maximum.reduce(
        [
            chunk.params["k_sigma"][index] * np.nan_to_num(day_spread(nights)),
            chunk.params["min_excess_lph"][index],
            chunk.params["min_excess_share"][index] * working,
            chunk.params["min_rest_share"][index] * (resting + level),
        ]
    )
    enough = known.sum(axis=1) >= chunk.params["min_history_days"][index] * 24
    return profile, level, np.where(enough, threshold, np.float32(np.nan)), rests


def mark(chunk: Chunk) -> Marks:
    """Raise where the rest as a whole is beyond what is usual for it."""
    volume, covered = chunk.values(_LOOKBACK)
    expected = _expect(chunk, np.arange(len(chunk.rows)), chunk.lo - _LOOKBACK, chunk.hi)
    above = volume - expected.usual_l
    hours = chunk.params["min_hours"].astype(np.int64)
    raises, clears = rest_excess(above, covered & ~np.isnan(above), expected.off, expected.threshold_l, hours)
    return Marks(raises[:, _LOOKBACK:], clears[:, _LOOKBACK:], np.ones(len(chunk.rows), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Count what was drawn beyond the usual outside the shifts, from the first hour beyond to the last."""
    volume, covered, start = chunk.whole(spans.index)
    expected = _expect(chunk, spans.index, start, chunk.hi)
    at = np.arange(volume.shape[1]) + start
    above = np.where(covered & expected.off, volume - expected.usual_l, np.float32(np.nan))
    beyond = above > expected.threshold_l[:, None]
    # The rest that raised it: the hours outside the shifts since work ended; it began with the first beyond.
    work = np.where(~expected.off & (at <= spans.raised[:, None]), at, start - 1).max(axis=1)
    began = np.maximum(work + 1, spans.raised - _LOOKBACK)
    ours = beyond & (at >= began[:, None]) & (at <= spans.raised[:, None])
    first = np.where(ours.any(axis=1), at[np.argmax(ours, axis=1)], spans.raised)
    onset = np.where(spans.onset < 0, first, spans.onset)
    until = beyond & (at < np.maximum(spans.end, spans.raised + 1)[:, None])
    last = np.where(until, at, spans.raised[:, None]).max(axis=1)
    since = (at >= onset[:, None]) & (at <= last[:, None]) & ~np.isnan(above)
    over = np.where(since, np.maximum(above, 0), 0)
    rows = np.arange(len(onset))
    raised = np.clip(spans.raised - start, 0, volume.shape[1] - 1)
    evidence = [
        {
            "volume_l": round(float(np.where(since[i], volume[i], 0).sum()), 1),
            "usual_l": round(float(np.where(since[i], expected.usual_l[i], 0).sum()), 1),
            "threshold_l": round(float(expected.usual_l[i, raised[i]] + expected.threshold_l[i]), 1),
            "off_hours": int(since[i].sum()),
            "slot": chunk.timetable.text(int(spans.raised[i]) * 3600),
            "shift": str(chunk.roster.shifts[chunk.site[spans.index[i]]]) or "learned",
        }
        for i in rows
    ]
    highest = over.max(axis=1, initial=0).astype(np.float64)
    return Measured(onset, highest, over.sum(axis=1).astype(np.float64), evidence)


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
    sectors=SECTORS,
    params=(
        Param(
            "k_sigma",
            4.0,
            "sigma",
            "Distance of the rest's mean from the usual, in 1.4826 MAD of the nights about the week "
            "before them.",
            "Rousseeuw and Croux 1993; 4: own",
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
            "min_rest_share",
            0.30,
            "share",
            "Least excess as a share of the median hour outside the shifts.",
            "own: of sites that never rest, nights differ by a quarter for reasons of their own",
            high=10,
        ),
        Param(
            "min_hours",
            3,
            "h",
            "So many hours of the rest must be known.",
            "own: cleaning overruns by one or two",
            low=1,
            high=24,
        ),
        Param(
            "rest_share",
            0.25,
            "share",
            "Without a shift calendar: an hour of the week counts as rest below this share of the way from "
            "the site's rest to its busy level (0.1 and 0.9 quantiles of its profile).",
            "own",
            high=1,
        ),
        MIN_HISTORY,
        Param("works_on_holidays", 0, "0 or 1", "1: public holidays are not looked at.", "own", high=1),
    ),
    leaves_out=EVENTS,
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
