"""Water that flows back through a meter."""

import numpy as np

from core.words import Severity
from detection import told
from detection.detector import Chunk, Detector, Marks, Measured, Param, Spans, by_size
from detection.episode import Episode
from detection.kernels.signs import BACKFLOW_FLAG, NEGATIVE, STEP_BACK

_STEADY = NEGATIVE | STEP_BACK


def mark(chunk: Chunk) -> Marks:
    """Raise at the meter's flag, or when register or flow go back in some hours of a day."""
    return told.mark(chunk, BACKFLOW_FLAG, _STEADY)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Add up what the register fell by."""
    onset = told.onsets(chunk, spans, _STEADY)
    bits = told.bits_of(chunk, spans, onset)
    litres = np.zeros(len(onset))
    evidence = []
    for i in range(len(onset)):
        steps = told.steps_of(chunk, int(spans.index[i]), int(onset[i]), int(spans.end[i]))
        litres[i] = sum(max(s.before_l - s.after_l, 0.0) for s in steps if s.kind == "backflow")
        said = bits[i]
        reason = "register" if (said & STEP_BACK).any() else "flow" if (said & NEGATIVE).any() else "flag"
        hours = int((said & (_STEADY | BACKFLOW_FLAG) > 0).sum())
        evidence.append({"reason": reason, "back_l": round(float(litres[i]), 1), "hours": hours})
    return Measured(onset, litres, np.zeros(len(onset)), evidence)


def severity(episode: Episode) -> Severity:
    """Any water that flows back may foul the main; 100 L and more do not come from a check valve's seat."""
    return by_size(episode.magnitude, 0, 100, 10_000)


DETECTOR = Detector(
    name="backflow",
    group="device",
    finds="Water flows back through the meter: its register steps down little by little, or it says so.",
    plane="signs",
    unit="L",
    kinds=frozenset({"customer", "dma_inlet"}),
    params=(
        Param(
            "min_hours", 3, "h", "So many hours with a step back or a negative flow.",
            "own: one or two counts back are the play of the register", low=1, high=168,
        ),
        Param("window_h", 24, "h", "Within so many hours.", "own: a day", low=1, high=168),
        told.QUIET,
    ),
    mark=mark,
    measure=measure,
    severity=severity,
)  # fmt: skip
