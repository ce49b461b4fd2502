"""New readings from the store: in bounded portions, in order of time, with those they are judged by."""

from collections.abc import Iterator

import numpy as np

from core.batch import ReadingBatch, concat
from detection import store
from detection.engine import Engine
from detection.portion import CONTEXT_AFTER, CONTEXT_BEFORE, Portion
from detection.store import Arrived
from detection.tail import Tail
from sql.pool import Connection

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
    quick = tail.precedes(part.meter_id, part.lo_us)
    batches = []
    for use, read in ((quick, _in_order), (~quick, _around)):
        if use.any():
            chosen = Arrived(part.meter_id[use], part.lo_us[use], part.hi_us[use])
            batches.append(read(conn, engine, tail, chosen, after))
    batch = concat(batches)
    if len(batches) > 1:
        batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))
    return Portion(part.meter_id, part.lo_us, batch)


def _in_order(conn: Connection, engine: Engine, tail: Tail, part: Arrived, after: bool) -> ReadingBatch:
    lo_s, hi_s = part.lo_us // 1_000_000, part.hi_us // 1_000_000 + 1
    new = store.readings_between(conn, part.meter_id, lo_s, hi_s)
    new = new.take(new.ts >= part.lo_us[np.searchsorted(part.meter_id, new.meter_id)])
    batch = concat([tail.readings(part.meter_id), new])
    batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))
    tail.take(batch, part.meter_id, np.ones(len(part), bool))
    return batch


def _around(conn: Connection, engine: Engine, tail: Tail, part: Arrived, after: bool) -> ReadingBatch:
    interval_s = engine.slot_s(part.meter_id)
    lo_s, hi_s = part.lo_us // 1_000_000, part.hi_us // 1_000_000 + 1
    ahead, behind = (CONTEXT_BEFORE + 2) * interval_s, (CONTEXT_AFTER + 1) * interval_s * after
    batch = store.readings_between(conn, part.meter_id, lo_s - ahead, hi_s + behind)
    at = np.searchsorted(part.meter_id, batch.meter_id)
    before = np.bincount(at, weights=batch.ts < part.lo_us[at], minlength=len(part))
    following = np.bincount(at, weights=batch.ts > part.hi_us[at], minlength=len(part))
    oldest_s, newest_s = engine.known(part.meter_id)
    more = [batch]
    lack = np.flatnonzero((before < CONTEXT_BEFORE) & (oldest_s < lo_s - ahead))
    if len(lack):
        until = lo_s[lack] - ahead[lack]
        more.append(store.readings_before(conn, part.meter_id[lack], until, engine.horizon_s, CONTEXT_BEFORE))
    lack = np.flatnonzero(after & (following < CONTEXT_AFTER) & (newest_s > hi_s + behind))
    if len(lack):
        since = hi_s[lack] + behind[lack]
        more.append(store.readings_after(conn, part.meter_id[lack], since, CONTEXT_AFTER))
    if len(more) > 1:
        batch = concat(more)
        batch = batch.take(np.lexsort((batch.ts, batch.meter_id)))
    tail.take(batch, part.meter_id, (following == 0) & (newest_s <= hi_s + behind))
    return batch
