"""The readings of the window, kept in memory: late ones find their neighbours, repeats are known."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch, concat

Ints = NDArray[np.int64]
_DAY_US = 86_400_000_000
_FLOATS = ("register_l", "flow_lph", "pressure_kpa", "temperature_c", "battery_v")


@dataclass(frozen=True)
class _Leaf:
    """Readings of one day in order of meter, then time; columns that say nothing are left out."""

    columns: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, batch: ReadingBatch) -> "_Leaf":
        columns = {f.name: getattr(batch, f.name) for f in fields(ReadingBatch)}
        for name in _FLOATS:
            if np.isnan(columns[name]).all():
                del columns[name]
        if not columns["flags"].any():
            del columns["flags"]
        if (columns["received_at"] == columns["ts"]).all():
            del columns["received_at"]
        return cls(columns)

    def of_meters(self, meters: Ints, since_us: int) -> ReadingBatch:
        ids = self.columns["meter_id"]
        lo, hi = np.searchsorted(ids, meters), np.searchsorted(ids, meters, side="right")
        n = hi - lo
        index = np.repeat(lo - (np.cumsum(n) - n), n) + np.arange(n.sum())
        index = index[self.columns["ts"][index] >= since_us]
        found = {name: column[index] for name, column in self.columns.items()}
        missing = np.full(len(index), np.nan)
        return ReadingBatch(
            **dict.fromkeys(_FLOATS, missing)
            | {"flags": np.zeros(len(index), np.int32), "received_at": found["ts"]}
            | found
        )


class Past:
    """Readings that were taken in, by day."""

    def __init__(self) -> None:
        self._days: dict[int, list[_Leaf]] = {}

    def add(self, batch: ReadingBatch) -> None:
        """Keep a batch that is in order of meter, then time."""
        day = batch.ts // _DAY_US
        for one in np.unique(day):
            self._days.setdefault(int(one), []).append(_Leaf.of(batch.take(day == one)))

    def forget(self, before_us: int) -> None:
        """Drop the days that ended before an instant."""
        for day in [d for d in self._days if (d + 1) * _DAY_US <= before_us]:
            del self._days[day]

    def of_meters(self, meters: Ints, since_us: int) -> Iterator[ReadingBatch]:
        """Yield what is kept of the meters (in order) from an instant on, piece by piece."""
        for day, leaves in self._days.items():
            if (day + 1) * _DAY_US > since_us:
                for leaf in leaves:
                    found = leaf.of_meters(meters, since_us)
                    if len(found):
                        yield found


def ordered(batches: list[ReadingBatch]) -> ReadingBatch:
    """Join batches by meter, then time; of readings of one meter and instant the first stands."""
    batch = concat(batches)
    batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))  # stable: the earlier batch stays first
    again = (np.diff(batch.meter_id, prepend=-1) == 0) & (np.diff(batch.ts, prepend=-1) == 0)
    return batch if not again.any() else batch.take(~again)
