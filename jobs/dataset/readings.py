"""Stream the readings of a folder in batches of columns; what can't be read is refused with its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.batch import READING_COLUMNS, ReadingBatch
from core.words import Flag
from jobs.dataset.rows import DatasetError
from jobs.dataset.tables import check_header

INSTANT = pa.timestamp("us", tz="UTC")
NUMBERS = ("register_l", "flow_lph", "pressure_kpa", "temperature_c", "battery_v")
_FLAGS = {flag.name.lower(): int(flag) for flag in Flag if flag.name}
_BLOCK_BYTES = 8_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Extent:
    """How many readings there are and when; microseconds since 1970-01-01 UTC, 0 where there are none."""

    rows: int
    first: int
    last: int


def micros(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970-01-01 UTC."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(ts: int) -> datetime:
    """Return microseconds since 1970-01-01 UTC as an aware instant."""
    return datetime.fromtimestamp(int(ts) // 1_000_000, UTC).replace(microsecond=int(ts) % 1_000_000)


def stream(file: Path, serials: list[str], batch_rows: int) -> Iterator[ReadingBatch]:
    """Yield the file's readings in order; `meter_id` is the position of the meter in `serials`."""
    known = pa.array(serials, pa.string())
    line = 1 if file.suffix == ".parquet" else 2
    for table in _parquet(file, batch_rows) if file.suffix == ".parquet" else _csv(file):
        yield _batch(file, table, known, line)
        line += table.num_rows


def extent(file: Path, serials: list[str]) -> Extent:
    """Return rows, first and last `ts` of the file."""
    rows, first, last = 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for batch in stream(file, serials, 1_000_000):
        if len(batch):
            rows += len(batch)
            first, last = min(first, int(batch.ts.min())), max(last, int(batch.ts.max()))
    return Extent(rows, first, last) if rows else Extent(0, 0, 0)


def _parquet(file: Path, batch_rows: int) -> Iterator[pa.RecordBatch]:
    try:
        source = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as problem:
        raise DatasetError(file, f"not a Parquet file ({problem})", "Write the file again.") from None
    with source:
        schema = source.schema_arrow
        check_header(file, list(schema.names), READING_COLUMNS, ("meter", "ts"))
        for name in ("ts", "received_at"):
            kind = schema.field(name).type if name in schema.names else INSTANT
            if not pa.types.is_timestamp(kind) or kind.tz is None:
                raise DatasetError(
                    file, f"its type is {kind}", "Write timestamps with time zone UTC.", column=name
                )
        for name in NUMBERS:
            kind = schema.field(name).type if name in schema.names else pa.float64()
            if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
                raise DatasetError(file, f"its type is {kind}", "Write it as double or float.", column=name)
        yield from source.iter_batches(batch_size=batch_rows)


def _csv(file: Path) -> Iterator[pa.RecordBatch]:
    with file.open(encoding="utf-8-sig", errors="replace") as text:
        header = [name.strip().strip('"') for name in text.readline().rstrip("\r\n").split(",")]
    if header == [""]:
        raise DatasetError(file, "the file is empty", "Write a header line.", line=1)
    check_header(file, header, READING_COLUMNS, ("meter", "ts"))
    bad: list[Any] = []

    def refuse(row: Any) -> str:
        bad.append(row)
        return "error"

    try:
        reader = pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=header, skip_rows=1
            ),
            pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=refuse),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
        with reader:
            yield from reader
    except pa.ArrowInvalid as problem:
        if "Empty CSV" in str(problem):
            return
        if bad:
            raise DatasetError(
                file,
                f"{bad[0].actual_columns} values where the header has {bad[0].expected_columns}",
                "Check the commas of the line.",
                line=bad[0].number or 0,
            ) from None
        raise DatasetError(
            file, f"not CSV in UTF-8 ({problem})", "Save it as UTF-8 with commas between the values."
        ) from None


def _batch(file: Path, table: pa.RecordBatch, known: pa.Array, line: int) -> ReadingBatch:
    n = table.num_rows
    columns = dict(zip(table.schema.names, table.columns, strict=True))
    meter = columns["meter"]
    if not pa.types.is_string(meter.type):
        meter = meter.cast(pa.string())
    meter_id = pc.index_in(meter, value_set=known)
    if meter_id.null_count:
        row = int(np.flatnonzero(meter_id.is_null().to_numpy(zero_copy_only=False))[0])
        if not meter[row].is_valid:
            raise DatasetError(
                file,
                "the meter is missing",
                "Fill it in; leave no line empty.",
                line=line + row,
                column="meter",
            )
        raise DatasetError(
            file,
            f"{meter[row].as_py()!r} does not stand in meters",
            "Add the meter there, or correct it here.",
            line=line + row,
            column="meter",
        )
    ts = _instants(file, "ts", columns["ts"], line)
    received = columns.get("received_at")
    return ReadingBatch(
        meter_id=meter_id.to_numpy(zero_copy_only=False).astype(np.int32),
        ts=ts,
        **{name: _numbers(file, name, columns.get(name), n, line) for name in NUMBERS},
        flags=_flags(file, columns.get("flags"), n, line),
        received_at=ts if received is None else _instants(file, "received_at", received, line, ts),
    )


def _first_bad(column: pa.Array, kind: pa.DataType) -> int:
    """Return the first row whose own cast fails; only taken once the cast of all has failed."""
    for row in range(len(column)):
        try:
            column.slice(row, 1).cast(kind)
        except pa.ArrowInvalid:
            return row
    return 0


def _instants(
    file: Path, name: str, column: pa.Array, line: int, missing: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    try:
        column = column.cast(INSTANT, safe=pa.types.is_string(column.type))
    except pa.ArrowInvalid:
        row = _first_bad(column, INSTANT)
        raise DatasetError(
            file,
            f"{column[row].as_py()!r} is not a time with its offset from UTC",
            "Write it as 2026-11-21T20:00:00Z.",
            line=line + row,
            column=name,
        ) from None
    if column.null_count == 0:
        return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False))
    empty = column.is_null().to_numpy(zero_copy_only=False)
    if missing is None:
        raise DatasetError(
            file, "the time is missing", "Fill it in.", line=line + int(np.flatnonzero(empty)[0]), column=name
        )
    return np.where(empty, missing, column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))


def _numbers(file: Path, name: str, column: pa.Array | None, n: int, line: int) -> NDArray[np.float64]:
    if column is None:
        return np.full(n, np.nan)
    try:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        row = _first_bad(column, pa.float64())
        raise DatasetError(
            file,
            f"{column[row].as_py()!r} is not a number",
            "Correct it, or leave it empty.",
            line=line + row,
            column=name,
        ) from None
    wrong = ~np.isfinite(values)
    if wrong.sum() > column.null_count:  # null becomes NaN; anything else that isn't finite was written so
        wrong &= ~np.asarray(column.is_null().to_numpy(zero_copy_only=False))
        # A NaN in Parquet is a common way to write "missing"; infinity never is.
        wrong &= np.isinf(values) if file.suffix == ".parquet" else True
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DatasetError(
                file,
                f"{column[row].as_py()!r} is not a finite number",
                "Correct it, or leave it empty.",
                line=line + row,
                column=name,
            )
    return np.asarray(values, np.float64)


def _flags(file: Path, column: pa.Array | None, n: int, line: int) -> NDArray[np.int32]:
    if column is None or pa.types.is_null(column.type):
        return np.zeros(n, np.int32)
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = []
    for value in coded.dictionary.to_pylist():
        bits = _flag_bits(value)
        if bits is None:
            row = int(np.flatnonzero(np.array([v == value for v in column.to_pylist()]))[0])
            raise DatasetError(
                file,
                f"{value!r} is not made of flags",
                f"Write names separated by `;`: {', '.join(_FLAGS)}.",
                line=line + row,
                column="flags",
            )
        values.append(bits)
    index = coded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    bits_of: NDArray[np.int32] = np.array([*values, 0], np.int32)[index]
    return bits_of


def _flag_bits(value: Any) -> int | None:
    text = str(value).strip().lower()
    if text.isdigit():
        return int(text) if int(text) < 2 * max(_FLAGS.values()) else None
    names = [name.strip() for name in text.split(";") if name.strip()]
    return sum({_FLAGS[name] for name in names}) if all(name in _FLAGS for name in names) else None
