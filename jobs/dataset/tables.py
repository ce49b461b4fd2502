"""Read the small files of a folder; the first fault is refused with its place and its cure."""

import csv
import math
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.dataset.rows import DatasetError

TRUE, FALSE = frozenset({"true", "1", "yes", "t"}), frozenset({"false", "0", "no", "f"})


def find(folder: Path, name: str) -> Path | None:
    """Return the file of a table, CSV or Parquet; None where there is none, an error where there are both."""
    there = [file for file in (folder / f"{name}.csv", folder / f"{name}.parquet") if file.is_file()]
    if len(there) > 1:
        raise DatasetError(
            folder, f"both {there[0].name} and {there[1].name} are there", "Remove one of them."
        )
    return there[0] if there else None


def check_header(file: Path, header: list[str], known: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Refuse unknown, repeated and missing columns."""
    line = 0 if file.suffix == ".parquet" else 1
    for column in header:
        if column not in known:
            raise DatasetError(
                file,
                "unknown column",
                f"Remove or rename it; known: {', '.join(known)}.",
                line=line,
                column=column,
            )
        if header.count(column) > 1:
            raise DatasetError(file, "the column stands twice", "Keep one.", line=line, column=column)
    for column in needed:
        if column not in header:
            raise DatasetError(
                file,
                "the column is missing",
                f"Add it; needed: {', '.join(needed)}.",
                line=line,
                column=column,
            )


def read_table(file: Path, row: type[Any]) -> tuple[list[Any], list[int]]:
    """Return the rows of a file as dataclasses, and the line (CSV) or row (Parquet) of each."""
    hints = get_type_hints(row)
    columns = {f.name: (f, hints[f.name]) for f in fields(row)}
    needed = tuple(n for n, (f, _) in columns.items() if f.default is MISSING)
    raw = _parquet_rows(file) if file.suffix == ".parquet" else _csv_rows(file)
    header = next(raw)[1]
    check_header(file, header, tuple(columns), needed)
    rows, lines = [], []
    for line, values in raw:
        if len(values) != len(header):
            raise DatasetError(
                file,
                f"{len(values)} values where the header has {len(header)}",
                "Check the commas and quotes of the line.",
                line=line,
            )
        given = {}
        for column, value in zip(header, values, strict=True):
            field, hint = columns[column]
            if value is None or (isinstance(value, str) and not value.strip()):
                if field.default is MISSING:
                    raise DatasetError(file, "the value is missing", "Fill it in.", line=line, column=column)
                continue
            try:
                given[column] = _parse(value, hint, field)
            except ValueError as problem:
                raise DatasetError(
                    file, f"{value!r} is not {problem}", "Correct the value.", line=line, column=column
                ) from None
        rows.append(row(**given))
        lines.append(line)
    return rows, lines


def _csv_rows(file: Path) -> Iterator[tuple[int, list[Any]]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise DatasetError(file, "the file is empty", "Write a header line.", line=1)
            yield 1, [name.strip() for name in header]
            start = reader.line_num + 1
            for values in reader:
                if values:
                    yield start, values
                start = reader.line_num + 1
        except UnicodeDecodeError:
            raise DatasetError(
                file, "not UTF-8", "Save the file as UTF-8.", line=reader.line_num + 1
            ) from None
        except csv.Error as problem:
            raise DatasetError(
                file, f"not CSV ({problem})", "Check the quotes of the line.", line=reader.line_num
            ) from None


def _parquet_rows(file: Path) -> Iterator[tuple[int, list[Any]]]:
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as problem:
        raise DatasetError(file, f"not a Parquet file ({problem})", "Write the file again.") from None
    yield 0, list(table.column_names)
    for number, values in enumerate(table.to_pylist(), 1):
        yield number, list(values.values())


def _parse(value: Any, hint: Any, field: Field[Any]) -> Any:
    """Return `value`, a text of a CSV file or a value of a Parquet file, as the type `hint` wants it."""
    if get_origin(hint) is UnionType:
        hint = next(kind for kind in get_args(hint) if kind is not NoneType)
    if get_origin(hint) is Literal:
        return _one_of(value, get_args(hint))
    if issubclass(hint, StrEnum):
        return hint(_one_of(value, tuple(kind.value for kind in hint)))
    if hint is str:
        return str(value).strip()
    simple = {bool: _bool, datetime: _instant, date: _date, time: _time}
    return simple[hint](value) if hint in simple else _number(value, hint, field)


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    text = str(value).strip()
    if text not in allowed:
        raise ValueError(f"one of {', '.join(allowed)}")
    return text


def _bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in TRUE | FALSE:
        raise ValueError("true or false")
    return text in TRUE


def _instant(value: Any) -> datetime:
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError("an ISO 8601 time such as 2026-11-21T20:00:00Z") from None
    if instant.tzinfo is None:
        raise ValueError("a time with its offset from UTC: append Z or +08:00")
    return instant.astimezone(UTC)


def _date(value: Any) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError("a day such as 2026-11-21") from None


def _time(value: Any) -> time:
    try:
        return value if isinstance(value, time) else time.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError("a time of day such as 02:00") from None


def _number(value: Any, hint: type, field: Field[Any]) -> float | int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("a number") from None
    if not math.isfinite(number):
        raise ValueError("a finite number")
    above, least = field.metadata.get("above"), field.metadata.get("least")
    if above is not None and number <= above:
        raise ValueError(f"a number above {above:g}")
    if least is not None and number < least:
        raise ValueError(f"a number of {least:g} or more")
    most = field.metadata.get("most")
    if most is not None and number > most:
        raise ValueError(f"a number of {most:g} or less")
    if hint is int:
        if number != int(number):
            raise ValueError("a whole number")
        return int(number)
    return number
