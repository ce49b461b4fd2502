"""In which form an answer goes out, and how a table is written as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

from api.problem import RefusedError

MEDIA: dict[str, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
Form = TypeVar("Form", bound=str)
TABLE: tuple[Literal["json", "csv"], ...] = ("json", "csv")


def wanted(given: Form | None, accept: str | None, offered: Sequence[Form]) -> Form:
    """Return the form that is asked for: by the parameter, else by the header Accept, else the first.

    Of what `offered` has, the client's most specific range for a form says how much it is wanted (RFC 9110,
    12.5.1); of two wanted alike, the one that is named more closely, then the one that is offered first.
    """
    if given is not None:
        return given
    ranges = [_range(entry) for entry in (accept or "*/*").split(",")]
    best: tuple[float, int] = (0.0, 0)
    chosen: Form | None = None
    for form in offered:
        fits = [(closeness, weight) for media, weight in ranges if (closeness := _closeness(media, form))]
        closeness, weight = max(fits, default=(0, 0.0))
        if (weight, closeness) > best and weight > 0:
            best, chosen = (weight, closeness), form
    if chosen is None:
        medias = [MEDIA[form] for form in offered]
        raise RefusedError(
            406,
            "not_acceptable",
            f"It comes as {', '.join(medias[:-1])} or {medias[-1]}.",
            cure=f"Send `Accept: {medias[0]}`, or another of these.",
        )
    return chosen


def _range(entry: str) -> tuple[str, float]:
    media, *parameters = [part.strip().lower() for part in entry.split(";")]
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                weight = float(parameter[2:])
            except ValueError:
                weight = 0.0
            return media, weight if 0 <= weight <= 1 else 0.0
    return media, 1.0


def _closeness(media: str, form: str) -> int:
    """Return how closely a media range names a form: 3 by name, 2 by its type, 1 as anything, 0 not."""
    name = MEDIA[form]
    return {name: 3, f"{name.partition('/')[0]}/*": 2, "*/*": 1}.get(media, 0)


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
            "Content-Disposition": disposition(f"{name}.csv"),
            "Vary": "Accept",
        },
    )


def disposition(name: str) -> str:
    """Return the header that lets a browser save the answer under this name, whatever is in it (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
