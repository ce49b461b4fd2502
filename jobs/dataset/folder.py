"""A dataset folder, opened: its small files read and their references checked, its readings as a stream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from core.batch import ReadingBatch
from jobs.dataset import order, readings
from jobs.dataset.rows import (
    TABLES,
    BalanceRow,
    CustomerRow,
    DatasetError,
    DmaRow,
    MeterRow,
    NodeRow,
    OutageRow,
    PipeRow,
    StaffRow,
    UtilityRow,
    WeatherRow,
)
from jobs.dataset.tables import find, read_table

BATCH_ROWS = 200_000


@dataclass(frozen=True)
class Dataset:
    """A checked folder. In its reading batches `meter_id` is the position in `meters`."""

    folder: Path
    readings_file: Path
    utility: UtilityRow | None
    staff: list[StaffRow]
    dmas: list[DmaRow]
    customers: list[CustomerRow]
    balances: list[BalanceRow]
    meters: list[MeterRow]
    outages: list[OutageRow]
    weather: list[WeatherRow]
    nodes: list[NodeRow]
    pipes: list[PipeRow]
    serials: list[str]

    @property
    def network_inp(self) -> Path | None:
        """The EPANET model, where the folder has one."""
        file = self.folder / "network.inp"
        return file if file.is_file() else None

    @cached_property
    def model(self) -> str:
        """The text of network.inp; empty where there is none."""
        file = self.network_inp
        if file is None:
            return ""
        data = file.read_bytes()
        try:  # EPANET for Windows writes titles and comments in the code page of the machine
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")

    @cached_property
    def extent(self) -> readings.Extent:
        """Rows, first and last `ts`; reads the whole file once unless it is Parquet with statistics."""
        return readings.extent(self.readings_file, self.serials)

    def readings(
        self,
        *,
        meters: Sequence[str] | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> Iterator[ReadingBatch]:
        """Stream the readings in the file's order, of `meters` and from `start` to before `end` (by `ts`)."""
        wanted = self._wanted(meters)
        low = readings.micros(start) if start else None
        high = readings.micros(end) if end else None
        for batch in readings.stream(self.readings_file, self.serials, batch_rows):
            keep = np.ones(len(batch), bool)
            if wanted is not None:
                keep &= wanted[batch.meter_id]
            if low is not None:
                keep &= batch.ts >= low
            if high is not None:
                keep &= batch.ts < high
            if keep.all():
                yield batch
            elif keep.any():
                yield batch.take(keep)

    def in_order_received(self, **which: Any) -> Iterator[ReadingBatch]:
        """Stream what `readings` does, sorted by `received_at`; a file in another order is sorted on disk."""
        return order.by_received(lambda: self.readings(**which))

    def _wanted(self, meters: Sequence[str] | None) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
        if meters is None:
            return None
        unknown = sorted(set(meters) - set(self.serials))
        if unknown:
            raise DatasetError(
                self.folder, f"no meter {', '.join(unknown)}", "Name meters as they stand in meters."
            )
        return np.isin(np.array(self.serials), np.array(list(meters)))


def open_dataset(folder: Path) -> Dataset:
    """Read and check the small files of `folder`; raises DatasetError at the first fault."""
    if not folder.is_dir():
        raise DatasetError(folder, "no such folder", "Give the path of a dataset folder (docs/datasets.md).")
    files = {name: find(folder, name) for name in [*TABLES, "readings"]}
    for name in ("meters", "readings"):
        if files[name] is None:
            raise DatasetError(folder, f"no {name}.csv or {name}.parquet", "Every dataset needs both files.")
    read = {name: read_table(file, TABLES[name]) if (file := files[name]) else ([], []) for name in TABLES}
    rows = {name: table[0] for name, table in read.items()}
    _check(folder, files, read)
    utility = rows.pop("utility")
    return Dataset(
        folder=folder,
        readings_file=files["readings"] or folder,
        utility=utility[0] if utility else None,
        serials=[meter.meter for meter in rows["meters"]],
        **rows,
    )


_KEYS = {"staff": "login", "dmas": "dma", "customers": "customer", "balances": "customer", "meters": "meter",
         "outages": "outage", "nodes": "node", "pipes": "pipe"}  # fmt: skip
_REFERENCES = [
    ("staff", "superior", "staff"),
    ("staff", "deputy", "staff"),
    ("customers", "dma", "dmas"),
    ("customers", "manager", "staff"),
    ("balances", "customer", "customers"),
    ("meters", "customer", "customers"),
    ("meters", "dma", "dmas"),
    ("meters", "from_dma", "dmas"),
    ("meters", "node", "nodes"),
    ("outages", "dma", "dmas"),
    ("pipes", "node1", "nodes"),
    ("pipes", "node2", "nodes"),
]


def _check(folder: Path, files: dict[str, Path | None], read: dict[str, tuple[list[Any], list[int]]]) -> None:
    for table, key in _KEYS.items():
        _check_unique(files[table] or folder, key, *read[table])
    for table, column, other in _REFERENCES:
        target = files[other]
        if target is None:  # a reference to a file that isn't there is taken at its word
            continue
        known = {getattr(row, _KEYS[other]) for row in read[other][0]}
        for row, line in zip(*read[table], strict=True):
            value = getattr(row, column)
            if value is not None and value not in known:
                raise DatasetError(
                    files[table] or folder,
                    f"{value!r} does not stand in {target.name}",
                    f"Add it there, or correct {column}.",
                    line=line,
                    column=column,
                )
    _check_utility(files["utility"], *read["utility"])
    for name, early, late in (("meters", "installed_at", "removed_at"), ("outages", "start", "expected_end")):
        _check_periods(files[name] or folder, early, late, *read[name])


def _check_unique(file: Path, key: str, rows: list[Any], lines: list[int]) -> None:
    seen: dict[str, int] = {}
    for row, line in zip(rows, lines, strict=True):
        value = getattr(row, key)
        if value in seen:
            raise DatasetError(
                file, f"{value!r} stands in line {seen[value]} already", "Keep one.", line=line, column=key
            )
        seen[value] = line


def _check_utility(file: Path | None, rows: list[UtilityRow], lines: list[int]) -> None:
    if file is None:
        return
    if len(rows) != 1:
        raise DatasetError(file, f"{len(rows)} rows", "Describe one utility, in one row.")
    try:
        ZoneInfo(rows[0].timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise DatasetError(
            file,
            f"{rows[0].timezone!r} is not a time zone",
            "Write a name such as Asia/Shanghai or UTC.",
            line=lines[0],
            column="timezone",
        ) from None


def _check_periods(file: Path, early: str, late: str, rows: list[Any], lines: list[int]) -> None:
    for row, line in zip(rows, lines, strict=True):
        start, end = getattr(row, early), getattr(row, late)
        if start is not None and end is not None and end <= start:
            raise DatasetError(file, f"{late} is not after {early}", "Correct one.", line=line, column=late)
