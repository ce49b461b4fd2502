"""A register that stands still where it always moved, or a pressure that never changes."""

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Chunk, Detector, Marks, Measured, Param, Spans
from detection.episode import Episode
from detection.kernels.stuck import FLOWED, HISTORY, SAME, STILL, VARIED, stuck


def _days(chunk: Chunk) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return chunk.params["days"].astype(np.int64), chunk.params["pressure_days"].astype(np.int64)


def mark(chunk: Chunk) -> Marks:
    """Raise where nothing moved for so many days, clear on the first day on which all moved."""
    days, pressure_days = _days(chunk)
    lookback = int(max(days.max(initial=1), pressure_days.max(initial=1))) + HISTORY
    bits, covered = chunk.values(lookback)
    raises, clears = stuck(bits, covered, days, pressure_days, chunk.params["drawn_share"])
    return Marks(raises[:, lookback:], clears[:, lookback:], np.ones(len(days), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Count the days since it stands still, and say what does."""
    days, pressure_days = _days(chunk)
    values, covered, start = chunk.whole(spans.index)
    bits = np.where(covered, np.nan_to_num(values), 0).astype(np.int64)
    raised = bits[np.arange(len(bits)), np.maximum(spans.raised - start, 0)]
    flow, frozen = raised & FLOWED > 0, (raised & SAME > 0) & (raised & VARIED == 0)
    register = raised & STILL > 0
    reason = np.where(register & flow, "flow", np.where(register, "register", "pressure"))
    lasted = np.where(
        reason == "flow", 1, np.where(reason == "register", days[spans.index], pressure_days[spans.index])
    )
    lasted = np.where(frozen & ~register, pressure_days[spans.index], lasted)
    onset = np.where(spans.onset < 0, np.maximum(spans.raised - lasted + 1, start), spans.onset)
    still = (spans.end - onset).astype(np.float64)
    evidence = [{"reason": str(r), "days": int(n)} for r, n in zip(reason, still, strict=True)]
    return Measured(onset, still, np.zeros(len(onset)), evidence)


def severity(episode: Episode) -> Severity:
    """What is not counted is not billed."""
    return Severity.MEDIUM


_OURS = {"residential": 21, "multi_family": 2, "commercial": 3, "industrial": 3, "institutional": 3}

DETECTOR = Detector(
    name="stuck",
    group="device",
    finds="The register stands still where the site always drew, or while the meter tells a flow; or the "
    "pressure never changes.",
    plane="motion",
    unit="d",
    kinds=frozenset({"customer", "dma_inlet", "dma_outlet", "pressure"}),
    params=(
        Param(
            "days", 1, "d", "So many days without a movement of the register.",
            "own: inlets always draw; homes stand empty for three weeks, others over a long weekend",
            by_class=_OURS, low=1, high=21,
        ),
        Param(
            "drawn_share", 0.95, "share", "It moved on this share of the 14 days before, all known.",
            "own: a site that always draws; with one still day of the 14 it is not asked", low=0.5, high=1,
        ),
        Param(
            "pressure_days", 2, "d", "So many days on which each pressure was the one before.",
            "own: mains pressure moves by more than a sensor's resolution between day and night",
            low=1, high=14,
        ),
    ),
    mark=mark,
    measure=measure,
    severity=severity,
    explained_by_outage=True,
)  # fmt: skip
