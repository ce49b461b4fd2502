"""What the engine is fed with: new readings together with those around them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch

Ints = NDArray[np.int64]

#: Readings that must come with new ones: so many before the first and after the last new one of a meter.
CONTEXT_BEFORE, CONTEXT_AFTER = 10, 3
#: So many of these are there to judge the next one by, and one more for the slot around it.
_JUDGED = 4


@dataclass(frozen=True)
class Portion:
    """Readings in order of meter and time: new ones, and around them what was there.

    Meter `meter_id[i]` has new readings from `since_us[i]` on. Of what was stored before that, at least the
    last `CONTEXT_BEFORE` are given, or all; likewise `CONTEXT_AFTER` after the last new one.
    """

    meter_id: Ints
    since_us: Ints
    readings: ReadingBatch

    @property
    def new(self) -> NDArray[np.bool_]:
        """Which readings are new ones, or came after these."""
        return np.asarray(self.readings.ts >= self._since_us())

    def _since_us(self) -> Ints:
        """Return for each reading from when its meter's readings are new, microseconds."""
        order = np.argsort(self.meter_id)
        at = np.searchsorted(self.meter_id[order], self.readings.meter_id.astype(np.int64))
        return self.since_us[order][np.minimum(at, len(order) - 1)] if len(order) else self.since_us

    def trusted_us(self) -> Ints:
        """Return for each reading from when its meter's slots can be relied on, microseconds.

        Readings need their neighbours to be judged, so the first ones of a cut are there to judge others
        by. A meter of which there is no more is trusted from its first reading on.
        """
        readings = self.readings
        ids = readings.meter_id.astype(np.int64)
        if len(ids) == 0:
            return np.empty(0, np.int64)
        since = self._since_us()
        first = np.ones(len(ids), bool)
        first[1:] = ids[1:] != ids[:-1]
        head = np.flatnonzero(first)
        meter = np.cumsum(first) - 1
        before = np.bincount(meter, weights=readings.ts < since, minlength=len(head)).astype(np.int64)
        cut = before >= CONTEXT_BEFORE
        start = readings.ts[head + np.where(cut, before - CONTEXT_BEFORE + _JUDGED, 0)]
        return np.asarray(np.where(cut, start, np.iinfo(np.int64).min // 2)[meter])


def cut(readings: ReadingBatch, lo_us: int, hi_us: int, *, arrived: bool = False) -> Portion:
    """Return the part of `readings` (in order of meter, then time) with lo < ts <= hi, with its context.

    Of what comes after `hi` nothing is given, unless it has `arrived` before.
    """
    ids = readings.meter_id.astype(np.int64)
    new = (readings.ts > lo_us) & (readings.ts <= hi_us)
    meters, at, count = np.unique(ids[new], return_index=True, return_counts=True)
    first, end = np.searchsorted(ids, meters), np.searchsorted(ids, meters, side="right")
    begin = np.flatnonzero(new)[at]
    start = np.maximum(begin - CONTEXT_BEFORE, first)
    stop = np.minimum(begin + count + (CONTEXT_AFTER if arrived else 0), end)
    length = stop - start
    index = np.repeat(start - (np.cumsum(length) - length), length) + np.arange(length.sum())
    return Portion(meters, readings.ts[begin], readings.take(index))
