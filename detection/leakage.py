"""Find leaks in hourly series of DMAs by their leak level, one on top of the other; for several detectors.

Every hour is asked for a jump and for the leak level of the last day. A local day, once it is over, is asked
for a slow rise, or the levels of the leaks that run follow what it showed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.detector import Chunk, Index, Param
from detection.district import watched
from detection.episode import Episode
from detection.kernels import leak_level as kernel
from detection.kernels.leak_level import Usual
from detection.ledger import Knot, Leak, Ledger

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_HOUR = 3600
_DAY = 24
#: Hours of a jump, and of the trailing window that tells a leak level; that needs two thirds of them.
_JUMP_H, _WINDOW_H, _ENOUGH_H = 4, 24, 16
#: A day of history counts from so many hours on.
_WHOLE_H = 18
#: A change is dated within this many hours before it is seen.
_BACK_H = 48
#: The slow test looks at this many days; a day counts at most this many spreads.
_SLOW_DAYS, _SLOW_CLIP, _SLOW_LEAST = 42, 5.0, 3
#: Days after raising in which a further rise is more of the same; in which its level is still being found.
_SAME_CAUSE_DAYS, _SETTLE_DAYS = 5, 3
#: After that a level follows by this share of what a day shows.
_FOLLOW = 0.3
#: A leak is over when a fall takes half of it, or when its level has faded below this share of its highest.
_TAKES, _FADED = 0.5, 0.35

PARAMS = (
    Param(
        "history_days",
        56,
        "d",
        "History that tells what is usual.",
        "own: eight weeks, so that a slow leak has not become usual before it is seen",
        low=14,
        high=112,
    ),
    Param(
        "min_history_days",
        14,
        "d",
        "Whole days known without which nothing is raised.",
        "own",
        low=14,
        high=112,
    ),
    Param(
        "day_sigma",
        6.0,
        "spreads",
        "A leak level of 24 h from this many of its usual spreads on is a leak.",
        "own: bwdf, hanoi and L-Town, see the results",
        low=2,
        high=50,
    ),
    Param(
        "jump_sigma",
        4.5,
        "sigma",
        "Four hours in a row this far above their pattern and the hours before are a leak.",
        "own: bwdf, hanoi and L-Town, see the results",
        low=2,
        high=50,
    ),
    Param(
        "cusum_h",
        7.0,
        "spreads",
        "Sum of daily excesses that is a leak that grows.",
        "Page 1954; own",
        low=2,
        high=50,
    ),
    Param(
        "cusum_k",
        0.75,
        "spreads",
        "Daily excess that is allowed.",
        "Page 1954: half of the shift to be found; own",
        low=0.1,
        high=5,
    ),
    Param(
        "least_share",
        0.01,
        "share",
        "Least leak, as a share of the inflow; a slow one half of that.",
        "own: 1 % is below the error of most DMA meters",
        low=0.0,
        high=1,
    ),
)


@dataclass(frozen=True)
class Limits:
    """One DMA's parameters."""

    day: float
    jump: float
    h: float
    k: float
    least: float


def trace(
    name: str, chunk: Chunk, read: Callable[[Index, int], Floats], alarms: Sequence[list[Episode]]
) -> list[list[Episode]]:
    """Return new and changed alarms of DMAs.

    Where pressures tell the place of a leak too, `main_burst` looks closer, unless it is switched off: only
    what is open is followed.

    Parameters
    ----------
    read : gives (rows, hours) litres of some of the chunk's rows from an hour on up to `hi`, NaN: not known
    alarms : each row's so far
    """
    found: list[list[Episode]] = [[] for _ in alarms]
    all_days = chunk.params["history_days"]
    closer = chunk.enabled("main_burst", np.arange(len(alarms)))
    ours = [
        any(e.closed_s is None for e in a) or not (closer[i] and watched(chunk, i))
        for i, a in enumerate(alarms)
    ]
    for days in np.unique(all_days):
        index = np.flatnonzero((all_days == days) & np.array(ours, bool))
        if len(index) == 0:
            continue
        start = chunk.day_lo - _DAY * int(days)
        traced = _trace(name, chunk, index, read(index, start), start, [alarms[int(i)] for i in index])
        for i, episodes in zip(index, traced, strict=True):
            found[i] = episodes
    return found


def _trace(
    name: str, chunk: Chunk, index: Index, hourly: Floats, start: int, alarms: Sequence[list[Episode]]
) -> list[list[Episode]]:
    hours = np.arange(start, chunk.hi)
    past = chunk.day_lo - start
    how = chunk.timetable.own_hour_of_week(start, chunk.hi)
    as_sunday = chunk.timetable.hour_of_week(start, chunk.hi)
    # What is usual was learned before the day began, with the leaks that were known by then.
    before = np.stack([Ledger(known, chunk.day_lo).level(hours[:past]) for known in alarms])
    holiday = chunk.timetable.holiday(start, chunk.day_lo)
    known = kernel.usual(np.where(holiday, np.nan, hourly[:, :past] - before), how[:past])
    days = (~np.isnan(hourly[:, :past])).reshape(len(index), -1, _DAY).sum(axis=2) >= _WHOLE_H
    enough = days.sum(axis=1) >= chunk.params["min_history_days"][index]
    day_ends = chunk.hi * _HOUR == chunk.timetable.next_day(chunk.day_lo * _HOUR)
    found = []
    for k, i in enumerate(index):
        first = chunk.lo + int(np.argmax(chunk.asked[i]))
        ledger = Ledger(alarms[k], first)
        if enough[k] and chunk.asked[i].any() and known.level[k, -1] > 0:
            row = _Row(ledger, _limits(chunk, int(i)), _one(known, k), hourly[k], hours, (how, as_sunday))
            row.look(first)
            if day_ends:
                row.end_of_day()
        found.append(ledger.changed(name, int(chunk.series.ring.meter_id[chunk.rows[i]])))
    return found


def _limits(chunk: Chunk, i: int) -> Limits:
    names = ("day_sigma", "jump_sigma", "cusum_h", "cusum_k", "least_share")
    return Limits(*(float(chunk.params[name][i]) for name in names))


def _one(known: Usual, i: int) -> Usual:
    return Usual(
        *(getattr(known, f)[i : i + 1] for f in ("pattern", "noise", "level", "stiffness", "spread"))
    )


class _Row:
    """One DMA on one day."""

    def __init__(
        self,
        ledger: Ledger,
        limits: Limits,
        known: Usual,
        hourly: Floats,
        hours: Ints,
        how: tuple[Ints, Ints],
    ) -> None:
        self.ledger, self.limits, self.known = ledger, limits, known
        self.hourly, self.hours, self.how = hourly, hours, how
        self.past = (known.level.shape[1] - 1) * _DAY
        self.level = float(known.level[0, -1])
        self.spread = float(known.spread[0])
        self.weight = kernel.weights(known, len(hours))[0]
        self._see()

    def _see(self) -> None:
        """Hold the inflow, less what the ledger knows of, against what is usual."""
        left = (self.hourly - self.ledger.level(self.hours))[None]
        self.off, pattern = kernel.relative(left, self.known, *self.how)
        self.sums = kernel.sums(self.off, pattern, self.known)
        self.covered = self.sums[0, :, 0] > 0

    def look(self, first: int) -> None:
        """Ask every hour from `first` on for a jump and for the level of the last day."""
        seen = self._first_change(first)
        while seen is not None:
            hour, size = seen
            self._decide(hour, size)
            self._see()
            seen = self._first_change(hour + 1)

    def _first_change(self, at: int) -> tuple[int, float] | None:
        """Return the first hour with a change, and its rough size as a share of the level."""
        base = int(self.hours[0])
        begin = max(self.past - _BACK_H, self.ledger.since - base, 0)
        if len(self.hours) - begin < _JUMP_H:
            return None
        part = self.sums[:, begin:]
        stiff = self.known.stiffness
        day = np.nan_to_num(kernel.leak_level(kernel.trailing(part, _WINDOW_H), stiff)[0])
        now = np.nan_to_num(kernel.leak_level(kernel.trailing(part, _JUMP_H), stiff)[0])
        count = kernel.trailing(self.covered[None, begin:, None].astype(float), _WINDOW_H)[0, :, 0]
        scaled = np.where(self.covered, self.off[0] * np.sqrt(self.weight), np.nan)
        jump = kernel.jumps(scaled[max(begin - 12, 0) :])[min(begin, 12) :]
        limits = self.limits
        by_day = np.where(
            (count >= _ENOUGH_H) & (np.sign(now) == np.sign(day)),
            np.abs(day) / max(limits.day * self.spread, limits.least),
            0,
        )
        by_jump = np.where(np.abs(now) >= 2 * limits.least, np.abs(jump) / limits.jump, 0)
        size = np.where(by_day >= by_jump, day, np.sign(jump) * np.abs(now))
        asked = (self.hours[begin:] >= at) & self.covered[begin:]
        counts = asked & (np.maximum(by_day, by_jump) >= 1)
        if not self.ledger.running:
            counts &= size > 0
        where = np.flatnonzero(counts)
        return (int(self.hours[begin + where[0]]), float(size[where[0]])) if len(where) else None

    def _decide(self, hour: int, rough: float) -> None:
        """Date a change and enter it: a new leak, more of a young one, the end of one, or less of one."""
        base, sign = int(self.hours[0]), np.sign(rough)
        begin, end = max(self.past - _BACK_H, self.ledger.since - base, 0), hour - base + 1
        weight = np.where(self.covered, self.weight, 0)[begin:end]
        back, height = kernel.change_point(sign * np.nan_to_num(self.off[0, begin:end]), weight)
        start = base + begin + back
        lph = max(height, 0.5 * abs(rough)) * self.level
        running = self.ledger.running
        if sign > 0:
            young = [k for k in running if hour - k.raised < _SAME_CAUSE_DAYS * _DAY]
            if young:
                young[-1].set(hour, start, young[-1].lph + lph, acted=True)
            else:
                self.ledger.open(self._leak("step", start, hour, [Knot(hour, start, round(lph, 1), True)]))
            return
        # What explains the fall best: one of them, or all together.
        over = min([*([k] for k in running), running], key=lambda some: abs(sum(k.lph for k in some) - lph))
        if lph < _TAKES * sum(k.lph for k in over):
            over = []
        for leak in over:
            leak.finish(hour, start)
        if not over:
            largest = max(running, key=lambda k: k.lph)
            largest.set(hour, start, max(largest.lph - lph, 0.0), acted=True)

    def _leak(self, how: str, onset: int, hour: int, knots: list[Knot]) -> Leak:
        return Leak(how, onset, hour, round(self.level, 1), knots, last=hour + 1)

    def end_of_day(self) -> None:
        """Let levels follow what the day showed, or ask for a slow rise."""
        if not self.covered[-1]:
            return
        hour = int(self.hours[-1])
        each = np.concatenate(
            [kernel.day_sums(self.sums[:, : self.past]), self.sums[:, -_DAY:].sum(axis=1)[:, None]], axis=1
        )
        count = np.concatenate(
            [self.covered[: self.past].reshape(-1, _DAY).sum(axis=1), [self.covered[-_DAY:].sum()]]
        )
        leaks = np.where(count >= _DAY // 2, kernel.leak_level(each, self.known.stiffness)[0], np.nan)
        running = self.ledger.running
        if running:
            self._follow(running, hour, float(leaks[-1]))
            return
        begin = max(len(leaks) - _SLOW_DAYS, -(-(self.ledger.since - int(self.hours[0])) // _DAY), 0)
        scores = np.nan_to_num(np.clip(leaks[begin:] / self.spread, -_SLOW_CLIP, _SLOW_CLIP))
        total, since = kernel.cusum(scores, self.limits.k)
        if total <= self.limits.h or len(scores) - since < _SLOW_LEAST:
            return
        share = float(kernel.median(leaks[begin:][-_SLOW_LEAST:]))
        if share >= 0.5 * max(self.limits.least, self.limits.k * self.spread):
            onset = int(self.hours[0]) + (begin + since) * _DAY
            knots = [Knot(hour, onset, 0.0, False), Knot(hour, hour, round(share * self.level, 1), True)]
            self.ledger.open(self._leak("slow", onset, hour, knots))

    def _follow(self, running: list[Leak], hour: int, today: float) -> None:
        for leak in running:
            leak.last = hour + 1
        if not np.isfinite(today) or hour + 1 - self.ledger.since < _ENOUGH_H:
            return
        leak = running[-1]
        gain = 1.0 if hour - leak.raised < _SETTLE_DAYS * _DAY else _FOLLOW
        lph = max(leak.lph + gain * today * self.level, 0.0)
        leak.set(hour, hour, lph, acted=False)
        if lph < _FADED * leak.peak_lph:
            leak.finish(hour, hour + 1)
