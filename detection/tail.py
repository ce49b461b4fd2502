"""The last readings of each meter, so that new ones in order of time need no others from the store."""

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from detection.portion import CONTEXT_BEFORE
from detection.streams import AFTER, BEFORE

Ints = NDArray[np.int64]
_NONE = np.iinfo(np.int64).min
_VALUES = ("register_l", "flow_lph", "pressure_kpa")


class Tail:
    """Per meter the last `CONTEXT_BEFORE` readings, as far as they are sure to be the last."""

    def __init__(self, meter_id: Ints) -> None:
        self.meter_id = meter_id
        shape = (len(meter_id), CONTEXT_BEFORE)
        self._ts = np.full(shape, _NONE, np.int64)
        self._values = {name: np.full(shape, np.nan) for name in _VALUES}

    def _at(self, meter_ids: Ints) -> NDArray[np.intp]:
        return np.searchsorted(self.meter_id, meter_ids)

    def precedes(self, meter_ids: Ints, lo_us: Ints, slot_s: Ints | None = None) -> NDArray[np.bool_]:
        """Return for which meters the tail is known and lies before `lo_us`.

        Given the meters' `slot_s`, only where it reaches back far enough to judge by: it doesn't where a slot
        has many readings.
        """
        ts = self._ts[self._at(meter_ids)]
        known = (ts[:, -1] != _NONE) & (ts[:, -1] < lo_us)
        if slot_s is not None:
            known &= (ts[:, 0] == _NONE) | (ts[:, -AFTER - 1] - ts[:, BEFORE] >= slot_s * 1_000_000)
        return np.asarray(known)

    def readings(self, meter_ids: Ints) -> ReadingBatch:
        """Return the tails of the meters, in their order."""
        at = self._at(meter_ids)
        ts = self._ts[at]
        known = ts != _NONE
        ids = np.broadcast_to(meter_ids[:, None], ts.shape)[known].astype(np.int32)
        nan = np.full(len(ids), np.nan)
        values = {name: column[at][known] for name, column in self._values.items()}
        flags = np.zeros(len(ids), np.int32)
        return ReadingBatch(
            meter_id=ids,
            ts=ts[known],
            temperature_c=nan,
            battery_v=nan,
            flags=flags,
            received_at=ts[known],
            **values,
        )

    def take(self, batch: ReadingBatch, meter_ids: Ints, newest: NDArray[np.bool_]) -> None:
        """Keep the last readings of `batch` (in order) where they are the meter's newest, else forget."""
        at = self._at(meter_ids)
        self._ts[at] = _NONE
        for column in self._values.values():
            column[at] = np.nan
        ids = batch.meter_id.astype(np.int64)
        end = np.searchsorted(ids, meter_ids, side="right")
        start = np.searchsorted(ids, meter_ids)
        for back in range(1, CONTEXT_BEFORE + 1):
            use = newest & (end - back >= start)
            self._ts[at[use], -back] = batch.ts[end[use] - back]
            for name, column in self._values.items():
                column[at[use], -back] = getattr(batch, name)[end[use] - back]
