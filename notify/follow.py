"""Follow the events' history and make tickets and messages of it, each turn once."""

import traceback
from zoneinfo import ZoneInfo

import psycopg
import structlog

from core.clock import Clock
from notify import metrics
from service import findings
from service.findings import Desk, Turn
from sql import feed
from sql.pool import Connection
from sql.query import Queries

Q = Queries("notify")
CONSUMER = "notify.tickets"
log = structlog.get_logger(__name__)


class Follower:
    """Takes in what is new in `event_entry`: tickets, messages and position are one transaction.

    Of several notifiers one at a time does it; the others find the position taken and come back.
    """

    def __init__(self, clock: Clock, webhooks: list[str]) -> None:
        self._clock = clock
        self._webhooks = webhooks

    def catch_up(self, conn: Connection) -> int:
        """Take in every new turn; return how many there were."""
        try:
            with conn.transaction():
                conn.execute("set transaction isolation level repeatable read")
                return self._take_all(conn)
        except psycopg.errors.SerializationFailure:
            log.debug("another notifier has just been here")
            return 0

    def _take_all(self, conn: Connection) -> int:
        seen = feed.lock(conn, CONSUMER)
        if seen is None:
            return 0
        now = feed.snapshot(conn)
        turns = [Turn(*row) for row in conn.execute(Q["new_turns"], {"seen": seen})]
        desk = Desk(self._webhooks, _zone(conn))
        for turn in turns:
            self._take(conn, turn, desk)
        if turns:
            feed.advance(conn, CONSUMER, now)
        return len(turns)

    def _take(self, conn: Connection, turn: Turn, desk: Desk) -> None:
        try:
            with conn.transaction():
                findings.take(conn, turn, desk, at=self._clock.now())
            metrics.TURNS.labels(turn.kind).inc()
        except psycopg.OperationalError:
            raise
        except Exception as problem:
            # One odd event must not keep all others from their managers; it is left where it is seen.
            metrics.FAILED_TURNS.inc()
            log.exception("no ticket could be made", event_id=turn.event_id, event_entry_id=turn.id)
            error = "".join(traceback.format_exception_only(problem)).strip()
            params = {"event_id": turn.event_id, "dedupe_key": f"failed:{turn.id}", "error": error}
            conn.execute(Q["note_failed_turn"], params | {"at": self._clock.now()})


def _zone(conn: Connection) -> ZoneInfo:
    row = conn.execute(Q["timezone"]).fetchone()
    return ZoneInfo(row[0] if row else "UTC")
