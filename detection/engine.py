"""Readings in, events out: window, VEE, kernels and life cycle, without any I/O.

The same code runs live and in a backtest. It is handed what had arrived and the present instant; it never
looks ahead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import MeterKind, Quality
from detection import alarms, vee
from detection.catalogue import DETECTORS
from detection.detector import Detector
from detection.detectors import silent
from detection.diary import Diary
from detection.episode import Book
from detection.evaluate import Evaluator
from detection.extent import Extent, Sure
from detection.health import Days, Health
from detection.lifecycle import Change, Event, Subject
from detection.masks import Judged, Span
from detection.outages import Outage
from detection.policy import Policies, Policy
from detection.portion import WIDER, Portion
from detection.roster import Roster
from detection.silence import Silence
from detection.streams import NOTHING, Oddities
from detection.timetable import Timetable
from detection.touched import Known, Touched
from detection.usage import Usage, estimate, hourly, join
from detection.window import Ring, Series, slot_seconds
from detection.zones import DAYS, Changed, Zones

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
_TOGETHER_H = 2
#: A step of a register is judged by the readings after it: so many hours later it isn't late yet.
_JUDGED_LATER_H = 6
#: A home's meter of unknown size is DN 20 at most (ISO 4064-1: Q3 4 m3/h).
_HOME_Q3_LPH = 4000.0


@dataclass(frozen=True)
class Result:
    """What a cycle came to: changes of events, and the hourly usage and facts of days that are news."""

    changes: list[Change]
    usage: Usage
    days: Days


class Engine:
    """One utility's window, book of alarms and diary of events."""

    def __init__(
        self,
        roster: Roster,
        policies: Sequence[Policy] = (),
        *,
        window_days: int = 36,
        rearm_h: float = 72.0,
        detectors: Mapping[str, Detector] = DETECTORS,
    ) -> None:
        self._window_days = window_days
        self._detectors = detectors
        self._volumes: dict[int, Ring] = {}
        self._pressures: dict[int, Ring] = {}
        self._touched: set[tuple[str, int]] = set()
        self._late: set[int] = set()
        self._usage: list[Usage] = []
        self.book = Book()
        self.zones = Zones(roster)
        self.health = Health(roster, window_days)
        self.silence = Silence(roster)
        self._judged: dict[int, Sequence[Span]] = {}
        self.diary = Diary(detectors, rearm_h=rearm_h)
        self._given: tuple[Roster, list[Policy]] | None = None
        self.know(roster, policies)

    def know(self, roster: Roster, policies: Sequence[Policy] = ()) -> bool:
        """Take over who the meters are and which policies hold, from now on.

        Returns False, and takes over nothing, if the reporting interval of a meter has changed: its window
        is no longer of use.
        """
        if self._given and self._given[1] == list(policies) and self._given[0].same(roster):
            return True
        intervals, at = np.unique(roster.interval_s, return_inverse=True)
        slot_s = np.array([slot_seconds(int(s)) for s in intervals], np.int64)[at]
        for rings in (self._volumes, self._pressures):
            for size, ring in rings.items():
                site = roster.find(ring.meter_id)
                if (slot_s[site[site >= 0]] != size).any():
                    return False
        self._given = roster, list(policies)
        self.roster = roster
        self.timetable = Timetable(roster.timezone, roster.country)
        self._slot_s = slot_s
        home = (roster.kind == MeterKind.CUSTOMER) & (roster.site_class == "residential")
        self._q3_lph = np.where(
            np.isnan(roster.q3_lph) & home, _HOME_Q3_LPH, roster.q3_lph.astype(np.float64)
        )
        self.zones.know(roster)
        self.health.know(roster)
        resolved = Policies(policies, self._detectors, roster)
        self.silence.know(roster, resolved)
        self._evaluator = Evaluator(
            self._detectors,
            roster,
            self.timetable,
            resolved,
            self.book,
            self.zones,
            self._judged,
        )
        self._end_moved()
        return True

    def judge(self, periods: Judged) -> None:
        """Take over the periods of events that people have judged: they tell nothing of what is usual."""
        meters = [m for m in {*periods, *self._judged} if periods.get(m) != self._judged.get(m)]
        self._judged.clear()
        self._judged.update(periods)
        if not meters:
            return
        ids, memory = np.array(meters, np.int64), self._evaluator.memory
        rings = [("native", self._volumes), ("hourly", self._volumes), ("pressure", self._pressures)]
        places = [(plane, ring) for plane, by_size in rings for ring in by_size.values()]
        for plane, ring in [*places, ("zone", self.zones.inflow)]:
            row = ring.rows(ids)
            memory.forget_all((plane, ring.slot_s), row[row >= 0])

    def _end_moved(self) -> None:
        """End the open alarms of meters that are now at another customer, or in another district."""
        for name in self._detectors:
            listed = self.book.of(name)
            sites = self.roster.find(np.fromiter(listed, np.int64, len(listed)))
            for meter, site in zip(list(listed), sites.tolist(), strict=True):
                account_no, dma = str(self.roster.account_no[site]), str(self.roster.dma[site])
                going = [e for e in listed[meter] if e.closed_s is None]
                if any((e.account_no or account_no, e.dma or dma) != (account_no, dma) for e in going):
                    alarms.switch_off(name, meter, max(e.last_s for e in going) - 1, self.book)
                    self._touched.add((name, meter))

    def remember(self, events: Sequence[Event], epochs: Mapping[Subject, int]) -> None:
        """Take over the events that may still change, and the highest epoch of every subject and group."""
        self.diary.remember(events, epochs)
        self.book.clear()
        self._evaluator.memory.clear()
        for event in events:
            if event.retracted_s is None:
                for episode in event.episodes:
                    self.book.add(episode)
        self._end_moved()

    def slot_s(self, meter_ids: Ints) -> Ints:
        """Return the longer of slot and reporting interval of known meters, seconds."""
        site = self.roster.find(meter_ids)
        return np.maximum(self._slot_s[site], self.roster.interval_s[site])

    def known(self, meter_ids: Ints) -> tuple[Ints, Ints]:
        """Return from when the window may know something of each meter (else far ahead), and until when."""
        oldest = np.full(len(meter_ids), 2**61, np.int64)
        newest = np.zeros(len(meter_ids), np.int64)
        for ring in [*self._volumes.values(), *self._pressures.values()]:
            row = ring.rows(meter_ids)
            has = row >= 0
            oldest[has] = ring.start * ring.slot_s
            newest[has] = np.maximum(newest[has], ring.newest[row[has]] * ring.slot_s)
        return oldest, newest

    def hours(self, meter_ids: Ints, lo: int, hi: int) -> tuple[Floats, Bools]:
        """Return volumes and coverage of the hours [lo, hi), (meters, hours); NaN where nothing is known."""
        values = np.full((len(meter_ids), hi - lo), np.nan, np.float32)
        covered = np.zeros(values.shape, bool)
        for ring in self._volumes.values():
            row = ring.rows(meter_ids)
            has = row >= 0
            if 3600 % ring.slot_s == 0 and has.any():
                values[has], covered[has] = Series(ring, 3600 // ring.slot_s).read(row[has], lo, hi)
        return values, covered

    @property
    def horizon_s(self) -> int:
        """Start of the window, seconds; 0 while it is empty."""
        return max(self.newest_s - self._window_days * 86_400, 0)

    @property
    def network_horizon_s(self) -> int:
        """Start of the window of whole DMAs, seconds; 0 while it is empty."""
        return max((self.zones.inflow.end or 0) * 3600 - DAYS * 86_400, 0)

    @property
    def nbytes(self) -> int:
        """Memory of the window, bytes."""
        rings = [*self._volumes.values(), *self._pressures.values()]
        return sum(ring.nbytes for ring in rings) + self.zones.nbytes + self.health.nbytes

    @property
    def newest_s(self) -> int:
        """End of the newest slot known, seconds; 0 without any."""
        rings = [*self._volumes.values(), *self._pressures.values()]
        return max(((r.end or 0) * r.slot_s for r in rings), default=0)

    def load(self, portion: Portion) -> None:
        """Fill the window with what has been evaluated before."""
        self._feed(portion, evaluate=False)
        self.health.tell()

    def load_usage(self, parts: Iterable[Usage]) -> None:
        """Fill the window of the meters by the hour with what has been evaluated before."""
        ring = self._ring(self._volumes, 3600)
        for usage in parts:
            site = self.roster.find(usage.meter_id)
            mine = (site >= 0) & (self._slot_s[site] == 3600)
            rows = ring.rows(usage.meter_id[mine], add=True)
            slots, volume_l = usage.slot_s[mine] // 3600, usage.volume_l[mine].astype(np.float32)
            ring.put(rows, slots, volume_l, usage.quality[mine].astype(np.int8))
        self.zones.take_all(ring)
        self.zones.settle()

    def by_hour(self, meter_ids: Ints) -> NDArray[np.bool_]:
        """Return which of some known meters have hourly slots, so that hourly usage holds their volumes."""
        site = self.roster.find(meter_ids)
        return np.asarray((self._slot_s[site] == 3600) & (self.roster.kind[site] != MeterKind.PRESSURE))

    def feed(self, portion: Portion) -> None:
        """Take in new readings and evaluate the slots they touch; portions come in order of time."""
        self._feed(portion, evaluate=True)

    def settle(self, now_s: int, outages: Sequence[Outage] = ()) -> Result:
        """Compare alarms with events and return what changed since the last time."""
        if silent.DETECTOR.name in self._detectors:
            self._touched |= self.silence.settle(now_s, self.book)
        changes = self.diary.settle(self._touched, self._late, self.book, self.roster, outages, now_s)
        usage = join(self._usage)
        self._touched, self._late, self._usage = set(), set(), []
        self.diary.forget(self.horizon_s, self.book, network_before_s=self.network_horizon_s)
        return Result(changes, usage, self.health.tell())

    def _feed(self, portion: Portion, *, evaluate: bool) -> None:
        self._feed_meters(portion, evaluate=evaluate)
        before = self.zones.inflow.newest.copy()
        changed = self.zones.settle()
        if evaluate and changed is not None:
            self._evaluate(Series(self.zones.inflow), "zone", self._note_zones(changed, before))

    def _feed_meters(self, portion: Portion, *, evaluate: bool) -> None:
        readings, new = portion.readings, portion.new
        site = self.roster.find(readings.meter_id.astype(np.int64))
        slot_s = np.where(site >= 0, self._slot_s[site] if len(self.roster) else 0, 0)
        extent = portion.extent()
        short: set[int] = set()
        for size in np.unique(slot_s[slot_s > 0]):
            mine = np.flatnonzero(slot_s == size)
            part, around = readings.take(mine), extent.take(mine)
            odd, sure = self._feed_volumes(int(size), part, around, evaluate=evaluate)
            self._feed_health(part, new[mine], sure, odd, evaluate=evaluate)
            short |= {*np.unique(part.meter_id[sure.short]).tolist()}
            if not np.isnan(part.pressure_kpa).all():
                short |= self._feed_pressures(int(size), part, around, evaluate=evaluate)
        if short:
            wider = portion.wider(np.array(sorted(short), np.int64), WIDER * portion.times)
            self._feed_meters(wider, evaluate=evaluate)

    def _ring(self, rings: dict[int, Ring], slot_s: int) -> Ring:
        if slot_s not in rings:
            rings[slot_s] = Ring(slot_s, self._window_days * 86_400 // slot_s)
        return rings[slot_s]

    def _feed_volumes(
        self, slot_s: int, part: ReadingBatch, extent: Extent, *, evaluate: bool
    ) -> tuple[Oddities, Sure]:
        """Return the odd steps of registers, and of each reading what is sure of its meter."""
        told = np.flatnonzero(~(np.isnan(part.register_l) & np.isnan(part.flow_lph)))
        ids = part.meter_id.astype(np.int64)
        if len(told) == 0:
            return NOTHING, Sure.all_of(len(ids))
        ring = self._ring(self._volumes, slot_s)
        meters, first, row = np.unique(ids[told], return_index=True, return_inverse=True)
        site = self.roster.find(meters)
        made = vee.volumes(
            row,
            part.ts[told],
            part.register_l[told],
            part.flow_lph[told],
            slot_s,
            self.roster.interval_s[site],
            self.roster.register_modulus_l[site],
            self._q3_lph[site],
            self.roster.kind[site] == MeterKind.STORAGE,
            np.isin(self.roster.kind[site], (MeterKind.DMA_INLET, MeterKind.DMA_OUTLET)),
            extent.take(told[first]),
        )
        odd, sure = replace(made.odd, row=meters[made.odd.row]), made.sure.of_each(meters, ids)
        rows = ring.rows(meters, add=True)[made.row]
        slots, volume, quality, known_s = made.slot, made.volume_l, made.quality, made.known_s
        if len(rows) == 0:
            return odd, sure
        ring.advance(int(slots.max()) + 1)
        volume = estimate(ring, rows, slots, volume)
        seen = ring.newest.copy()
        news = ring.put(rows, slots, volume, quality)
        self.zones.take_volumes(ring, rows[news], slots[news], known_s[news])
        if not evaluate:
            return odd, sure
        self._usage.append(hourly(ring, rows, slots, volume, quality, news))
        touched = self._note(ring, rows[news], slots[news], known_s[news], seen)
        self._evaluate(Series(ring), "native", touched)
        if 3600 % slot_s == 0:
            factor = 3600 // slot_s
            by_hour = Touched(
                touched.rows, touched.lo // factor, touched.hi // factor, touched.seen_s, touched.known
            )
            self._evaluate(Series(ring, factor), "hourly", by_hour)
        return odd, sure

    def _feed_health(
        self, part: ReadingBatch, new: NDArray[np.bool_], sure: Sure, odd: Oddities, *, evaluate: bool
    ) -> None:
        site = self.roster.find(part.meter_id[new].astype(np.int64))
        self.silence.hear(site, part.received_at[new] // 1_000_000, evaluate=evaluate)
        for plane, ring, touched in self.health.days(part, new):
            if evaluate:
                self._evaluate(Series(ring), plane, touched)
        asked = self.health.hours(part, new, sure, odd, self._going("signs"))
        if asked is not None and evaluate:
            touched = self._note(
                asked.ring, asked.rows, asked.slots, asked.known_s, asked.seen, slack=_JUDGED_LATER_H
            )
            self._evaluate(Series(asked.ring), "signs", touched)

    def _going(self, plane: str) -> Ints:
        """Return the meters with an open alarm of a plane's detectors."""
        listed = [self.book.of(d.name) for d in self._detectors.values() if d.plane == plane]
        going = {m for meters in listed for m, episodes in meters.items() if episodes[-1].closed_s is None}
        return np.array(sorted(going), np.int64)

    def _feed_pressures(self, slot_s: int, part: ReadingBatch, extent: Extent, *, evaluate: bool) -> set[int]:
        """Return the meters of which more readings are needed."""
        ring = self._ring(self._pressures, slot_s)
        told = np.flatnonzero(~np.isnan(part.pressure_kpa))
        ids = part.meter_id[told].astype(np.int64)
        meters, first, row = np.unique(ids, return_index=True, return_inverse=True)
        spacing = self.roster.interval_s[self.roster.find(meters)]
        kpa_of = row, part.ts[told], part.pressure_kpa[told]
        index, slots, kpa, known_s, sure = vee.pressures(*kpa_of, slot_s, spacing, extent.take(told[first]))
        rows = ring.rows(meters, add=True)[index]
        seen = ring.newest.copy()
        quality = np.full(len(rows), Quality.MEASURED, np.int8)
        news = ring.put(rows, slots, kpa, quality)
        self.zones.take_pressures(ring, rows[news], slots[news], known_s[news], seen)
        if evaluate:
            touched = self._note(ring, rows[news], slots[news], known_s[news], seen)
            self._evaluate(Series(ring), "pressure", touched)
        return set(meters[sure.short].tolist())

    def _note(
        self, ring: Ring, rows: NDArray[np.intp], slots: Ints, known_s: Ints, seen: Ints, *, slack: int = 0
    ) -> Touched:
        which, position = np.unique(rows, return_inverse=True)
        lo = np.full(len(which), np.iinfo(np.int64).max, np.int64)
        np.minimum.at(lo, position, slots)
        self._late.update(ring.meter_id[which[lo < seen[which] - slack]].tolist())
        return Touched(
            rows=which,
            lo=lo,
            hi=ring.newest[which],
            seen_s=np.maximum(seen[which], 0) * ring.slot_s,
            known=Known.of(rows, slots, known_s),
        )

    def _note_zones(self, changed: Changed, before: Ints) -> Touched:
        """Note hours of DMAs; `before` is the newest of the rows that there were.

        An hour that the members of a DMA complete one after the other is not late.
        """
        ring = self.zones.inflow
        fresh = np.full(len(ring.newest) - len(before), -(2**62), np.int64)
        seen = np.concatenate([before, fresh])
        return self._note(ring, changed.rows, changed.hours, changed.known_s, seen, slack=_TOGETHER_H)

    def _evaluate(self, series: Series, plane: str, touched: Touched) -> None:
        if len(touched.rows):
            self._touched |= self._evaluator.run(series, plane, touched)
