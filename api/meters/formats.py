"""In which form a series goes out, and how it is written as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

from api.meters.schemas import Format
from api.meters.series import Raw, flag_names
from api.problem import RefusedError
from core.batch import READING_COLUMNS

_MEDIA: dict[str, tuple[Format, int]] = {
    "application/json": ("json", 3),
    "text/csv": ("csv", 3),
    "application/*": ("json", 2),
    "text/*": ("csv", 2),
    "*/*": ("json", 1),
}


def wanted(given: Format | None, accept: str | None) -> Format:
    """Return the form that is asked for: by the parameter, else by the header Accept, else JSON."""
    if given is not None:
        return given
    best: tuple[float, int, Format] | None = None
    for entry in (accept or "*/*").split(","):
        media, *parameters = [part.strip().lower() for part in entry.split(";")]
        known = _MEDIA.get(media)
        weight = _weight(parameters)
        if known is not None and weight > 0 and (best is None or (weight, known[1]) > best[:2]):
            best = (weight, known[1], known[0])
    if best is None:
        raise RefusedError(
            406,
            "not_acceptable",
            "The series comes as JSON or CSV.",
            cure="Send `Accept: application/json` or `Accept: text/csv`.",
        )
    return best[2]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def cell(value: Any) -> Any:
    """Return a value as it stands in a CSV cell.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay as they are.
    """
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case str() if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
            return "'" + value
    return value


def readings_csv(serial: str, parts: Iterable[list[Raw]]) -> Iterator[str]:
    """Yield the CSV of raw readings: the columns of a dataset folder's readings.csv, one chunk a part."""
    yield _text([READING_COLUMNS])
    meter = cell(serial)
    for part in parts:
        yield _text(
            (meter, cell(ts), *values, ";".join(flag_names(flags)), cell(received))
            for ts, *values, flags, received in part
        )


def table_csv(serial: str, columns: tuple[str, ...], items: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the CSV of interval volumes."""
    yield _text([("meter", *columns)])
    meter = cell(serial)
    yield _text((meter, *(cell(item[column]) for column in columns)) for item in items)


def rows_csv(columns: tuple[str, ...], items: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the CSV of a table; a list becomes words with semicolons between them."""
    yield _text([columns])
    yield _text((_cells(item[column]) for column in columns) for item in items)


def _cells(value: Any) -> Any:
    return ";".join(map(str, value)) if isinstance(value, list) else cell(value)


def _text(lines: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def csv_response(name: str, chunks: Iterator[str]) -> Response:
    """Return the streamed answer; a browser saves it under `name`."""
    return StreamingResponse(
        chunks,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}.csv",
            "Vary": "Accept",
        },
    )
