"""Readings as codecs find them, gathered over the messages of a batch; not yet checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from core.errors import BadDataError
from core.words import Flag, Reason
from ingest import timestamps

VALUES = ("register_l", "flow_lph", "pressure_kpa", "temperature_c", "battery_v")
UNKNOWN_FLAG = -1
"""Stands in `flags` where a meter named a flag that isn't one."""

Flags = Sequence[str] | int | None
"""Flags by name, or as bits already."""
Value = float | None
Point = tuple[str | int, Value, Value, Value, Value, Value, Flags]
"""One reading: ts (ISO 8601, or microseconds since 1970), the VALUES in their order, flags."""


class RefusedError(BadDataError):
    """A payload that can't be taken as a whole, for a `reason`."""

    def __init__(self, reason: Reason, message: str, *, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.reason = reason


@dataclass(frozen=True)
class Refusal:
    """What goes to quarantine of message number `message`: all of it, or the readings at `positions`.

    `n` counts them, where they are understood as readings.
    """

    message: int
    reason: Reason
    detail: str
    positions: tuple[int, ...] | None = None
    n: int | None = None


@dataclass(frozen=True)
class Columns:
    """Readings of a batch as parallel arrays.

    `message` is the number of the message that a reading came with, `position` its place in there; `ts` is
    NOT_A_TIME where the text was no instant (`texts` has it, by message and position), `flags` UNKNOWN_FLAG
    where a name was unknown. Columns of `values` that no reading has are left out.
    """

    message: NDArray[np.int32]
    position: NDArray[np.int32]
    ts: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    flags: NDArray[np.int32]
    texts: Mapping[tuple[int, int], str]

    def __len__(self) -> int:
        return len(self.ts)

    def value(self, name: str) -> NDArray[np.float64]:
        """Return a column of values, NaN where there is none."""
        found = self.values.get(name)
        return np.full(len(self), np.nan) if found is None else found

    def empty(self) -> NDArray[np.bool_]:
        """Return which readings have neither a value nor a flag."""
        nothing: NDArray[np.bool_] = self.flags == 0
        for column in self.values.values():
            nothing &= np.isnan(column)
        return nothing

    def take(self, index: NDArray[np.intp]) -> "Columns":
        """Return the readings at `index`."""
        values = {name: column[index] for name, column in self.values.items()}
        return Columns(
            self.message[index], self.position[index], self.ts[index], values, self.flags[index], self.texts
        )


class Draft:
    """Takes what codecs find, message by message, and hands it on as columns."""

    def __init__(self) -> None:
        self.meters: list[str] = []
        self.refusals: list[Refusal] = []
        self.readings = 0
        self._points: list[Point] = []
        self._point_runs: list[tuple[int, int]] = []
        self._positions: list[tuple[int, Sequence[int]]] = []
        self._slots = 0
        self._series_runs: list[tuple[int, int, int, int]] = []
        self._series: dict[str, list[Value]] = {}
        self._series_flags: list[tuple[int, Sequence[Flags]]] = []

    def begin(self, meter: str) -> None:
        """Start the next message; it comes from `meter`."""
        self.meters.append(meter)

    def points(self, points: Sequence[Point], positions: Sequence[int] | None = None) -> None:
        """Add readings with a time each; `positions` where they aren't simply 0, 1, 2 ... of the message."""
        if positions is not None:
            self._positions.append((len(self._points), positions))
        self._points += points
        self._point_runs.append((len(self.meters) - 1, len(points)))
        self.readings += len(points)

    def series(
        self,
        start: int,
        step: int,
        n: int,
        values: Mapping[str, Sequence[Value]],
        flags: Sequence[Flags] | None = None,
    ) -> None:
        """Add `n` slots from `start`, one each `step` (microseconds); a slot of nothing is no reading."""
        for name in values.keys() - self._series.keys():
            self._series[name] = [None] * self._slots
        for name, column in self._series.items():
            column.extend(values.get(name) or repeat(None, n))
        if flags is not None:
            self._series_flags.append((self._slots, flags))
        self._series_runs.append((len(self.meters) - 1, n, start, step))
        self._slots += n
        self.readings += n

    def refuse(self, reason: Reason, detail: str, positions: Sequence[int] | None = None) -> None:
        """Send the current message, or the readings at `positions` of it, to quarantine."""
        where = None if positions is None else tuple(positions)
        self.refusals.append(Refusal(len(self.meters) - 1, reason, detail, where))

    def columns(self) -> Columns:
        """Return every reading, messages in their order; refuse messages in which every slot is empty."""
        if not self._series_runs:
            return self._point_columns()
        series = self._series_columns()
        if not self._point_runs:
            return series
        return _join(series, self._point_columns())

    def _point_columns(self) -> Columns:
        texts, *values, flags = zip(*self._points, strict=True) if self._points else ((),) * 7
        runs = np.array(self._point_runs, np.int64).reshape(-1, 2)
        message, position = _spread(runs)
        for start, own in self._positions:
            position[start : start + len(own)] = own
        ts = timestamps.parse(texts)
        bad = np.flatnonzero(ts == timestamps.NOT_A_TIME)
        columns = {name: np.array(column, np.float64) for name, column in zip(VALUES, values, strict=True)}
        odd = {(int(message[i]), int(position[i])): str(texts[i]) for i in bad}
        return Columns(message, position, ts, columns, flag_bits(flags), odd)

    def _series_columns(self) -> Columns:
        runs = np.array(self._series_runs, np.int64)
        message, position = _spread(runs)
        ts = np.repeat(runs[:, 2], runs[:, 1]) + position * np.repeat(runs[:, 3], runs[:, 1])
        flags = np.zeros(self._slots, np.int32)
        for start, named in self._series_flags:
            flags[start : start + len(named)] = flag_bits(named)
        values = {name: np.array(column, np.float64) for name, column in self._series.items()}
        columns = Columns(message, position, ts, values, flags, {})
        filled = np.flatnonzero(~columns.empty())
        kept = columns.take(filled) if len(filled) < len(columns) else columns
        for number in np.setdiff1d(runs[:, 0], kept.message):
            self.refusals.append(
                Refusal(int(number), Reason.MALFORMED, "Every slot is null: no reading in it.")
            )
        return kept


def flag_bits(flags: Sequence[Flags]) -> NDArray[np.int32]:
    """Return flags as bits; UNKNOWN_FLAG where a name is unknown."""
    if not any(flags):
        return np.zeros(len(flags), np.int32)
    return np.array([_bits(named) for named in flags], np.int32)


_FLAGS = {flag.name.lower(): flag.value for flag in Flag if flag.name}


def _bits(named: Flags) -> int:
    if isinstance(named, int):
        return named
    bits = 0
    for name in named or ():
        if name not in _FLAGS:
            return UNKNOWN_FLAG
        bits |= _FLAGS[name]
    return bits


def _spread(runs: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return message number and position of each reading of `runs` (message, count)."""
    counts = runs[:, 1]
    ends = np.cumsum(counts)
    position = np.arange(counts.sum()) - np.repeat(ends - counts, counts)
    return np.repeat(runs[:, 0], counts).astype(np.int32), position.astype(np.int32)


def _join(one: Columns, other: Columns) -> Columns:
    order = np.argsort(np.concatenate([one.message, other.message]), kind="stable")
    names = dict.fromkeys(chain(one.values, other.values))
    return Columns(
        np.concatenate([one.message, other.message]),
        np.concatenate([one.position, other.position]),
        np.concatenate([one.ts, other.ts]),
        {name: np.concatenate([one.value(name), other.value(name)]) for name in names},
        np.concatenate([one.flags, other.flags]),
        {**one.texts, **other.texts},
    ).take(order)
