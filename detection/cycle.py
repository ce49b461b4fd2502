"""One live cycle: what was committed since the last one goes through the engine, in one transaction.

Readings come from the store in portions, in order of time, so that a backlog of weeks is evaluated slot by
slot as if it had come in time, in bounded memory.
"""

import time
from collections.abc import Callable

import numpy as np
import structlog
from psycopg import errors

from core.clock import Clock
from detection import metrics, store
from detection.engine import Engine
from detection.fetch import fetch, spans
from detection.lifecycle import Change
from detection.portion import Portion
from detection.store import Arrived
from detection.tail import Tail
from sql import feed
from sql.pool import Connection

log = structlog.get_logger(__name__)
Progress = Callable[[], None]

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
        self._tail: Tail | None = None
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
                if not engine.know(store.roster(conn, engine.roster), store.policies(conn)):
                    engine = None
        if engine is None:
            self._known_at, self._tail = now, None
            engine = Engine(store.roster(conn), store.policies(conn), window_days=self._window_days)
            self._rebuild(conn, engine, news)
            moved = True
        if moved:
            engine.remember(*store.events(conn, engine.horizon_s, engine.network_horizon_s))
        if self._known_at == now:
            engine.judge(store.judged(conn, engine.network_horizon_s))
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
        if self._tail is None or not np.array_equal(self._tail.meter_id, engine.roster.meter_id):
            self._tail = Tail(engine.roster.meter_id)
        for part in spans(news, engine):
            into(fetch(conn, engine, self._tail, part, after=into == engine.feed))
            self._progress()


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
