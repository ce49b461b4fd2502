"""A series that was asked for, as the answer that goes out."""

from collections.abc import Iterator
from typing import Any

from fastapi import Request, Response

from api.auth import Caller
from api.meters.formats import MEDIA, disposition
from api.series.asked import Asked
from api.series.binary import arrow_stream, parquet
from api.series.schemas import Format
from api.series.stream import Streamed, Streams
from api.series.text import csv_text, json_text

FORMS: tuple[Format, ...] = ("json", "csv", "arrow", "parquet")
_ENDS = {"csv": "csv", "arrow": "arrows", "parquet": "parquet"}


def answer(
    request: Request, caller: Caller, series: Asked, form: Format, name: str, head: dict[str, Any]
) -> Response:
    """Return the answer, streamed unless short: JSON with `head` beside the rows, or a file `name`."""
    streams: Streams = request.app.state.streams
    found, whole = series.batches(caller, streams)
    chunks: Iterator[bytes]
    match form:
        case "json":
            chunks = json_text(head, found)
        case "csv":
            chunks = csv_text(series.decode.columns, found)
        case "arrow":
            chunks = arrow_stream(series.schema, found)
        case "parquet":
            chunks = parquet(series.schema, found)
    headers = {"Vary": "Accept"}
    if form in _ENDS:
        headers["Content-Disposition"] = disposition(f"{name}.{_ENDS[form]}")
    media = MEDIA[form] + "; charset=utf-8" * (form == "csv")
    if whole:
        return Response(b"".join(chunks), media_type=media, headers=headers)
    return Streamed(chunks, media, headers, streams, caller.actor)
