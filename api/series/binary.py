"""Batches of a series as an Arrow stream and as Parquet, given out as they are written."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_GROUP_ROWS = 131_072


class _Drain(io.RawIOBase):
    """A sink that is emptied as it fills; it only knows how much has gone through."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._gone = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._gone += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._gone

    def taken(self) -> bytes:
        """Return what has come in since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def arrow_stream(schema: pa.Schema, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield an Arrow IPC stream; without its end mark where `found` breaks off."""
    sink = _Drain()
    writer = pa.ipc.new_stream(sink, schema)
    yield sink.taken()
    for batch in found:
        writer.write_batch(batch)
        yield sink.taken()
    writer.close()
    yield sink.taken()


def parquet(schema: pa.Schema, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield a Parquet file, words as plain text; its footer comes last, and without it none can read it."""
    sink = _Drain()
    plain = pa.schema([field.with_type(_plain(field.type)) for field in schema], schema.metadata)
    writer = pq.ParquetWriter(sink, plain, compression="zstd")
    waiting: list[pa.RecordBatch] = []
    for batch in found:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= _GROUP_ROWS:
            writer.write_table(pa.Table.from_batches(waiting).cast(plain))
            waiting = []
            yield sink.taken()
    if waiting:
        writer.write_table(pa.Table.from_batches(waiting).cast(plain))
    writer.close()
    yield sink.taken()


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
