"""Hourly usage out of interval volumes, and the estimate where a volume is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.words import Quality
from detection.window import Ring

Ints = NDArray[np.int64]
_DAY = 86_400


@dataclass(frozen=True)
class Usage:
    """Hourly usage as columns: meter, start of the hour (s since 1970), litres, `core.words.Quality`."""

    meter_id: Ints
    slot_s: Ints
    volume_l: NDArray[np.float64]
    quality: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.meter_id)


def join(parts: Sequence[Usage]) -> Usage:
    """Join parts; of an hour that stands in several, the last word counts."""
    none = Usage(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.int16))
    columns = [np.concatenate([getattr(p, f.name) for p in [none, *parts]]) for f in fields(Usage)]
    order = np.lexsort((np.arange(len(columns[0])), columns[1], columns[0]))
    meter, slot = columns[0][order], columns[1][order]
    last = np.ones(len(order), bool)
    last[:-1] = (meter[1:] != meter[:-1]) | (slot[1:] != slot[:-1])
    return Usage(*(c[order[last]] for c in columns))


def estimate(
    ring: Ring, rows: NDArray[np.intp], slots: Ints, volume_l: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Fill unknown volumes by a like day: the same slot a week before, else a day before, else nothing."""
    unknown = np.isnan(volume_l)
    if not unknown.any():
        return volume_l
    r, s = rows[unknown], slots[unknown]
    week, day = (ring.at(r, s - days * _DAY // ring.slot_s)[0] for days in (7, 1))
    filled = volume_l.copy()
    filled[unknown] = np.nan_to_num(np.where(np.isnan(week), day, week))
    return filled


def hourly(
    ring: Ring,
    rows: NDArray[np.intp],
    slots: Ints,
    volume_l: NDArray[np.float32],
    quality: NDArray[np.int8],
    news: NDArray[np.bool_],
) -> Usage:
    """Return the hours that the new interval volumes complete or change.

    Longer intervals are spread over their hours, which makes these estimates. What lies before the window
    is returned as it came, where all of an hour came.
    """
    old = slots < ring.start
    if ring.slot_s >= 3600:
        use = news | old
        each = ring.slot_s // 3600
        hour = np.repeat(slots[use] * each, each) + np.tile(np.arange(each), int(use.sum()))
        rank = np.where(each > 1, np.maximum(quality[use], Quality.ESTIMATED), quality[use])
        return _usage(
            ring,
            np.repeat(rows[use], each),
            hour,
            np.repeat(volume_l[use] / each, each),
            np.repeat(rank, each),
        )
    factor = 3600 // ring.slot_s
    row, hour = _distinct(rows[news], slots[news] // factor)
    parts = [ring.at(row, hour * factor + k) for k in range(factor)]
    volume = np.stack([v for v, _ in parts]).sum(axis=0, dtype=np.float64)
    rank = np.stack([q for _, q in parts]).max(axis=0)
    whole = ~np.isnan(volume)
    inside = _usage(ring, row[whole], hour[whole], volume[whole], rank[whole])
    return join([inside, _whole_hours(ring, rows[old], slots[old], volume_l[old], quality[old], factor)])


def _whole_hours(
    ring: Ring,
    rows: NDArray[np.intp],
    slots: Ints,
    volume_l: NDArray[np.float32],
    quality: NDArray[np.int8],
    factor: int,
) -> Usage:
    row, hour, at = _grouped(rows, slots // factor)
    n = np.bincount(at, minlength=len(row))
    total = np.bincount(at, weights=volume_l, minlength=len(row))
    rank = np.zeros(len(row), np.int8)
    np.maximum.at(rank, at, quality)
    whole = n == factor
    return _usage(ring, row[whole], hour[whole], total[whole], rank[whole])


def _grouped(rows: NDArray[np.intp], hours: Ints) -> tuple[NDArray[np.intp], Ints, NDArray[np.intp]]:
    keys, at = np.unique((rows.astype(np.int64) << 32) | hours, return_inverse=True)
    return (keys >> 32).astype(np.intp), keys & 0xFFFFFFFF, at


def _distinct(rows: NDArray[np.intp], hours: Ints) -> tuple[NDArray[np.intp], Ints]:
    row, hour, _ = _grouped(rows, hours)
    return row, hour


def _usage(
    ring: Ring, rows: NDArray[np.intp], hours: Ints, volume_l: NDArray[np.floating], quality: NDArray[np.int8]
) -> Usage:
    return Usage(ring.meter_id[rows], hours * 3600, volume_l.astype(np.float64), quality.astype(np.int16))
