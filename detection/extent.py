"""What a piece of a stream tells for sure: as much as any other piece with the same readings would.

A reading is judged by so many before and after it, so where a piece has been cut off its first and last ones
may be judged otherwise than in the whole. Sure is what lies between two believed readings that could be
judged in full. New readings change how those next to them are judged: if what that may change is not sure,
the piece falls short, and a wider one is needed.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detection.streams import AFTER, BEFORE

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
_FAR = np.int64(2**51)
_MS = 1000


@dataclass(frozen=True)
class Sure:
    """From when until when each row is sure (ms), and which rows fall short, of which nothing is."""

    from_ms: Ints
    until_ms: Ints
    short: Bools

    def holds(
        self, row: NDArray[np.intp] | slice, start_s: Ints, end_s: Ints, *, open_start: bool = False
    ) -> Bools:
        """Return which spans of time lie where their row is sure; `open_start`: strictly after its start."""
        from_ms = self.from_ms[row]
        begun = start_s * _MS > from_ms if open_start else start_s * _MS >= from_ms
        return np.asarray(begun & (end_s * _MS <= self.until_ms[row]) & ~self.short[row])

    def of_each(self, rows: Ints, ids: Ints) -> "Sure":
        """Return the same of each of `ids`; those of the rows are `rows` (in order), others are sure."""
        at = np.minimum(np.searchsorted(rows, ids), len(rows) - 1)
        has = rows[at] == ids
        return Sure(
            np.where(has, self.from_ms[at], -_FAR),
            np.where(has, self.until_ms[at], _FAR),
            has & self.short[at],
        )

    @classmethod
    def all_of(cls, n: int) -> "Sure":
        """Return that all is sure of `n` rows."""
        return cls(np.full(n, -_FAR), np.full(n, _FAR), np.zeros(n, bool))


_NONE = np.empty(0, np.int64)
WHOLE = Sure(_NONE, _NONE, np.empty(0, bool))


@dataclass(frozen=True)
class Extent:
    """What a piece holds, of each row or reading, microseconds.

    It has new readings from `since_us` to `until_us`, and all there are from `first_us` to `last_us`; there
    may be more `before` and `after` that.
    """

    since_us: Ints
    until_us: Ints
    first_us: Ints
    last_us: Ints
    before: Bools
    after: Bools

    def take(self, index: NDArray[np.intp]) -> "Extent":
        """Return that of the rows or readings at `index`."""
        return Extent(*(getattr(self, field.name)[index] for field in fields(self)))

    def sure(self, row: NDArray[np.intp], ts_ms: Ints, good: Bools, slot_s: int) -> Sure:
        """Return what is sure of readings in order of row, then time, of which the `good` are believed."""
        rows = len(self.since_us)
        sure = Sure.all_of(rows)
        if len(row) == 0 or not (self.before | self.after).any():
            return sure
        first = np.ones(len(row), bool)
        first[1:] = row[1:] != row[:-1]
        head = np.flatnonzero(first)
        size = np.diff(np.append(head, len(row)))
        which = row[head]
        at = np.arange(len(row)) - np.repeat(head, size)
        left = np.repeat(size, size) - 1 - at
        old = np.add.reduceat((ts_ms < self.since_us[row] // _MS).astype(np.int64), head)
        later = np.add.reduceat((ts_ms > self.until_us[row] // _MS).astype(np.int64), head)
        slot_ms = slot_s * _MS

        def last(mask: Bools) -> Ints:
            return np.asarray(np.maximum.reduceat(np.where(good & mask, ts_ms, -_FAR), head))

        def earliest(mask: Bools) -> Ints:
            return np.asarray(np.minimum.reduceat(np.where(good & mask, ts_ms, _FAR), head))

        from_ms, until_ms = earliest(at >= BEFORE), last(left >= AFTER)
        stays = last(at < np.repeat(old, size) - AFTER)
        stays_again = earliest(left < np.repeat(later, size) - BEFORE)
        cut = self.before[which]
        sure.from_ms[which[cut]] = from_ms[cut]
        short = cut & ((from_ms == _FAR) | (stays // slot_ms * slot_ms < from_ms))
        cut = self.after[which]
        sure.until_ms[which[cut]] = until_ms[cut]
        short |= cut & ((until_ms == -_FAR) | (-(-stays_again // slot_ms) * slot_ms > until_ms))
        sure.short[which] = short
        return sure

    def sure_means(self, slot_s: int, late_ms: Ints) -> Sure:
        """Return of each row what is sure of means of slots; so late a reading belongs to the slot before."""
        slot_ms = slot_s * _MS
        from_ms = np.where(self.before, -(-self.first_us // _MS), -_FAR)
        until_ms = np.where(self.after, self.last_us // _MS - late_ms, _FAR)
        start = (self.since_us // _MS - 1 - late_ms) // slot_ms * slot_ms
        end = -(-self.until_us // _MS // slot_ms) * slot_ms
        short = (self.before & (start < from_ms)) | (self.after & (end > until_ms))
        return Sure(from_ms, until_ms, short)
