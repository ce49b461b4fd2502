"""Run the production detectors over a dataset folder, in the order in which its readings were received."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.batch import ReadingBatch
from detection.engine import Engine
from detection.zones import DAYS as ZONE_DAYS
from jobs.backtest.feed import DAY_US, US, Feed, Turn
from jobs.backtest.ledger import Ledger, Row
from jobs.backtest.sites import outages, roster
from jobs.dataset import Dataset
from jobs.dataset.readings import micros
from jobs.progress import Advance, quiet

WINDOW_DAYS = 36  # as HEADWATER_DETECT_WINDOW_DAYS is by default


@dataclass(frozen=True)
class Course:
    """What to look at: events from `start` to before `end`, in cycles `every` so long.

    What was received before `start` fills the window, so that what is usual is known, and raises nothing.
    """

    start: datetime | None = None
    end: datetime | None = None
    every: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Found:
    """The events; readings looked at, refused as ingest would, and come too late for the window."""

    rows: list[Row]
    readings: int
    refused: int
    too_late: int


def backtest(dataset: Dataset, course: Course = Course(), advance: Advance = quiet) -> Found:
    """Return the events a live system would have opened; `advance` is told of readings looked at."""
    sites = roster(dataset)
    every_us = course.every // timedelta(microseconds=1)
    engine, ledger = Engine(sites, window_days=WINDOW_DAYS), Ledger()
    restless = [
        (micros(row.start), max(micros(row.end or row.expected_end), micros(row.expected_end)) + DAY_US)
        for row in dataset.outages
    ]
    feed = Feed(sites, every_us, WINDOW_DAYS, restless)
    start_us = micros(course.start) if course.start else 0
    readings = 0
    for turn in feed.turns(_stream(dataset, course)):
        if turn.now_us <= start_us:
            engine.load(turn.portion)
        else:
            _settle(engine, ledger, dataset, turn, every_us)
        readings += turn.readings
        advance(turn.readings)
    return Found(ledger.rows(sites), readings, feed.refused, feed.too_late)


def _settle(engine: Engine, ledger: Ledger, dataset: Dataset, turn: Turn, every_us: int) -> None:
    engine.feed(turn.portion)
    now_s = turn.now_us // US
    result = engine.settle(now_s, outages(dataset, turn.now_us) if dataset.outages else ())
    ledger.note(result.changes, now_s, every_us // US, piecemeal=turn.piecemeal)


def _stream(dataset: Dataset, course: Course) -> Iterator[ReadingBatch]:
    """Yield what was received by `end`, from the longest window before `start` on: that of whole DMAs."""
    start = course.start - timedelta(days=ZONE_DAYS) if course.start else None
    for batch in dataset.in_order_received(start=start, end=course.end):
        keep = batch if course.end is None else batch.take(batch.received_at < micros(course.end))
        if len(keep):
            yield keep
