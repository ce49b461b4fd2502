"""What changed in a series since it was last evaluated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """When slots became known: sorted keys `row << 32 | slot`, seconds."""

    keys: Ints
    at_s: Ints

    @classmethod
    def of(cls, rows: NDArray[np.intp], slots: Ints, at_s: Ints) -> "Known":
        """Index the instants by row and slot."""
        keys = (rows.astype(np.int64) << 32) | slots
        order = np.argsort(keys)
        return cls(keys[order], at_s[order])

    def __call__(self, row: int, slot: int) -> int:
        """Return when the slot became known; 0 if it was before."""
        key = (int(row) << 32) | int(slot)
        at = int(np.searchsorted(self.keys, key))
        return int(self.at_s[at]) if at < len(self.keys) and self.keys[at] == key else 0


@dataclass(frozen=True)
class Touched:
    """What changed in a series: ring rows, their first changed slot and one past their newest slot.

    `seen_s` is how far each meter had been evaluated before (seconds), `known` when a (row, slot) that was
    just filled became known.
    """

    rows: NDArray[np.intp]
    lo: Ints
    hi: Ints
    seen_s: Ints
    known: Known

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Touched":
        """Return the part of some rows."""
        return Touched(self.rows[index], self.lo[index], self.hi[index], self.seen_s[index], self.known)

    def since(self, slot: int) -> "Touched":
        """Return what changed from a slot on."""
        lo = np.maximum(self.lo, slot)
        return Touched(self.rows, lo, self.hi, self.seen_s, self.known).take(lo < self.hi)
