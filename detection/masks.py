"""Which slots lie inside events known before a local day began: they tell nothing of what is usual."""

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


@dataclass(frozen=True)
class Masks:
    """Episodes that the detectors named found at the meters `ids` and that were known before slot `day_lo`.

    They are looked up when first asked for, as the book stands then.
    """

    book: Book
    detectors: frozenset[str]
    ids: Ints
    slot_s: int
    day_lo: int

    @cached_property
    def by_row(self) -> dict[int, list[tuple[int, int | None]]]:
        """First and end second of each period of the rows that have any; None: it was going on."""
        meters = {m for name in self.detectors for m in self.book.of(name)}
        found = {}
        for i in np.flatnonzero(np.isin(self.ids, np.fromiter(meters, np.int64, len(meters)))):
            episodes = self.book.at(int(self.ids[i]), self.detectors)
            spans = [_span(e, self.day_lo * self.slot_s) for e in episodes]
            if any(spans):
                found[int(i)] = [s for s in spans if s]
        return found

    def rows(self, index: Index) -> Index:
        """Return the positions in `index` of rows that have any."""
        if not self.by_row:
            return np.empty(0, np.intp)
        return np.flatnonzero(np.isin(index, np.fromiter(self.by_row, np.intp, len(self.by_row))))

    def __call__(self, index: Index, lo: int, hi: int) -> Bools:
        """Return (len(index), hi - lo): which slots of the rows `index` lie inside."""
        inside = np.zeros((len(index), hi - lo), bool)
        for i in self.rows(index):
            for begin, end in self.by_row[int(index[i])]:
                stop = hi if end is None else -(-end // self.slot_s)
                inside[i, max(begin // self.slot_s - lo, 0) : max(stop - lo, 0)] = True
        return inside


def _span(episode: Episode, day_s: int) -> tuple[int, int | None] | None:
    if episode.detected_s > day_s:
        return None
    going = episode.closed_s is None or episode.closed_s >= day_s
    end_s = day_s if going or episode.cleared_s is None else episode.cleared_s
    return (episode.onset_s, None if going else end_s) if end_s - episode.onset_s >= SHORT_S else None
