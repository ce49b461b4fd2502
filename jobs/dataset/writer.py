"""Write a dataset folder, as CSV or as Parquet."""

import csv
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.batch import ReadingBatch
from core.words import Flag
from jobs.dataset.readings import INSTANT, NUMBERS

Format = Literal["csv", "parquet"]
SCHEMA = pa.schema(
    [
        ("meter", pa.string()),
        ("ts", INSTANT),
        *((name, pa.float64()) for name in NUMBERS),
        ("flags", pa.string()),
        ("received_at", INSTANT),
    ]
)


def write_table(folder: Path, name: str, rows: Sequence[Any], form: Format = "csv") -> None:
    """Write one small file: `rows` are dataclasses of one kind (jobs/dataset/rows.py); none, no file."""
    if not rows:
        return
    names = [f.name for f in fields(rows[0])]
    values = [[_text(getattr(row, column)) for column in names] for row in rows]
    if form == "csv":
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(values)
    else:
        columns = list(zip(*values, strict=True))
        texts = [pa.array([v or None for v in column], pa.string()) for column in columns]
        pq.write_table(pa.table(dict(zip(names, texts, strict=True))), folder / f"{name}.parquet")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, float):
        return repr(value)
    return str(value)


class ReadingWriter:
    """Writes readings.csv or readings.parquet batch by batch; `meter_id` is the position in `serials`."""

    def __init__(self, folder: Path, serials: Sequence[str], form: Format = "parquet") -> None:
        self._serials = pa.array(serials, pa.string())
        self._writer: pq.ParquetWriter | pyarrow.csv.CSVWriter = (
            pq.ParquetWriter(folder / "readings.parquet", SCHEMA, compression="zstd")
            if form == "parquet"
            else pyarrow.csv.CSVWriter(
                folder / "readings.csv",
                SCHEMA,
                write_options=pyarrow.csv.WriteOptions(quoting_style="needed"),
            )
        )

    def __enter__(self) -> "ReadingWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def write(self, batch: ReadingBatch) -> None:
        """Append a batch."""
        flags, index = np.unique(batch.flags, return_inverse=True)
        words = [";".join(f.name.lower() for f in Flag(int(bits)) if f.name) or None for bits in flags]
        columns = [
            self._serials.take(pa.array(batch.meter_id)),
            pa.array(batch.ts).cast(INSTANT),
            *(pa.array(getattr(batch, name), from_pandas=True) for name in NUMBERS),
            pa.array(words, pa.string()).take(pa.array(index)),
            pa.array(batch.received_at).cast(INSTANT),
        ]
        self._writer.write_table(pa.table(columns, schema=SCHEMA))
