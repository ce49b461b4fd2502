"""Forecast the use of a dataset's customers and the inflow of its DMAs."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from core.words import MeterKind
from detection.engine import Engine
from detection.forecast import HISTORY_DAYS, forecast
from detection.roster import DMA
from detection.timetable import Timetable
from jobs.backtest.feed import Feed
from jobs.backtest.sites import roster
from jobs.dataset import Dataset
from jobs.dataset.readings import micros
from jobs.progress import Advance, quiet

_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Row:
    """One hour of one subject; `slot` is the start of the hour, ISO 8601 in UTC."""

    subject_kind: str
    subject: str
    slot: str
    volume_l: float
    low_l: float
    high_l: float


@dataclass(frozen=True)
class Ahead:
    """The rows, and the subjects of which less than two weeks are known."""

    rows: list[Row]
    unknown: list[str]


def ahead(dataset: Dataset, at: datetime, hours: int, advance: Advance = quiet) -> Ahead:
    """Forecast the `hours` from `at` (a whole hour) on, from what had been received by then."""
    sites = roster(dataset)
    engine = Engine(sites, window_days=HISTORY_DAYS + 2, detectors={})
    start = at - timedelta(days=HISTORY_DAYS + 1)
    stream = (
        batch.take(batch.received_at <= micros(at))
        for batch in dataset.in_order_received(start=start, end=at + timedelta(hours=1))
    )
    for turn in Feed(sites, _DAY_US, HISTORY_DAYS + 2).turns(b for b in stream if len(b)):
        engine.load(turn.portion)
        advance(turn.readings)
    now = micros(at) // 3_600_000_000
    lo = now - HISTORY_DAYS * 24
    customers = np.flatnonzero(sites.kind == MeterKind.CUSTOMER)
    volume, covered = engine.hours(sites.meter_id[customers], lo, now)
    names = [("meter", str(sites.serial[i])) for i in customers]
    for i in np.flatnonzero(sites.kind == DMA):
        bounds, _, _ = engine.zones.boundary_of(int(sites.dma_id[i]), lo, lo)
        if len(bounds):
            inflow, known = engine.zones.inflow_of(int(sites.dma_id[i]), lo, now)
            volume, covered = np.vstack([volume, inflow]), np.vstack([covered, known])
            names.append(("dma", str(sites.dma[i])))
    calendar = Timetable(sites.timezone, sites.country).hour_of_week(lo, now + hours)
    made = forecast(volume, covered, calendar, hours)
    rows, unknown = [], []
    slots = [_text(at + timedelta(hours=n)) for n in range(hours)]
    for n, (kind, subject) in enumerate(names):
        if np.isnan(made.volume_l[n, 0]):
            unknown.append(subject)
            continue
        three = (made.volume_l[n], made.low_l[n], made.high_l[n])
        rows += [
            Row(kind, subject, slot, *(round(float(v), 3) for v in values))
            for slot, *values in zip(slots, *three, strict=True)
        ]
    return Ahead(rows, unknown)


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write forecast.csv."""
    names = [f.name for f in fields(Row)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
