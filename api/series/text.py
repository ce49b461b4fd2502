"""Batches of a series as CSV and as JSON, written column by column: no Python loop over rows."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from api.meters.formats import cell

Form = Literal["csv", "json"]
_SLICE_ROWS = 8_192


def csv_text(columns: Iterable[str], found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield the CSV of a series: a header, lines that end with CRLF, times in UTC with Z."""
    cells = _Cells("csv")
    yield ",".join(columns).encode() + b"\r\n"
    for part in _slices(found):
        texts = [cells(name, part.column(name)) for name in part.schema.names]
        lines = pc.binary_join_element_wise(*texts, ",", null_handling="replace", null_replacement="")
        yield _joined(lines, "\r\n") + b"\r\n"


def json_text(head: dict[str, Any], found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield one JSON object: `head`, and the rows as its `items`."""
    cells = _Cells("json")
    yield msgspec.json.encode(head)[:-1] + b',"items":['
    between = b""
    for part in _slices(found):
        texts: list[Any] = []
        for n, name in enumerate(part.schema.names):
            texts += [f'{"," if n else "{"}"{name}":', cells(name, part.column(name))]
        items = pc.binary_join_element_wise(*texts, "}", "", null_handling="replace", null_replacement="null")
        yield between + _joined(items, ",")
        between = b","
    yield b"]}"


def _slices(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in found:
        for start in range(0, batch.num_rows, _SLICE_ROWS):
            yield batch.slice(start, _SLICE_ROWS)


def _joined(lines: pa.Array, between: str) -> bytes:
    whole = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), between)
    return bytes(whole[0].as_buffer())


class _Cells:
    """Columns as the text of their cells; null stays null, but for the flags of JSON, which are a list."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._words: dict[str, pa.Array] = {}

    def __call__(self, name: str, column: pa.Array) -> pa.Array:
        kind = column.type
        if pa.types.is_dictionary(kind):  # one dictionary serves the whole series
            if name not in self._words:
                self._words[name] = pa.array([self._word(w) for w in column.dictionary.to_pylist()])
            return self._words[name].take(column.indices)
        if name == "flags":
            return column if self._form == "csv" else _lists(column)
        if pa.types.is_timestamp(kind):
            text = pc.replace_substring(pc.cast(column.cast(pa.timestamp("us")), pa.string()), " ", "T")
            return self._quoted(pc.replace_substring(text, ".000000", ""), "Z")
        text = pc.cast(column, pa.string())
        return self._quoted(text) if pa.types.is_date(kind) else text

    def _quoted(self, text: pa.Array, end: str = "") -> pa.Array:
        mark = '"' if self._form == "json" else ""
        return pc.binary_join_element_wise(mark, text, end + mark, "")

    def _word(self, word: str) -> str:
        if self._form == "json":
            return msgspec.json.encode(word).decode()
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([cell(word)])
        return line.getvalue()


def _lists(flags: pa.Array) -> pa.Array:
    kinds = flags.fill_null("").dictionary_encode()
    lists = [[word for word in text.split(";") if word] for text in kinds.dictionary.to_pylist()]
    return pa.array([msgspec.json.encode(words).decode() for words in lists]).take(kinds.indices)
