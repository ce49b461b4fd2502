"""A customer's meter that no longer comes to rest as it used to: drips too small for a day's rule."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import (
    Bools,
    Chunk,
    Detector,
    Floats,
    Index,
    Ints,
    Learned,
    Marks,
    Measured,
    Param,
    Spans,
    by_size,
)
from detection.episode import Episode
from detection.kernels.rest import DAY_H, days, deepest_level, left_history, lowest_mean
from detection.kernels.runs import held, run_length

#: Recent days and the days before them that they are held against.
_SCALES = ((14, 19), (7, 21))
_RECENT, _LOOKBACK = 14, 33
#: Days back that are looked at first, before the whole history is asked for.
_FILTERS = (3, 7)
#: A rest of a night and more leaves no room for a drip worth looking for.
_LONGEST_REST_H = 8
#: Nobody was at home on a day that rested this long; where the home is lived in now, it tells nothing.
_AWAY_H, _LIVED_IN_LPH = 18, 3.0
_RISE_SHARE = 0.2
_QUIET_H = 6
_AT_ONCE = 4096


def _step(chunk: Chunk, index: Index) -> Floats:
    return np.fmax(chunk.roster.resolution_l[chunk.site[index]], np.float32(1))


def _read(chunk: Chunk, index: Index, back: int) -> tuple[Floats, Bools]:
    return chunk.series.read(chunk.rows[index], chunk.day_lo - back * DAY_H, chunk.day_lo)


def _rises(chunk: Chunk, index: Index) -> Learned:
    """Return which rows have left their history by the start of the day."""
    raised = np.zeros(len(index), bool)
    if chunk.series.start > chunk.day_lo - 15 * DAY_H:
        return (raised,)
    for part in range(0, len(index), _AT_ONCE):
        left = np.arange(part, min(part + _AT_ONCE, len(index)))
        left = left[chunk.params["evidence_nats"][index[left]] > 0]
        for back in _FILTERS:
            left = left[_may_rise(chunk, index[left], back)]
        raised[left] = _weigh(chunk, index[left])
    return (raised,)


def _may_rise(chunk: Chunk, index: Index, back: int) -> Bools:
    """Return which rows still may: no long rest in the days back, nor most days of the history alike them."""
    volume, covered = _read(chunk, index, back)
    step, may = _step(chunk, index), np.zeros(len(index), bool)
    left = np.flatnonzero(~held(covered & (volume < step[:, None]), _LONGEST_REST_H + 1).any(axis=1))
    index, step = index[left], step[left]
    recent = days(volume[left], covered[left], step)
    oldest = chunk.day_lo - _LOOKBACK * DAY_H
    before = days(*chunk.series.read(chunk.rows[index], oldest, oldest + back * DAY_H), step)
    deepest = deepest_level(recent.level, recent.known)
    alike = before.known & (before.level >= deepest[:, None])
    usual = (alike.sum(axis=1) * 4 >= 3 * back) & before.known.all(axis=1)
    usual[chunk.masked.rows(index)] = False
    may[left] = ~usual
    return may


def _weigh(chunk: Chunk, index: Index) -> Bools:
    volume, covered = _read(chunk, index, _LOOKBACK)
    step = _step(chunk, index)
    now = days(volume, covered, step)
    usable = now.known & _mostly(chunk.history(index, _LOOKBACK)[1])
    unexplained = now.known & _mostly(~chunk.masked(index, chunk.day_lo - _LOOKBACK * DAY_H, chunk.day_lo))
    raised = np.zeros(len(index), bool)
    for recent, past in _SCALES:
        split, first = _LOOKBACK - recent, _LOOKBACK - recent - past
        some = covered[:, split * DAY_H :]
        mean = np.where(some, volume[:, split * DAY_H :], 0).sum(axis=1) / np.maximum(some.sum(axis=1), 1)
        away = (now.rest_h[:, first:split] >= _AWAY_H) & (mean > _LIVED_IN_LPH)[:, None]
        before = usable[:, first:split] & ~away
        level, known = now.level[:, split:], unexplained[:, split:]
        nats = left_history(level, known, now.level[:, first:split], before)
        deepest = deepest_level(level, known)
        usual = _median(np.where(before, now.level[:, first:split], np.nan))
        least = np.maximum(step, _RISE_SHARE * usual)
        higher = np.where(deepest > 0, deepest - np.maximum(usual, 0) >= least, deepest >= -_LONGEST_REST_H)
        raised |= (nats >= chunk.params["evidence_nats"][index]) & higher
    return raised


def _mostly(hours: Bools) -> Bools:
    """Return of which days at least half the hours are so."""
    return np.asarray(hours.reshape(len(hours), hours.shape[1] // DAY_H, DAY_H).sum(axis=2) * 2 >= DAY_H)


def _limits(chunk: Chunk, index: Index) -> Learned:
    """Return what ends an alarm: hours of rest, or litres in an hour, below those of the last fortnight."""
    recent = days(*_read(chunk, index, _RECENT), _step(chunk, index))
    deepest = deepest_level(recent.level, recent.known)
    deepest = np.where(np.isfinite(deepest), deepest, 0)
    rest = np.where(deepest > 0, 1, np.minimum(2 - deepest, DAY_H))
    return rest.astype(np.int64), np.where(deepest > 0, 0.75 * deepest, -1).astype(np.float32)


def screen(chunk: Chunk) -> Bools:
    """Pass what has left its history by the start of the day."""
    return np.asarray(chunk.learn("rises", np.arange(len(chunk.rows)), lambda i: _rises(chunk, i))[0])


def mark(chunk: Chunk) -> Marks:
    """Raise through the day until the site rests more deeply again than it did in the last fortnight."""
    every = np.arange(len(chunk.rows))
    (rises,) = chunk.learn("rises", every, lambda i: _rises(chunk, i))
    rest_h, volume_l = chunk.learn("limits", every, lambda i: _limits(chunk, i))
    lookback = chunk.lo - chunk.day_lo + DAY_H
    volume, covered = chunk.values(lookback)
    rest = run_length(covered & (volume < _step(chunk, every)[:, None]))
    rests = (rest >= rest_h[:, None]) | (covered & (volume < volume_l[:, None]))
    rests, covered = rests[:, DAY_H:], covered[:, DAY_H:]
    raises = covered & rises[:, None] & ~np.logical_or.accumulate(rests, axis=1)
    today = chunk.lo - chunk.day_lo
    return Marks(raises[:, today:], rests[:, today:], np.ones(len(every), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset back to the last deeper rest; the rate is what the quietest hours have gained."""
    index = spans.index
    volume, covered = _read(chunk, index, _LOOKBACK)
    step = _step(chunk, index)
    found = days(volume, covered, step)
    quiet = lowest_mean(volume, covered, _QUIET_H)
    start = chunk.day_lo - _LOOKBACK * DAY_H
    onset = np.where(spans.onset < 0, start + _last_rest(volume, covered, step, found.level), spans.onset)
    day = start + DAY_H * np.arange(_LOOKBACK)
    after = (day >= onset[:, None]) & found.known
    since, before = after & (day >= chunk.day_lo - _RECENT * DAY_H), ~after & found.known
    now, usual = _median(np.where(since, quiet, np.nan)), _median(np.where(before, quiet, np.nan))
    rate = np.maximum(now - usual, 0)
    rest = np.where(since, found.rest_h, 0).max(axis=1)
    usual_rest = _median(np.where(before, found.rest_h, np.nan).astype(np.float32))
    evidence = [
        _evidence(float(rate[i]), int(rest[i]), float(usual_rest[i]), int(since[i].sum()))
        for i in range(len(index))
    ]
    loss = rate.astype(np.float64) * (spans.end - onset)
    return Measured(onset, rate.astype(np.float64), loss, evidence)


def _last_rest(volume: Floats, covered: Bools, step: Floats, level: Floats) -> Ints:
    """Return the slot after the last rest deeper than any of the recent days; 0 if there is none."""
    deepest = level[:, -_SCALES[-1][0] :].min(axis=1)[:, None]
    rest = run_length(covered & (volume < step[:, None]))
    deeper = np.where(deepest > 0, covered & (volume < deepest), rest > -deepest)
    slot = np.arange(volume.shape[1])
    return np.asarray(np.where(deeper, slot + 1, 0).max(axis=1), np.int64)


def _median(values: NDArray[np.floating[Any]]) -> Floats:
    """Return each row's median, the lower of two; 0 where all is NaN."""
    ordered = np.sort(values, axis=1)
    n = (~np.isnan(ordered)).sum(axis=1)
    middle = np.take_along_axis(ordered, np.maximum(n - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.asarray(np.nan_to_num(middle), np.float32)


def _evidence(rate: float, rest_h: int, usual_rest_h: float, since: int) -> dict[str, Any]:
    return {
        "rate_lph": round(rate, 3),
        "rest_h": rest_h,
        "usual_rest_h": round(usual_rest_h, 1),
        "days": since,
        "grade": "micro_drip" if rate < 1 else "drip" if rate < 4 else "continuous",
    }


def severity(episode: Episode) -> Severity:
    """Grade by rate, as continuous_flow: 10, 100 and 1,000 L/h."""
    return by_size(episode.magnitude, 10, 100, 1000)


DETECTOR = Detector(
    name="rising_minimum",
    group="leak",
    finds="A customer's meter that no longer comes to rest as it used to: a drip, or a leak at a site that "
    "never rests.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    params=(
        Param(
            "evidence_nats",
            16,
            "nats",
            "Evidence against the site's own history that raises, over 7 or 14 days. 0: not asked.",
            "own: e^16 against chance, were days independent; firms have level_shift and drift",
            by_class={"commercial": 0, "institutional": 0, "industrial": 0},
            high=1000,
        ),
    ),
    leaves_out=frozenset({"continuous_flow", "rising_minimum", "burst"}),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
