"""The detectors' memory: ring buffers of interval volumes and pressures, one a reporting interval.

A ring is bounded by its number of slots, is filled from committed readings, late ones included, and can be
rebuilt from the store at any time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.words import Quality

_MISSING = -1


class Ring:
    """A (meters, slots) float32 buffer over the newest `slots` slots of `slot_s` seconds.

    Slot number = start in seconds since 1970-01-01 UTC / slot_s. Rows are meters in order of first sight.
    """

    def __init__(self, slot_s: int, slots: int) -> None:
        self.slot_s = slot_s
        self.slots = slots
        self.end: int | None = None
        self.meter_id: NDArray[np.int64] = np.empty(0, np.int64)
        self._sorted: NDArray[np.intp] = np.empty(0, np.intp)
        self._values: NDArray[np.float32] = np.empty((0, slots), np.float32)
        self._quality: NDArray[np.int8] = np.empty((0, slots), np.int8)
        self.newest: NDArray[np.int64] = np.empty(0, np.int64)  # one past the last known slot of each row
        self.oldest: NDArray[np.int64] = np.empty(0, np.int64)  # the first slot ever known of each row

    @property
    def start(self) -> int:
        """First slot the ring can hold."""
        return (self.end or 0) - self.slots

    def rows(self, meter_ids: NDArray[np.int64], *, add: bool = False) -> NDArray[np.intp]:
        """Return the meters' rows, -1 for one that has none; `add` makes rows for those."""
        if add:
            known = np.isin(meter_ids, self.meter_id)
            if not known.all():
                self._grow(np.unique(meter_ids[~known]))
        if len(self.meter_id) == 0:
            return np.full(len(meter_ids), -1, np.intp)
        ordered = self.meter_id[self._sorted]
        at = np.minimum(np.searchsorted(ordered, meter_ids), len(ordered) - 1)
        return np.where(ordered[at] == meter_ids, self._sorted[at], -1)

    def _grow(self, new: NDArray[np.int64]) -> None:
        have, need = len(self.meter_id), len(self.meter_id) + len(new)
        if need > len(self._values):
            room = max(need, len(self._values) * 3 // 2)
            values = np.full((room, self.slots), np.nan, np.float32)
            quality = np.full((room, self.slots), _MISSING, np.int8)
            values[:have], quality[:have] = self._values[:have], self._quality[:have]
            self._values, self._quality = values, quality
        self.meter_id = np.concatenate([self.meter_id, new])
        self.newest = np.concatenate([self.newest, np.full(len(new), -(2**62), np.int64)])
        self.oldest = np.concatenate([self.oldest, np.full(len(new), 2**62, np.int64)])
        self._sorted = np.argsort(self.meter_id)

    def advance(self, end: int) -> None:
        """Move on so that `end` - 1 is the newest slot; what falls out at the old end is forgotten."""
        if self.end is not None and end <= self.end:
            return
        fresh = self.slots if self.end is None else min(end - self.end, self.slots)
        columns = np.arange(end - fresh, end) % self.slots
        self._values[:, columns] = np.nan
        self._quality[:, columns] = _MISSING
        self.end = end

    def put(
        self,
        rows: NDArray[np.intp],
        slots: NDArray[np.int64],
        values: NDArray[np.float32],
        quality: NDArray[np.int8],
    ) -> NDArray[np.bool_]:
        """Store values, each (row, slot) at most once; return which of them are news.

        Rounding is no news (1 mL + 1e-6 of the value). What lies before the window is not stored and is no
        news; what lies after it moves the window on.
        """
        if len(rows) == 0:
            return np.zeros(0, bool)
        self.advance(int(slots.max()) + 1)
        inside = slots >= self.start
        r, c = rows, slots % self.slots
        old, old_quality = self._values[r, c], self._quality[r, c]
        near = np.abs(old - values) <= np.float32(1e-3) + np.float32(1e-6) * np.abs(values)
        changed = inside & ~(near & (old_quality == quality))
        r, c = r[changed], c[changed]
        self._values[r, c], self._quality[r, c] = values[changed], quality[changed]
        np.maximum.at(self.newest, r, slots[changed] + 1)
        np.minimum.at(self.oldest, r, slots[changed])
        return np.asarray(changed)

    def read(self, rows: NDArray[np.intp], lo: int, hi: int) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Return values and qualities of the slots [lo, hi): NaN and -1 where nothing is known."""
        a, b = max(lo, self.start), min(hi, self.end or 0)
        if a == lo and b == hi:
            values, quality = (
                np.empty((len(rows), hi - lo), np.float32),
                np.empty((len(rows), hi - lo), np.int8),
            )
        else:
            values = np.full((len(rows), hi - lo), np.nan, np.float32)
            quality = np.full((len(rows), hi - lo), _MISSING, np.int8)
        chosen = _neighbours(rows)
        while a < b:
            c = a % self.slots
            n = min(b - a, self.slots - c)
            values[:, a - lo : a - lo + n] = self._values[chosen, c : c + n]
            quality[:, a - lo : a - lo + n] = self._quality[chosen, c : c + n]
            a += n
        return values, quality

    def at(
        self, rows: NDArray[np.intp], slots: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Return single values and their qualities; NaN and -1 where nothing is known."""
        inside = (slots >= self.start) & (slots < (self.end or 0))
        at = slots % self.slots
        values = np.where(inside, self._values[rows, at], np.float32(np.nan))
        return values, np.where(inside, self._quality[rows, at], np.int8(_MISSING))

    @property
    def nbytes(self) -> int:
        """Memory of the buffers, bytes."""
        return self._values.nbytes + self._quality.nbytes


def _neighbours(rows: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """Return rows that follow each other as a slice, which is read without looking up each."""
    if len(rows) > 1 and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


@dataclass(frozen=True)
class Series:
    """A ring seen in slots of `factor` of its own: sums of volumes; as it is where factor is 1."""

    ring: Ring
    factor: int = 1

    @property
    def slot_s(self) -> int:
        """Length of a slot, seconds."""
        return self.ring.slot_s * self.factor

    @property
    def start(self) -> int:
        """First slot that lies wholly in the window."""
        return -(-self.ring.start // self.factor)

    def oldest(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return each row's first slot in the window of which anything may be known."""
        return np.maximum(self.ring.oldest[rows] // self.factor, self.start)

    def read(self, rows: NDArray[np.intp], lo: int, hi: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return values and coverage of the slots [lo, hi); covered means known and not estimated."""
        values, quality = self.ring.read(rows, lo * self.factor, hi * self.factor)
        covered = quality != _MISSING
        covered &= quality != Quality.ESTIMATED
        if self.factor == 1:
            return values, covered
        total, whole = values[:, :: self.factor].copy(), covered[:, :: self.factor].copy()
        for k in range(1, self.factor):
            total += values[:, k :: self.factor]
            whole &= covered[:, k :: self.factor]
        return total, whole


def slot_seconds(interval_s: int) -> int:
    """Return the slot of a reporting interval: the next divisor or multiple of an hour, at least 300 s.

    >>> [slot_seconds(s) for s in (1, 300, 900, 1000, 1800, 3600, 7200, 86400)]
    [300, 300, 900, 1200, 1800, 3600, 7200, 86400]
    """
    if interval_s > 3600:
        return -(-interval_s // 3600) * 3600
    return min(s for s in (300, 600, 900, 1200, 1800, 3600) if s >= interval_s)
