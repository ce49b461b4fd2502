"""Low pressure, one event a district."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Chunk, Detector, Marks, Measured, Param, Spans, by_size
from detection.episode import Episode
from detection.kernels.low_pressure import low_pressure

#: 20 psi, the least pressure at ground level under all conditions.
FALLBACK_KPA = 140.0


def _slots(chunk: Chunk) -> int:
    return max(2, -(-1800 // chunk.series.slot_s))


def _minimum(chunk: Chunk) -> NDArray[np.float32]:
    own = chunk.roster.min_pressure_kpa[chunk.site]
    asked = chunk.params["service_min_kpa"]
    return np.where(asked > 0, asked, np.where(np.isnan(own), np.float32(FALLBACK_KPA), own))


def mark(chunk: Chunk) -> Marks:
    """Raise after half an hour below the minimum, clear after half an hour back at it."""
    slots = _slots(chunk)
    pressure, covered = chunk.values(slots - 1)
    raises, clears = low_pressure(pressure, covered, _minimum(chunk), slots)
    return Marks(raises[:, slots - 1 :], clears[:, slots - 1 :], np.full(len(chunk.rows), slots))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Take how far the lowest pressure lay below the minimum."""
    onset = np.where(spans.onset < 0, spans.raised - _slots(chunk) + 1, spans.onset)
    pressure, covered, start = chunk.whole(spans.index)
    at = np.arange(pressure.shape[1]) + start
    since = covered & (at >= onset[:, None]) & (at < spans.end[:, None])
    lowest = np.where(since, pressure, np.float32(np.inf)).min(axis=1, initial=np.float32(np.inf))
    minimum = _minimum(chunk)[spans.index]
    lowest = np.where(np.isfinite(lowest), lowest, minimum)
    evidence = [
        {
            "min_kpa": round(float(lowest[i]), 1),
            "service_min_kpa": round(float(minimum[i]), 1),
            "minutes": int((spans.end[i] - onset[i]) * chunk.series.slot_s // 60),
        }
        for i in range(len(spans.index))
    ]
    depth = np.maximum(minimum - lowest, 0).astype(np.float64)
    return Measured(onset, depth, np.zeros(len(depth)), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by depth below the minimum: 10 %, 30 % and 60 % of it."""
    minimum = float(episode.evidence["service_min_kpa"])
    return by_size(episode.magnitude / minimum, 0.1, 0.3, 0.6)


def join(episodes: list[Episode], serials: Mapping[int, str]) -> dict[str, Any]:
    """Word the district's event: its lowest pressure, the longest time below, and every meter that saw it."""
    worst = max(episodes, key=lambda e: e.magnitude)
    return {
        **worst.evidence,
        "minutes": max(e.evidence["minutes"] for e in episodes),
        "meters": sorted({serials.get(e.meter_id, str(e.meter_id)) for e in episodes}),
    }


DETECTOR = Detector(
    name="low_pressure",
    group="pressure",
    finds="Pressure below the service minimum for half an hour; all sensors of a district are one event.",
    plane="pressure",
    unit="kPa",
    kinds=frozenset({"customer", "pressure", "dma_inlet", "dma_outlet"}),
    params=(
        Param(
            "service_min_kpa",
            0.0,
            "kPa",
            "Service minimum; 0: the district's own (`dma.min_pressure_kpa`), else 140 kPa.",
            "20 psi = 138 kPa at ground level under all conditions (Ten States Standards, 8.2.1)",
            high=2000,
        ),
    ),
    mark=mark,
    measure=measure,
    severity=severity,
    by_dma=True,
    explained_by_outage=True,
    join=join,
)
