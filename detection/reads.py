"""What the detectors of one block of rows read together, and what they remember of a local day."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.window import Series

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
Array = NDArray[Any]

_NEVER = -(2**62)


class Page:
    """Some rows of a series over slots [lo, hi) of one local day, read once for all that look at them.

    What is returned belongs to all and can't be written to.
    """

    def __init__(
        self, series: Series, rows: Index, lo: int, hi: int, day_lo: int, *, lookback: int = 0
    ) -> None:
        self.series, self.rows, self.lo, self.hi, self.day_lo = series, rows, lo, hi, day_lo
        self.lookback = lookback
        self._recent: tuple[Floats, Bools] | None = None
        self._past: tuple[Floats, Bools] | None = None
        self._made: dict[object, tuple[Index, tuple[Array, ...]]] = {}

    def recent(self, lookback: int) -> tuple[Floats, Bools]:
        """Return values and coverage over [lo - lookback, hi)."""
        if self._recent is None or lookback > self.lookback:
            self.lookback = max(lookback, self.lookback)
            self._recent = _frozen(self.series.read(self.rows, self.lo - self.lookback, self.hi))
        values, covered = self._recent
        return values[:, self.lookback - lookback :], covered[:, self.lookback - lookback :]

    def past(self, slots: int) -> tuple[Floats, Bools]:
        """Return values and coverage of the `slots` before the day."""
        if self._past is None or slots > self._past[0].shape[1]:
            self._past = _frozen(self.series.read(self.rows, self.day_lo - slots, self.day_lo))
        values, covered = self._past
        return values[:, values.shape[1] - slots :], covered[:, values.shape[1] - slots :]

    def once(self, key: object, rows: Index, make: Callable[[], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return what `make` says of the rows; asked again only if other rows were asked about last."""
        last = self._made.get(key)
        if last is None or not np.array_equal(last[0], rows):
            last = self._made[key] = rows, make()
        return last[1]


def _frozen(read: tuple[Floats, Bools]) -> tuple[Floats, Bools]:
    for array in read:
        array.flags.writeable = False
    return read


@dataclass
class _Kept:
    """One thing learned: `at` (ring rows) says where a row's values stand, `day` which day they are for."""

    settings: object
    at: NDArray[np.int32]
    day: NDArray[np.int64]
    values: tuple[Array, ...] | None = None
    count: int = 0

    def seats(self, rows: Index) -> NDArray[np.int32]:
        """Return where the rows' values stand, making room for those that have none."""
        need = int(rows.max()) + 1
        if need > len(self.at):
            self.at = np.concatenate([self.at, np.full(need - len(self.at), -1, np.int32)])
        new = rows[self.at[rows] < 0]
        self.at[new] = np.arange(self.count, self.count + len(new))
        self.count += len(new)
        if self.count > len(self.day):
            self.day = _longer(self.day, self.count, _NEVER)
            if self.values is not None:
                self.values = tuple(_longer(v, self.count) for v in self.values)
        return self.at[rows]


def _longer(array: Array, need: int, fill: int = 0) -> Array:
    made = np.full((max(need, len(array) * 3 // 2), *array.shape[1:]), fill, array.dtype)
    made[: len(array)] = array
    return made


class Memory:
    """What was learned of rows for a local day, by whom and what; of each row the last day it was asked for.

    It may be dropped at any time. Several threads may ask at once, each for rows of its own.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], _Kept] = {}
        self._lock = Lock()

    def forget(self, place: tuple[object, ...], rows: Index, lo: NDArray[np.int64]) -> None:
        """Drop what was learned of rows from slots that have changed: from `lo` on, one slot a row."""
        for key, kept in self._kept.items():
            if key[: len(place)] != place:
                continue
            inside = rows < len(kept.at)
            at = kept.at[rows[inside]]
            stale = at[(at >= 0) & (kept.day[at] > lo[inside])]
            kept.day[stale] = _NEVER

    def forget_all(self, place: tuple[object, ...], rows: Index) -> None:
        """Drop whatever was learned of rows."""
        self.forget(place, rows, np.full(len(rows), _NEVER, np.int64))

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()

    def recall(
        self,
        key: tuple[object, ...],
        settings: object,
        day: int,
        rows: Index,
        learn: Callable[[Index], tuple[Array, ...]],
    ) -> tuple[Array, ...]:
        """Return what was learned of each row for the day; `learn` is asked about the positions that lack it.

        Under other `settings` than last time everything is learned anew.
        """
        if len(rows) == 0:
            return learn(np.arange(0))
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.settings is not settings:
                kept = self._kept[key] = _Kept(settings, np.empty(0, np.int32), np.empty(0, np.int64))
            at = kept.seats(rows)
            lacking = np.flatnonzero(kept.day[at] != day)
            if len(lacking) == 0 and kept.values is not None:
                return tuple(v[at] for v in kept.values)
        made = learn(lacking)
        with self._lock:
            if kept.values is None:
                kept.values = tuple(np.zeros((len(kept.day), *m.shape[1:]), m.dtype) for m in made)
            seats = kept.at[rows]
            for value, new in zip(kept.values, made, strict=True):
                value[seats[lacking]] = new
            kept.day[seats[lacking]] = day
            if len(lacking) == len(rows):
                return made
            return tuple(v[seats] for v in kept.values)
