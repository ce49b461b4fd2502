"""What the ingester does beside the line: clocks to the store, new meters, what is to be requeued."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from core.clock import Clock
from core.supervise import Supervisor
from core.words import Reason, for_readers
from ingest.backoff import Backoff
from ingest.clocks import MeterClocks
from ingest.intake import Gathering, Message, Rules
from ingest.meters import Meters
from ingest.store import DATA_ERRORS, PASSING_ERRORS, open_connection, store_again
from sql.pool import Connection
from sql.query import Queries

log = structlog.get_logger(__name__)
Q = Queries("ingest")

THREAD = "chores"
FLUSH_EVERY_S = 10.0
REFRESH_EVERY_S = 60.0
LOOK_EVERY_S = 5.0
_TURN_S = 0.25


class Chores:
    """A thread with a connection of its own."""

    def __init__(
        self,
        supervisor: Supervisor,
        clock: Clock,
        database_url: str,
        meters: Meters,
        clocks: MeterClocks,
        rules: Rules,
    ) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._database_url = database_url
        self._meters = meters
        self._clocks = clocks
        self._rules = rules
        self._due: dict[Callable[[Connection], object], tuple[float, float]] = {}
        for chore, every_s in (
            (clocks.flush, FLUSH_EVERY_S),
            (meters.refresh, REFRESH_EVERY_S),
            (self.requeue, LOOK_EVERY_S),
        ):
            self._due[chore] = (every_s, time.monotonic() + every_s)

    def run(self) -> None:
        """Do the chores until asked to stop; while the database is away, wait for it."""
        backoff = Backoff()
        while not self._supervisor.stopping.is_set():
            self._supervisor.beat(THREAD)
            try:
                with open_connection(self._database_url) as conn:
                    conn.execute(Q["listen_requeue"])
                    self._serve(conn, backoff)
            except PASSING_ERRORS as problem:
                log.warning("chores wait for the database", error=str(problem).strip())
                self._supervisor.stopping.wait(backoff.next_s())

    def _serve(self, conn: Connection, backoff: Backoff) -> None:
        while not self._supervisor.stopping.is_set():
            for chore, (every_s, due) in self._due.items():
                if time.monotonic() >= due:
                    self._supervisor.beat(THREAD)
                    chore(conn)
                    self._due[chore] = (every_s, time.monotonic() + every_s)
            backoff.reset()
            self._supervisor.beat(THREAD)
            # The connection is free for queries only after the last notice is taken from it.
            if list(conn.notifies(timeout=_TURN_S, stop_after=1)):
                self.requeue(conn)
        self._clocks.flush(conn)

    def requeue(self, conn: Connection) -> None:
        """Decode again what an operator has asked for: it is stored now, or stays with the reason why not."""
        while not self._supervisor.stopping.is_set() and self._requeue_one(conn):
            self._supervisor.beat(THREAD)

    def _requeue_one(self, conn: Connection) -> bool:
        now = self._clock.now()
        with conn.transaction():
            row = conn.execute(Q["asked_again"]).fetchone()
            if row is None:
                return False
            key = {"id": row[0], "received_at": row[1]}
            gathering = Gathering(self._rules)
            gathering.add(Message(str(row[2]), bytes(row[3]), _us(row[1])))
            try:
                self._meters.find_new(conn, gathering.meters)
                with conn.transaction():
                    refusals = store_again(conn, gathering.finish(self._meters, judged_at=_us(now)))
            except DATA_ERRORS as problem:
                reason = Reason.BAD_VALUE
                detail = for_readers(f"The store refuses it: {problem}.")
            else:
                if not refusals:
                    conn.execute(Q["requeued"], key | {"now": now})
                    return True
                reason, detail = refusals[0].reason, " ".join(r.detail for r in refusals)
            shown = for_readers(f"Requeued {now:%Y-%m-%d %H:%M:%S}Z, refused again: {detail}")
            meter = gathering.meters[0] or None
            conn.execute(Q["refused_again"], key | {"reason": reason, "detail": shown, "meter": meter})
            return True


def _us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
