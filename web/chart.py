"""Series as the browser draws them: a header that says what is what, and columns as they lie in memory.

The body is: length of the header (uint32), the header (JSON, padded to 8 bytes), the times (float64, seconds
since 1970 UTC), then each line (float32, NaN where there is nothing; padded to 8 bytes). All little-endian.
`web/static/chart.js` reads it: 100,000 points are 1.2 MB, and no number is parsed.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np
from fastapi.responses import Response
from numpy.typing import NDArray

Look = Literal["line", "step", "bars", "before"]
MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Line:
    """One line: what it is called, its unit, and how it is drawn. `value` as long as the chart's times."""

    label: str
    unit: str
    value: NDArray[np.float32]
    look: Look = "line"


@dataclass(frozen=True)
class Span:
    """A time that is shaded: an event, an outage, a pause."""

    since: float
    until: float
    label: str
    kind: Literal["event", "outage", "pause"]


@dataclass(frozen=True)
class Mark:
    """A moment with a name, such as the onset."""

    at: float
    label: str


@dataclass(frozen=True)
class Limit:
    """A level that a line is held against."""

    value: float
    label: str
    unit: str


@dataclass
class Chart:
    """Lines over shared times, and what belongs to them; `bands` are pairs (upper, lower) of lines."""

    at: NDArray[np.float64]
    lines: list[Line]
    spans: list[Span] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    bands: list[tuple[int, int]] = field(default_factory=list)

    def response(self) -> Response:
        """Return the chart as the browser takes it."""
        head = {
            "n": len(self.at),
            "lines": [{"label": line.label, "unit": line.unit, "look": line.look} for line in self.lines],
            "spans": [asdict(span) for span in self.spans],
            "marks": [asdict(mark) for mark in self.marks],
            "limits": [asdict(limit) for limit in self.limits],
            "bands": self.bands,
        }
        columns = [self.at.astype("<f8"), *(line.value.astype("<f4") for line in self.lines)]
        return Response(packed(head, columns), media_type=MEDIA_TYPE)


def packed(head: dict[str, Any], columns: Iterable[NDArray[Any]]) -> bytes:
    """Return a header and columns of little-endian numbers, each padded to 8 bytes."""
    text = msgspec.json.encode(head)
    text += b" " * (-(4 + len(text)) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for column in columns:
        kept = column.tobytes()
        parts += [kept, bytes(-len(kept) % 8)]
    return b"".join(parts)


def seconds(at: datetime) -> float:
    """Return an instant as a chart counts time."""
    return at.timestamp()


def joined(
    series: list[tuple[NDArray[np.float64], NDArray[np.float32]]],
) -> tuple[NDArray[np.float64], list[NDArray[np.float32]]]:
    """Return the times of all series, each once and in order, and their values at them (NaN where none)."""
    if not series:
        return np.empty(0), []
    at = np.unique(np.concatenate([times for times, _ in series]))
    columns = []
    for times, value in series:
        column = np.full(len(at), np.nan, np.float32)
        column[np.searchsorted(at, times)] = value
        columns.append(column)
    return at, columns
