"""Publish a dataset folder over MQTT, in the order in which its readings were received.

One message carries what one meter sent within a window of simulated time, in Headwater's own JSON. QoS 1,
with a bounded number of messages in flight; what is lost with the connection is sent again after it.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch, concat
from core.words import Flag
from jobs.dataset import Dataset
from jobs.dataset.readings import NUMBERS
from jobs.progress import Advance, quiet
from jobs.publisher import Publisher

US = 1_000_000
WEEK_US = 7 * 86_400 * US
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Course:
    """What to replay and how fast: `speed` times as fast as it was; infinite is as fast as the broker takes.

    `start` and `end` choose readings by `ts`, `meters` by serial; `window_s` of simulated time go into one
    message of a meter; `shift_us` is added to every `ts` that is published, on `topic`.
    """

    speed: float = float("inf")
    window_s: int = 21_600
    meters: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None
    shift_us: int = 0
    topic: str = "meters/{meter}/readings"


@dataclass(frozen=True)
class Replayed:
    """What was published and acknowledged by the broker, and how long that took."""

    readings: int
    messages: int
    unheard: int
    took_s: float


class Message(NamedTuple):
    """A payload of one meter with `readings` readings, received by `due` (microseconds since 1970)."""

    meter: str
    payload: bytes
    readings: int
    due: int


def weeks_to(last: int, now: int) -> int:
    """Return the microseconds that move `last` by whole weeks to the latest such instant before `now`."""
    return (now - last) // WEEK_US * WEEK_US


def replay(
    dataset: Dataset,
    publisher: Publisher,
    course: Course,
    advance: Advance = quiet,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Replayed:
    """Publish the dataset and wait for the last PUBACK; `advance` is told of readings acknowledged."""
    began, first = time.monotonic(), 0
    for message in messages(dataset, course):
        first = first or message.due
        ahead = (message.due - first) / US / course.speed - (time.monotonic() - began)
        if ahead > 0:
            pause(ahead)
        publisher.publish(course.topic.format(meter=message.meter), message.payload, message.readings)
        advance(publisher.take_acknowledged())
    publisher.finish()
    advance(publisher.take_acknowledged())
    took = time.monotonic() - began
    return Replayed(publisher.acknowledged_size, publisher.acknowledged, publisher.unheard, took)


def messages(dataset: Dataset, course: Course) -> Iterator[Message]:
    """Yield the dataset's messages, window by window in the order received."""
    stream = dataset.in_order_received(meters=course.meters, start=course.start, end=course.end)
    for window in _windows(stream, course.window_s * US):
        yield from _window_messages(dataset.serials, window, course)


def _windows(stream: Iterator[ReadingBatch], width: int) -> Iterator[ReadingBatch]:
    """Cut a stream that is sorted by received_at into windows of `width` microseconds."""
    held: list[ReadingBatch] = []
    for batch in stream:
        number = batch.received_at // width
        cuts = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(batch)]
        for begin, end in pairwise(cuts):
            part = batch.take(np.arange(begin, end))
            if held and held[-1].received_at[-1] // width != number[begin]:
                yield concat(held)
                held = []
            held.append(part)
    if held:
        yield concat(held)


def _window_messages(serials: list[str], window: ReadingBatch, course: Course) -> Iterator[Message]:
    due = int(window.received_at[-1])
    rows = window.take(np.lexsort((window.received_at, window.ts, window.meter_id)))
    again = (np.diff(rows.meter_id, prepend=-1) == 0) & (np.diff(rows.ts, prepend=-1) == 0)
    # A reading that was sent twice is sent twice, in a message of its own.
    for part in (rows.take(~again), rows.take(again)):
        if not len(part):
            continue
        yield from _part_messages(serials, replace(part, ts=part.ts + course.shift_us), due)


def _part_messages(serials: list[str], part: ReadingBatch, due: int) -> Iterator[Message]:
    columns = {name: _values(getattr(part, name)) for name in NUMBERS}
    lists = _Lists(
        part.ts.tolist(),
        _iso(part.ts),
        {name: values for name, values in columns.items() if values is not None},
        part.flags.tolist(),
    )
    cuts = [0, *(np.flatnonzero(np.diff(part.meter_id)) + 1).tolist(), len(part)]
    for begin, end in pairwise(cuts):
        payload = _payload(lists, begin, end)
        yield Message(serials[part.meter_id[begin]], payload, end - begin, due)


class _Lists(NamedTuple):
    """Readings as Python lists, which payloads are cut from; columns without any value are left out."""

    ts: list[int]
    texts: list[str]
    columns: dict[str, list[float | None]]
    flags: list[int]


def _iso(ts: NDArray[np.int64]) -> list[str]:
    instants: NDArray[np.datetime64] = ts.view("datetime64[us]")
    texts = np.datetime_as_string(instants, unit="us" if (ts % US).any() else "s", timezone="UTC")
    return [str(text) for text in texts]


def _payload(rows: _Lists, begin: int, end: int) -> bytes:
    """Return readings `begin` to `end`: columns where they stand at one step, gaps as null; else objects."""
    columns = {name: values[begin:end] for name, values in rows.columns.items()}
    filled = {name: values for name, values in columns.items() if any(v is not None for v in values)}
    flags, ts = rows.flags[begin:end], rows.ts[begin:end]
    steps = {after - before for before, after in pairwise(ts)}
    step = min(steps, default=0)
    even = step > 0 and step % US == 0 and not any(s % step for s in steps)
    if even and filled and not any(flags) and (ts[-1] - ts[0]) // step < 2 * len(ts):
        return _encode(_series(rows.texts[begin], [(at - ts[0]) // step for at in ts], step, filled))
    objects = [
        {"ts": rows.texts[begin + n]}
        | {name: values[n] for name, values in filled.items() if values[n] is not None}
        | ({"flags": _names(flags[n])} if flags[n] else {})
        for n in range(end - begin)
    ]
    return _encode(objects[0] if len(objects) == 1 else objects)


def _series(start: str, slots: list[int], step: int, filled: dict[str, list[float | None]]) -> dict[str, Any]:
    series: dict[str, Any] = {"start": start, "step_s": step // US}
    if slots[-1] == len(slots) - 1:
        return series | filled
    for name, values in filled.items():
        column: list[float | None] = [None] * (slots[-1] + 1)
        for slot, value in zip(slots, values, strict=True):
            column[slot] = value
        series[name] = column
    return series


def _values(column: NDArray[np.float64]) -> list[float | None] | None:
    missing = np.isnan(column)
    if missing.all():
        return None
    values: list[float | None] = column.tolist()
    for n in np.flatnonzero(missing):
        values[n] = None
    return values


def _names(bits: int) -> list[str]:
    return [flag.name.lower() for flag in Flag(bits) if flag.name]
