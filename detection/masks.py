"""Which slots lie inside events known before a local day began: they tell nothing of what is usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detection.episode import Book, Episode

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

#: What passes within half a day belongs to what a site does, and stays in what it learns.
SHORT_S = 43_200
_NONE = np.empty(0, np.intp)


#: Periods of events that people have judged, by meter: from, and until (None: it goes on), seconds.
Span = tuple[int, int | None]
Judged = Mapping[int, Sequence[Span]]


@dataclass(frozen=True)
class Masks:
    """Episodes that the detectors named found at the meters `ids` and that were known before slot `day_lo`.

    They are looked up when first asked for, as the book stands then. What people have judged, whether true or
    no fault, is left out however short it was and whoever saw it.
    """

    book: Book
    detectors: frozenset[str]
    people: Judged
    ids: Ints
    slot_s: int
    day_lo: int

    @cached_property
    def _found(self) -> dict[int, list[Span]]:
        meters = {m for name in self.detectors for m in self.book.of(name)}
        found = {}
        for i in np.flatnonzero(np.isin(self.ids, np.fromiter(meters, np.int64, len(meters)))):
            episodes = self.book.at(int(self.ids[i]), self.detectors)
            spans = [_span(e, self.day_lo * self.slot_s) for e in episodes]
            if any(spans):
                found[int(i)] = [s for s in spans if s]
        return found

    @cached_property
    def _judged(self) -> dict[int, Sequence[Span]]:
        if not self.people:
            return {}
        at = np.flatnonzero(np.isin(self.ids, np.fromiter(self.people, np.int64, len(self.people))))
        return {int(i): self.people[int(self.ids[i])] for i in at}

    def rows(self, index: Index) -> Index:
        """Return the positions in `index` of rows that have any."""
        some = self._found.keys() | self._judged.keys()
        return np.flatnonzero(np.isin(index, np.fromiter(some, np.intp, len(some)))) if some else _NONE

    def __call__(self, index: Index, lo: int, hi: int) -> Bools:
        """Return (len(index), hi - lo): which slots of the rows `index` lie inside."""
        return self._inside(index, lo, hi, self._found, self._judged)

    def judged(self, index: Index, lo: int, hi: int) -> Bools:
        """Return (len(index), hi - lo): which slots lie inside what people have judged."""
        return self._inside(index, lo, hi, self._judged)

    def _inside(self, index: Index, lo: int, hi: int, *spans: Mapping[int, Sequence[Span]]) -> Bools:
        inside = np.zeros((len(index), hi - lo), bool)
        for i in self.rows(index):
            for begin, end in (s for by_row in spans for s in by_row.get(int(index[i]), ())):
                stop = hi if end is None else -(-end // self.slot_s)
                inside[i, max(begin // self.slot_s - lo, 0) : max(stop - lo, 0)] = True
        return inside


def _span(episode: Episode, day_s: int) -> Span | None:
    if episode.detected_s > day_s:
        return None
    going = episode.closed_s is None or episode.closed_s >= day_s
    end_s = day_s if going or episode.cleared_s is None else episode.cleared_s
    return (episode.onset_s, None if going else end_s) if end_s - episode.onset_s >= SHORT_S else None
