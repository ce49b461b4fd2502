"""The writer thread: batch -> transaction -> acknowledgement."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from core.supervise import Supervisor
from core.words import for_readers
from ingest import metrics
from ingest.backoff import Backoff
from ingest.broker import Broker
from ingest.clocks import MeterClocks
from ingest.gatherer import Gatherer
from ingest.intake import Gathering, Intake, Message, Rules
from ingest.meters import Meters
from ingest.receipts import Notice, Receipts
from ingest.store import (
    DATA_ERRORS,
    PASSING_ERRORS,
    Stored,
    commit,
    open_connection,
    quarantine_whole,
)
from sql.pool import Connection

log = structlog.get_logger(__name__)

THREAD = "writer"
_IDLE_S = 0.25

_T = TypeVar("_T")


@dataclass(frozen=True)
class Books:
    """What is known of the meters; `receipts` only where they are switched on."""

    meters: Meters
    clocks: MeterClocks
    receipts: Receipts | None


class Stopping(Exception):  # noqa: N818 - no error: the way out of waiting for a database
    """The role was asked to stop while the database is away; what isn't stored stays unacknowledged."""


class Writer:
    """Stores batches, and then has their messages acknowledged: in this order, always."""

    def __init__(
        self,
        supervisor: Supervisor,
        gatherer: Gatherer,
        broker: Broker,
        database_url: str,
        rules: Rules,
        books: Books,
    ) -> None:
        self._supervisor = supervisor
        self._gatherer = gatherer
        self._broker = broker
        self._database_url = database_url
        self._meters = books.meters
        self._clocks = books.clocks
        self._rules = rules
        self._receipts = books.receipts
        self._conn: Connection | None = None

    def run(self) -> None:
        """Store until asked to stop; then finish the batch at hand."""
        try:
            self._retrying(self._prepare)
            while not self._supervisor.stopping.is_set():
                self._supervisor.beat(THREAD)
                gathering = self._gatherer.take(_IDLE_S)
                if gathering is not None:
                    self._store(gathering)
        except Stopping:
            log.warning("stopped while the database is away; the broker keeps what is not stored")
        finally:
            self._disconnect()
            self._broker.finished.set()

    def _prepare(self, conn: Connection, _again: bool) -> None:
        self._meters.refresh(conn)
        self._clocks.load(conn)

    def _store(self, gathering: Gathering) -> None:
        """Commit, then have the messages acknowledged."""
        notices = self._commit(gathering)
        by_connection: dict[int, list[int]] = {}
        for message in gathering.messages:
            if message.qos:
                by_connection.setdefault(message.connection, []).append(message.mid)
        for connection, mids in by_connection.items():
            self._broker.settle(connection, mids)
        self._broker.settle(0, (), notices)

    def _commit(self, gathering: Gathering) -> list[Notice]:
        """Store the batch; where the store refuses its data, halve it until the message is found."""
        began = time.monotonic()
        try:
            intake, stored = self._retrying(lambda conn, again: self._attempt(conn, gathering, again=again))
        except DATA_ERRORS as problem:
            if len(gathering.messages) > 1:
                middle = len(gathering.messages) // 2
                halves = gathering.messages[:middle], gathering.messages[middle:]
                return [notice for half in halves for notice in self._commit(self._regather(half))]
            log.error("the store can't take a message", topic=gathering.messages[0].topic, error=str(problem))
            detail = for_readers(f"The store refuses it: {problem}. Report this as a fault of the codec.")
            stored = self._retrying(lambda conn, _: quarantine_whole(conn, gathering, detail))
            intake = None
        metrics.COMMIT_SECONDS.observe(time.monotonic() - began)
        metrics.MESSAGES.inc(len(gathering.messages))
        metrics.READINGS.inc(stored.inserted)
        metrics.BATCHES.labels(stored.path).inc()
        for refusal in stored.refusals:
            metrics.QUARANTINED.labels(refusal.reason.value).inc()
        if intake is None:
            return []
        before = self._clocks.observe(intake.batch)
        if self._receipts is None:
            return []
        return list(self._receipts.notices(gathering, intake, stored, before))

    def _attempt(self, conn: Connection, gathering: Gathering, *, again: bool) -> tuple[Intake, Stored]:
        intake = gathering.intake
        if intake is None or not intake.all_known:
            self._meters.find_new(conn, gathering.meters)
            intake = gathering.finish(self._meters)
        return intake, commit(conn, gathering, intake, again=again)

    def _regather(self, messages: Sequence[Message]) -> Gathering:
        gathering = Gathering(self._rules)
        for message in messages:
            gathering.add(message)
        return gathering

    def _retrying(self, work: Callable[[Connection, bool], _T]) -> _T:
        """Run `work` with a connection, again and again until it succeeds; it is told if it is again."""
        backoff = Backoff(0.1, 2.0)
        again = False
        while True:
            self._supervisor.beat(THREAD)
            try:
                if self._conn is None:
                    self._conn = open_connection(self._database_url)
                return work(self._conn, again)
            except PASSING_ERRORS as problem:
                again = True
                metrics.DATABASE_RETRIES.inc()
                log.error(
                    "database away, nothing is acknowledged until it is back", error=str(problem).strip()
                )
                self._disconnect()
            if self._supervisor.stopping.wait(backoff.next_s()):
                raise Stopping

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
