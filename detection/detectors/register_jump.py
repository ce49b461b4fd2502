"""A register that goes on elsewhere: rollover, exchange, backflow or misread."""

import numpy as np

from core.words import Severity
from detection import told
from detection.detector import Chunk, Detector, Marks, Measured, Spans
from detection.episode import Episode
from detection.kernels.signs import EXCHANGE, JUMP_BACK, MISREAD, ROLLOVER

_CLASH = 4
_SEVERITY = {"exchange": Severity.MEDIUM, "backflow": Severity.MEDIUM, "clash": Severity.MEDIUM}


def mark(chunk: Chunk) -> Marks:
    """Raise at any step of the register that is no plain rise, clear when none was seen for a day."""
    return told.mark(chunk, ROLLOVER | EXCHANGE | MISREAD | JUMP_BACK)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Say what kind of step it was: the gravest; many misreads are two registers under one name."""
    onset = np.where(spans.onset < 0, spans.raised, spans.onset)
    size, evidence = np.zeros(len(onset)), []
    for i in range(len(onset)):
        found = told.summary(told.steps_of(chunk, int(spans.index[i]), int(onset[i]), int(spans.end[i])))
        if found["kind"] == "misread" and found["steps"] >= _CLASH:
            found["kind"] = "clash"
        size[i] = abs(found.get("step_l", 0.0))
        evidence.append(found)
    return Measured(onset, size, np.zeros(len(onset)), evidence)


def severity(episode: Episode) -> Severity:
    """A rollover and a lone misread need nobody; the others change what is billed."""
    return _SEVERITY.get(episode.evidence.get("kind", ""), Severity.LOW)


DETECTOR = Detector(
    name="register_jump",
    group="device",
    finds="The register goes on elsewhere: it rolled over, the meter was exchanged, water flowed back, or an "
    "index was misread.",
    plane="signs",
    unit="L",
    kinds=frozenset({"customer", "dma_inlet", "dma_outlet"}),
    params=(told.QUIET,),
    mark=mark,
    measure=measure,
    severity=severity,
)
