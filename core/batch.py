"""Columns of readings, as they travel from a codec to the store and from the store to the detectors."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

#: The columns of a table of readings, wherever people and programs see one: dataset folders, CSV answers.
READING_COLUMNS = (
    "meter",
    "ts",
    "register_l",
    "flow_lph",
    "pressure_kpa",
    "temperature_c",
    "battery_v",
    "flags",
    "received_at",
)


@dataclass(frozen=True)
class ReadingBatch:
    """Readings as parallel arrays of one length n.

    `ts` and `received_at` are microseconds since 1970-01-01 UTC (int64); a missing value is NaN. `meter_id`
    is int32, `flags` int32 (see `core.words.Flag`), the rest float64: `register_l` litres, `flow_lph` mean
    flow since the reading before in litres an hour, `pressure_kpa`, `temperature_c`, `battery_v`.
    """

    meter_id: NDArray[np.int32]
    ts: NDArray[np.int64]
    register_l: NDArray[np.float64]
    flow_lph: NDArray[np.float64]
    pressure_kpa: NDArray[np.float64]
    temperature_c: NDArray[np.float64]
    battery_v: NDArray[np.float64]
    flags: NDArray[np.int32]
    received_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.meter_id)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "ReadingBatch":
        """Return the readings at `index`, or where the mask is true."""
        return ReadingBatch(*(getattr(self, f.name)[index] for f in fields(self)))


def concat(batches: Sequence[ReadingBatch]) -> ReadingBatch:
    """Join batches in order; at least one."""
    if len(batches) == 1:
        return batches[0]
    return ReadingBatch(
        *(np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(ReadingBatch))
    )
