"""A meter whose clock is wrong."""

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Chunk, Detector, Marks, Measured, Param, Spans, by_size
from detection.episode import Episode
from detection.kernels.clock_skew import clock_skew


def _behind(chunk: Chunk) -> NDArray[np.float32]:
    interval = chunk.roster.interval_s[chunk.site].astype(np.float32)
    return np.maximum(chunk.params["behind_s"], interval)


def mark(chunk: Chunk) -> Marks:
    """Raise where even the quickest reading of each of some days came too late, or too early."""
    days = chunk.params["days"].astype(np.int64)
    lookback = int(days.max(initial=1)) - 1
    least, covered = chunk.values(lookback)
    raises, clears = clock_skew(least, covered, _behind(chunk), chunk.params["ahead_s"], days)
    return Marks(raises[:, lookback:], clears[:, lookback:], np.ones(len(days), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Take the median of the days since the onset."""
    days = chunk.params["days"][spans.index].astype(np.int64)
    onset = np.where(spans.onset < 0, spans.raised - days + 1, spans.onset)
    least, covered, start = chunk.whole(spans.index)
    at = np.arange(least.shape[1]) + start
    since = covered & (at >= onset[:, None]) & (at < spans.end[:, None])
    skew = np.array(
        [float(np.median(least[i][since[i]])) if since[i].any() else 0.0 for i in range(len(onset))]
    )
    evidence = [{"skew_s": round(s), "days": int(n)} for s, n in zip(skew, since.sum(axis=1), strict=True)]
    return Measured(onset, np.abs(skew), np.zeros(len(skew)), evidence)


def severity(episode: Episode) -> Severity:
    """From an hour on night windows and shifts are judged by the wrong use."""
    return by_size(episode.magnitude, 3600, 86_400, float("inf"))


DETECTOR = Detector(
    name="clock_skew",
    group="device",
    finds="The meter's clock is wrong: all its readings come later, or earlier, than any transport explains.",
    plane="skew",
    unit="s",
    kinds=frozenset({"customer", "dma_inlet", "dma_outlet", "pressure", "storage"}),
    params=(
        Param(
            "behind_s", 600, "s", "Late: even a day's quickest reading, by more than this and an interval.",
            "own: beyond what radio networks hold back; a reading an interval old may just be the newest",
        ),
        Param(
            "ahead_s", 60, "s", "Early: by more than this before its receipt.",
            "own; what is more than 300 s ahead is quarantined and never seen here", high=300,
        ),
        Param("days", 2, "d", "On so many days in a row.", "own", low=1, high=14),
    ),
    mark=mark,
    measure=measure,
    severity=severity,
)  # fmt: skip
