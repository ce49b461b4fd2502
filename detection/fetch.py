"""New readings from the store: in bounded portions, in order of time, with those they are judged by."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch, concat
from detection import store
from detection.engine import Engine
from detection.portion import CONTEXT_AFTER, CONTEXT_BEFORE, Portion
from detection.store import Arrived
from detection.tail import Tail
from sql.pool import Connection

Ints = NDArray[np.int64]

_PORTION = 1_000_000  # readings
_DAY_US = 86_400_000_000


def spans(news: Arrived, engine: Engine) -> Iterator[Arrived]:
    """Cut what is new into spans of time, and these into groups of meters, of bounded size."""
    site = engine.roster.find(news.meter_id)
    use = site >= 0
    ids, lo, hi = news.meter_id[use], news.lo_us[use], news.hi_us[use]
    if len(ids) == 0:
        return
    a_day = 86_400 / np.maximum(engine.roster.interval_s[site[use]], 1) + 2 * CONTEXT_BEFORE
    span = int(np.clip(_PORTION / a_day.sum(), 1 / 24, 7) * _DAY_US)
    start, end = int(lo.min()), int(hi.max())
    while start <= end:
        stop = start + span
        inside = np.flatnonzero((lo < stop) & (hi >= start))
        size = np.cumsum(a_day[inside] * span / _DAY_US)
        for group in np.split(inside, np.flatnonzero(np.diff(size // _PORTION)) + 1):
            if len(group):
                yield Arrived(ids[group], np.maximum(lo[group], start), np.minimum(hi[group], stop - 1))
        later = lo[lo >= stop]
        going = bool(((lo < stop) & (hi >= stop)).any())
        start = stop if going or len(later) == 0 else int(later.min())


def fetch(conn: Connection, engine: Engine, tail: Tail, part: Arrived, *, after: bool) -> Portion:
    """Read a part's new readings with those they are judged by; what comes `after` it only if asked.

    What comes in order of time is joined to the tails; the rest is read back from the store.
    """
    quick = tail.precedes(part.meter_id, part.lo_us, engine.slot_s(part.meter_id))
    batches = []
    if quick.any():
        batches.append(_in_order(conn, tail, _of(part, quick)))
    if not quick.all():
        batches.append(_around(conn, engine, tail, _of(part, ~quick), after=after))
    batch = concat(batches)
    if len(batches) > 1:
        batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))

    def wider(meter_ids: Ints, times: int) -> Portion:
        some = _of(part, np.isin(part.meter_id, meter_ids))
        given = _around(conn, engine, tail, some, after=after, times=times)
        return Portion(some.meter_id, some.lo_us, some.hi_us, given, wider, times)

    return Portion(part.meter_id, part.lo_us, part.hi_us, batch, wider)


def _of(part: Arrived, use: NDArray[np.bool_]) -> Arrived:
    return Arrived(part.meter_id[use], part.lo_us[use], part.hi_us[use])


def _in_order(conn: Connection, tail: Tail, part: Arrived) -> ReadingBatch:
    lo_s, hi_s = part.lo_us // 1_000_000, part.hi_us // 1_000_000 + 1
    new = store.readings_between(conn, part.meter_id, lo_s, hi_s)
    new = new.take(new.ts >= part.lo_us[np.searchsorted(part.meter_id, new.meter_id)])
    batch = concat([tail.readings(part.meter_id), new])
    batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))
    tail.take(batch, part.meter_id, np.ones(len(part), bool))
    return batch


def _around(
    conn: Connection, engine: Engine, tail: Tail, part: Arrived, *, after: bool, times: int = 1
) -> ReadingBatch:
    interval_s = engine.slot_s(part.meter_id)
    lo_s, hi_s = part.lo_us // 1_000_000, part.hi_us // 1_000_000 + 1
    most_before, most_after = times * CONTEXT_BEFORE, times * CONTEXT_AFTER
    ahead, behind = (most_before + 2) * interval_s, (most_after + 1) * interval_s * after
    batch = store.readings_between(conn, part.meter_id, lo_s - ahead, hi_s + behind)
    at = np.searchsorted(part.meter_id, batch.meter_id)
    before = np.bincount(at, weights=batch.ts < part.lo_us[at], minlength=len(part))
    following = np.bincount(at, weights=batch.ts > part.hi_us[at], minlength=len(part))
    oldest_s, newest_s = engine.known(part.meter_id)
    more = [batch]
    lack = np.flatnonzero((before < most_before) & (oldest_s < lo_s - ahead))
    if len(lack):
        until = lo_s[lack] - ahead[lack]
        more.append(store.readings_before(conn, part.meter_id[lack], until, engine.horizon_s, most_before))
    lack = np.flatnonzero(after & (following < most_after) & (newest_s > hi_s + behind))
    if len(lack):
        since = hi_s[lack] + behind[lack]
        more.append(store.readings_after(conn, part.meter_id[lack], since, most_after))
    if len(more) > 1:
        batch = concat(more)
        batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))
    tail.take(batch, part.meter_id, (following == 0) & (newest_s <= hi_s + behind))
    return batch
