"""Send what is due in the outbox, by one channel.

Rows are claimed in batches, the most pressing first. Before a message is handed to the other end its attempt
is marked as begun, in the transaction that stores the answer to the message before: when a sender is killed,
one message at most is left with an attempt and no answer. After the lease that is noted as `UNKNOWN`. One to
staff or to a webhook is then sent again under the same Message-ID or delivery id, by which the receiver can
tell; one to a customer stays in the state `unknown` until a person sends it again. What is refused for good
goes by the addressee's next way (`service/passing.py`).
"""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog

from core.clock import Clock
from core.words import for_readers
from notify import metrics
from notify.channels import Channel, Message, Receipt, Result
from notify.pauses import Pauses
from service import passing
from service.failures import SECRET
from sql.pool import Connection
from sql.query import Queries

Q = Queries("sender")
log = structlog.get_logger(__name__)

BATCH = 50
BATCH_S = 2.0
"""So many rows are claimed at once; after so long the rest is given back, in case of something pressing."""
CLAIM_S = 60.0
LEASE_S = 180.0
PACE_S = 60.0
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 1_800.0
GIVE_UP_S = 3 * 86_400.0
GIVE_UP_ATTEMPTS = 8
"""A message is dead after three days of temporary failures, and not before this many attempts."""
UNKNOWN = for_readers("unknown: the sender ended before it heard an answer")


def retry_s(attempt: int, jitter: random.Random) -> float:
    """Return how long to wait after failed attempt `attempt` (1, 2, ...): doubling, with 20 % jitter."""
    wait = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempt - 1, 20))
    return wait * jitter.uniform(0.8, 1.2)


def _without_secret(message: Message, text: str) -> str:
    """Return the other end's words without the code or link, which it may repeat."""
    if message.kind in SECRET:
        for secret in filter(None, map(message.message.get, ("code", "token"))):
            text = text.replace(secret, "…")
    return text


class Sender:
    """Drains the outbox of one channel, while `go_on` says so; several may run at once, here and elsewhere.

    Those of one process share their `pauses`.
    """

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        go_on: Callable[[], bool] = lambda: True,
        pauses: Pauses | None = None,
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._go_on = go_on
        self._pauses = pauses or Pauses()
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._heard: deque[dict[str, Any]] = deque()
        self._claimed_until = clock.now()
        self._waiting: list[int] = []

    def drain(self, conn: Connection) -> int:
        """Try every row that is due; return how many were tried."""
        tried = 0
        self._settle(conn)  # what an absence of the database left over
        try:
            while self._go_on() and (batch := self._claim(conn)):
                for message in self._in_turn(conn, batch):
                    hand_over = self._prepared(conn, message)
                    if self._begun(conn, message):
                        self._hear(message, *self._handed_over(message, hand_over))
                        tried += 1
                self._settle(conn)
        finally:
            if tried:
                self._channel.idle()
        return tried

    def _settle(self, conn: Connection) -> None:
        """Store what was heard and give back what is still waiting."""
        with conn.transaction():
            self._save(conn)
            self._release(conn)
        self._heard.clear()
        self._waiting = []

    def _claim(self, conn: Connection) -> Sequence[Message]:
        now = self._clock.now()
        paused = self._pauses.now(now)
        if self._channel.shared and paused:
            return ()
        params = {"channel": self._channel.name, "now": now, "error": UNKNOWN}
        with conn.transaction():
            if given_up := conn.execute(Q["mark_unknown"], params).fetchall():
                metrics.ATTEMPTS.labels(self._channel.name, "unknown").inc(len(given_up))
                log.warning("unknown", channel=self._channel.name, outbox=[row[0] for row in given_up])
            most = BATCH
            if self._channel.per_minute is not None:
                most = 1
                paused += self._at_their_pace(conn, now, self._channel.per_minute)
            self._claimed_until = now + timedelta(seconds=CLAIM_S)
            claim = params | {"lease_until": self._claimed_until, "paused": paused, "most": most}
            batch = [Message(*row) for row in conn.execute(Q["claim"], claim)]
            if repeated := [m for m in batch if m.repeated]:
                ids, attempts = [m.id for m in repeated], [m.attempt - 1 for m in repeated]
                error = f"{UNKNOWN}; sent again with the same id"
                noted = {"now": now, "error": error, "ids": ids, "attempts": attempts}
                conn.execute(Q["note_unanswered"], noted)
            if (
                self._channel.per_minute is not None
                and batch
                and self._begin(conn, batch[0]).fetchone() is None
            ):
                return ()
        batch.sort(key=lambda m: (m.rank, m.created_at, m.id))
        self._waiting = [m.id for m in batch]
        return batch

    def _at_their_pace(self, conn: Connection, now: datetime, most: int) -> list[str]:
        """Return who has had as many messages in the last minute as the provider takes, from any notifier."""
        conn.execute(Q["lock_pace"], {"channel": self._channel.name})
        params = {"channel": self._channel.name, "since": now - timedelta(seconds=PACE_S), "most": most}
        return [row[0] for row in conn.execute(Q["at_their_pace"], params)]

    def _in_turn(self, conn: Connection, batch: Sequence[Message]) -> Iterator[Message]:
        """Yield what may be sent now; the rest of the batch is to be given back."""
        began = time.monotonic()
        for message in batch:
            late = not self._go_on() or time.monotonic() - began > BATCH_S
            if self._channel.per_minute is None:  # else it is begun already, and is all there is
                if late:
                    return
                if self._whom(message) in self._pauses.now(self._clock.now()):
                    continue
            yield message

    def _begun(self, conn: Connection, message: Message) -> bool:
        """Store what was heard before, and mark this one as begun, in one transaction."""
        if self._channel.per_minute is not None:
            self._waiting = []
            return True
        with conn.pipeline(), conn.transaction():  # one round trip
            self._save(conn)
            begun = self._begin(conn, message)
        self._heard.clear()
        self._waiting.remove(message.id)
        return begun.fetchone() is not None

    def _begin(self, conn: Connection, message: Message) -> psycopg.Cursor[tuple[Any, ...]]:
        """Mark the attempt as begun; no row where the claim has run out and another has it."""
        now = self._clock.now()
        lease = {
            "now": now,
            "lease_until": now + timedelta(seconds=LEASE_S),
            "claimed_until": self._claimed_until,
        }
        return conn.execute(Q["begin"], lease | {"id": message.id})

    def _release(self, conn: Connection) -> None:
        if self._waiting:
            params = {"ids": self._waiting, "now": self._clock.now(), "claimed_until": self._claimed_until}
            conn.execute(Q["release"], params)

    def _prepared(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        try:
            return self._channel.prepare(conn, message)
        except psycopg.OperationalError:
            raise
        except Exception as problem:
            # A message that can't be made must not block the rest, and must not look delivered.
            log.exception("message could not be made", outbox=message.id)
            words = f"could not be made: {type(problem).__name__}: {problem}"
            return lambda: Receipt(Result.REFUSED, words)

    def _handed_over(self, message: Message, hand_over: Callable[[], Receipt]) -> tuple[Receipt, float]:
        began = time.perf_counter()
        try:
            receipt = hand_over()
        except Exception as problem:  # a bug: whether it has arrived nobody knows
            log.exception("message could not be handed over", outbox=message.id)
            words = f"ended by {type(problem).__name__}: {problem}"
            receipt = Receipt(Result.UNANSWERED, words)
        return receipt, time.perf_counter() - began

    def _hear(self, message: Message, receipt: Receipt, took_s: float) -> None:
        """Decide what becomes of a message, tell metrics and log, and leave alone whoever wants it."""
        now = self._clock.now()
        receipt = replace(receipt, text=_without_secret(message, receipt.text))
        name, result, whom = self._channel.name, receipt.result, self._whom(message)
        metrics.ATTEMPTS.labels(name, result.value).inc()
        metrics.SENDING.labels(name).observe(took_s)
        say = log.info if result is Result.SENT else log.warning
        say(result.value, channel=name, outbox=message.id, receipt=receipt.text)
        pause_s = 0.0
        if result in (Result.AWAY, Result.UNANSWERED):
            pause_s = self._pauses.away(whom, now)
        elif receipt.retry_after_s and not self._channel.shared:
            self._pauses.rest(whom, now, receipt.retry_after_s)
        else:
            self._pauses.back(whom)
        state, again = "pending", None
        if result is Result.SENT:
            state = "sent"
        elif result is Result.UNANSWERED and message.to_customer:
            state = "unknown"
        elif result is Result.REFUSED or self._given_up(message, now):
            state = "dead"
        else:
            wait_s = pause_s or receipt.retry_after_s or retry_s(message.attempt, self._jitter)
            again = now + timedelta(seconds=wait_s)
        self._heard.append(
            {
                "id": message.id,
                "attempt": message.attempt,
                "at": now,
                "state": state,
                "receipt": receipt.text,
                "took_s": took_s,
                "not_before": again,
                "unanswered": result is Result.UNANSWERED,
            }
        )

    def _save(self, conn: Connection) -> None:
        """Store what was heard; should the database be away just now, it is kept until it is back."""
        for heard in self._heard:
            conn.execute(Q["settle"], heard)
            if heard["state"] == "dead":
                passing.pass_on(conn, heard["id"], at=heard["at"])

    def _given_up(self, message: Message, now: datetime) -> bool:
        age_s = (now - message.created_at).total_seconds()
        return message.attempt >= GIVE_UP_ATTEMPTS and age_s >= GIVE_UP_S

    def _whom(self, message: Message) -> str:
        return "" if self._channel.shared else message.recipient
