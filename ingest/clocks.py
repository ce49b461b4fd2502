"""What the ingester knows of each meter: its clock and progress, in memory and in `meter_clock`."""

import threading
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from sql.pool import Connection
from sql.query import Queries

Q = Queries("ingest")

NEVER = np.iinfo(np.int64).min
"""High water of a meter that has sent nothing."""
_WEIGHT = 0.1
"""Share of a new delay in the estimate: some 20 readings make it forget."""
_OUTLIER = 3.0
"""A delay further from the estimate than so many mean deviations counts only as far as that."""
_FIRST_DEVIATION_S = 60.0


class MeterClocks:
    """High water, last receipt and clock skew by meter id.

    The skew is the receipt time less the meter's time of its newest reading, in seconds, as a moving average
    that late deliveries pull only a little (clipped innovation, after Huber). It holds the error of the
    meter's clock and its usual delay of delivery. Written by the writer thread, flushed by another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._high_water = np.empty(0, np.int64)
        self._received = np.empty(0, np.int64)
        self._skew_s = np.empty(0, np.float64)
        self._deviation_s = np.empty(0, np.float64)
        self._dirty = np.empty(0, np.bool_)

    def load(self, conn: Connection) -> None:
        """Take up what is stored, unless something newer is known."""
        rows = np.array(conn.execute(Q["load_clocks"]).fetchall(), np.float64).reshape(-1, 4)
        ids = rows[:, 0].astype(np.int64)
        with self._lock:
            self._grow(ids)
            older = rows[:, 1] > self._high_water[ids]
            ids, rows = ids[older], rows[older]
            self._high_water[ids] = rows[:, 1].astype(np.int64)
            self._received[ids] = rows[:, 2].astype(np.int64)
            self._skew_s[ids] = rows[:, 3]

    def observe(self, batch: ReadingBatch) -> NDArray[np.int64]:
        """Take note of a stored batch (sorted); return the high water of each reading's meter before it."""
        if not len(batch):
            return np.empty(0, np.int64)
        last = np.flatnonzero(np.append(batch.meter_id[1:] != batch.meter_id[:-1], True))
        with self._lock:
            self._grow(batch.meter_id)
            before = self._high_water[batch.meter_id]
            newest = last[batch.ts[last] > before[last]]
            ids, ts, received = batch.meter_id[newest], batch.ts[newest], batch.received_at[newest]
            self._estimate(ids, (received - ts) / 1e6)
            self._high_water[ids], self._received[ids], self._dirty[ids] = ts, received, True
        return before

    def high_water(self, meter_id: int) -> int:
        """Return the time of the newest reading of a meter, NEVER if there is none."""
        with self._lock:
            return int(self._high_water[meter_id]) if meter_id < len(self._high_water) else int(NEVER)

    def skew_s(self, meter_id: int) -> float:
        """Return a meter's skew, NaN if there is none."""
        with self._lock:
            return float(self._skew_s[meter_id]) if meter_id < len(self._skew_s) else float("nan")

    def flush(self, conn: Connection) -> int:
        """Write what has changed; return how many meters that were."""
        with self._lock:
            ids = np.flatnonzero(self._dirty)
            high, received, skew = self._high_water[ids], self._received[ids], self._skew_s[ids]
            self._dirty[ids] = False
        if len(ids):
            try:
                conn.execute(
                    Q["flush_clocks"],
                    {
                        "meter_ids": ids.tolist(),
                        "high_waters": _instants(high),
                        "received": _instants(received),
                        "skews": skew.tolist(),
                    },
                )
            except BaseException:
                with self._lock:
                    self._dirty[ids] = True
                raise
        return len(ids)

    def _estimate(self, ids: NDArray[np.int32], delay_s: NDArray[np.float64]) -> None:
        first = np.isnan(self._skew_s[ids])
        skew = np.where(first, delay_s, self._skew_s[ids])
        deviation = self._deviation_s[ids]
        off = np.clip(delay_s - skew, -_OUTLIER * deviation, _OUTLIER * deviation)
        self._skew_s[ids] = skew + _WEIGHT * off
        self._deviation_s[ids] = deviation + _WEIGHT * (np.abs(off) - deviation)

    def _grow(self, ids: NDArray[np.integer]) -> None:
        size = int(ids.max(initial=-1)) + 1
        more = size - len(self._high_water)
        if more <= 0:
            return
        more = max(more, len(self._high_water) // 2)
        self._high_water = np.append(self._high_water, np.full(more, NEVER))
        self._received = np.append(self._received, np.zeros(more, np.int64))
        self._skew_s = np.append(self._skew_s, np.full(more, np.nan))
        self._deviation_s = np.append(self._deviation_s, np.full(more, _FIRST_DEVIATION_S))
        self._dirty = np.append(self._dirty, np.zeros(more, np.bool_))


def _instants(us: NDArray[np.int64]) -> list[datetime]:
    return [datetime.fromtimestamp(t / 1e6, UTC) for t in us.tolist()]
