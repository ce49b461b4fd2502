"""Tampering that the meter itself reports."""

import numpy as np

from core.words import Severity
from detection import told
from detection.detector import Chunk, Detector, Marks, Measured, Spans
from detection.episode import Episode
from detection.kernels.signs import MAGNETIC, REMOVED, TAMPER

_SIGNS = {"removed": REMOVED, "magnetic": MAGNETIC, "tamper": TAMPER}


def mark(chunk: Chunk) -> Marks:
    """Raise at a flag, clear when none was seen for a day."""
    return told.mark(chunk, TAMPER | MAGNETIC | REMOVED)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Count the hours with a flag, and name the gravest one."""
    onset = np.where(spans.onset < 0, spans.raised, spans.onset)
    bits = told.bits_of(chunk, spans, onset)
    hours = (bits & (TAMPER | MAGNETIC | REMOVED) > 0).sum(axis=1)
    evidence = [
        {
            "reason": next((name for name, bit in _SIGNS.items() if (bits[i] & bit).any()), "tamper"),
            "hours": int(hours[i]),
        }
        for i in range(len(onset))
    ]
    return Measured(onset, np.maximum(hours, 1).astype(np.float64), np.zeros(len(onset)), evidence)


def severity(episode: Episode) -> Severity:
    """A meter that was taken off measures nothing; the rest may be a mishap."""
    return Severity.HIGH if episode.evidence.get("reason") == "removed" else Severity.MEDIUM


DETECTOR = Detector(
    name="tamper",
    group="device",
    finds="The meter reports that it was opened, held a magnet to, or taken off.",
    plane="signs",
    unit="h",
    kinds=frozenset({"customer", "dma_inlet", "dma_outlet", "pressure", "storage"}),
    params=(told.QUIET,),
    mark=mark,
    measure=measure,
    severity=severity,
)
