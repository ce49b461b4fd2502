"""Binary COPY of readings, its buffers made with numpy: no Python loop over rows.

A record of PostgreSQL's binary COPY is a field count and, for each field, a length and the value, all
big-endian; NULL is the length -1 without a value. So rows that lack the same values have records of one
width, and one structured array holds them all.
"""

import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from sql.pool import Connection
from sql.query import Queries

Q = Queries("ingest")

EPOCH_US = 946_684_800_000_000
"""Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's timestamps start."""

NULLABLE = ("register_l", "flow_lph", "pressure_kpa", "temperature_c", "battery_v")
READING = {
    "meter_id": ">i4",
    "ts": ">i8",
    "register_l": ">f8",
    "flow_lph": ">f4",
    "pressure_kpa": ">f4",
    "temperature_c": ">f4",
    "battery_v": ">f4",
    "flags": ">i4",
    "received_at": ">i8",
}
"""The columns of a reading as COPY BINARY has them."""
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_INT4, _TIMESTAMPTZ = 23, 1184


@cache
def _record(pattern: int) -> np.dtype[np.void]:
    """Return the record of rows in which the values of `pattern`'s bits (order of NULLABLE) are missing."""
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for name, kind in READING.items():
        fields.append((f"{name}_length", ">i4"))
        if name not in NULLABLE or not pattern >> NULLABLE.index(name) & 1:
            fields.append((name, kind))
    return np.dtype(fields)


def _fill(pattern: int, batch: ReadingBatch) -> NDArray[np.void]:
    kind = _record(pattern)
    names = kind.names or ()
    rows = np.empty(len(batch), kind)
    rows["count"] = len(READING)
    for name, stored in READING.items():
        if name not in names:
            rows[f"{name}_length"] = -1
            continue
        rows[f"{name}_length"] = np.dtype(stored).itemsize
        column = getattr(batch, name)
        rows[name] = column - EPOCH_US if name in {"ts", "received_at"} else column
    return rows


def encode(batch: ReadingBatch) -> bytes:
    """Return `batch` as the stream of `copy reading from stdin (format binary)`, rows in their order."""
    patterns = np.zeros(len(batch), np.uint8)
    for bit, name in enumerate(NULLABLE):
        patterns |= np.isnan(getattr(batch, name)).astype(np.uint8) << np.uint8(bit)
    present = np.flatnonzero(np.bincount(patterns, minlength=1))
    if len(present) == 1:
        return b"".join((_HEADER, _fill(int(present[0]), batch).tobytes(), _TRAILER))
    widths = np.array([_record(pattern).itemsize for pattern in range(1 << len(NULLABLE))])[patterns]
    ends = np.cumsum(widths)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    for pattern in present:
        rows = np.flatnonzero(patterns == pattern)
        filled = _fill(int(pattern), batch.take(rows))
        width = filled.dtype.itemsize
        out[(ends[rows] - width)[:, None] + np.arange(width)] = filled.view(np.uint8).reshape(-1, width)
    return b"".join((_HEADER, out.tobytes(), _TRAILER))


def copy_direct(conn: Connection, batch: ReadingBatch, stream: bytes | None = None) -> None:
    """Copy straight into `reading`; raises UniqueViolation when a (meter, ts) is there already.

    `stream` is `batch` encoded, where that is done already.
    """
    with conn.cursor() as cursor, cursor.copy(Q["copy_reading"]) as copy:
        copy.write(stream or encode(batch))


def copy_staged(
    conn: Connection, batch: ReadingBatch, stream: bytes | None = None
) -> tuple[int, NDArray[np.intp]]:
    """Copy what is new into `reading`, by way of a temporary table.

    `batch` is sorted by (meter, ts) without duplicates in itself. Returns how many rows were new, and the
    positions of those that conflict: same meter and ts as a stored reading, other values.
    """
    conn.execute(Q["create_staging"])
    with conn.cursor() as cursor, cursor.copy(Q["copy_staging"]) as copy:
        copy.write(stream or encode(batch))
    inserted = conn.execute(Q["insert_staged"]).rowcount
    if inserted == len(batch):
        return inserted, np.empty(0, np.intp)
    rows = conn.execute(Q["conflicting"]).fetchall()
    if not rows:
        return inserted, np.empty(0, np.intp)
    keys = np.array(rows, np.int64)
    by_key = np.lexsort((keys[:, 1], keys[:, 0]))
    meters, instants = keys[by_key, 0], keys[by_key, 1]
    mine = np.zeros(len(batch), bool)
    for meter, ts in zip(meters, instants, strict=True):
        low = np.searchsorted(batch.meter_id, meter, "left")
        high = np.searchsorted(batch.meter_id, meter, "right")
        mine[low + np.searchsorted(batch.ts[low:high], ts)] = True
    return inserted, np.flatnonzero(mine)


def copy_arrival(conn: Connection, batch: ReadingBatch, inserted: int, messages: int = 0) -> None:
    """Note that `inserted` readings of `batch` (sorted, not empty) are new, and wake detection.

    `messages` is how many of the broker's they came in.
    """
    first = np.flatnonzero(np.diff(batch.meter_id, prepend=batch.meter_id[0] - 1))
    last = np.append(first[1:], len(batch)) - 1
    fields = (
        _array(_INT4, ">i4", batch.meter_id[first]),
        _array(_TIMESTAMPTZ, ">i8", batch.ts[first] - EPOCH_US),
        _array(_TIMESTAMPTZ, ">i8", batch.ts[last] - EPOCH_US),
        struct.pack("!i", inserted),
        struct.pack("!i", messages),
    )
    record = b"".join(struct.pack("!i", len(field)) + field for field in fields)
    with conn.cursor() as cursor, cursor.copy(Q["copy_arrival"]) as copy:
        copy.write(b"".join((_HEADER, struct.pack("!h", len(fields)), record, _TRAILER)))
    conn.execute(Q["wake_detection"])


def _array(oid: int, kind: str, values: NDArray[np.integer]) -> bytes:
    """Return a one-dimensional array in PostgreSQL's binary format."""
    cells = np.empty(len(values), np.dtype([("length", ">i4"), ("value", kind)]))
    cells["length"] = np.dtype(kind).itemsize
    cells["value"] = values
    return struct.pack("!iiIii", 1, 0, oid, len(values), 1) + cells.tobytes()
