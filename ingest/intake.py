"""From messages to a batch that can be stored, and refusals that go to quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import Reason
from ingest import checks
from ingest.draft import VALUES, Columns, Draft, Refusal, RefusedError
from ingest.routes import Routes
from sql.copy import encode

log = structlog.get_logger(__name__)


class Message(NamedTuple):
    """One MQTT message as it came; `received_at` in microseconds since 1970.

    `connection` counts the connections to the broker: only on the one it came with may `mid` be acknowledged.
    `again` says that the broker has delivered it before.
    """

    topic: str
    payload: bytes
    received_at: int
    mid: int = 0
    qos: int = 0
    connection: int = 0
    again: bool = False


class Registry(Protocol):
    """Knows the meters."""

    def ids(self, serials: Sequence[str]) -> NDArray[np.int32]:
        """Return the id of each serial, -1 where there is none."""
        ...


@dataclass(frozen=True)
class Rules:
    """Which codec reads what, and what is too long or too old."""

    routes: Routes
    max_payload_bytes: int
    retention_days: int


@dataclass(frozen=True)
class Spans:
    """The messages with good readings: number, first and last ts, how many readings, duplicates too."""

    message: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    n: NDArray[np.int64]


@dataclass(frozen=True)
class Intake:
    """A batch sorted by (meter, ts) without duplicates, where it came from, and what was refused.

    `message` and `position` are parallel to `batch`: the number of a reading's message, its place in there.
    `totals` counts the readings in each message, good or not; `all_known` says that every meter was.
    """

    batch: ReadingBatch
    message: NDArray[np.int32]
    position: NDArray[np.int32]
    spans: Spans
    totals: NDArray[np.int64]
    refused: list[Refusal]
    all_known: bool

    @cached_property
    def stream(self) -> bytes:
        """The batch as COPY takes it."""
        return encode(self.batch)

    def refusals(self, conflicting: NDArray[np.intp] | None = None) -> list[Refusal]:
        """Return all refusals, one a message and reason, with those of the readings at `conflicting`."""
        found = self.refused
        if conflicting is not None and len(conflicting):
            ts, message = self.batch.ts[conflicting], self.message[conflicting]
            found = found + checks.conflicts(ts, message, self.position[conflicting])
        return checks.merged(found, self.totals)


class Gathering:
    """Takes messages one by one until there are enough of them for a transaction."""

    def __init__(self, rules: Rules) -> None:
        self.messages: list[Message] = []
        self.size_bytes = 0
        self.intake: Intake | None = None
        self._draft = Draft()
        self._columns: Columns | None = None
        self._rules = rules

    @property
    def meters(self) -> list[str]:
        """The serials that the topics name, by message; empty where the topic names none."""
        return self._draft.meters

    @property
    def readings(self) -> int:
        """How many readings there are so far."""
        return self._draft.readings

    def add(self, message: Message) -> None:
        """Decode one message."""
        draft, payload = self._draft, message.payload
        self.messages.append(message)
        self.size_bytes += len(payload)
        found = self._rules.routes.find(message.topic)
        if found is None:
            draft.begin("")
            told = "No codec is configured for this topic."
            draft.refuse(Reason.UNSUPPORTED, f"{told} Add it to HEADWATER_INGEST_TOPICS, then requeue.")
            return
        codec, meter = found
        draft.begin(meter)
        if len(payload) > self._rules.max_payload_bytes:
            cure = "Send smaller batches, or raise HEADWATER_INGEST_MAX_PAYLOAD_BYTES and requeue."
            size = f"{len(payload)} bytes are more than {self._rules.max_payload_bytes}."
            draft.refuse(Reason.MALFORMED, f"{size} {cure}")
            return
        try:
            codec.decode(meter, payload, draft)
        except RefusedError as problem:
            draft.refuse(problem.reason, str(problem))
        except Exception as problem:  # a fault of the codec must not block the line
            log.exception("codec failed", topic=message.topic)
            draft.refuse(Reason.MALFORMED, f"The codec failed on it: {problem!r}. Report this as a fault.")

    def finish(self, registry: Registry, *, judged_at: int | None = None) -> Intake:
        """Check every reading; its time is compared with receipt, or with `judged_at`. Kept as `intake`."""
        if self._columns is None:
            self._columns = self._draft.columns()
        columns, meters = self._columns, self._draft.meters
        received = np.array([m.received_at for m in self.messages], np.int64)[columns.message]
        at = received if judged_at is None else np.full(len(columns), judged_at, np.int64)
        by_message = registry.ids(meters)
        ids, all_known = by_message[columns.message], bool((by_message >= 0).all())
        refused = list(self._draft.refusals)
        totals = np.bincount(columns.message, minlength=len(meters))
        for refusal in refused:
            totals[refusal.message] += len(refusal.positions or ())
        codes = checks.judge(columns, ids, at, self._rules.retention_days)
        good = np.flatnonzero(codes == 0)
        if len(good) < len(columns):
            refused += checks.refusals(columns, codes, meters, self._rules.retention_days)
            columns, ids, received = columns.take(good), ids[good], received[good]
        values = {name: columns.value(name) for name in VALUES}
        batch = ReadingBatch(meter_id=ids, ts=columns.ts, **values, flags=columns.flags, received_at=received)
        message, position = columns.message, columns.position
        order, conflicting = checks.first_of_each(batch)
        refused += checks.conflicts(batch.ts[conflicting], message[conflicting], position[conflicting])
        if order is not None:
            batch, message, position = batch.take(order), message[order], position[order]
        self.intake = Intake(batch, message, position, _spans(columns), totals, refused, all_known)
        return self.intake

    def excerpt(self, refusal: Refusal) -> bytes:
        """Return the payload that goes to quarantine for `refusal`."""
        message = self.messages[refusal.message]
        found = self._rules.routes.find(message.topic)
        if refusal.positions is None or found is None:
            return message.payload
        return found[0].excerpt(message.payload, refusal.positions)


def _spans(columns: Columns) -> Spans:
    if not len(columns):
        none = np.empty(0, np.int64)
        return Spans(np.empty(0, np.int32), none, none, none)
    starts = np.flatnonzero(np.append(True, columns.message[1:] != columns.message[:-1]))
    return Spans(
        columns.message[starts],
        np.minimum.reduceat(columns.ts, starts),
        np.maximum.reduceat(columns.ts, starts),
        np.diff(np.append(starts, len(columns))),
    )
