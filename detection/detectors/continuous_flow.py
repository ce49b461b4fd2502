"""Continuous flow at a customer's meter."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Chunk, Detector, Index, Marks, Measured, Param, Spans, by_size
from detection.episode import Episode
from detection.kernels.continuous_flow import continuous_flow, flow_start, rested_share

_MIN_KNOWN_DAYS = 7


def _threshold(chunk: Chunk) -> NDArray[np.float32]:
    return np.fmax(chunk.params["threshold_lph"], chunk.roster.resolution_l[chunk.site])


def screen(chunk: Chunk) -> NDArray[np.bool_]:
    """Pass where no hour that lies in every window asked about is a still one."""
    spare = int(chunk.params["window_h"].min()) - (chunk.hi - chunk.lo)
    if spare < 0:
        return np.ones(len(chunk.rows), bool)
    volume, covered = chunk.values(spare)
    still = covered[:, : spare + 1] & (volume[:, : spare + 1] < _threshold(chunk)[:, None])
    return np.asarray(~still.any(axis=1))


def mark(chunk: Chunk) -> Marks:
    """Raise where every hour of the window has flowed, clear at the first still hour."""
    window = chunk.params["window_h"].astype(np.int64)
    lookback = int(window.max(initial=1)) - 1
    volume, covered = chunk.values(lookback)
    threshold = _threshold(chunk)
    raises, clears = continuous_flow(volume, covered, threshold, window, chunk.params["min_coverage"])
    raises, clears = raises[:, lookback:], clears[:, lookback:]
    asked = np.flatnonzero(raises.any(axis=1) & (chunk.params["min_rested_share"] > 0))
    if len(asked):
        share, known = rested_share(*chunk.history(asked, 28), threshold[asked])
        rests = (known >= _MIN_KNOWN_DAYS) & (share >= chunk.params["min_rested_share"][asked])
        raises[asked] &= rests[:, None]
    return Marks(raises, clears, np.ones(len(chunk.rows), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset back to the start of the flow; the rate is the lowest hour of the last window."""
    volume, covered, start = chunk.whole(spans.index)
    threshold = _threshold(chunk)[spans.index]
    window = chunk.params["window_h"][spans.index].astype(np.int64)
    found = start + flow_start(volume, covered, threshold, spans.raised - start)
    onset = np.where(spans.onset < 0, found, spans.onset)
    at = np.arange(volume.shape[1]) + start
    since = (at >= onset[:, None]) & (at < spans.end[:, None])
    recent = since & (at >= (spans.end - window)[:, None])
    rate = _lowest(volume, covered & recent)
    coverage = (covered & recent).sum(axis=1) / np.maximum(recent.sum(axis=1), 1)
    loss = _loss(volume, covered & since, np.maximum(onset, start) - start, spans.end - start)
    seen, whole = spans.end - np.maximum(onset, start), spans.end - onset
    loss *= whole / np.maximum(seen, 1)
    quarters = _quarters(chunk, spans)
    evidence = [
        _evidence(float(rate[i]), float(threshold[i]), int(window[i]), float(coverage[i]), int(quarters[i]))
        for i in range(len(spans.index))
    ]
    return Measured(onset, rate.astype(np.float64), loss, evidence)


def _lowest(volume: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    lowest = np.where(where, volume, np.float32(np.inf)).min(axis=1, initial=np.float32(np.inf))
    return np.where(np.isfinite(lowest), lowest, np.float32(0))


def _loss(
    volume: NDArray[np.float32],
    where: NDArray[np.bool_],
    first: NDArray[np.int64],
    end: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Sum, over blocks of 24 h since the onset, the lowest hour of the block times its hours."""
    blocks = -(-int((end - first).max(initial=1)) // 24)
    at = first[:, None] + np.arange(blocks * 24)
    inside = at < end[:, None]
    at = np.minimum(at, volume.shape[1] - 1)
    rows = np.arange(len(volume))[:, None]
    values = np.where(inside & where[rows, at], volume[rows, at], np.float32(np.inf)).reshape(-1, blocks, 24)
    lowest = values.min(axis=2)
    lowest = np.where(np.isfinite(lowest), lowest, 0)
    hours = inside.reshape(-1, blocks, 24).sum(axis=2)
    return np.asarray((lowest * hours).sum(axis=1), np.float64)


def _quarters(chunk: Chunk, spans: Spans) -> Index:
    """Return how many of the last 96 quarter-hours flowed; -1 where the meter doesn't say."""
    ring, factor = chunk.series.ring, chunk.series.factor
    each = 900 // ring.slot_s
    if ring.slot_s > 900 or 900 % ring.slot_s:
        return np.full(len(spans.index), -1)
    counted = np.full(len(spans.index), -1)
    for end in np.unique(spans.end):
        same = spans.end == end
        values, quality = ring.read(chunk.rows[spans.index[same]], (end - 24) * factor, end * factor)
        flowed = np.where(quality >= 0, values, 0).reshape(-1, 96, each).sum(axis=2) > 0
        counted[same] = flowed.sum(axis=1)
    return counted


def _evidence(rate: float, threshold: float, window: int, coverage: float, quarters: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rate_lph": round(rate, 3),
        "threshold_lph": round(threshold, 3),
        "window_h": window,
        "coverage": round(coverage, 3),
        "grade": "continuous" if quarters in (-1, 96) else "intermittent",
    }
    if quarters >= 0:
        found["quarters_of_96"] = quarters
    return found


def severity(episode: Episode) -> Severity:
    """Grade by rate: 10, 100 and 1,000 L/h are about 7, 70 and 700 m3 a month."""
    return by_size(episode.magnitude, 10, 100, 1000)


DETECTOR = Detector(
    name="continuous_flow",
    group="leak",
    finds="A customer's meter that has not rested for a day: a leak, a running cistern, an open tap.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    params=(
        Param(
            "threshold_lph",
            3.8,
            "L/h",
            "An hour flows from this volume on; never less than the register's resolution.",
            "1 gal/h: smallest leak that registers flag (EPA WaterSense Labs 2015); classes: AMI vendors' "
            "leak rules; institutional as commercial, both being empty at night",
            by_class={"multi_family": 300, "commercial": 190, "institutional": 190, "industrial": 380},
        ),
        Param(
            "window_h",
            24,
            "h",
            "So long without rest.",
            "96 of 96 quarter-hours (registers' continuous-leak flag); industry: over a weekend",
            by_class={"industrial": 72},
            low=1,
            high=168,
        ),
        Param(
            "min_coverage", 0.9, "share", "Share of the window that must be known.", "design", low=0.5, high=1
        ),
        Param(
            "min_rested_share",
            0.0,
            "share",
            "Share of the last 28 days with a still hour; a site that never rests is no news. 0: not asked.",
            "own: needs 7 known days",
            by_class={"multi_family": 0.5, "commercial": 0.5, "institutional": 0.5, "industrial": 0.5},
            high=1,
        ),
    ),
    leaves_out=frozenset({"continuous_flow"}),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
