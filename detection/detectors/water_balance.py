"""Water balance of a DMA whose customers are metered: what flows in and no customer uses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detection import leakage
from detection.detector import Chunk, Detector, Index, Param
from detection.detectors.night_flow import severity
from detection.episode import Episode
from detection.metered import balanced


def trace(chunk: Chunk, alarms: Sequence[list[Episode]]) -> list[list[Episode]]:
    """Look for leaks in the inflow less the metered use.

    What is lost may be next to nothing, and so has no pattern of its own to scale: the usual inflow is added,
    which leaves a leak's level as it is.
    """

    def lost(index: Index, start: int) -> NDArray[np.float64]:
        balance = [balanced(chunk, int(i), start) for i in index]
        return np.stack(
            [b.lost + b.usual_inflow if b.counts else np.full(len(b.lost), np.nan) for b in balance]
        )

    return leakage.trace("water_balance", chunk, lost, alarms)


DETECTOR = Detector(
    name="water_balance",
    group="network",
    finds="More flows into a DMA than its customers' meters tell, beyond what is usual: a leak between them.",
    plane="zone",
    unit="L/h",
    kinds=frozenset({"dma"}),
    params=(
        *leakage.PARAMS,
        Param(
            "min_heard_share",
            0.9,
            "share",
            "Metered customers of which an hour must be known, less counts as not known.",
            "own: the rest is estimated by VEE",
            low=0.1,
            high=1,
        ),
        Param(
            "min_metered_share",
            0.5,
            "share",
            "Share of the inflow that the customers' meters tell; with less, night_flow looks alone.",
            "own: below, the unmetered demand is most of the balance",
            low=0.1,
            high=1,
        ),
    ),
    trace=trace,
    severity=severity,
    by_dma=True,
)
