"""Put a stream of readings into the order in which they were received, in bounded memory."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.batch import ReadingBatch, concat

_PARTS = 64  # a file of 14 million rows is sorted in parts of about 200,000


def by_received(stream: Callable[[], Iterator[ReadingBatch]]) -> Iterator[ReadingBatch]:
    """Yield the readings of `stream()` sorted by (received_at, meter_id, ts).

    Reads the stream twice: once to see whether it is in order already, once to yield it. What isn't in
    order is dealt out to files by time and each file is sorted on its own.
    """
    low, high, ordered = _look(stream())
    if ordered:
        yield from stream()
        return
    yield from sorted_parts(stream(), low, high)


def sorted_parts(stream: Iterator[ReadingBatch], low: int, high: int) -> Iterator[ReadingBatch]:
    """Yield the readings of `stream`, received from `low` to `high`, by (received_at, meter_id, ts)."""
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        yield from _deal_and_sort(stream, np.linspace(low, high, _PARTS + 1)[1:-1], Path(folder))


def sort_by_received(batch: ReadingBatch) -> ReadingBatch:
    """Return the batch sorted by (received_at, meter_id, ts)."""
    return batch.take(np.lexsort((batch.ts, batch.meter_id, batch.received_at)))


def _look(stream: Iterator[ReadingBatch]) -> tuple[int, int, bool]:
    low, high, last, ordered = np.iinfo(np.int64).max, np.iinfo(np.int64).min, None, True
    for batch in stream:
        at = batch.received_at
        low, high = min(low, int(at.min())), max(high, int(at.max()))
        ordered = ordered and bool((np.diff(at) >= 0).all()) and (last is None or int(at[0]) >= last)
        last = int(at[-1])
    return low, high, ordered


def _deal_and_sort(
    stream: Iterator[ReadingBatch], edges: NDArray[np.float64], folder: Path
) -> Iterator[ReadingBatch]:
    names = [f.name for f in fields(ReadingBatch)]
    writers: dict[int, pa.RecordBatchStreamWriter] = {}
    for batch in stream:
        part = np.searchsorted(edges, batch.received_at, side="right")
        for number in np.unique(part):
            rows = batch.take(part == number)
            table = pa.RecordBatch.from_arrays([pa.array(getattr(rows, name)) for name in names], names)
            if number not in writers:
                writers[number] = pa.ipc.new_stream(folder / f"{number}.arrow", table.schema)
            writers[number].write_batch(table)
    for number in sorted(writers):
        writers[number].close()
        with pa.ipc.open_stream(folder / f"{number}.arrow") as reader:
            parts = [ReadingBatch(*(column.to_numpy() for column in table.columns)) for table in reader]
        yield sort_by_received(concat(parts))
        (folder / f"{number}.arrow").unlink()
