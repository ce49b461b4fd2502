"""What the engine is fed with: new readings together with those around them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from detection.extent import Extent

Ints = NDArray[np.int64]

#: Readings that come with new ones: so many before the first and after the last new one of a meter.
CONTEXT_BEFORE, CONTEXT_AFTER = 10, 8
#: So many times as many where these fall short, and again.
WIDER = 4


@dataclass(frozen=True)
class Portion:
    """Readings in order of meter and time: new ones, and around them what was there.

    Meter `meter_id[i]` has new readings from `since_us[i]` to `until_us[i]`. Of what was stored before that,
    at least the last `times` * `CONTEXT_BEFORE` are given, or all; likewise `CONTEXT_AFTER` after it. `wider`
    returns the same of some meters with another `times`.
    """

    meter_id: Ints
    since_us: Ints
    until_us: Ints
    readings: ReadingBatch
    wider: Callable[[Ints, int], "Portion"]
    times: int = 1

    @property
    def new(self) -> NDArray[np.bool_]:
        """Which readings are new ones, or came after these."""
        return np.asarray(self.readings.ts >= self._of_each(self.since_us))

    def _of_each(self, column: Ints) -> Ints:
        """Return for each reading what a column says of its meter."""
        order = np.argsort(self.meter_id)
        at = np.searchsorted(self.meter_id[order], self.readings.meter_id.astype(np.int64))
        return column[order][np.minimum(at, len(order) - 1)] if len(order) else column

    def extent(self) -> Extent:
        """Return of each reading what is given of its meter."""
        ids, ts = self.readings.meter_id.astype(np.int64), self.readings.ts
        since, until = self._of_each(self.since_us), self._of_each(self.until_us)
        head = np.flatnonzero(np.diff(ids, prepend=-(2**62)))
        size = np.diff(np.append(head, len(ids)))
        before, after = (
            np.repeat(np.add.reduceat(outside.astype(np.int64), head) >= self.times * context, size)
            for outside, context in ((ts < since, CONTEXT_BEFORE), (ts > until, CONTEXT_AFTER))
        )
        first, last = np.repeat(ts[head], size), np.repeat(ts[head + size - 1], size)
        return Extent(since, until, first, last, before, after)


def cut(readings: ReadingBatch, lo_us: int, hi_us: int, *, arrived: bool = False, times: int = 1) -> Portion:
    """Return the part of `readings` (in order of meter, then time) with lo < ts <= hi, with its context.

    Of what comes after `hi` nothing is given, unless it has `arrived` before.
    """
    ids = readings.meter_id.astype(np.int64)
    new = (readings.ts > lo_us) & (readings.ts <= hi_us)
    meters, at, count = np.unique(ids[new], return_index=True, return_counts=True)
    first, end = np.searchsorted(ids, meters), np.searchsorted(ids, meters, side="right")
    begin = np.flatnonzero(new)[at]
    start = np.maximum(begin - times * CONTEXT_BEFORE, first)
    stop = np.minimum(begin + count + (times * CONTEXT_AFTER if arrived else 0), end)
    length = stop - start
    index = np.repeat(start - (np.cumsum(length) - length), length) + np.arange(length.sum())

    def wider(meter_ids: Ints, times: int) -> Portion:
        return cut(readings.take(np.isin(ids, meter_ids)), lo_us, hi_us, arrived=arrived, times=times)

    given = readings.take(index)
    return Portion(meters, readings.ts[begin], readings.ts[begin + count - 1], given, wider, times)
