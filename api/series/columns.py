"""What a series is made of: its columns, from binary COPY to Arrow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from api.fields import midnight
from core.words import Flag, Quality
from sql.columns import EPOCH_US, Kinds

Kind = Literal["reading", "usage"]
Interval = Literal["raw", "hour", "day", "month"]

INSTANT = pa.timestamp("us", "UTC")
QUALITY = tuple(quality.name.lower() for quality in Quality)
_QUALITIES = pa.array(QUALITY)
_DAYS = 10_957
"""Days from 1970-01-01 to 2000-01-01, where PostgreSQL's dates start."""


@lru_cache(1024)
def flag_names(flags: int) -> tuple[str, ...]:
    """Return the names of the status bits that are set; bits without a name are left out."""
    return tuple(flag.name.lower() for flag in Flag if flags & flag and flag.name)


_FLAGS = pa.array([";".join(flag_names(bits)) or None for bits in range(sum(Flag) + 1)], pa.string())


@dataclass(frozen=True)
class Shape:
    """A kind of series: the query that reads it, the record of its COPY, and the columns that it has.

    `clock` is the column that says when; `width` the period that the query sums up, where it is a parameter.
    """

    query: str
    record: Kinds
    columns: tuple[str, ...]
    clock: str
    width: str | None = None

    @property
    def summed(self) -> bool:
        """Whether a row stands for several stored ones."""
        return "hours" in self.columns or "readings" in self.columns


_MEASURED = {
    "register_l": ">f8",
    "flow_lph": ">f4",
    "pressure_kpa": ">f4",
    "temperature_c": ">f4",
    "battery_v": ">f4",
    "flags": ">i4",
}
_SUMMED = {
    "readings": ">i4",
    "register_l": ">f8",
    "flow_lph": ">f4",
    "pressure_kpa": ">f4",
    "pressure_min_kpa": ">f4",
    "pressure_max_kpa": ">f4",
    "temperature_c": ">f4",
    "battery_v": ">f4",
    "flags": ">i4",
}
_HOURS = {"volume_l": ">f8", "hours": ">i4", "hours_not_measured": ">i4"}
_USED = ("volume_l", "hours", "hours_expected", "hours_not_measured")


def _shape(query: str, clock: str, values: Kinds, *, tail: Kinds | None = None, width: str = "") -> Shape:
    record = {"meter_id": ">i4", clock: ">i4" if width else ">i8", **values, **(tail or {})}
    named = _USED if values is _HOURS else tuple(values)
    return Shape(query, record, ("meter", clock, *named, *(tail or {})), clock, width or None)


SHAPES: dict[tuple[Kind, Interval], Shape] = {
    ("reading", "raw"): _shape("reading_raw", "ts", _MEASURED, tail={"received_at": ">i8"}),
    ("reading", "hour"): _shape("reading_hour", "slot", _SUMMED),
    ("reading", "day"): _shape("reading_days", "day", _SUMMED, width="1 day"),
    ("reading", "month"): _shape("reading_days", "month", _SUMMED, width="1 month"),
    ("usage", "hour"): _shape("usage_hour", "slot", {"volume_l": ">f8", "quality": ">i2"}),
    ("usage", "day"): _shape("usage_days", "day", _HOURS, width="1 day"),
    ("usage", "month"): _shape("usage_days", "month", _HOURS, width="1 month"),
}


@dataclass(frozen=True)
class Decoder:
    """Makes batches of Arrow of what COPY returned: the chosen columns, meters by their serials.

    `ids` are in order, `serials` beside them.
    """

    shape: Shape
    ids: NDArray[np.int32]
    serials: pa.Array
    zone: ZoneInfo
    columns: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """Return the schema of the batches."""
        return self(np.zeros(0, [(name, kind) for name, kind in self.shape.record.items()])).schema

    def __call__(self, found: NDArray[np.void]) -> pa.RecordBatch:
        """Return the rows as Arrow."""
        return pa.RecordBatch.from_arrays([self._column(name, found) for name in self.columns], self.columns)

    def _column(self, name: str, found: NDArray[np.void]) -> pa.Array:
        match name:
            case "meter":
                place = np.searchsorted(self.ids, found["meter_id"]).astype(np.int32)
                made = pa.DictionaryArray.from_arrays(pa.array(place), self.serials)
            case "ts" | "slot" | "received_at":
                made = pa.array(found[name].astype(np.int64) + EPOCH_US).cast(INSTANT)
            case "day" | "month":
                made = pa.array(found[name].astype(np.int32) + _DAYS).cast(pa.date32())
            case "flags":
                made = _FLAGS.take(pa.array(found["flags"].astype(np.int32) & sum(Flag)))
            case "quality":
                quality = pa.array(found["quality"].astype(np.int32))
                made = pa.DictionaryArray.from_arrays(quality, _QUALITIES)
            case "hours_expected":
                made = self._hours_expected(found[self.shape.clock])
            case _:
                native = found[name].astype(found.dtype[name].newbyteorder("="))
                made = pa.array(native, from_pandas=True)
        return made

    def _hours_expected(self, days: NDArray[np.integer]) -> pa.Array:
        which, index = np.unique(days, return_inverse=True)
        after = next_month if self.shape.clock == "month" else next_day
        hours = [_hours_of(date(2000, 1, 1) + timedelta(days=int(n)), after, self.zone) for n in which]
        return pa.array(np.array(hours, np.int32)[index] if hours else np.empty(0, np.int32))


def next_day(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


def next_month(day: date) -> date:
    """Return the first of the month after."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _hours_of(day: date, after: Callable[[date], date], zone: ZoneInfo) -> int:
    return round((midnight(after(day), zone) - midnight(day, zone)) / timedelta(hours=1))


def decoder(
    shape: Shape, ids: Sequence[int], serials: Sequence[str], zone: ZoneInfo, columns: tuple[str, ...] = ()
) -> Decoder:
    """Return the decoder of a shape, of `columns` or of all. `ids` may repeat and have no order."""
    unique, first = np.unique(np.array(ids, np.int32), return_index=True)
    names = pa.array([serials[n] for n in first], pa.string())
    return Decoder(shape, unique, names, zone, columns or shape.columns)
