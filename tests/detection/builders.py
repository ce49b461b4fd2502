"""Readings made to order, and the slow way round to feed them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.batch import ReadingBatch, concat
from detection.engine import Engine
from detection.lifecycle import Change, Event
from detection.outages import Outage
from detection.portion import cut
from detection.roster import Roster, Site

HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400
#: A Monday, 00:00 UTC.
T0 = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())


def readings(meter_id: int, ts_s: Iterable[float], **columns: Any) -> ReadingBatch:
    """Make readings of one meter; columns that aren't given are missing, and `delay_s` nothing."""
    ts = (np.array(list(ts_s), np.float64) * 1e6).astype(np.int64)
    nan = np.full(len(ts), np.nan)

    def column(name: str) -> np.ndarray[Any, Any]:
        return np.asarray(columns[name], np.float64) if name in columns else nan

    return ReadingBatch(
        np.full(len(ts), meter_id, np.int32),
        ts,
        column("register_l"),
        column("flow_lph"),
        column("pressure_kpa"),
        nan,
        column("battery_v"),
        np.asarray(columns.get("flags", np.zeros(len(ts))), np.int32),
        ts + (np.asarray(columns.get("delay_s", 0.0)) * 1e6).astype(np.int64),
    )


def register(
    meter_id: int, volumes: Iterable[float], *, step_s: int = HOUR, start_s: int = T0
) -> ReadingBatch:
    """Make register readings whose steps are the volumes; the first reading is at `start_s`."""
    total = np.concatenate([[0.0], np.cumsum(np.array(list(volumes), np.float64))]) + 1000
    return readings(meter_id, start_s + step_s * np.arange(len(total)), register_l=total)


def home(hours: int, *, seed: int = 0, leak: tuple[int, int, float] | None = None) -> np.ndarray[Any, Any]:
    """Return hourly litres of a home that rests at night; `leak` is (first hour, end hour, L/h)."""
    rng = np.random.default_rng(seed)
    hour = np.arange(hours) % 24
    use = rng.integers(5, 120, hours) * (rng.random(hours) < 0.7)
    volumes = np.where((hour >= 7) & (hour < 23), use, 0).astype(float)
    if leak:
        volumes[leak[0] : leak[1]] += leak[2]
    return volumes


def factory(hours: int, *, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return hourly litres of a factory that works Monday to Friday, 06:00 to 22:00."""
    rng = np.random.default_rng(seed)
    at = np.arange(hours)
    works = (at % 24 >= 6) & (at % 24 < 22) & (at // 24 % 7 < 5)
    return np.where(works, rng.normal(2000, 150, hours), rng.normal(20, 4, hours)).clip(0).round()


def ordered(*batches: ReadingBatch) -> ReadingBatch:
    """Join readings in order of meter, then time."""
    joined = concat(batches)
    return joined.take(np.lexsort((joined.ts, joined.meter_id)))


def play(
    engine: Engine,
    batch: ReadingBatch,
    *,
    every_s: int = DAY,
    until_s: int | None = None,
    outages: tuple[Outage, ...] = (),
) -> list[Change]:
    """Feed readings as if they came in time, `every_s` at a time; return all changes."""
    changes: list[Change] = []
    at, end = int(batch.ts.min()) // 10**6 - 1, until_s or int(batch.ts.max()) // 10**6
    while at < end:
        stop = min(at + every_s, end)
        engine.feed(cut(batch, at * 10**6, stop * 10**6))
        settled = engine.settle(stop, outages).changes
        store(engine, settled)
        changes += settled
        at = stop
    return changes


def late(engine: Engine, batch: ReadingBatch, lo_s: int, hi_s: int, now_s: int) -> list[Change]:
    """Feed again what lies in (lo, hi], as if it had just come; `batch` is all there is by now."""
    portion = cut(batch, lo_s * 10**6, hi_s * 10**6, arrived=True)
    engine.feed(portion)
    settled = engine.settle(now_s).changes
    store(engine, settled)
    return settled


def store(engine: Engine, changes: Iterable[Change]) -> None:
    """Give new events an id, as the database would."""
    for n, change in enumerate(changes):
        if change.event.id is None:
            engine.diary.stored(change.event, change.event.onset_s * 100 + n)


def live(engine: Engine) -> list[Event]:
    """Return the events that were not retracted, in order."""
    events = [e for e in engine.diary.events() if e.retracted_s is None]
    return sorted(events, key=lambda e: (e.key, e.epoch))


def kinds(changes: Iterable[Change]) -> list[str]:
    """Return the kinds of all entries, in order."""
    return [entry.kind for change in changes for entry in change.entries]


def roster(*sites: Site, timezone: str = "UTC", country: str = "") -> Roster:
    """Make a roster."""
    return Roster.of(sites, timezone, country)
