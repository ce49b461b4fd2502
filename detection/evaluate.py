"""Ask the detectors about the slots that changed, day by day in order, and keep the book of their alarms.

What changed is evaluated from the first changed slot of each meter to its newest. Alarms raised or cleared
from there on are decided anew: so late and corrected readings amend or remove what no longer holds. Meters
are looked at in blocks that fit a processor's cache; what happens in one block is no matter of another.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from detection import alarms
from detection.detector import Bools, Chunk, Detector, Index, Learn, Learned
from detection.episode import Book, Episode
from detection.masks import Judged, Masks
from detection.policy import Policies, Resolved
from detection.reads import Memory, Page
from detection.roster import Roster
from detection.timetable import Timetable
from detection.touched import Touched
from detection.window import Series
from detection.zones import Zones

#: Rows of a block: some days of so many, with what a kernel makes of them, stay in the cache.
BLOCK = 8192

Found = set[tuple[str, int]]
Before = Mapping[str, Mapping[int, list[Episode]]]


@dataclass(frozen=True)
class Evaluator:
    """The detectors with what they look up: who the meters are, local time, policies, the book of alarms.

    `judged` are the periods of events that people have judged, by meter. `memory` keeps what the detectors
    learned of a day; it belongs to this roster and these policies.
    """

    detectors: Mapping[str, Detector]
    roster: Roster
    timetable: Timetable
    policies: Policies
    book: Book
    zones: Zones | None = None
    judged: Judged = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)

    def run(self, series: Series, plane: str, touched: Touched) -> Found:
        """Evaluate what changed; return the (detector, meter) whose alarms may have changed."""
        part = touched.since(series.start)
        detectors = [d for d in self.detectors.values() if d.plane == plane]
        if len(part) == 0 or not detectors:
            return set()
        ids = series.ring.meter_id[part.rows]
        before = {d.name: alarms.reopen(d.name, ids, part.lo * series.slot_s, self.book) for d in detectors}
        changed = {(name, meter) for name, dropped in before.items() for meter in dropped}
        self.memory.forget((plane, series.ring.slot_s), part.rows, part.lo)
        size = len(part) if plane == "zone" else BLOCK
        if len(part) <= size:
            return changed | _Block(self, series, plane, detectors, part, before, self.book).run()
        names = {name for d in detectors for name in (d.name, *d.leaves_out)}
        blocks = [
            _Block(self, series, plane, detectors, mine, before, self.book.part(names, ids[i : i + size]))
            for i in range(0, len(part), size)
            for mine in [part.take(slice(i, i + size))]
        ]
        with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:
            for block, found in zip(blocks, pool.map(_Block.run, blocks), strict=True):
                changed |= found
                for name, meter in found:
                    self.book.put(name, meter, block.book.of(name).get(meter, []))
        return changed

    def days(self, series: Series, lo: int, hi: int) -> Iterator[tuple[int, int, int]]:
        """Yield (first slot, end slot, first slot of the local day) between which policies are constant."""
        size = series.slot_s
        while lo < hi:
            at = lo * size
            stop = min([self.timetable.next_day(at), *(e for e in self.policies.edges if e > at)])
            end = min(max(lo + 1, stop // size), hi)
            yield lo, end, self.timetable.day_start(at) // size
            lo = end


class _Block:
    """Some rows of a series, looked at day by day; alarms go into a book of its own."""

    def __init__(
        self,
        to: Evaluator,
        series: Series,
        plane: str,
        detectors: list[Detector],
        part: Touched,
        before: Before,
        book: Book,
    ) -> None:
        self.to, self.series, self.plane, self.detectors = to, series, plane, detectors
        self.part, self.before, self.book = part, before, book
        self._site = to.roster.find(series.ring.meter_id[part.rows])
        self._lookback = 0

    def run(self) -> Found:
        changed: Found = set()
        for lo, hi, day_lo in self.to.days(self.series, int(self.part.lo.min()), int(self.part.hi.max())):
            inside = (self.part.lo < hi) & (self.part.hi > lo)
            if not inside.any():
                continue
            part, site = self.part, self._site
            if not inside.all():
                part, site = part.take(inside), site[inside]
            page = Page(self.series, part.rows, lo, hi, day_lo, lookback=self._lookback)
            for detector in self.detectors:
                changed.update((detector.name, meter) for meter in self._ask(detector, part, page, site))
            self._lookback = page.lookback
        return changed

    def _ask(self, detector: Detector, part: Touched, page: Page, site: Index) -> Iterable[int]:
        """Ask one detector about one day; return the meters whose alarms may have changed."""
        name, series = detector.name, self.series
        settings = self.to.policies.at(name, page.lo * series.slot_s)
        ids = series.ring.meter_id[part.rows]
        going = [m for m, es in self.book.of(name).items() if any(e.closed_s is None for e in es)]
        is_open = np.isin(ids, np.array(going, np.int64)) if going else np.zeros(len(ids), bool)
        enabled = (site >= 0) & settings.enabled[site]
        ended = [int(m) for m in ids[is_open & ~enabled]]
        for meter in ended:
            alarms.switch_off(name, meter, page.lo * series.slot_s, self.book)
        at = np.flatnonzero(enabled)
        if len(at) == 0:
            return ended
        chunk = self._chunk(detector, part, page, site, at, is_open, settings)
        if detector.screen is not None:
            at = at[detector.screen(chunk) | is_open[at]]
            if len(at) == 0:
                return ended
            chunk = self._chunk(detector, part, page, site, at, is_open, settings)
        mine = part if len(at) == len(part) else part.take(at)
        before = self.before[name]
        if detector.trace is not None:
            return [*ended, *alarms.trace(detector, chunk, mine, self.book, before)]
        return [*ended, *alarms.mark(detector, chunk, mine, is_open[at], self.book, before)]

    def _chunk(
        self,
        detector: Detector,
        part: Touched,
        page: Page,
        site: Index,
        at: Index,
        is_open: Bools,
        settings: Resolved,
    ) -> Chunk:
        """Return the chunk of the rows `at` of the page."""
        series, lo, hi = self.series, page.lo, page.hi
        if len(at) < len(part):
            part, site = part.take(at), site[at]
        if (part.lo <= lo).all() and (part.hi >= hi).all():
            asked: Bools = np.broadcast_to(np.True_, (len(part), hi - lo))
        else:
            slots = np.arange(lo, hi)
            asked = (slots >= part.lo[:, None]) & (slots < part.hi[:, None])
        ids = series.ring.meter_id[part.rows]

        def recall(name: str, index: Index, learn: Learn, shared: bool) -> Learned:
            whose = detector.leaves_out if shared else detector.name
            return self.to.memory.recall(
                (self.plane, series.ring.slot_s, whose, name),
                None if shared else settings,
                page.day_lo,
                part.rows[index],
                lambda lacking: learn(index[lacking]),
            )

        def others(name: str, index: Index) -> Bools:
            if name not in self.to.detectors:
                return np.zeros(len(index), bool)
            return self.to.policies.at(name, lo * series.slot_s).enabled[site[index]]

        return Chunk(
            series=series,
            rows=part.rows,
            site=site,
            roster=self.to.roster,
            params={name: values[site] for name, values in settings.params.items()},
            timetable=self.to.timetable,
            lo=lo,
            hi=hi,
            day_lo=page.day_lo,
            masked=Masks(self.book, detector.leaves_out, self.to.judged, ids, series.slot_s, page.day_lo),
            asked=asked,
            open=is_open[at],
            zones=self.to.zones,
            page=page,
            within=None if len(at) == len(page.rows) else at,
            recall=recall,
            enabled=others,
            leaves_out=detector.leaves_out,
        )
