"""Burst behind a customer's meter."""

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Chunk, Detector, Index, Marks, Measured, Param, Spans
from detection.episode import Episode
from detection.kernels.burst import burst
from detection.kernels.runs import quantile

Floats = NDArray[np.float32]


def _slots(chunk: Chunk) -> int:
    """Return half an hour in slots, at least two: an hour in which a pool was filled is no burst."""
    return max(2, -(-1800 // chunk.series.slot_s))


def _usual(chunk: Chunk, index: Index, before: NDArray[np.int64] | None = None) -> tuple[Floats, Floats]:
    """Return the site's usual maximum (NaN: too little is known) and median flow, L/h.

    With `before`, one slot an index, what happened from it on is left out: a burst is not its own measure.
    """
    highest, median = np.full(len(index), np.nan, np.float32), np.full(len(index), np.nan, np.float32)
    days = chunk.params["history_days"][index]
    per_day = 86_400 / chunk.series.slot_s
    for d in np.unique(days):
        same = np.flatnonzero(days == d)
        volume, covered = chunk.history(index[same], int(d))
        if before is not None:
            covered &= np.arange(chunk.day_lo - volume.shape[1], chunk.day_lo) < before[same, None]
        enough = covered.sum(axis=1) >= chunk.params["min_history_days"][index[same]] * per_day
        for q in np.unique(chunk.params["usual_quantile"][index[same]]):
            part = np.flatnonzero(chunk.params["usual_quantile"][index[same]] == q)
            highest[same[part]] = quantile(volume[part], covered[part], float(q))
        highest[same[~enough]] = np.nan
        median[same] = quantile(volume, covered, 0.5)
    hours = chunk.series.slot_s / 3600
    return highest / np.float32(hours), np.nan_to_num(median) / np.float32(hours)


def screen(chunk: Chunk) -> NDArray[np.bool_]:
    """Pass where any slot alone is above the share of Q3."""
    hours = np.float32(chunk.series.slot_s / 3600)
    excess = chunk.params["excess_of_q3"] * chunk.roster.q3_lph[chunk.site]
    return np.asarray((chunk.values()[0] > (excess * hours)[:, None]).any(axis=1))


def mark(chunk: Chunk) -> Marks:
    """Raise above the usual maximum by a share of Q3; only sites above that share at all are asked."""
    slots = _slots(chunk)
    volume, covered = chunk.values(slots - 1)
    flow = volume / np.float32(chunk.series.slot_s / 3600)
    excess = chunk.params["excess_of_q3"] * chunk.roster.q3_lph[chunk.site]
    threshold = excess.copy()
    asked = np.flatnonzero((covered & (flow > excess[:, None])).any(axis=1))
    if len(asked):
        threshold[asked] += _usual(chunk, asked)[0]
    raises, clears = burst(flow, covered, threshold, slots)
    return Marks(raises[:, slots - 1 :], clears[:, slots - 1 :], np.full(len(chunk.rows), slots))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Take the highest flow, and as lost what exceeds the site's median flow since the onset."""
    onset = np.where(spans.onset < 0, spans.raised - _slots(chunk) + 1, spans.onset)
    volume, covered, start = chunk.whole(spans.index)
    hours = chunk.series.slot_s / 3600
    flow = volume / np.float32(hours)
    at = np.arange(volume.shape[1]) + start
    since = covered & (at >= onset[:, None]) & (at < spans.end[:, None])
    highest = np.where(since, flow, 0).max(axis=1, initial=0).astype(np.float64)
    usual_max, median = _usual(chunk, spans.index, onset)
    q3 = chunk.roster.q3_lph[chunk.site[spans.index]]
    threshold = chunk.params["excess_of_q3"][spans.index] * q3 + usual_max
    lost = np.where(since, np.maximum(flow - median[:, None], 0), 0).sum(axis=1) * hours
    lost = lost * (spans.end - onset) / np.maximum(spans.end - np.maximum(onset, start), 1)
    evidence = [
        {
            "flow_lph": round(float(highest[i]), 1),
            "threshold_lph": round(float(threshold[i]), 1),
            "usual_max_lph": round(float(usual_max[i]), 1),
            "q3_lph": round(float(q3[i]), 1),
            "minutes": int((spans.end[i] - onset[i]) * chunk.series.slot_s // 60),
        }
        for i in range(len(spans.index))
    ]
    return Measured(onset, highest, lost.astype(np.float64), evidence)


def severity(episode: Episode) -> Severity:
    """Grade high; critical from half of Q3 on."""
    q3 = float(episode.evidence["q3_lph"])
    return Severity.CRITICAL if episode.magnitude >= 0.5 * q3 else Severity.HIGH


DETECTOR = Detector(
    name="burst",
    group="leak",
    finds="Flow far beyond what the site has ever drawn, for half an hour: a burst pipe behind the meter.",
    plane="native",
    unit="L/h",
    kinds=frozenset({"customer"}),
    params=(
        Param(
            "excess_of_q3",
            0.10,
            "share of Q3",
            "So much of the permanent flow beyond the site's usual maximum; no burst without a Q3.",
            "burst flags of ultrasonic registers: > 10 % of Q3 for 30 min; Q3: ISO 4064-1",
            low=0.01,
            high=2,
        ),
        Param(
            "usual_quantile",
            0.995,
            "quantile",
            "The usual maximum: this quantile of the site's flows in its history.",
            "own: of four weeks all but three hours; long events are left out",
            low=0.5,
            high=1,
        ),
        Param(
            "history_days",
            28,
            "d",
            "History that tells the usual maximum.",
            "own: four weeks",
            low=7,
            high=35,
        ),
        Param(
            "min_history_days",
            14,
            "d",
            "Known history without which nothing is raised.",
            "own",
            low=1,
            high=35,
        ),
    ),
    leaves_out=frozenset({"burst"}),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
