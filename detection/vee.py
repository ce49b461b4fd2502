"""Validation, estimation and editing: register readings or mean flows become interval volumes.

All meters of an interval class at once, as flat arrays. Rules, each local to a few readings so that feeding
in pieces comes out like feeding at once:

- A reading that those around it contradict is dropped: one bad index, or one of two index streams that clash
  (`detection.streams`).
- A step down that is a rollover of the register (`register_modulus_l`) counts as the wrapped volume.
- A step down as slow as a flow back, once the readings after it bear it out, counts as none.
- Any other step down, and any step faster than the meter can pass, has no volume: its slots are estimated.
- A mean flow holds since the reading before; after more than 3.5 intervals for the last one only: that the
  meter has sent nothing for so long is rarer than that some was lost.
- The register at a slot's edge is that of the nearest reading, if it is at most half an interval away; else
  linear between the readings around it. So a late or early radio telegram does not smear a still hour.
- A step longer than 1.5 intervals is spread evenly: interpolated up to 3.5 intervals or if nothing flowed,
  estimated beyond.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.words import Quality
from detection.extent import WHOLE, Extent, Sure
from detection.streams import MOST_OF_Q3, Oddities, Registers, believed, judge

_MS = 1000
_EARLY = 0.1  # a reading this share of an interval before an edge stands for it at once
_NEAR = 0.5
_MID, _LONG = 1.5, 3.5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Volumes:
    """Interval volumes, flat: row, slot, litres (NaN: unknown), `core.words.Quality`, seconds known at.

    `odd` are the steps of registers that were no plain rise, `sure` of which rows and time all this is.
    """

    row: NDArray[np.intp]
    slot: Ints
    volume_l: NDArray[np.float32]
    quality: NDArray[np.int8]
    known_s: Ints
    odd: Oddities
    sure: Sure


@dataclass(frozen=True)
class _Steps:
    row: NDArray[np.intp]
    ts: Ints  # ms
    total: Floats  # litres since the first reading of its row
    bad: NDArray[np.bool_]
    first: NDArray[np.bool_]


def volumes(  # noqa: PLR0913, PLR0917 - columns of readings, then columns of meters
    row: NDArray[np.intp],
    ts_us: Ints,
    register_l: Floats,
    flow_lph: Floats,
    slot_s: int,
    interval_s: Ints,
    modulus_l: Floats,
    q3_lph: Floats,
    falls: NDArray[np.bool_] | None = None,
    reverses: NDArray[np.bool_] | None = None,
    extent: Extent | None = None,
) -> Volumes:
    """Turn readings into interval volumes on the grid of `slot_s` seconds.

    Parameters
    ----------
    row, ts_us, register_l, flow_lph : (readings,) in order of row, then time; microseconds, litres, litres
        an hour. A row that has any register is read by its register, else by its flow: the mean since the
        reading before.
    interval_s, modulus_l, q3_lph : (rows,) nominal interval, register modulus, permanent flow; NaN: unknown
    falls : (rows,) whose register may fall: it is the volume a tank holds, and its volume the rise
    reverses : (rows,) whose mean flow may be negative, and its volume with it
    extent : of the rows; then only what any other cut of the stream would come to is returned

    Examples
    --------
    >>> us = np.array([0, 3600, 7200], np.int64) * 1_000_000
    >>> nan = np.full(3, np.nan); one = np.full(1, np.nan)
    >>> v = volumes(np.zeros(3, int), us, np.array([10.0, 12.0, 15.0]), nan, 3600, np.array([3600]), one, one)
    >>> v.slot.tolist(), v.volume_l.tolist(), v.quality.tolist()
    ([0, 1], [2.0, 3.0], [0, 0])
    """
    has = ~np.isnan(register_l)
    by_register = np.zeros(len(interval_s), bool)
    by_register[row[has]] = True
    keep = np.where(by_register[row], has, ~np.isnan(flow_lph))
    row, ts, register, flow = row[keep], ts_us[keep] // _MS, register_l[keep], flow_lph[keep]
    nominal = np.maximum(interval_s, slot_s) * _MS
    if not by_register.all():
        row, ts, register, flow = _lost(row, ts, register, flow, by_register, nominal)
    tank = np.zeros(len(interval_s), bool) if falls is None else falls
    signed = np.zeros(len(interval_s), bool) if reverses is None else reverses & ~by_register
    readings = Registers(row, ts, register, modulus_l[row], q3_lph[row], nominal[row], tank[row])
    good = believed(readings)
    begins, back, odd = judge(readings, good)
    steps = _steps(readings.take(good), flow[good], begins, back, by_register, signed)
    made = _slots(steps, odd, tank | signed, slot_s, np.minimum(interval_s, slot_s) * _MS, nominal)
    return made if extent is None else _sure(made, extent.sure(row, ts, good, slot_s), slot_s)


def _sure(made: Volumes, sure: Sure, slot_s: int) -> Volumes:
    """Leave out what a cut of the stream elsewhere might have made otherwise."""
    keep = sure.holds(made.row, made.slot * slot_s, (made.slot + 1) * slot_s)
    odd = made.odd.take(sure.holds(made.odd.row, made.odd.ts_s, made.odd.ts_s, open_start=True))
    columns = (made.row[keep], made.slot[keep], made.volume_l[keep], made.quality[keep], made.known_s[keep])
    return Volumes(*columns, odd, sure)


def _lost(
    row: NDArray[np.intp],
    ts: Ints,
    register: Floats,
    flow: Floats,
    by_register: NDArray[np.bool_],
    nominal: Ints,
) -> tuple[NDArray[np.intp], Ints, Floats, Floats]:
    """Put a reading without a value one interval before each mean flow that comes after a long gap."""
    gap = np.zeros(len(row), bool)
    gap[1:] = (row[1:] == row[:-1]) & ~by_register[row[1:]] & (np.diff(ts) > _LONG * nominal[row[1:]])
    at = np.flatnonzero(gap)
    return (
        np.insert(row, at, row[at]),
        np.insert(ts, at, ts[at] - nominal[row[at]]),
        np.insert(register, at, np.nan),
        np.insert(flow, at, np.nan),
    )


def _steps(
    readings: Registers,
    flow: Floats,
    begins: NDArray[np.bool_],
    back: NDArray[np.bool_],
    by_register: NDArray[np.bool_],
    signed: NDArray[np.bool_],
) -> _Steps:
    row, ts = readings.row, readings.ts
    first = np.ones(len(row), bool)
    first[1:] = row[1:] != row[:-1]
    at = np.arange(len(row))
    before = np.where(first, at, at - 1)
    hours = (ts - ts[before]) / (3600.0 * _MS)
    flowed = flow * hours
    most = MOST_OF_Q3 * readings.q3_lph * readings.hours(before, at)
    bad_flow = ~(np.where(signed[row], 0.0, flowed) >= 0) | np.isnan(flowed) | (np.abs(flowed) > most)
    bad = ~first & np.where(by_register[row], begins, bad_flow)
    delta = np.where(by_register[row], readings.rise(before, at)[0], flowed)
    total = np.cumsum(np.where(first | bad | back, 0.0, delta))
    return _Steps(row, ts, total, bad, first)


def _slots(
    s: _Steps, odd: Oddities, signed: NDArray[np.bool_], slot_s: int, spacing: Ints, nominal: Ints
) -> Volumes:
    if len(s.row) == 0:
        none = np.empty(0, np.int64)
        return Volumes(none, none, np.empty(0, np.float32), np.empty(0, np.int8), none, odd, WHOLE)
    slot_ms = slot_s * _MS
    head = np.flatnonzero(s.first)
    tail = np.append(head[1:], len(s.row)) - 1
    rows = s.row[head]
    near = (_NEAR * spacing[rows]).astype(np.int64)
    lo = -((near - s.ts[head]) // slot_ms)
    hi = (s.ts[tail] + near) // slot_ms
    n = np.maximum(hi - lo + 1, 0)
    which = np.repeat(np.arange(len(head)), n)
    edge = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + lo[which]
    at = edge * slot_ms
    base = int(s.ts.min()) - 2 * slot_ms
    span = int(s.ts.max()) - base + 4 * slot_ms
    seat = np.repeat(np.arange(len(head)), tail - head + 1)
    left = np.searchsorted(seat * span + s.ts - base, which * span + at - base, side="right") - 1
    far = np.int64(2**61)
    has_left, has_right = left >= head[which], left < tail[which]
    right = np.minimum(left + 1, len(s.row) - 1)
    left = np.maximum(left, 0)
    dl = np.where(has_left, at - s.ts[left], far)
    dr = np.where(has_right, s.ts[right] - at, far)
    near, early = near[which], (_EARLY * spacing[rows]).astype(np.int64)[which]
    to_left = (dl <= np.where(has_right, near, early)) & (dl <= dr)
    # Midway between two edges a reading stands for the later one: for both, it would empty the slot.
    to_right = ~to_left & (dr < near)
    usable = to_left | to_right | (has_left & has_right)
    share = np.where(has_left & has_right, dl / np.maximum(dl + dr, 1), 0.0)
    between = s.total[left] + (s.total[right] - s.total[left]) * share
    total = np.where(to_left, s.total[left], np.where(to_right, s.total[right], between))
    from_step, to_step = np.where(to_right, right, left), np.where(to_left, left, right)

    pair = (which[1:] == which[:-1]) & usable[1:] & usable[:-1]
    a, b = from_step[:-1][pair], to_step[1:][pair]
    flags = _flags(s, nominal)
    bad, mid, long = (counted[b] - counted[a] > 0 for counted in flags)
    rise = total[1:][pair] - total[:-1][pair]
    least = np.where(signed[rows[which[:-1][pair]]], -np.inf, 0.0)
    volume = np.where(bad, np.nan, np.maximum(rise, least))
    quality = np.where(bad | long, Quality.ESTIMATED, np.where(mid, Quality.INTERPOLATED, Quality.MEASURED))
    return Volumes(
        rows[which[:-1][pair]],
        edge[:-1][pair],
        volume.astype(np.float32),
        quality.astype(np.int8),
        s.ts[b] // _MS,
        odd,
        WHOLE,
    )


def _flags(s: _Steps, nominal: Ints) -> tuple[Ints, Ints, Ints]:
    """Return running counts of steps without a volume, of short gaps and of long ones."""
    dt, rise = np.zeros(len(s.row)), np.zeros(len(s.row))
    dt[1:], rise[1:] = s.ts[1:] - s.ts[:-1], s.total[1:] - s.total[:-1]
    dt[s.first] = 0
    length = dt / nominal[s.row]
    gap = length > _MID
    long = (length > _LONG) & (rise != 0)
    return np.cumsum(s.bad), np.cumsum(gap & ~long), np.cumsum(long)


def pressures(
    row: NDArray[np.intp],
    ts_us: Ints,
    pressure_kpa: Floats,
    slot_s: int,
    spacing_s: Ints,
    extent: Extent | None = None,
) -> tuple[NDArray[np.intp], Ints, NDArray[np.float32], Ints, Sure]:
    """Return row, slot, mean pressure (kPa), seconds known at of the slots that have any, and what is sure.

    A reading carries the time of the end of its slot, give or take a tenth of an interval. `extent` is as in
    `volumes`.

    >>> row, slot, kpa, known, _ = pressures(np.zeros(2, int), np.array([900, 1805]) * 1_000_000,
    ...     np.array([300.0, 310.0]), 900, np.array([900]))
    >>> slot.tolist(), kpa.tolist()
    ([0, 1], [300.0, 310.0])
    """
    keep = ~np.isnan(pressure_kpa)
    row, ts, kpa = row[keep], ts_us[keep] // _MS, pressure_kpa[keep]
    late = (_EARLY * np.minimum(spacing_s, slot_s) * _MS).astype(np.int64)
    slot = -((late[row] - ts) // (slot_s * _MS)) - 1
    new = np.ones(len(row), bool)
    new[1:] = (row[1:] != row[:-1]) | (slot[1:] != slot[:-1])
    first = np.flatnonzero(new)
    sure = WHOLE if extent is None else extent.sure_means(slot_s, late)
    if len(first) == 0:
        return row, slot, kpa.astype(np.float32), ts, sure
    n = np.diff(np.append(first, len(row)))
    mean, known_s = np.add.reduceat(kpa, first) / n, -(-ts[first + n - 1] // _MS)
    row, slot = row[first], slot[first]
    held = np.ones(len(row), bool) if extent is None else sure.holds(row, slot * slot_s, (slot + 1) * slot_s)
    return row[held], slot[held], mean[held].astype(np.float32), known_s[held], sure
