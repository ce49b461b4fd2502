"""A battery that is low, or will be soon."""

from typing import Any

import numpy as np

from core.words import Severity
from detection.detector import Chunk, Detector, Marks, Measured, Param, Spans
from detection.episode import Episode
from detection.kernels.battery import low_battery

_WINDOW = 28
_SOON_D = 14.0


def mark(chunk: Chunk) -> Marks:
    """Raise where the meter says so, where the voltage is low, or where it will be."""
    volts, covered = chunk.values(_WINDOW - 1)
    p = chunk.params
    raises, clears, _ = low_battery(volts, covered, p["low_v"], p["empty_v"], p["least_days"], _WINDOW)
    one = np.ones(len(chunk.rows), np.int64)
    return Marks(raises[:, _WINDOW - 1 :], clears[:, _WINDOW - 1 :], one)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Take the last voltage, and the days left at the slope of the last four weeks."""
    onset = np.where(spans.onset < 0, spans.raised, spans.onset)
    volts, evidence = np.zeros(len(onset)), []
    for i in range(len(onset)):
        row, last = chunk.rows[spans.index[i : i + 1]], int(spans.end[i]) - 1
        told, covered = chunk.series.read(row, last - _WINDOW + 1, last + 1)
        low, empty, least = (
            chunk.params[name][spans.index[i : i + 1]] for name in ("low_v", "empty_v", "least_days")
        )
        left = float(low_battery(told, covered, low, empty, least, _WINDOW)[2][0, -1])
        known = told[0][covered[0] & (told[0] > 0)]
        volts[i] = float(known[-1]) if len(known) else 0.0
        found: dict[str, Any] = {"reason": "flag", "low_v": round(float(low[0]), 2)}
        if len(known):
            found["battery_v"] = round(volts[i], 2)
            found["reason"] = (
                "trend" if left <= float(least[0]) else "level" if volts[i] <= low[0] else "flag"
            )
        if np.isfinite(left):
            found["days_left"] = round(left)
        evidence.append(found)
    return Measured(onset, volts, np.zeros(len(onset)), evidence)


def severity(episode: Episode) -> Severity:
    """A battery that ends within two weeks, or is at its end, is next week's work."""
    left, volts = episode.evidence.get("days_left", 1e9), episode.evidence.get("battery_v", 0.0)
    return Severity.MEDIUM if left <= _SOON_D or 0 < volts <= 2.7 else Severity.LOW


DETECTOR = Detector(
    name="low_battery",
    group="device",
    finds="The meter's battery is low, or will be within two months if it goes on falling like this.",
    plane="battery",
    unit="V",
    kinds=frozenset({"customer", "dma_inlet", "dma_outlet", "pressure", "storage"}),
    params=(
        Param(
            "low_v", 3.2, "V", "Low, for a battery that was 0.1 V above it within four weeks.",
            "lithium thionyl chloride, 3.6 V: below the plateau (cell makers' discharge curves)", high=60,
        ),
        Param(
            "empty_v", 2.7, "V", "Empty: where the fall is projected to.",
            "own: modems brown out below it; for 3 V cells set 2.2", high=60,
        ),
        Param(
            "least_days", 60, "d", "Low once no more days than these are left at the slope of four weeks.",
            "own: two rounds of monthly field work", low=1, high=365,
        ),
    ),
    mark=mark,
    measure=measure,
    severity=severity,
)  # fmt: skip
