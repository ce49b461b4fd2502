"""How much of a DMA's inflow its customers' meters tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.detector import Chunk

#: What the balance asks where a chunk has no such parameters (`night_flow` asks only who looks).
_HEARD, _METERED = 0.9, 0.5
_LEAST_HOURS = 7 * 24


@dataclass(frozen=True)
class Balance:
    """A DMA's balance: (hours,) inflow less use, NaN where not known; usual inflow, L/h; does it count."""

    lost: NDArray[np.float64]
    usual_inflow: float
    counts: bool


def balanced(chunk: Chunk, i: int, start: int) -> Balance:
    """Return the balance of the i-th DMA over [start, hi); whether it counts is known before the day."""
    heard_share, metered_share = (
        float(chunk.params[name][i]) if name in chunk.params else usual
        for name, usual in (("min_heard_share", _HEARD), ("min_metered_share", _METERED))
    )
    values, covered = chunk.series.read(chunk.rows[i : i + 1], start, chunk.hi)
    customers = chunk.customers(i)
    if customers == 0:
        return Balance(np.full(chunk.hi - start, np.nan), 0.0, counts=False)
    used, heard = chunk.use(i, start, chunk.hi)
    known = covered[0] & (heard >= heard_share * customers)
    before = known[: chunk.day_lo - start]
    inflow = float(values[0, : len(before)][before].mean()) if before.any() else 0.0
    use = float(used[: len(before)][before].mean()) if before.any() else 0.0
    lost = np.where(known, values[0] - used, np.nan).astype(np.float64)
    counts = before.sum() >= _LEAST_HOURS and use >= metered_share * inflow > 0
    return Balance(lost, inflow, counts=bool(counts))
