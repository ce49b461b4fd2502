"""A home whose use has changed for good: other people live there, or more, or fewer."""

from typing import Any

import numpy as np

from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Floats, Index, Learned, Marks, Measured, Param, Spans
from detection.episode import Episode
from detection.kernels.occupancy import change_day, median, shift

#: The last fortnight is held against the first of so many days; between them lies the week to the next turn.
_DAYS, _RECENT, _PAST = 33, 14, 12
_SHORT = 7
_LIVED_IN_L = 10
_KNOWN_H = 14
_SEPARATE = 0.95


def _daily(chunk: Chunk, index: Index, days: int, until: int = 0) -> tuple[Floats, Bools]:
    """Return litres of the `days` local days that end `until` days before the day, and which count.

    One counts that is known and on which somebody was there; what is missing of it is like the rest.
    """
    hi = chunk.day_lo - until * 24
    volume, covered = chunk.series.read(chunk.rows[index], hi - days * 24, hi)
    covered &= ~chunk.masked(index, hi - days * 24, hi)
    shape = (len(index), days, 24)
    n = covered.reshape(shape).sum(axis=2)
    total = np.where(covered, volume, np.float32(0)).reshape(shape).sum(axis=2)
    daily = (total * np.float32(24) / np.maximum(n, 1)).astype(np.float32)
    return daily, (n >= _KNOWN_H) & (daily >= _LIVED_IN_L)


def _turn(chunk: Chunk) -> Bools:
    """Return whose turn it is: each meter is looked at once a week, on a day of its own."""
    day = (chunk.day_lo * 3600 + 43_200) // 86_400
    return np.asarray((chunk.series.ring.meter_id[chunk.rows] + day) % 7 == 0)


def _changed(chunk: Chunk, index: Index) -> Learned:
    """Return which rows have changed by the start of the day."""
    changed = np.zeros(len(index), bool)
    if chunk.series.start > chunk.day_lo - (_DAYS - 2) * 24:
        return (changed,)
    ends = [_daily(chunk, index, _SHORT, until) for until in (0, _DAYS - _SHORT)]
    after, before = (median(np.where(known, daily, np.float32(np.nan))) for daily, known in ends)
    ratio, least = chunk.params["ratio"][index], chunk.params["min_change_l"][index]
    left = np.flatnonzero(_beyond(before, after, ratio, least))
    daily, known = _daily(chunk, index[left], _DAYS)
    both = np.r_[:_PAST, _DAYS - _RECENT : _DAYS]
    found = shift(daily[:, both], known[:, both], _RECENT)
    apart = np.maximum(found.above, 1 - found.above) >= _SEPARATE
    halves = [
        median(np.where(known[:, cut], daily[:, cut], np.float32(np.nan)))
        for cut in (slice(-_RECENT, -_SHORT), slice(-_SHORT, None))
    ]
    lasts = np.ones(len(left), bool)
    for half in halves:
        lasts &= _beyond(found.before_l, half, ratio[left], least[left])
    same_way = (found.after_l > found.before_l) == (halves[1] > found.before_l)
    changed[left] = apart & lasts & same_way
    return (changed,)


def _beyond(before: Floats, after: Floats, ratio: Floats, least: Floats) -> Bools:
    low, high = np.minimum(before, after), np.maximum(before, after)
    return np.asarray((high >= ratio * low) & (high - low >= least))


def screen(chunk: Chunk) -> Bools:
    """Pass what has changed, on the day of the week on which it is looked at."""
    passed = _turn(chunk)
    turn = np.flatnonzero(passed)
    if len(turn):
        passed[turn] = chunk.learn("changed", turn, lambda i: _changed(chunk, i))[0]
    return passed


def mark(chunk: Chunk) -> Marks:
    """Raise on the day that a change is seen; clear on a later one, when the new pattern is the usual."""
    volume, covered = chunk.values()
    raises, clears = np.zeros(volume.shape, bool), np.zeros(volume.shape, bool)
    turn = np.flatnonzero(_turn(chunk))
    if len(turn):
        (changed,) = chunk.learn("changed", turn, lambda i: _changed(chunk, i))
        raises[turn] = covered[turn] & changed[:, None]
        clears[turn] = covered[turn] & ~changed[:, None]
    return Marks(raises, clears, np.ones(len(volume), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset to the day at which a step fits best; the magnitude is the change in litres a day."""
    daily, known = _daily(chunk, spans.index, _DAYS)
    first = change_day(daily, known)
    begun = chunk.day_lo - (_DAYS - first) * 24
    onset = np.where(spans.onset < 0, np.minimum(begun, spans.raised), spans.onset)
    day = np.arange(_DAYS)
    before = median(np.where(known & (day < first[:, None]), daily, np.float32(np.nan)))
    after = median(np.where(known & (day >= first[:, None]), daily, np.float32(np.nan)))
    evidence: list[dict[str, Any]] = [
        {
            "before_l": round(float(before[i]), 1),
            "after_l": round(float(after[i]), 1),
            "course": "more" if after[i] > before[i] else "less",
        }
        for i in range(len(spans.index))
    ]
    change = np.abs(after.astype(np.float64) - before)
    return Measured(onset, change, np.zeros(len(change)), evidence)


def severity(_episode: Episode) -> Severity:
    """Low: a question for the next contact, no fault."""
    return Severity.LOW


DETECTOR = Detector(
    name="occupancy_change",
    group="profile",
    finds="A home whose use has changed for good: ask who lives there, and whether contact data hold.",
    plane="hourly",
    unit="L/d",
    kinds=frozenset({"customer"}),
    sectors=frozenset({"residential"}),
    params=(
        Param(
            "ratio", 2, "ratio", "Usual days have grown or shrunk at least so much.", "own", low=1.2, high=20
        ),
        Param("min_change_l", 60, "L/d", "Least change.", "own: half of what one person uses a day"),
    ),
    leaves_out=frozenset({"continuous_flow", "rising_minimum", "burst"}),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
