"""From litres in bins to what arrives: steps of the register, clocks that are off, gaps, late, doubled."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch, concat
from jobs.dataset.readings import micros
from jobs.simulate.plan import BIN_S, Plan
from jobs.simulate.pulses import Floats

US = 1_000_000


@dataclass(frozen=True)
class Habits:
    """How the meters of a kind report: shares of meters or of readings."""

    off_clock: float = 0.4
    lost: float = 0.003
    gap: float = 0.06
    late: float = 0.05
    doubled: float = 0.001


def registers(
    plan: Plan, rng: np.random.Generator, litres: Floats, meter_id: NDArray[np.int32], resolution_l: Floats,
    interval_s: int, habits: Habits,
) -> ReadingBatch:  # fmt: skip
    """Return register readings of meters that used `litres` (meters, bins).

    The register is the whole steps of `resolution_l` that have gone through since the meter was made.
    """
    at = _times(plan, rng, len(meter_id), interval_s, habits)
    before = rng.uniform(5e3, 4e6, len(meter_id))
    index = (before[:, None] + _cumulated(litres, at)) / resolution_l[:, None]
    return _batch(plan, rng, meter_id, at, habits, register_l=np.floor(index + 1e-9) * resolution_l[:, None])


def pressures(
    plan: Plan, rng: np.random.Generator, kpa: Floats, meter_id: NDArray[np.int32], interval_s: int,
    habits: Habits,
) -> ReadingBatch:  # fmt: skip
    """Return pressure readings, the mean since the reading before, of `kpa` (meters, bins)."""
    at = _times(plan, rng, len(meter_id), interval_s, habits)
    held = _cumulated(kpa, at)
    step = np.diff(at, axis=1, prepend=at[:, :1] - interval_s)
    mean = np.diff(held, axis=1, prepend=0.0) / step * BIN_S
    mean[:, 0] = kpa[:, 0]
    return _batch(plan, rng, meter_id, at, habits, pressure_kpa=mean.round(1))


def _times(
    plan: Plan, rng: np.random.Generator, meters: int, interval_s: int, habits: Habits
) -> NDArray[np.int64]:
    """Return seconds since the start of every reading (meters, n); some clocks stand apart and waver."""
    nominal = np.arange(0, plan.bins * BIN_S + 1, interval_s)
    off = rng.random(meters) < habits.off_clock
    offset = np.where(off, rng.integers(0, interval_s // 6, meters), 0)[:, None]
    waver = np.where(off[:, None], rng.normal(0, 2.5, (meters, len(nominal))).round(), 0)
    at = (nominal + offset + waver).astype(np.int64)
    return np.clip(at, 0, plan.bins * BIN_S)


def _cumulated(amount: Floats, at: NDArray[np.int64]) -> Floats:
    """Return the running total of `amount` (meters, bins) at seconds `at` (meters, n), even within a bin."""
    total = np.concatenate([np.zeros((len(amount), 1)), np.cumsum(amount, axis=1)], axis=1)
    whole = np.minimum(at // BIN_S, amount.shape[1] - 1)
    low = np.take_along_axis(total, whole, axis=1)
    high = np.take_along_axis(total, whole + 1, axis=1)
    return np.asarray(low + (high - low) * (at - whole * BIN_S) / BIN_S)


def _batch(
    plan: Plan, rng: np.random.Generator, meter_id: NDArray[np.int32], at: NDArray[np.int64], habits: Habits,
    *, register_l: Floats | None = None, pressure_kpa: Floats | None = None,
) -> ReadingBatch:  # fmt: skip
    meters, n = len(at), int(at.shape[1])
    step = np.arange(n)

    def spell(
        share: float, shortest_h: float, longest_h: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return a spell of some meters as a mask, and the position of its last reading."""
        hours = rng.uniform(shortest_h, longest_h, meters)
        length = np.maximum(1, hours / max(at[0, -1] / 3600, 1) * n).astype(np.int64)
        first = rng.integers(0, n, meters)
        chosen = rng.random((meters, 1)) < share
        inside = (step - first[:, None] >= 0) & (step - first[:, None] < length[:, None])
        return inside & chosen, np.minimum(first + length, n - 1)

    lost = rng.random(at.shape) < habits.lost
    lost |= spell(habits.gap, 2, 14)[0]
    received = at + rng.integers(2, 45, at.shape)
    late, last = spell(habits.late, 5, 30)
    released = np.take_along_axis(at, last[:, None], axis=1) + rng.integers(60, 1_200, (meters, 1))
    received = np.where(late, np.maximum(received, released), received)
    keep = (~lost).ravel()
    zero = micros(plan.start)
    battery = np.where(plan_midday(plan, at), rng.uniform(3.45, 3.65, (meters, 1)).round(2), np.nan)
    batch = ReadingBatch(
        meter_id=np.repeat(meter_id, n).astype(np.int32),
        ts=zero + at.ravel() * US,
        register_l=_column(register_l, at.size),
        pressure_kpa=_column(pressure_kpa, at.size),
        flow_lph=np.full(at.size, np.nan),
        temperature_c=np.full(at.size, np.nan),
        battery_v=battery.ravel(),
        flags=np.zeros(at.size, np.int32),
        received_at=zero + received.ravel() * US,
    ).take(keep)
    twice = batch.take(rng.random(len(batch)) < habits.doubled)
    again = twice.received_at + rng.integers(5, 900, len(twice)) * US
    return concat([batch, replace(twice, received_at=again)])


def plan_midday(plan: Plan, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which readings are the day's first after noon: those carry the battery's voltage."""
    hour = plan.local_s[np.minimum(at // BIN_S, plan.bins - 1)] // 3600
    return np.asarray(hour == 12)


def _column(values: Floats | None, size: int) -> Floats:
    return np.full(size, np.nan) if values is None else values.ravel()
