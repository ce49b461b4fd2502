"""One live cycle: what was committed since the last one goes through the engine, in one transaction.

Readings come from the store in portions, in order of time, so that a backlog of weeks is evaluated slot by
slot as if it had come in time, in bounded memory.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import structlog
from psycopg import errors

from core.batch import concat
from core.clock import Clock
from detection import metrics, store
from detection.engine import Engine
from detection.lifecycle import Change
from detection.portion import CONTEXT_AFTER, CONTEXT_BEFORE, Portion
from detection.store import Arrived
from sql import feed
from sql.pool import Connection

log = structlog.get_logger(__name__)
Progress = Callable[[], None]

_PORTION = 1_000_000  # readings
_DAY_US = 86_400_000_000
_MASTER_DATA_S = 30.0
_STALE_S = 900.0


class Detection:
    """Keeps an engine in step with the database. What it remembers is a cache: any error throws it away."""

    def __init__(self, clock: Clock, *, window_days: int, progress: Progress = lambda: None) -> None:
        self._clock = clock
        self._window_days = window_days
        self._progress = progress
        self._engine: Engine | None = None
        self._seen = ""
        self._position = ""
        self._known_at = self._worked_at = 0.0

    def cycle(self, conn: Connection) -> bool:
        """Work off what is new; return False if another replica is at it. Raises what the database raises."""
        try:
            conn.rollback()
            conn.execute("set transaction isolation level repeatable read")
            position = feed.lock(conn, store.CONSUMER)
            if position is None:
                conn.rollback()
                return False
        except errors.SerializationFailure:
            conn.rollback()
            return False
        try:
            self._work(conn, position)
        except BaseException:
            self._engine = None
            raise
        return True

    def _work(self, conn: Connection, position: str) -> None:
        started = time.monotonic()
        snapshot = feed.snapshot(conn)
        if self._engine is not None and started - self._worked_at > _STALE_S:
            self._engine = None
        news = store.arrived(conn, position if self._engine is None else self._seen)
        self._engine = engine = self._prepare(conn, news, moved=position != self._position)
        self._feed(conn, engine, news, engine.feed)
        now_s = int(self._clock.now().timestamp())
        result = engine.settle(now_s, store.outages(conn, engine.horizon_s))
        store.write_usage(conn, result.usage)
        store.write_changes(conn, result.changes, engine.diary)
        if len(news):
            feed.advance(conn, store.CONSUMER, snapshot)
        conn.commit()
        self._seen, self._position = snapshot, snapshot if len(news) else position
        self._worked_at = time.monotonic()
        if len(news):
            _observe(engine, result.changes, self._worked_at - started)

    def _prepare(self, conn: Connection, news: Arrived, *, moved: bool) -> Engine:
        engine, now = self._engine, time.monotonic()
        if engine is not None:
            unknown = bool((engine.roster.find(news.meter_id) < 0).any())
            if unknown or now - self._known_at > _MASTER_DATA_S:
                self._known_at = now
                if not engine.know(store.roster(conn), store.policies(conn)):
                    engine = None
        if engine is None:
            self._known_at = now
            engine = Engine(store.roster(conn), store.policies(conn), window_days=self._window_days)
            self._rebuild(conn, engine, news)
            moved = True
        if moved:
            engine.remember(*store.events(conn, engine.horizon_s))
        return engine

    def _rebuild(self, conn: Connection, engine: Engine, news: Arrived) -> None:
        """Fill the window with all that has been evaluated: everything before the first new reading."""
        newest_s = store.newest_reading_s(conn)
        if newest_s is None:
            return
        ids = engine.roster.meter_id
        until = np.full(len(ids), (newest_s + 1) * 1_000_000, np.int64)
        at = engine.roster.find(news.meter_id)
        until[at[at >= 0]] = np.minimum(until[at[at >= 0]], news.lo_us[at >= 0] - 1)
        from_us = newest_s * 1_000_000 - self._window_days * _DAY_US
        use = until > from_us
        everything = Arrived(ids[use], np.full(int(use.sum()), from_us, np.int64), until[use])
        log.info("window is being rebuilt", meters=int(use.sum()))
        self._feed(conn, engine, everything, engine.load)

    def _feed(self, conn: Connection, engine: Engine, news: Arrived, into: Callable[[Portion], None]) -> None:
        for part in _portions(news, engine):
            into(_fetch(conn, engine, part, after=into == engine.feed))
            self._progress()


def _portions(news: Arrived, engine: Engine) -> Iterator[Arrived]:
    """Cut what is new into spans of time, and these into groups of meters, of bounded size."""
    site = engine.roster.find(news.meter_id)
    use = site >= 0
    ids, lo, hi = news.meter_id[use], news.lo_us[use], news.hi_us[use]
    if len(ids) == 0:
        return
    a_day = 86_400 / np.maximum(engine.roster.interval_s[site[use]], 1) + 2 * CONTEXT_BEFORE
    span = int(np.clip(_PORTION / a_day.sum(), 1 / 24, 7) * _DAY_US)
    start, end = int(lo.min()), int(hi.max())
    while start <= end:
        stop = start + span
        inside = np.flatnonzero((lo < stop) & (hi >= start))
        size = np.cumsum(a_day[inside] * span / _DAY_US)
        for group in np.split(inside, np.flatnonzero(np.diff(size // _PORTION)) + 1):
            if len(group):
                yield Arrived(ids[group], np.maximum(lo[group], start), np.minimum(hi[group], stop - 1))
        later = lo[lo >= stop]
        going = bool(((lo < stop) & (hi >= stop)).any())
        start = stop if going or len(later) == 0 else int(later.min())


def _fetch(conn: Connection, engine: Engine, part: Arrived, *, after: bool) -> Portion:
    """Read a part's readings with those around them that it takes to judge them; `after` it only if asked."""
    interval_s = engine.slot_s(part.meter_id)
    lo_s, hi_s = part.lo_us // 1_000_000, part.hi_us // 1_000_000 + 1
    ahead, behind = (CONTEXT_BEFORE + 2) * interval_s, (CONTEXT_AFTER + 1) * interval_s * after
    batch = store.readings_between(conn, part.meter_id, lo_s - ahead, hi_s + behind)
    at = np.searchsorted(part.meter_id, batch.meter_id)
    n = len(part.meter_id)
    before = np.bincount(at, weights=batch.ts < part.lo_us[at], minlength=n)
    following = np.bincount(at, weights=batch.ts > part.hi_us[at], minlength=n)
    oldest_s, newest_s = engine.known(part.meter_id)
    more = [batch]
    lack = np.flatnonzero((before < CONTEXT_BEFORE) & (oldest_s < lo_s - ahead))
    if len(lack):
        until = lo_s[lack] - ahead[lack]
        most = CONTEXT_BEFORE
        more.append(store.readings_before(conn, part.meter_id[lack], until, engine.horizon_s, most))
    lack = np.flatnonzero(after & (following < CONTEXT_AFTER) & (newest_s > hi_s + behind))
    if len(lack):
        since = hi_s[lack] + behind[lack]
        more.append(store.readings_after(conn, part.meter_id[lack], since, CONTEXT_AFTER))
    if len(more) > 1:
        batch = concat(more)
        batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))
    return Portion(part.meter_id, part.lo_us, batch)


def _observe(engine: Engine, changes: list[Change], took_s: float) -> None:
    metrics.CYCLES.inc()
    metrics.CYCLE_SECONDS.observe(took_s)
    metrics.WINDOW_BYTES.set(engine.nbytes)
    metrics.NEWEST_SLOT.set(engine.newest_s)
    for change in changes:
        for entry in change.entries:
            metrics.ENTRIES.labels(entry.kind, change.event.grp).inc()
    for group, count in engine.diary.open_by_group().items():
        metrics.OPEN_EVENTS.labels(group).set(count)
