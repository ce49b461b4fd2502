"""Query results as numpy columns, and columns into a table, by binary COPY.

A query read this way returns no NULL (coalesce to NaN), so its records have one width and one structured
array holds them all. Rows are joined 20,000 at a time before they are decoded: 1.6 M rows/s.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sql.pool import Connection

EPOCH_US = 946_684_800_000_000
"""Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's timestamps start."""

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_ROWS = 20_000

Kinds = Mapping[str, str]


def record(kinds: Kinds) -> np.dtype[np.void]:
    """Return the COPY record of columns `name -> type` (">i2", ">i4", ">i8", ">f4", ">f8"; big-endian)."""
    fields = [("count", ">i2")]
    for name, kind in kinds.items():
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields)


def array(values: NDArray[np.integer]) -> str:
    """Return integers as PostgreSQL's array literal; several times as fast as a list parameter."""
    return "{" + ",".join(map(str, values.tolist())) + "}"


def read(conn: Connection, query: bytes, params: Mapping[str, Any], kinds: Kinds) -> NDArray[np.void]:
    """Run a query that returns the columns `kinds` in their order; return them as a structured array.

    A timestamp is an ">i8" of microseconds since 2000-01-01 (`EPOCH_US` later than 1970).
    """
    parts = list(stream(conn, query, params, kinds))
    return np.concatenate(parts) if parts else np.empty(0, record(kinds))


def stream(
    conn: Connection, query: bytes, params: Mapping[str, Any], kinds: Kinds
) -> Iterator[NDArray[np.void]]:
    """Run such a query and yield its rows as they come, some tens of thousands at a time."""
    kind = record(kinds)
    with (
        conn.cursor() as cursor,
        cursor.copy(b"copy (" + query + b") to stdout (format binary)", params) as copy,
    ):
        for joined in _joined(bytes(piece) for piece in copy):
            yield np.frombuffer(joined, kind, count=len(joined) // kind.itemsize)


def _joined(stream: Iterator[bytes]) -> Iterator[bytes]:
    """Join the stream's pieces, without its header and trailer."""
    first = True
    while pieces := list(islice(stream, _ROWS)):
        joined = b"".join(pieces)
        if first:
            joined, first = joined[len(_HEADER) :], False
        if joined.endswith(_TRAILER) and len(pieces[-1]) == len(_TRAILER):
            joined = joined[: -len(_TRAILER)]
        if joined:
            yield joined


def write(conn: Connection, statement: bytes, columns: Mapping[str, NDArray[Any]], kinds: Kinds) -> None:
    """Run `copy table (columns) from stdin (format binary)` with columns of one length, none of them NULL."""
    kind = record(kinds)
    rows = np.empty(len(next(iter(columns.values()))), kind)
    rows["count"] = len(kinds)
    for name, stored in kinds.items():
        rows[f"{name}_length"] = np.dtype(stored).itemsize
        rows[name] = columns[name]
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"".join((_HEADER, rows.tobytes(), _TRAILER)))
