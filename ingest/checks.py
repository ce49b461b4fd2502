"""Is a reading good? Vectorised over a batch; only what is refused is looked at one by one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import Reason, for_readers
from ingest import timestamps
from ingest.draft import UNKNOWN_FLAG, VALUES, Columns, Refusal
from ingest.limits import LIMITS, MAX_AHEAD_S

TIME_CURE = for_readers("Send ISO 8601 with its offset: 2026-11-21T20:00:00Z or 2026-11-22T04:00:00+08:00.")
_REASONS = tuple(Reason)
_FLOAT4 = tuple(name for name in VALUES if name != "register_l")


def judge(
    columns: Columns, ids: NDArray[np.int32], at: NDArray[np.int64], retention_days: int
) -> NDArray[np.int8]:
    """Return 0 for a good reading, else the number of the reason that refuses it.

    `ids` are -1 where a meter is unknown; `at` is the instant that each reading's time is compared with.
    """
    codes = np.zeros(len(columns), np.int8)
    # Later ones go before earlier ones.
    for reason, refused in (
        (Reason.TOO_OLD, columns.ts < at - retention_days * 86_400_000_000),
        (Reason.FUTURE_TIMESTAMP, columns.ts > at + int(MAX_AHEAD_S * 1e6)),
        (Reason.BAD_VALUE, _beyond_limits(columns)),
        (Reason.MALFORMED, (columns.ts == timestamps.NOT_A_TIME) | columns.empty()),
        (Reason.UNKNOWN_METER, ids < 0),
    ):
        codes[refused] = _REASONS.index(reason) + 1
    return codes


def _beyond_limits(columns: Columns) -> NDArray[np.bool_]:
    bad: NDArray[np.bool_] = columns.flags == UNKNOWN_FLAG
    for name, column in columns.values.items():
        bad |= (column < LIMITS[name].low) | (column > LIMITS[name].high)
    return bad


def refusals(
    columns: Columns, codes: NDArray[np.int8], meters: Sequence[str], retention_days: int
) -> list[Refusal]:
    """Return the refusals of what `judge` refused, one a message and reason."""
    groups: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(codes).tolist():
        groups.setdefault((int(columns.message[i]), int(codes[i])), []).append(i)
    found = []
    for (message, code), rows in groups.items():
        reason = _REASONS[code - 1]
        detail = _detail(columns, rows[0], reason, meters[message], retention_days)
        found.append(Refusal(message, reason, detail, tuple(int(columns.position[i]) for i in rows)))
    return found


def _detail(columns: Columns, row: int, reason: Reason, meter: str, retention_days: int) -> str:
    at = timestamps.text(int(columns.ts[row]))
    text = columns.texts.get((int(columns.message[row]), int(columns.position[row])))
    match reason:
        case Reason.UNKNOWN_METER:
            return f"Meter {meter!r} is not registered. Register it, then requeue."
        case Reason.FUTURE_TIMESTAMP:
            return f"{at} is more than {MAX_AHEAD_S / 60:g} min ahead of receipt. Set the meter's clock."
        case Reason.TOO_OLD:
            cure = "Set the meter's clock, or raise HEADWATER_RETENTION_DAYS and requeue."
            return f"{at} is more than {retention_days} days old. {cure}"
        case Reason.BAD_VALUE:
            return _bad_value(columns, row, at)
        case _ if text is not None:
            return f"`ts` is {text[:80]!r}. {TIME_CURE}"
        case _:
            return f"The reading at {at} has neither a value nor a flag. Leave it out."


def _bad_value(columns: Columns, row: int, at: str) -> str:
    cure = "Check the sensor and its scaling."
    for name, column in columns.values.items():
        limit, value = LIMITS[name], column[row]
        if np.isinf(value):
            return f"{name} at {at} is NaN, infinite or too large for a number. {cure}"
        if not (np.isnan(value) or limit.low <= value <= limit.high):
            allowed = f"{limit.low:g} to {limit.high:g} {limit.unit}"
            return f"{name} at {at} is {value:g} {limit.unit}, not {allowed}. {cure}"
    return f"`flags` at {at} name one that isn't known. Use those of docs/topics.md."


def first_of_each(batch: ReadingBatch) -> tuple[NDArray[np.intp] | None, NDArray[np.intp]]:
    """Return the order that sorts by (meter, ts) without later duplicates, and which of those conflict.

    The order is None where the batch is in order already. Later readings with the same meter and ts and equal
    values are simply left out; those with other values conflict. Both are positions in `batch`.
    """
    nothing = np.empty(0, np.intp)
    same_meter = batch.meter_id[1:] == batch.meter_id[:-1]
    ahead = (batch.meter_id[1:] > batch.meter_id[:-1]) | (same_meter & (batch.ts[1:] > batch.ts[:-1]))
    if ahead.all():
        return None, nothing
    order = np.lexsort((batch.ts, batch.meter_id))
    meter_id, ts = batch.meter_id[order], batch.ts[order]
    same = np.append(False, (meter_id[1:] == meter_id[:-1]) & (ts[1:] == ts[:-1]))
    if not same.any():
        return order, nothing
    first = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    later = order[same]
    return order[~same], later[_differs(batch, later, order[first[same]])]


def _differs(batch: ReadingBatch, rows: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return where the readings at `rows` aren't equal, as stored, to those at `others`."""
    differs: NDArray[np.bool_] = batch.flags[rows] != batch.flags[others]
    for name in VALUES:
        column = getattr(batch, name)
        stored = column.astype(np.float32) if name in _FLOAT4 else column
        one, other = stored[rows], stored[others]
        differs |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    return differs


def conflicts(
    ts: NDArray[np.int64], message: NDArray[np.int32], position: NDArray[np.int32]
) -> list[Refusal]:
    """Return the refusals of readings that say other than those that are there already, one a message."""
    groups: dict[int, list[int]] = {}
    for i, number in enumerate(message.tolist()):
        groups.setdefault(number, []).append(i)
    cure = "Find out which are right."
    return [
        Refusal(
            number,
            Reason.CONFLICTING_DUPLICATE,
            f"{timestamps.text(int(ts[rows[0]]))} has other values already, and they stand. {cure}",
            tuple(int(position[i]) for i in rows),
        )
        for number, rows in groups.items()
    ]


def merged(refusals: Sequence[Refusal], totals: NDArray[np.int64]) -> list[Refusal]:
    """Return one refusal for each message and reason; without positions if it has the whole message.

    `totals` counts the readings of each message.
    """
    groups: dict[tuple[int, Reason], list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.message, refusal.reason), []).append(refusal)
    found = []
    for (message, reason), group in groups.items():
        if any(r.positions is None for r in group):
            found.append(group[0])
            continue
        positions = sorted({p for r in group for p in r.positions or ()})
        n, total = len(positions), int(totals[message])
        detail = group[0].detail if total == 1 else f"{n} of {total} readings refused. {group[0].detail}"
        found.append(Refusal(message, reason, detail, None if n == total else tuple(positions), n))
    return found
