"""Night flow of a DMA, and of all hours as far as they can be relied upon: leaks that begin or grow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection import leakage
from detection.detector import Chunk, Detector, Index, by_size
from detection.episode import Episode
from detection.metered import balanced


def trace(chunk: Chunk, alarms: Sequence[list[Episode]]) -> list[list[Episode]]:
    """Look for leaks in the inflow; where its customers are metered, `water_balance` looks closer.

    Unless that is switched off.
    """
    closer = chunk.enabled("water_balance", np.arange(len(alarms)))

    def inflow(index: Index, start: int) -> NDArray[np.float64]:
        values, covered = chunk.series.read(chunk.rows[index], start, chunk.hi)
        ours = [
            any(e.closed_s is None for e in alarms[int(i)])
            or not (closer[i] and balanced(chunk, int(i), start).counts)
            for i in index
        ]
        return np.where(covered & np.array(ours)[:, None], values, np.nan).astype(np.float64)

    return leakage.trace("night_flow", chunk, inflow, alarms)


def severity(episode: Episode) -> Severity:
    """Grade by its share of the DMA's usual inflow: 5 %, 15 % and 40 % of it."""
    return by_size(float(episode.evidence["share"]), 0.05, 0.15, 0.4)


DETECTOR = Detector(
    name="night_flow",
    group="network",
    finds="More flows into a DMA at all hours, at night above all: a leak that has begun, or that grows.",
    plane="zone",
    unit="L/h",
    kinds=frozenset({"dma"}),
    params=leakage.PARAMS,
    trace=trace,
    severity=severity,
    by_dma=True,
)
