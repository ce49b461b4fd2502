"""What readings tell of the meter itself, kept small: signs by the hour where there are any, and daily facts.

- `signs`: bits an hour (`kernels.signs`), with rows only for meters that ever showed one.
- `battery`: the lowest voltage of a day; 0 where the meter's own flag says that it is low.
- `skew`: the least delay of a day's receipts, seconds: transport only adds to it, the rest is the clock.
- `motion`: whether register and pressure moved on a day, bits (`kernels.stuck`).

Daily facts are joined by minimum or by "or", so that a reading may come twice or late; a day is looked at
once a reading of a later one has come.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import Flag, MeterKind, Quality
from detection import streams
from detection.extent import Sure
from detection.kernels import signs, stuck
from detection.roster import Roster
from detection.streams import Oddities
from detection.touched import Known, Touched
from detection.window import Ring

_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_FLAGS = {
    Flag.TAMPER: signs.TAMPER,
    Flag.MAGNETIC: signs.MAGNETIC,
    Flag.REMOVED: signs.REMOVED,
    Flag.BACKFLOW: signs.BACKFLOW_FLAG,
}
_STEPS = {
    streams.ROLLOVER: signs.ROLLOVER,
    streams.BACK: signs.STEP_BACK,
    streams.MISREAD: signs.MISREAD,
    streams.EXCHANGE: signs.EXCHANGE,
}
_STEP_BITS = signs.ROLLOVER | signs.STEP_BACK | signs.MISREAD | signs.EXCHANGE | signs.JUMP_BACK
#: A fall or a misread smaller than so many counts of the register, or litres, is no jump.
_JUMP_COUNTS, _JUMP_L = 10, 10.0
#: A register that stands still while this much and ten counts flowed, contradicts the flow.
_FLOWED_L = 10.0
_EMPTY = 0.0

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """One odd step of a register: when, which kind, litres before and after."""

    ts_s: int
    kind: str
    before_l: float
    after_l: float


class SignRing(Ring):
    """Bits by the hour, and the steps of registers that they stand for."""

    def __init__(self, days: int) -> None:
        super().__init__(3600, days * 24)
        self.steps: dict[int, dict[int, Step]] = {}

    def between(self, meter_id: int, lo_s: int, hi_s: int) -> list[Step]:
        """Return a meter's odd steps with lo <= ts < hi, in order."""
        mine = self.steps.get(meter_id, {})
        return [mine[at] for at in sorted(mine) if lo_s <= at < hi_s]

    def note(self, meter_id: int, from_s: int, until_s: int, steps: Iterable[Step]) -> None:
        """Replace a meter's steps from `from_s` to `until_s`, and forget what has left the window."""
        start_s, known = self.start * self.slot_s, self.steps.get(meter_id, {})
        kept = {at: step for at, step in known.items() if start_s <= at and not from_s <= at <= until_s}
        kept.update((step.ts_s, step) for step in steps)
        self.steps[meter_id] = kept


@dataclass(frozen=True)
class Asked:
    """A ring of a plane whose slots have changed."""

    plane: str
    ring: Ring
    rows: NDArray[np.intp]
    slots: Ints
    known_s: Ints
    seen: Ints


@dataclass(frozen=True)
class Days:
    """Daily facts as columns: meter, days since 1970, lowest voltage, least delay (s), bits of motion.

    NaN and no bits: nothing is said of it. A meter's day may stand in several rows, which say it together.
    """

    meter_id: Ints
    day: Ints
    battery_v: NDArray[np.float32]
    skew_s: NDArray[np.float32]
    motion: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.meter_id)


def _days(plane: str, ids: Ints, days: Ints, values: NDArray[np.float32]) -> Days:
    nothing = np.full(len(ids), np.nan, np.float32)
    return Days(
        ids,
        days,
        values if plane == "battery" else nothing,
        values if plane == "skew" else nothing,
        np.nan_to_num(values if plane == "motion" else nothing).astype(np.int16),
    )


class Health:
    """The rings of all planes that are about the meters themselves."""

    def __init__(self, roster: Roster, days: int) -> None:
        self.signs = SignRing(days)
        self.battery, self.skew, self.motion = (Ring(86_400, days) for _ in range(3))
        self._told: list[Days] = []
        self.know(roster)

    def know(self, roster: Roster) -> None:
        """Take over who the meters are."""
        self._roster = roster
        transfers = np.isin(roster.kind, (MeterKind.DMA_INLET, MeterKind.DMA_OUTLET, MeterKind.STORAGE))
        self._one_way = ~transfers

    @property
    def nbytes(self) -> int:
        """Memory of the rings, bytes."""
        return sum(r.nbytes for r in (self.signs, self.battery, self.skew, self.motion))

    def load(self, told: Days) -> None:
        """Fill the days with what was said of them before."""
        for ring, values in (
            (self.battery, told.battery_v),
            (self.skew, told.skew_s),
            (self.motion, told.motion),
        ):
            said = values > 0 if ring is self.motion else ~np.isnan(values)
            if said.any():
                rows = ring.rows(told.meter_id[said], add=True)
                quality = np.full(int(said.sum()), Quality.MEASURED, np.int8)
                ring.put(rows, told.day[said], values[said].astype(np.float32), quality)

    def tell(self) -> Days:
        """Return the facts of days that are over, or have changed since, as of the last time."""
        none = np.empty(0, np.int64)
        parts = [_days("", none, none, np.empty(0, np.float32)), *self._told]
        self._told = []
        return Days(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Days)))

    def days(self, readings: ReadingBatch, new: Bools) -> Iterator[tuple[str, Ring, Touched]]:
        """Take in the daily facts of `new` readings (in order, with those before); yield what changed."""
        if not new.any():
            return
        ids = readings.meter_id.astype(np.int64)
        low = (readings.flags & Flag.LOW_BATTERY) != 0
        told = new & (low | ~np.isnan(readings.battery_v))
        if told.any():
            volts = np.where(low, _EMPTY, np.nan_to_num(readings.battery_v))[told]
            yield from self._join("battery", self.battery, ids[told], readings.ts[told], volts, np.minimum)
        delay_s = (readings.received_at - readings.ts)[new] / 1e6
        yield from self._join("skew", self.skew, ids[new], readings.received_at[new], delay_s, np.minimum)
        moved = self._moved(readings, ids)
        told = new & (moved > 0)
        if told.any():
            yield from self._join(
                "motion", self.motion, ids[told], readings.ts[told], moved[told], np.maximum
            )

    def _moved(self, readings: ReadingBatch, ids: Ints) -> NDArray[np.int64]:
        """Return for each reading what it says, with the one before it, of register and pressure."""
        bits = np.zeros(len(ids), np.int64)
        if len(ids) < 2:
            return bits
        same = ids[1:] == ids[:-1]
        rise, change = np.diff(readings.register_l), np.diff(readings.pressure_kpa)
        flowed = readings.flow_lph[1:] * np.diff(readings.ts) / _HOUR_US
        counts = np.nan_to_num(self._roster.resolution_l[self._roster.find(ids[1:])])
        much = flowed >= np.maximum(_FLOWED_L, _JUMP_COUNTS * counts)
        said = np.where(rise == 0, np.where(much, stuck.FLOWED | stuck.STILL, stuck.STILL), 0)
        said |= np.where(np.abs(rise) > 0, stuck.MOVED, 0)
        said |= np.where(change == 0, stuck.SAME, 0) | np.where(np.abs(change) > 0, stuck.VARIED, 0)
        bits[1:] = np.where(same, said, 0)
        return bits

    def _join(
        self,
        plane: str,
        ring: Ring,
        ids: Ints,
        at_us: Ints,
        values: NDArray[np.float64] | Ints,
        how: np.ufunc,
    ) -> Iterator[tuple[str, Ring, Touched]]:
        day = (at_us - 1) // _DAY_US
        keys, group = np.unique((ring.rows(ids, add=True).astype(np.int64) << 20) | day, return_inverse=True)
        rows, days = (keys >> 20).astype(np.intp), keys & 0xFFFFF
        if plane == "motion":
            joined = np.zeros(len(keys), np.int64)
            np.bitwise_or.at(joined, group, values.astype(np.int64))
        else:
            joined = np.full(len(keys), np.inf)
            np.minimum.at(joined, group, values)
        ring.advance(int(days.max()) + 1)
        old, quality = ring.at(rows, days)
        if plane == "motion":
            merged = joined | np.nan_to_num(old).astype(np.int64)
        else:
            merged = np.where(quality >= 0, np.fmin(old, joined), joined)
        seen = ring.newest.copy()
        news = ring.put(rows, days, merged.astype(np.float32), np.full(len(rows), Quality.MEASURED, np.int8))
        which, at = np.unique(rows[news], return_inverse=True)
        lo = np.full(len(which), np.iinfo(np.int64).max, np.int64)
        np.minimum.at(lo, at, days[news])
        lo = np.where(seen[which] > 0, np.minimum(lo, seen[which] - 1), lo)
        hi = ring.newest[which] - 1
        use = lo < hi
        self._tell(plane, ring, which[use], lo[use], hi[use])
        none = np.empty(0, np.int64)
        if use.any():
            yield (
                plane,
                ring,
                Touched(
                    rows=which[use],
                    lo=lo[use],
                    hi=hi[use],
                    seen_s=np.maximum(seen[which[use]] - 1, 0) * 86_400,
                    known=Known(none, none),
                ),
            )

    def _tell(self, plane: str, ring: Ring, rows: NDArray[np.intp], lo: Ints, hi: Ints) -> None:
        each = hi - lo
        rows, since = np.repeat(rows, each), np.repeat(lo - np.cumsum(each) + each, each)
        days = since + np.arange(len(rows))
        values, quality = ring.at(rows, days)
        known = quality >= 0
        self._told.append(_days(plane, ring.meter_id[rows[known]], days[known], values[known]))

    def hours(
        self, readings: ReadingBatch, new: Bools, sure: Sure, odd: Oddities, open_meters: Ints
    ) -> Asked | None:
        """Take in the signs of new readings and the odd steps among them (`row`: meter); return what changed.

        `sure` is that of each reading's meter. Coverage is kept of meters that ever showed a sign, and of
        those with an alarm open.
        """
        ids = readings.meter_id.astype(np.int64)
        bits = self._flagged(readings, new)
        concerned = np.concatenate([ids[bits > 0], odd.row, self.signs.meter_id, open_meters])
        if len(concerned) == 0:
            return None
        use = np.isin(ids, concerned) & sure.holds(
            slice(None), readings.ts // 10**6, readings.ts // 10**6, open_start=True
        )
        if not use.any():
            return None
        ids, ts_us, bits, until_us = ids[use], readings.ts[use], bits[use], sure.until_ms[use] * 1000
        meters, first = np.unique(ids, return_index=True)
        from_us, until_us = ts_us[first], until_us[first]
        at = np.minimum(np.searchsorted(meters, odd.row), len(meters) - 1)
        fits = (meters[at] == odd.row) & ((odd.ts_s + 1) * 1_000_000 > from_us[at])
        step_bits = self._stepped(odd)
        rows = self.signs.rows(np.concatenate([ids, odd.row[fits]]), add=True)
        hour = (np.concatenate([ts_us, odd.ts_s[fits] * 10**6]) - 1) // _HOUR_US
        known_s = np.concatenate([-(-ts_us // 10**6), odd.known_s[fits]])
        keys, group = np.unique((rows.astype(np.int64) << 32) | hour, return_inverse=True)
        joined, known = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
        np.bitwise_or.at(joined, group, np.concatenate([bits, step_bits[fits]]))
        np.maximum.at(known, group, known_s)
        rows, slots = (keys >> 32).astype(np.intp), keys & 0xFFFFFFFF
        self.signs.advance(int(slots.max()) + 1)
        old = np.nan_to_num(self.signs.at(rows, slots)[0]).astype(np.int64)
        of = np.searchsorted(meters, self.signs.meter_id[rows])
        whole = (slots * _HOUR_US >= from_us[of]) & ((slots + 1) * _HOUR_US <= until_us[of])
        anew = whole & (old & _STEP_BITS > 0)
        value = (np.where(anew, old & ~_STEP_BITS, old) | joined).astype(np.float32)
        spans = zip((from_us // 1_000_000).tolist(), (until_us // 1_000_000).tolist(), strict=True)
        self._note(odd, fits, dict(zip(meters.tolist(), spans, strict=True)))
        seen = self.signs.newest.copy()
        news = self.signs.put(rows, slots, value, np.full(len(rows), Quality.MEASURED, np.int8))
        return Asked("signs", self.signs, rows[news], slots[news], known[news], seen)

    def _flagged(self, readings: ReadingBatch, new: Bools) -> NDArray[np.int64]:
        bits = np.zeros(len(readings), np.int64)
        backwards = new & (readings.flow_lph < 0)
        at = np.flatnonzero((new & (readings.flags != 0)) | backwards)
        if len(at):
            for flag, bit in _FLAGS.items():
                bits[at] |= np.where(readings.flags[at] & flag, bit, 0)
            one_way = self._one_way[self._roster.find(readings.meter_id[at].astype(np.int64))]
            bits[at] |= np.where(backwards[at] & one_way, signs.NEGATIVE, 0)
        return bits

    def _stepped(self, odd: Oddities) -> NDArray[np.int64]:
        bits = np.zeros(len(odd.row), np.int64)
        for step, bit in _STEPS.items():
            bits |= np.where(odd.bit == step, bit, 0)
        counts = np.nan_to_num(self._roster.resolution_l[self._roster.find(odd.row)])
        small = np.abs(odd.after_l - odd.before_l) < np.maximum(_JUMP_L, _JUMP_COUNTS * counts)
        bits |= np.where((odd.bit == streams.BACK) & ~small, signs.JUMP_BACK, 0)
        return np.where((odd.bit == streams.MISREAD) & small, 0, bits)

    def _note(self, odd: Oddities, fits: Bools, spans: dict[int, tuple[int, int]]) -> None:
        found: dict[int, list[Step]] = {meter: [] for meter in self.signs.steps.keys() & spans.keys()}
        for i in np.flatnonzero(fits):
            step = Step(
                int(odd.ts_s[i]),
                streams.KINDS[int(odd.bit[i])],
                float(odd.before_l[i]),
                float(odd.after_l[i]),
            )
            found.setdefault(int(odd.row[i]), []).append(step)
        for meter, steps in found.items():
            self.signs.note(meter, *spans[meter], steps)
