"""Who and when: a series is read in parts, each in a transaction of its own.

So no connection waits for a slow client, a client that goes away leaves at most one part behind, and memory
holds one part. A part is as many meters, or as much of one meter's time, as should make PART_ROWS rows.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from api.auth import Caller
from api.series.columns import Decoder, Shape
from sql.columns import EPOCH_US, array, read
from sql.pool import Connection
from sql.query import Queries

Q = Queries("series")
PART_ROWS = 65_536
SUMMED_ROWS = 1_000_000
"""Stored rows of one query that sums them up; one meter's period is never cut there."""
DENSER = 4
"""How many times more rows than its interval lets expect a meter may have before its part is cut."""


@dataclass(frozen=True)
class Stretch:
    """One meter's part of the period: readings with since < ts <= until, slots with since <= slot < until."""

    meter_id: int
    interval_s: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Part:
    """Meters that are read together, in order of their ids."""

    meter_ids: tuple[int, ...]
    since: datetime
    until: datetime


def parted(shape: Shape, stretches: list[Stretch]) -> Iterator[Part]:
    """Yield what is to be read, in order: meters of one period together, a long one's period in pieces."""
    most = SUMMED_ROWS if shape.summed else PART_ROWS
    ids: list[int] = []
    rows = 0.0
    before: Stretch | None = None
    for one in stretches:
        if one.since >= one.until:
            continue
        width_s = one.interval_s if shape.query.startswith("reading") else 3600
        expected = (one.until - one.since).total_seconds() / width_s
        alike = before is not None and (one.since, one.until) == (before.since, before.until)
        if before is not None and ids and (not alike or rows + expected > most):
            yield Part(tuple(ids), before.since, before.until)
            ids, rows = [], 0.0
        before = one
        if expected <= most or shape.summed:
            ids.append(one.meter_id)
            rows += expected
            continue
        piece = timedelta(seconds=most * width_s)
        since = one.since
        while since < one.until:
            until = min(since + piece, one.until)
            yield Part((one.meter_id,), since, until)
            since = until
    if before is not None and ids:
        yield Part(tuple(ids), before.since, before.until)


def batches(
    caller: Caller,
    decode: Decoder,
    stretches: list[Stretch],
    turn: AbstractContextManager[Any],
) -> Iterator[pa.RecordBatch]:
    """Yield the series; `turn` is held while a part is read, so that streams leave connections to others."""
    shape = decode.shape
    limit = None if shape.summed else DENSER * PART_ROWS
    given = {"limit": limit, "width": shape.width, "zone": decode.zone.key}
    todo = deque[Part]()
    coming = parted(shape, stretches)
    while True:
        part = todo.popleft() if todo else next(coming, None)
        if part is None:
            return
        values = {"meter_ids": array(np.array(part.meter_ids)), "since": part.since, "until": part.until}
        with turn, caller.transaction() as conn:
            found = stored(conn, shape, values | given)
        if len(found) == limit:
            todo.extendleft(reversed(_rest(part, found, shape)))
        if len(found):
            yield decode(found)


def stored(conn: Connection, shape: Shape, values: Mapping[str, Any]) -> NDArray[np.void]:
    """Return what a series stores, in order of meters and time, up to `limit`; `values` are the query's.

    It is sorted here: the database sends nothing before it has sorted everything. What is cut at the limit
    is read again, sorted there: only then it is known what is left.
    """
    found = read(conn, Q[shape.query], {**values, "sorted": False}, shape.record)
    if shape.summed:
        return found
    if len(found) == values["limit"]:
        return read(conn, Q[shape.query], {**values, "sorted": True}, shape.record)
    return found[np.lexsort((found[shape.clock], found["meter_id"]))]


def _rest(part: Part, found: NDArray[np.void], shape: Shape) -> list[Part]:
    """Return what a query that was cut has left: the rest of its last meter, and the meters after that."""
    last = int(found["meter_id"][-1])
    at_us = int(found[shape.clock][-1]) + EPOCH_US
    # a period of slots has its beginning in it, one of readings has not
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us + (shape.clock == "slot"))
    after = tuple(meter_id for meter_id in part.meter_ids if meter_id > last)
    rest = [replace(part, meter_ids=(last,), since=at)]
    return [*rest, replace(part, meter_ids=after)] if after else rest
