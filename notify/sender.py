"""Send what is due in the outbox, by one channel.

A row is claimed with a lease in a transaction of its own, tried, and its receipt stored. A sender that is
killed in between leaves an attempt without a receipt: the next one, after the lease, says so in the row's
deliveries and sends again under the same Message-ID or delivery id, by which the receiver can tell.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog

from core.clock import Clock
from notify import metrics
from notify.channels import Channel, Message, Receipt, Result
from sql.pool import Connection
from sql.query import Queries

Q = Queries("notify")
log = structlog.get_logger(__name__)

LEASE_S = 180.0
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 1_800.0
GIVE_UP_S = 3 * 86_400.0
GIVE_UP_ATTEMPTS = 8
"""A message is dead after three days of temporary failures, and not before this many attempts."""
LONGEST_PAUSE_S = 120.0
UNKNOWN = "unknown: the sender ended before it heard an answer; sent again with the same id"


def retry_s(attempt: int, jitter: random.Random) -> float:
    """Return how long to wait after failed attempt `attempt` (1, 2, ...): doubling, with 20 % jitter."""
    wait = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempt - 1, 20))
    return wait * jitter.uniform(0.8, 1.2)


@dataclass(frozen=True)
class _Pause:
    until: datetime
    times: int
    seconds: float


class Sender:
    """Drains the outbox of one channel, while `go_on` says so; several may run at once."""

    def __init__(self, channel: Channel, clock: Clock, go_on: Callable[[], bool] = lambda: True) -> None:
        self._channel = channel
        self._clock = clock
        self._go_on = go_on
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._paused: dict[str, _Pause] = {}
        self._heard: deque[tuple[Message, Receipt, float]] = deque()

    def drain(self, conn: Connection) -> int:
        """Try every row that is due; return how many were tried."""
        tried = 0
        self._save(conn)
        while self._go_on():
            message = self._claim(conn)
            if message is None:
                break
            began = time.perf_counter()
            receipt = self._send(conn, message)
            took_s = time.perf_counter() - began
            self._heard.append((message, receipt, took_s))
            self._say(message, receipt, took_s)
            self._save(conn)
            tried += 1
        if tried:
            self._channel.idle()
        return tried

    def _claim(self, conn: Connection) -> Message | None:
        now = self._clock.now()
        paused = [whom for whom, pause in self._paused.items() if pause.until > now]
        if self._channel.shared and paused:
            return None
        params = {
            "channel": self._channel.name,
            "now": now,
            "lease_until": now + timedelta(seconds=LEASE_S),
            "paused": paused,
        }
        with conn.transaction():
            row = conn.execute(Q["claim"], params).fetchone()
            if row is None:
                return None
            message = Message(*row)
            if message.attempt > 1:  # no-op where the attempt before has its receipt
                self._note(conn, message.id, message.attempt - 1, Receipt(Result.RETRY, UNKNOWN), 0.0)
        return message

    def _send(self, conn: Connection, message: Message) -> Receipt:
        try:
            return self._channel.send(conn, message)
        except psycopg.OperationalError as problem:
            return Receipt(Result.RETRY, f"database away: {problem}")
        except Exception as problem:
            # A message that can't be made must not block the rest, and must not look delivered.
            log.exception("message could not be made", outbox=message.id)
            return Receipt(Result.REFUSED, f"could not be made: {type(problem).__name__}: {problem}")

    def _save(self, conn: Connection) -> None:
        """Store what was heard; should the database be away just now, it is kept until it is back."""
        while self._heard:
            self._store(conn, *self._heard[0])
            self._heard.popleft()

    def _store(self, conn: Connection, message: Message, receipt: Receipt, took_s: float) -> None:
        now = self._clock.now()
        with conn.transaction():
            self._note(conn, message.id, message.attempt, receipt, took_s)
            if receipt.result is Result.SENT:
                conn.execute(Q["mark_sent"], {"id": message.id, "at": now})
            elif receipt.result is Result.REFUSED or self._given_up(message, now):
                conn.execute(Q["mark_dead"], {"id": message.id, "error": receipt.text})
            else:
                params = {"id": message.id, "attempt": message.attempt, "error": receipt.text}
                again = now + timedelta(seconds=self._wait_s(message, receipt))
                conn.execute(Q["mark_retry"], params | {"not_before": again})

    def _given_up(self, message: Message, now: datetime) -> bool:
        age_s = (now - message.created_at).total_seconds()
        return message.attempt >= GIVE_UP_ATTEMPTS and age_s >= GIVE_UP_S

    def _wait_s(self, message: Message, receipt: Receipt) -> float:
        """A server that is away is asked again when its pause is over, whatever the message's own count."""
        if receipt.result is Result.AWAY:
            return self._paused[self._whom(message)].seconds
        return receipt.retry_after_s or retry_s(message.attempt, self._jitter)

    def _whom(self, message: Message) -> str:
        return "" if self._channel.shared else message.recipient

    def _say(self, message: Message, receipt: Receipt, took_s: float) -> None:
        """Tell metrics and log; leave a server that is away alone for a while, longer each time."""
        metrics.ATTEMPTS.labels(self._channel.name, receipt.result.value).inc()
        metrics.SENDING.labels(self._channel.name).observe(took_s)
        say = log.info if receipt.result is Result.SENT else log.warning
        say(receipt.result.value, channel=self._channel.name, outbox=message.id, receipt=receipt.text)
        whom = self._whom(message)
        if receipt.result is Result.AWAY:
            times = self._paused[whom].times + 1 if whom in self._paused else 1
            seconds = min(LONGEST_PAUSE_S, 0.5 * 2.0 ** min(times, 10)) * self._jitter.uniform(0.8, 1.2)
            until = self._clock.now() + timedelta(seconds=seconds)
            self._paused[whom] = _Pause(until, times, seconds)
        else:
            self._paused.pop(whom, None)

    def _note(self, conn: Connection, outbox_id: int, attempt: int, receipt: Receipt, took_s: float) -> None:
        conn.execute(
            Q["record_attempt"],
            {
                "id": outbox_id,
                "attempt": attempt,
                "at": self._clock.now(),
                "ok": receipt.result is Result.SENT,
                "receipt": receipt.text,
                "took_s": took_s,
            },
        )
