"""Ask the detectors about the slots that changed, day by day in order, and keep the book of their alarms.

What changed is evaluated from the first changed slot of each meter to its newest. Alarms raised or cleared
from there on are decided anew: so late and corrected readings amend or remove what no longer holds.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.detector import Chunk, Detector, Marks, Spans
from detection.episode import Book, Episode
from detection.policy import Policies
from detection.roster import Roster
from detection.timetable import Timetable
from detection.window import Series
from detection.zones import Zones

#: What passes within half a day belongs to what a site does, and stays in what it learns.
_SHORT_S = 43_200

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Touched:
    """What changed in a series: ring rows, their first changed slot and one past their newest slot.

    `seen_s` is how far each meter had been evaluated before (seconds), `known` when a (row, slot) that was
    just filled became known.
    """

    rows: NDArray[np.intp]
    lo: Ints
    hi: Ints
    seen_s: Ints
    known: "Known"


@dataclass(frozen=True)
class Known:
    """When slots became known: sorted keys `row << 32 | slot`, seconds."""

    keys: Ints
    at_s: Ints

    @classmethod
    def of(cls, rows: NDArray[np.intp], slots: Ints, at_s: Ints) -> "Known":
        """Index the instants by row and slot."""
        keys = (rows.astype(np.int64) << 32) | slots
        order = np.argsort(keys)
        return cls(keys[order], at_s[order])

    def __call__(self, row: int, slot: int) -> int:
        """Return when the slot became known; 0 if it was before."""
        key = (int(row) << 32) | int(slot)
        at = int(np.searchsorted(self.keys, key))
        return int(self.at_s[at]) if at < len(self.keys) and self.keys[at] == key else 0


@dataclass(frozen=True)
class Evaluator:
    """The detectors with what they look up: who the meters are, local time, policies, the book of alarms."""

    detectors: Mapping[str, Detector]
    roster: Roster
    timetable: Timetable
    policies: Policies
    book: Book
    zones: Zones | None = None

    def run(self, series: Series, plane: str, touched: Touched) -> set[tuple[str, int]]:
        """Evaluate what changed; return the (detector, meter) whose alarms may have changed."""
        changed: set[tuple[str, int]] = set()
        lo = np.maximum(touched.lo, series.start)
        use = lo < touched.hi
        if not use.any():
            return changed
        part = replace(
            touched, rows=touched.rows[use], lo=lo[use], hi=touched.hi[use], seen_s=touched.seen_s[use]
        )
        detectors = [d for d in self.detectors.values() if d.plane == plane]
        before = {d.name: self._reopen(d, series, part) for d in detectors}
        for name, dropped in before.items():
            changed.update((name, meter) for meter in dropped)
        for start, end, day in self._days(series, int(part.lo.min()), int(part.hi.max())):
            inside = (part.lo < end) & (part.hi > start)
            for detector in detectors:
                found = self._chunk(detector, series, part, inside, (start, end, day), before[detector.name])
                changed.update((detector.name, meter) for meter in found)
        return changed

    def _days(self, series: Series, lo: int, hi: int) -> Iterator[tuple[int, int, int]]:
        """Yield (first slot, end slot, first slot of the local day) between which policies are constant."""
        size = series.slot_s
        while lo < hi:
            at = lo * size
            stop = min([self.timetable.next_day(at), *(e for e in self.policies.edges if e > at)])
            end = min(max(lo + 1, stop // size), hi)
            yield lo, end, self.timetable.day_start(at) // size
            lo = end

    def _reopen(self, detector: Detector, series: Series, touched: Touched) -> dict[int, list[Episode]]:
        """Take back what was decided from the first changed slot on; return what was dropped, by meter."""
        listed = self.book.of(detector.name)
        if not listed:
            return {}
        dropped: dict[int, list[Episode]] = {}
        ids = series.ring.meter_id[touched.rows]
        for i in np.flatnonzero(np.isin(ids, np.fromiter(listed, np.int64, len(listed)))):
            meter, from_s = int(ids[i]), int(touched.lo[i]) * series.slot_s
            kept = [
                replace(e, closed_s=None, cleared_s=None) if (e.closed_s or -1) >= from_s else e
                for e in listed[meter]
                if e.raised_s < from_s
            ]
            if kept != listed[meter]:
                dropped[meter] = listed[meter]
                self.book.put(detector.name, meter, kept)
        return dropped

    def _chunk(
        self,
        detector: Detector,
        series: Series,
        touched: Touched,
        inside: Bools,
        span: tuple[int, int, int],
        before: Mapping[int, list[Episode]],
    ) -> Iterable[int]:
        lo, hi, day_lo = span
        ids = series.ring.meter_id[touched.rows]
        site = self.roster.find(ids)
        settings = self.policies.at(detector.name, lo * series.slot_s)
        listed = self.book.of(detector.name)
        open_meters = [m for m, es in listed.items() if any(e.closed_s is None for e in es)]
        is_open = np.isin(ids, np.array(open_meters, np.int64))
        enabled = inside & (site >= 0) & settings.enabled[site]
        ended = [int(m) for m in ids[inside & ~enabled & is_open]]
        for meter in ended:
            self._switch_off(detector.name, meter, lo * series.slot_s)
        at = np.flatnonzero(enabled)
        if len(at) == 0:
            return ended
        slots = np.arange(lo, hi)
        asked = (slots >= touched.lo[at][:, None]) & (slots < touched.hi[at][:, None])
        chunk = Chunk(
            series=series,
            rows=touched.rows[at],
            site=site[at],
            roster=self.roster,
            params={name: values[site[at]] for name, values in settings.params.items()},
            timetable=self.timetable,
            lo=lo,
            hi=hi,
            day_lo=day_lo,
            masked=self._mask(detector, series, ids[at], day_lo),
            asked=asked,
            zones=self.zones,
        )
        seen_s = touched.seen_s[at]
        if detector.trace is not None:
            traced = detector.trace(chunk, [listed.get(int(m), []) for m in ids[at]])
            return [*ended, *self._traced(detector, chunk, traced, seen_s, touched.known, before)]
        marks = detector.mark(chunk)
        marks = replace(marks, raises=marks.raises & asked, clears=marks.clears & asked)
        alarms = _Alarms(detector, chunk, marks, is_open[at], asked, self.book)
        return [*ended, *alarms.write(seen_s, touched.known, before)]

    def _traced(
        self,
        detector: Detector,
        chunk: Chunk,
        traced: list[list[Episode]],
        seen_s: Ints,
        known: Known,
        before: Mapping[int, list[Episode]],
    ) -> list[int]:
        """Put what a detector that keeps several alarms open has decided into the book; return the meters."""
        changed = []
        for i, news in enumerate(traced):
            if not news:
                continue
            meter = int(chunk.series.ring.meter_id[chunk.rows[i]])
            kept = {e.raised_s: e for e in self.book.of(detector.name).get(meter, ())}
            for episode in news:
                made = episode
                if made.raised_s not in kept:
                    slot = (made.raised_s // chunk.series.slot_s + 1) * chunk.series.factor - 1
                    known_s = max(made.detected_s, known(int(chunk.rows[i]), slot))
                    made = replace(made, detected_s=_detected(made, known_s, int(seen_s[i]), before))
                kept[made.raised_s] = made
            self.book.put(detector.name, meter, [kept[at] for at in sorted(kept)])
            changed.append(meter)
        return changed

    def _switch_off(self, detector: str, meter: int, at_s: int) -> None:
        listed = self.book.of(detector)[meter]
        closed = [
            e if e.closed_s is not None else replace(e, closed_s=at_s, cleared_s=max(at_s, e.last_s))
            for e in listed
        ]
        self.book.put(detector, meter, closed)

    def _mask(self, detector: Detector, series: Series, ids: Ints, day_lo: int) -> Any:
        book, size = self.book, series.slot_s
        listed = {m for name in detector.leaves_out for m in book.of(name)}

        def masked(index: NDArray[np.intp], lo: int, hi: int) -> Bools:
            inside = np.zeros((len(index), hi - lo), bool)
            for i in np.flatnonzero(np.isin(ids[index], np.fromiter(listed, np.int64, len(listed)))):
                for e in book.at(int(ids[index[i]]), detector.leaves_out):
                    lasted_s = (e.cleared_s or e.last_s) - e.onset_s
                    if e.detected_s <= day_lo * size and lasted_s >= _SHORT_S:
                        end = hi if e.cleared_s is None else -(-e.cleared_s // size)
                        inside[i, max(e.onset_s // size - lo, 0) : max(end - lo, 0)] = True
            return inside

        return masked


class _Alarms:
    """Turns the marks of one chunk into episodes."""

    def __init__(
        self, detector: Detector, chunk: Chunk, marks: Marks, is_open: Bools, asked: Bools, book: Book
    ) -> None:
        self.detector, self.chunk, self.marks, self.book = detector, chunk, marks, book
        self.at = np.flatnonzero(marks.raises.any(axis=1) | is_open)
        self.is_open = is_open[self.at]
        self.asked = asked[self.at]

    def write(self, seen_s: Ints, known: Known, before: Mapping[int, list[Episode]]) -> list[int]:
        """Put the chunk's episodes into the book; return the meters they belong to."""
        if len(self.at) == 0:
            return []
        chunk, size = self.chunk, self.chunk.series.slot_s
        spans, closed, going = self._spans()
        measured = self.detector.measure(chunk, spans)
        meters = chunk.series.ring.meter_id[chunk.rows[spans.index]]
        for i, meter in enumerate(int(m) for m in meters):
            row, raised = int(chunk.rows[spans.index[i]]), int(spans.raised[i])
            back = int(self.marks.back[spans.index[i]])
            listed = list(self.book.of(self.detector.name).get(meter, ()))
            old = listed.pop() if going[i] else None
            made = Episode(
                detector=self.detector.name,
                meter_id=meter,
                raised_s=old.raised_s if old else raised * size,
                onset_s=old.onset_s if old else int(measured.onset[i]) * size,
                detected_s=old.detected_s if old else (raised + 1) * size,
                last_s=int(spans.end[i]) * size,
                magnitude=_finite(measured.magnitude[i]) or 0.0,
                loss_l=_finite(measured.loss_l[i]) or 0.0,
                evidence={k: _finite(v) for k, v in measured.evidence[i].items()},
                closed_s=int(closed[i]) * size if closed[i] >= 0 else None,
                cleared_s=(int(closed[i]) - back + 1) * size if closed[i] >= 0 else None,
            )
            if old is None:
                known_s = max(made.detected_s, known(row, (raised + 1) * chunk.series.factor - 1))
                made = replace(made, detected_s=_detected(made, known_s, int(seen_s[spans.index[i]]), before))
            self.book.put(self.detector.name, meter, [*listed, made])
        return sorted({int(m) for m in meters})

    def _spans(self) -> tuple[Spans, Ints, Bools]:
        """Return the spans in alarm, the slot that closed each (-1: none), and which went on from before."""
        chunk = self.chunk
        raises, clears = self.marks.raises[self.at], self.marks.clears[self.at] & ~self.marks.raises[self.at]
        said = raises | clears
        last = np.maximum.accumulate(np.where(said, np.arange(said.shape[1]), -1), axis=1)
        on = np.where(
            last >= 0, np.take_along_axis(raises, np.maximum(last, 0), axis=1), self.is_open[:, None]
        )
        was = np.concatenate([self.is_open[:, None], on[:, :-1]], axis=1)
        covered = chunk.series.read(chunk.rows[self.at], chunk.lo, chunk.hi)[1] & self.asked
        newest = np.where(covered, np.arange(said.shape[1]), -1).max(axis=1)
        index, onset, raised, end, closed, going = [], [], [], [], [], []
        for k, i in enumerate(self.at):
            begins = [int(b) for b in np.flatnonzero(on[k] & ~was[k])]
            ends = [int(e) for e in np.flatnonzero(~on[k] & was[k])]
            if not begins and not ends and newest[k] < 0:
                continue
            for n, begin in enumerate(([-1] if self.is_open[k] else []) + begins):
                stop = ends[n] if n < len(ends) else -1
                index.append(i)
                going.append(begin < 0)
                closed.append(chunk.lo + stop if stop >= 0 else -1)
                upto = stop - int(self.marks.back[i]) + 1 if stop >= 0 else int(newest[k]) + 1
                if begin < 0:
                    old = self._going(int(i))
                    onset.append(old.onset_s // chunk.series.slot_s)
                    raised.append(old.raised_s // chunk.series.slot_s)
                else:
                    onset.append(-1)
                    raised.append(chunk.lo + begin)
                end.append(max(chunk.lo + upto, raised[-1] + 1))
        spans = Spans(
            np.array(index, np.intp),
            np.array(onset, np.int64),
            np.array(raised, np.int64),
            np.array(end, np.int64),
        )
        return spans, np.array(closed, np.int64), np.array(going, bool)

    def _going(self, i: int) -> Episode:
        meter = int(self.chunk.series.ring.meter_id[self.chunk.rows[i]])
        return self.book.of(self.detector.name)[meter][-1]


def _detected(made: Episode, known_s: int, seen_s: int, before: Mapping[int, list[Episode]]) -> int:
    """Date the detection: when the slot was known; when late data raised it, not before they came.

    An alarm that merely was decided anew keeps its date.
    """
    for old in before.get(made.meter_id, ()):
        if old.onset_s <= made.last_s and made.onset_s <= old.last_s:
            return old.detected_s
    return max(known_s, seen_s) if made.raised_s < seen_s else known_s


def _finite(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    return float(value) if math.isfinite(value) else None
