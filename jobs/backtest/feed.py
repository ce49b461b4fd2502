"""Cut a stream of readings into the portions in which a live system would have seen them.

A live system wakes up `every` so many seconds; what was received since it last did is a portion. Where all
readings of several portions stand at the edges of their slots, came in time and in order, and no register
fell, nothing that is decided depends on where they were cut: then up to a day is fed at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch, concat
from detection.portion import CONTEXT_BEFORE, Portion
from detection.roster import Roster
from detection.tail import Tail
from detection.window import slot_seconds
from jobs.backtest.past import Past, ordered
from jobs.dataset.refused import good

US = 1_000_000
DAY_US = 86_400 * US
_MOST = 2_000_000  # readings at once
_LAST = np.iinfo(np.int64).max
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Turn:
    """A portion, and when a live system would have taken it in: at `now_us`, or `piecemeal` until then."""

    now_us: int
    piecemeal: bool
    portion: Portion
    readings: int


class Feed:
    """Remembers the readings of a window of `window_days`, and makes turns of new ones.

    In `restless` times (from, to; microseconds) every cycle is taken on its own.
    """

    def __init__(
        self,
        roster: Roster,
        every_us: int,
        window_days: int,
        restless: Sequence[tuple[int, int]] = (),
    ) -> None:
        self._every_us = every_us
        self._restless = restless
        self._window_us = window_days * DAY_US
        self._slot_us = np.array([slot_seconds(int(s)) for s in roster.interval_s], np.int64) * US
        self._falls = roster.kind == "storage"
        self._roster = roster
        self._tail = Tail(roster.meter_id)
        self._past = Past()
        self._newest_us = np.iinfo(np.int64).min
        a_day = float((86_400 / np.maximum(roster.interval_s, 1)).sum())
        self._block_us = max(DAY_US, every_us) if a_day <= _MOST else every_us
        self.refused = self.too_late = 0

    def turns(self, stream: Iterator[ReadingBatch]) -> Iterator[Turn]:
        """Yield the turns of a stream that is sorted by `received_at`."""
        for block in _blocks(self._good(stream), self._every_us, self._block_us):
            yield from self._turns(block)

    def _good(self, stream: Iterator[ReadingBatch]) -> Iterator[ReadingBatch]:
        for batch in stream:
            taken = good(batch)
            self.refused += int((~taken).sum())
            if taken.any():
                yield batch if taken.all() else batch.take(taken)

    def _turns(self, block: ReadingBatch) -> Iterator[Turn]:
        cycle = -(-block.received_at // self._every_us)
        order = np.lexsort((np.arange(len(block)), block.ts, block.meter_id))
        odd = cycle[order][self._odd(block.take(order), cycle[order])]
        for start_us, end_us in self._restless:
            odd = np.append(
                odd, cycle[(cycle * self._every_us > start_us) & (cycle * self._every_us <= end_us)]
            )
        odd = np.unique(odd)
        edges = np.unique(np.concatenate([cycle[-1:], odd, odd - 1]))
        run = np.searchsorted(edges, cycle)  # the cycles after one edge up to the next
        for at in np.unique(run):
            batch = block.take(run == at)
            portion = self._portion(ordered([batch]))
            piecemeal = not np.isin(edges[at], odd).any()
            yield Turn(int(edges[at]) * self._every_us, piecemeal, portion, len(batch))

    def _odd(self, batch: ReadingBatch, cycle: Ints) -> Bools:
        """Return which readings (in order of meter, then time) must be taken in with their own cycle."""
        ids = batch.meter_id.astype(np.int64)
        meters, first = np.unique(ids, return_index=True)
        site = self._roster.find(ids)
        late = -(-batch.ts // self._every_us) != cycle
        uneven = batch.ts % self._slot_us[site] != 0
        same = np.diff(ids, prepend=-1) == 0
        again = same & (np.diff(batch.ts, prepend=0) == 0)
        known = self._tail.readings(meters)
        last_ts = np.full(len(meters), np.iinfo(np.int64).min)
        last = np.full(len(meters), np.nan)
        at = np.searchsorted(meters, known.meter_id)
        last_ts[at], last[at] = known.ts, known.register_l  # in order of time: the newest stays
        before = np.concatenate([[np.nan], batch.register_l[:-1]])
        before[first] = last
        fell = (batch.register_l < before) & ~self._falls[site]
        after_fall = same & np.concatenate([[False], fell[:-1]])
        mixed = same & (np.isnan(batch.register_l) != np.isnan(before))
        behind = np.zeros(len(ids), bool)
        behind[first] = batch.ts[first] <= last_ts
        return np.asarray(late | uneven | again | fell | after_fall | mixed | behind)

    def _portion(self, new: ReadingBatch) -> Portion:
        """Return new readings, in order, with those around them."""
        self._newest_us = max(self._newest_us, int(new.ts.max()))
        floor_us = self._newest_us - self._window_us
        fresh = new.ts >= floor_us
        self.too_late += int((~fresh).sum())
        new = new.take(fresh)
        meters, first = np.unique(new.meter_id.astype(np.int64), return_index=True)
        since = new.ts[first]
        quick = self._tail.precedes(meters, since)
        around = [self._tail.readings(meters[quick])]
        if not quick.all():
            around += self._around(meters[~quick], since[~quick])
        self._past.add(new)
        self._past.forget(floor_us)
        batch = ordered([*around, new])
        self._tail.take(batch, meters, np.ones(len(meters), bool))
        return Portion(meters, since, np.full(len(meters), _LAST), batch, self._wider(meters, since))

    def _wider(self, meters: Ints, since_us: Ints) -> Callable[[Ints, int], Portion]:
        """Return how to get more of what came before; all that came after is given at once."""

        def wider(some: Ints, times: int) -> Portion:
            since = since_us[np.searchsorted(meters, some)]
            batch = ordered(self._around(some, since, times))
            return Portion(some, since, np.full(len(some), _LAST), batch, wider, times)

        return wider

    def _around(self, meters: Ints, since_us: Ints, times: int = 1) -> list[ReadingBatch]:
        """Return what is known of meters, from `times` * `CONTEXT_BEFORE` readings before an instant on."""
        most = times * CONTEXT_BEFORE
        ahead = (most + 2) * int(self._slot_us[self._roster.find(meters)].max())
        near = list(self._past.of_meters(meters, int(since_us.min()) - ahead))
        before = np.zeros(len(meters), np.int64)
        for batch in near:
            at = np.searchsorted(meters, batch.meter_id)
            before += np.bincount(at, weights=batch.ts < since_us[at], minlength=len(meters)).astype(np.int64)
        lack = before < most
        return [*self._past.of_meters(meters[lack], 0), *near] if lack.any() else near


def _blocks(stream: Iterator[ReadingBatch], every_us: int, block_us: int) -> Iterator[ReadingBatch]:
    """Join and cut a stream so that whole cycles of one block of time come together."""
    held: list[ReadingBatch] = []
    number = None
    for batch in stream:
        numbers = (-(-batch.received_at // every_us) * every_us - 1) // block_us
        for part in np.split(np.arange(len(batch)), np.flatnonzero(np.diff(numbers)) + 1):
            if held and numbers[part[0]] != number:
                yield concat(held)
                held = []
            number = numbers[part[0]]
            held.append(batch.take(part))
    if held:
        yield concat(held)
