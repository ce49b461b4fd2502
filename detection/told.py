"""What the detectors of the plane `signs` share: marks from bits of the hour, and the steps of a span."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.detector import Chunk, Marks, Param, Spans
from detection.health import SignRing, Step
from detection.kernels.signs import shown

QUIET = Param(
    "quiet_h",
    24,
    "h",
    "Over once nothing of it was seen for so long.",
    "own: a day with its night",
    low=1,
    high=168,
)


def mark(chunk: Chunk, at_once: int, steady: int = 0) -> Marks:
    """Raise at bits of `at_once`, and at bits of `steady` that come again (`min_hours` of `window_h`)."""
    quiet = chunk.params["quiet_h"].astype(np.int64)
    one = np.ones(len(quiet), np.int64)
    least = chunk.params["min_hours"].astype(np.int64) if steady else one
    window = chunk.params["window_h"].astype(np.int64) if steady else one
    lookback = int(max(quiet.max(initial=1), window.max(initial=1))) - 1
    bits, covered = chunk.values(lookback)
    raises, clears = shown(bits, covered, at_once, steady, least, window, quiet)
    return Marks(raises[:, lookback:], clears[:, lookback:], quiet)


def bits_of(chunk: Chunk, spans: Spans, onset: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (spans, slots) bits from each onset to its end, 0 elsewhere."""
    values, covered, start = chunk.whole(spans.index)
    at = np.arange(values.shape[1]) + start
    inside = covered & (at >= onset[:, None]) & (at < spans.end[:, None])
    return np.where(inside, np.nan_to_num(values), 0).astype(np.int64)


def onsets(chunk: Chunk, spans: Spans, steady: int) -> NDArray[np.int64]:
    """Return the first hour with a bit of `steady` in the window that raised; the raising one without any."""
    if not steady:
        return np.where(spans.onset < 0, spans.raised, spans.onset)
    values, covered, start = chunk.whole(spans.index)
    window = chunk.params["window_h"][spans.index].astype(np.int64)
    at = np.arange(values.shape[1]) + start
    inside = covered & (at > (spans.raised - window)[:, None]) & (at <= spans.raised[:, None])
    seen = inside & (np.nan_to_num(values).astype(np.int64) & steady > 0)
    first = np.where(seen.any(axis=1), start + seen.argmax(axis=1), spans.raised)
    return np.where(spans.onset < 0, first, spans.onset)


def steps_of(chunk: Chunk, index: int, lo: int, hi: int) -> list[Step]:
    """Return the odd steps of a chunk's row in the hours [lo, hi)."""
    ring = chunk.series.ring
    if not isinstance(ring, SignRing):
        return []
    return ring.between(int(ring.meter_id[chunk.rows[index]]), lo * 3600 + 1, hi * 3600 + 1)


def summary(steps: Sequence[Step]) -> dict[str, Any]:
    """Return the largest step of the leading kind, and how many of which there were."""
    counted = Counter(step.kind for step in steps)
    order = ("exchange", "rollover", "backflow", "misread")
    kind = next((k for k in order if counted[k]), "unknown")
    mine = [s for s in steps if s.kind == kind]
    if not mine:
        return {"kind": kind, "steps": len(steps)}
    worst = max(mine, key=lambda s: abs(s.after_l - s.before_l))
    return {
        "kind": kind,
        "before_l": round(worst.before_l, 1),
        "after_l": round(worst.after_l, 1),
        "step_l": round(worst.after_l - worst.before_l, 1),
        "steps": len(mine),
        "at_s": worst.ts_s,
    }
