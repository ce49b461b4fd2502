"""One live cycle: what was committed since the last one goes through the engine, in one transaction.

Readings come from the store in portions, in order of time, so that a backlog of weeks is evaluated slot by
slot as if it had come in time, in bounded memory.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
import structlog
from psycopg import OperationalError, errors

from core.clock import Clock
from core.errors import InfrastructureError
from detection import metrics, store
from detection.engine import Engine, Result
from detection.fetch import fetch, spans
from detection.lifecycle import Change
from detection.portion import Portion
from detection.store import Arrived
from detection.tail import Tail
from detection.usage import Usage
from detection.zones import DAYS
from sql import feed
from sql.pool import Connection

log = structlog.get_logger(__name__)
Progress = Callable[[], None]

_MASTER_DATA_S = 30.0
_STALE_S = 900.0
_OVERLAP_S = 2 * 86_400
_RECENT_S = 2 * 86_400
_MONTH_S = 28 * 86_400


class Detection:
    """Keeps an engine in step with the database.

    What it remembers is a cache, thrown away by any error but a database that went away: what could not be
    written then is written by the next cycle, unless that finds it written, or another replica at work.
    """

    def __init__(self, clock: Clock, *, window_days: int, progress: Progress = lambda: None) -> None:
        self._clock = clock
        self._window_days = window_days
        self._progress = progress
        self._engine: Engine | None = None
        self._tail: Tail | None = None
        self._seen = ""
        self._position = ""
        self._known_at = self._worked_at = 0.0
        self._unwritten: list[Result] = []

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
        except (InfrastructureError, OperationalError):
            raise  # the database went away between two steps of the engine, which is still in order
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
        moved = self._engine is None or position != self._position
        self._engine, news = self._prepare(conn, news, moved=moved)
        engine = self._engine
        self._write(conn, engine)
        self._feed(conn, engine, news, engine.feed)
        now_s = int(self._clock.now().timestamp())
        result = engine.settle(now_s, store.outages(conn, engine.horizon_s))
        self._unwritten.append(result)
        self._write(conn, engine, from_=len(self._unwritten) - 1)
        if len(news):
            feed.advance(conn, store.CONSUMER, snapshot)
        conn.commit()
        self._seen, self._position = snapshot, snapshot if len(news) else position
        self._unwritten = []
        self._worked_at = time.monotonic()
        if len(news):
            _observe(engine, result.changes, self._worked_at - started)

    def _write(self, conn: Connection, engine: Engine, *, from_: int = 0) -> None:
        for result in self._unwritten[from_:]:
            store.write_usage(conn, result.usage)
            store.write_days(conn, result.days)
            store.write_changes(conn, result.changes, engine.diary)

    def _prepare(self, conn: Connection, news: Arrived, *, moved: bool) -> tuple[Engine, Arrived]:
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
            news = self._rebuild(conn, engine, news)
            moved = True
        if moved:
            self._unwritten = []
            engine.remember(*store.events(conn, engine.horizon_s, engine.network_horizon_s))
        if self._known_at == now:
            engine.judge(store.judged(conn, engine.network_horizon_s))
        return engine, news

    def _rebuild(self, conn: Connection, engine: Engine, news: Arrived) -> Arrived:
        """Fill the window with what has been evaluated: everything before the first new reading of a meter.

        It ends where that ends, which may be long before the newest reading: a backlog comes on top of it,
        in order of time. Hourly usage holds the volumes of meters with hourly slots; of these only the last
        days' readings are read. Returns the news: a meter whose readings are read again is evaluated anew to
        its newest reading.
        """
        newest_s = store.newest_reading_s(conn)
        if newest_s is None:
            return news
        ids = engine.roster.meter_id[engine.roster.meter_id >= 0]
        hourly = engine.by_hour(ids)
        log.info("window is being rebuilt", meters=len(ids), by_usage=int(hourly.sum()))
        until = np.full(len(ids), (newest_s + 1) * 1_000_000, np.int64)
        at = np.searchsorted(ids, news.meter_id)
        known = np.flatnonzero(engine.roster.find(news.meter_id) >= 0)
        until[at[known]] = np.minimum(until[at[known]], news.lo_us[known] - 1)
        window_s = self._window_days * 86_400
        end_s = store.newest_usage_s(conn, ids, newest_s - window_s)
        if end_s is None:
            end_s = int(news.lo_us.max()) // 1_000_000 if len(news) else newest_s
        from_s = min(end_s, newest_s) - window_s
        # The newest days of this come again below, as far as they have been evaluated.
        before_s = np.minimum(until // 1_000_000, from_s + _OVERLAP_S)
        store.restore_zones(conn, engine.zones, end_s - DAYS * 86_400, ids, before_s)
        if hourly.any():
            engine.load_usage(self._counted(store.usage_since(conn, from_s)))
        engine.health.load(store.days_since(conn, from_s))
        # Of a meter that has fallen silent, the last days are its own.
        heard_s = np.minimum(engine.known(ids)[1], newest_s)
        since = np.where(hourly, np.maximum(heard_s - _RECENT_S, from_s), from_s) * 1_000_000
        use = until > since
        self._feed(conn, engine, Arrived(ids[use], since[use], until[use]), engine.load)
        self._restore_use(conn, engine, end_s - engine.zones.use_days * 86_400, from_s + _OVERLAP_S)
        engine.silence.heard(*store.heard(conn))
        hi = news.hi_us.copy()
        again = known[~hourly[at[known]]]
        hi[again] = np.maximum(hi[again], (newest_s + 1) * 1_000_000)
        return Arrived(news.meter_id, news.lo_us, hi)

    def _restore_use(self, conn: Connection, engine: Engine, from_s: int, until_s: int) -> None:
        """Sum what was used before the window; of its first days the window's own sums may lack readings."""
        for lo_s in range(from_s, until_s, _MONTH_S):
            store.restore_use(conn, engine.zones, lo_s, min(lo_s + _MONTH_S, until_s))
            self._progress()

    def _counted(self, parts: Iterator[Usage]) -> Iterator[Usage]:
        for part in parts:
            self._progress()
            yield part

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
