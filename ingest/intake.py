"""From messages to a batch that can be stored, and refusals that go to quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import Reason
from ingest import timestamps
from ingest.codecs.native import TIME_CURE
from ingest.draft import UNKNOWN_FLAG, VALUES, Columns, Draft, Refusal, RefusedError
from ingest.limits import LIMITS, MAX_AHEAD_S
from ingest.routes import Routes

log = structlog.get_logger(__name__)

_REASONS = tuple(Reason)
_FLOAT4 = tuple(name for name in VALUES if name != "register_l")


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
class Intake:
    """A batch sorted by (meter, ts) without duplicates, where it came from, and what was refused.

    `message` and `position` are parallel to `batch`: the number of a reading's message, its place in there.
    `meters` are the serials that the topics name, by message; empty where the topic names none. `spans` has,
    for each message with good readings, its number, first ts, last ts and their count, duplicates included.
    """

    batch: ReadingBatch
    message: NDArray[np.int32]
    position: NDArray[np.int32]
    refusals: list[Refusal]
    meters: list[str]
    spans: tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Gathering:
    """Takes messages one by one until there are enough of them for a transaction."""

    def __init__(self, rules: Rules) -> None:
        self.messages: list[Message] = []
        self.size_bytes = 0
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
            draft.refuse(
                Reason.UNSUPPORTED,
                "No codec is configured for this topic. Add it to HEADWATER_INGEST_TOPICS, then requeue.",
            )
            return
        codec, meter = found
        draft.begin(meter)
        if len(payload) > self._rules.max_payload_bytes:
            draft.refuse(
                Reason.MALFORMED,
                f"{len(payload)} bytes are more than {self._rules.max_payload_bytes}. "
                "Send smaller batches, or raise HEADWATER_INGEST_MAX_PAYLOAD_BYTES and requeue.",
            )
            return
        try:
            codec.decode(meter, payload, draft)
        except RefusedError as problem:
            draft.refuse(problem.reason, str(problem))
        except Exception as problem:  # a fault of the codec must not block the line
            log.exception("codec failed", topic=message.topic)
            draft.refuse(Reason.MALFORMED, f"The codec failed on it: {problem!r}. Report this as a fault.")

    def finish(self, registry: Registry, *, judged_at: int | None = None) -> Intake:
        """Check every reading; its time is compared with the receipt of its message, or with `judged_at`."""
        if self._columns is None:
            self._columns = self._draft.columns()
        columns = self._columns
        meters = self._draft.meters
        received = np.array([m.received_at for m in self.messages], np.int64)[columns.message]
        ids = registry.ids(meters)[columns.message]
        judged = received if judged_at is None else np.full(len(columns), judged_at, np.int64)
        codes = self._judge(columns, ids, judged)
        refusals = self._draft.refusals
        good = np.flatnonzero(codes == 0)
        if len(good) < len(columns):
            refusals = refusals + _refuse(columns, codes, meters, self._rules)
            columns, ids, received = columns.take(good), ids[good], received[good]
        values = {name: columns.value(name) for name in VALUES}
        batch = ReadingBatch(meter_id=ids, ts=columns.ts, **values, flags=columns.flags, received_at=received)
        return _unique(batch, columns, refusals, meters)

    def _judge(self, c: Columns, ids: NDArray[np.int32], judged: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return 0 for a good reading, else the number of the first reason that refuses it, from 1."""
        codes = np.zeros(len(c), np.int8)
        for reason, refused in (
            (Reason.TOO_OLD, c.ts < judged - self._rules.retention_days * 86_400_000_000),
            (Reason.FUTURE_TIMESTAMP, c.ts > judged + int(MAX_AHEAD_S * 1e6)),
            (Reason.BAD_VALUE, _beyond_limits(c)),
            (Reason.MALFORMED, (c.ts == timestamps.NOT_A_TIME) | c.empty()),
            (Reason.UNKNOWN_METER, ids < 0),
        ):
            codes[refused] = _REASONS.index(reason) + 1
        return codes

    def excerpt(self, refusal: Refusal) -> bytes:
        """Return the payload that goes to quarantine for `refusal`."""
        message = self.messages[refusal.message]
        found = self._rules.routes.find(message.topic)
        if refusal.positions is None or found is None:
            return message.payload
        return found[0].excerpt(message.payload, refusal.positions)


def _beyond_limits(columns: Columns) -> NDArray[np.bool_]:
    bad: NDArray[np.bool_] = columns.flags == UNKNOWN_FLAG
    for name, column in columns.values.items():
        bad |= (column < LIMITS[name].low) | (column > LIMITS[name].high)
    return bad


def _refuse(columns: Columns, codes: NDArray[np.int8], meters: list[str], rules: Rules) -> list[Refusal]:
    """Return one refusal for each message and reason."""
    counts = np.bincount(columns.message, minlength=len(meters))
    groups: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(codes):
        groups.setdefault((int(columns.message[i]), int(codes[i])), []).append(int(i))
    refusals = []
    for (message, code), rows in groups.items():
        reason = _REASONS[code - 1]
        whole = len(rows) == counts[message]
        detail = _detail(columns, rows[0], reason, meters[message], rules)
        if not whole or len(rows) > 1:
            detail = f"{len(rows)} of {counts[message]} readings refused. {detail}"
        positions = None if whole else tuple(int(columns.position[i]) for i in rows)
        refusals.append(Refusal(message, reason, detail, positions))
    return refusals


def _detail(columns: Columns, row: int, reason: Reason, meter: str, rules: Rules) -> str:
    at = timestamps.text(int(columns.ts[row]))
    match reason:
        case Reason.UNKNOWN_METER:
            return f"Meter {meter!r} is not registered. Register it, then requeue."
        case Reason.FUTURE_TIMESTAMP:
            return f"{at} is more than {MAX_AHEAD_S / 60:g} min ahead of receipt. Set the meter's clock."
        case Reason.TOO_OLD:
            return (
                f"{at} is more than {rules.retention_days} days old. Set the meter's clock, "
                "or raise HEADWATER_RETENTION_DAYS and requeue."
            )
        case Reason.BAD_VALUE:
            return f"{_bad_value(columns, row)} Check the sensor and its scaling."
        case _:
            text = columns.texts.get((int(columns.message[row]), int(columns.position[row])))
            if text is None:
                return f"The reading at {at} has neither a value nor a flag."
            return f"`ts` is {text[:80]!r}. {TIME_CURE}"


def _bad_value(columns: Columns, row: int) -> str:
    at = timestamps.text(int(columns.ts[row])) if columns.ts[row] != timestamps.NOT_A_TIME else "no time"
    for name, column in columns.values.items():
        limit, value = LIMITS[name], column[row]
        if np.isinf(value):
            return f"{name} at {at} is NaN, infinite or too large for a number."
        if not (np.isnan(value) or limit.low <= value <= limit.high):
            return (
                f"{name} at {at} is {value:g} {limit.unit}, not {limit.low:g} to {limit.high:g} {limit.unit}."
            )
    return f"flags at {at} name one that isn't known; docs/topics.md lists them."


def _unique(batch: ReadingBatch, columns: Columns, refusals: list[Refusal], meters: list[str]) -> Intake:
    """Sort by (meter, ts); of readings with the same, the first stands and others that differ are refused."""
    ahead = (batch.meter_id[1:] > batch.meter_id[:-1]) | (
        (batch.meter_id[1:] == batch.meter_id[:-1]) & (batch.ts[1:] > batch.ts[:-1])
    )
    message, position = columns.message, columns.position
    if not ahead.all():
        order = np.lexsort((batch.ts, batch.meter_id))
        batch, message, position = batch.take(order), message[order], position[order]
        same = (batch.meter_id[1:] == batch.meter_id[:-1]) & (batch.ts[1:] == batch.ts[:-1])
        if same.any():
            first = np.maximum.accumulate(np.where(np.append(False, same), 0, np.arange(len(batch))))
            differs = np.flatnonzero(_differs(batch, first))
            refusals = refusals + conflicts(batch, message, position, differs)
            kept = np.flatnonzero(np.append(True, ~same))
            batch, message, position = batch.take(kept), message[kept], position[kept]
    return Intake(batch, message, position, refusals, meters, _spans(columns))


def _spans(
    columns: Columns,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    if not len(columns):
        none = np.empty(0, np.int64)
        return np.empty(0, np.int32), none, none, none
    starts = np.flatnonzero(np.append(True, columns.message[1:] != columns.message[:-1]))
    return (
        columns.message[starts],
        np.minimum.reduceat(columns.ts, starts),
        np.maximum.reduceat(columns.ts, starts),
        np.diff(np.append(starts, len(columns))),
    )


def _differs(batch: ReadingBatch, other: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return where a reading isn't equal, as stored, to the one at `other`."""
    differs: NDArray[np.bool_] = batch.flags != batch.flags[other]
    for name in VALUES:
        column = getattr(batch, name)
        stored = column.astype(np.float32) if name in _FLOAT4 else column
        missing = np.isnan(stored)
        differs |= (stored != stored[other]) & ~(missing & missing[other])
    return differs


def conflicts(
    batch: ReadingBatch, message: NDArray[np.int32], position: NDArray[np.int32], rows: NDArray[np.intp]
) -> list[Refusal]:
    """Return the refusals of readings that say other than what is stored already, one a message."""
    groups: dict[int, list[int]] = {}
    for i in rows:
        groups.setdefault(int(message[i]), []).append(int(i))
    return [
        Refusal(
            number,
            Reason.CONFLICTING_DUPLICATE,
            f"{len(mine)} readings have the time of a stored one but other values, the first at "
            f"{timestamps.text(int(batch.ts[mine[0]]))}. The stored one stands: find out which is right.",
            tuple(int(position[i]) for i in mine),
        )
        for number, mine in groups.items()
    ]
