"""Continuous flow at a customer's meter."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Index, Ints, Marks, Measured, Param, Spans, by_size
from detection.detectors import steady_flow
from detection.episode import Episode
from detection.kernels.continuous_flow import continuous_flow, flow_start, rested_share, still_share
from detection.kernels.steady import PAUSE_H

_MIN_KNOWN_DAYS = 7
_LONGEST = 4
_GROWN = 1.5


def _threshold(chunk: Chunk) -> NDArray[np.float32]:
    return np.fmax(chunk.params["threshold_lph"], chunk.roster.resolution_l[chunk.site])


def screen(chunk: Chunk) -> NDArray[np.bool_]:
    """Pass where no hour that lies in every window asked about is still, or an hour ends a steady run."""
    passes = steady_flow.runs(chunk)
    spare = int(chunk.params["window_h"].min()) - (chunk.hi - chunk.lo)
    if spare < 0:
        return np.ones(len(chunk.rows), bool)
    volume, covered = chunk.values(spare)
    still = covered[:, : spare + 1] & (volume[:, : spare + 1] < _threshold(chunk)[:, None])
    return np.asarray(passes | ~still.any(axis=1))


def mark(chunk: Chunk) -> Marks:
    """Raise where a site has flowed for longer than it ever does, or runs steadily again and again.

    Clear at the first still hour, or, where it comes and goes, at the first one two days after the last
    steady run.
    """
    window = chunk.params["window_h"].astype(np.int64)
    lookback = int(window.max(initial=1)) - 1
    volume, covered = chunk.values(lookback)
    threshold, share = _threshold(chunk), chunk.params["min_coverage"]
    raises, clears = continuous_flow(volume, covered, threshold, window, share)
    raises, clears = raises[:, lookback:], clears[:, lookback:]
    asked = np.flatnonzero(raises.any(axis=1))
    if len(asked):
        raises[asked] &= _unusual(chunk, asked, threshold[asked], window[asked])
    # What is open and does not rest stays open whatever its runs say.
    rests = clears.any(axis=1)
    steady = np.flatnonzero(steady_flow.runs(chunk) & (rests | ~chunk.open))
    if len(steady):
        raises[steady] |= steady_flow.weigh(chunk, steady, chunk.lo).raised
    may_clear = np.flatnonzero((chunk.open | raises.any(axis=1)) & rests & (chunk.params["steady_nats"] > 0))
    if len(may_clear):
        lately = steady_flow.weigh(chunk, may_clear, chunk.lo - PAUSE_H).comes_and_goes
        held = np.lib.stride_tricks.sliding_window_view(lately, PAUSE_H + 1, axis=1).any(axis=2)
        clears[may_clear] &= ~held
    return Marks(raises, clears, np.ones(len(chunk.rows), np.int64))


def _unusual(chunk: Chunk, index: Index, threshold: NDArray[np.float32], window: Ints) -> Bools:
    """Return at which slots of the chunk a site has flowed for longer than its own rests allow."""
    history, known = chunk.history(index, 28)
    share, days = rested_share(history, known, threshold)
    least = chunk.params["min_rested_share"][index]
    rests = (least <= 0) | ((days >= _MIN_KNOWN_DAYS) & (share >= least))
    expected = chunk.params["missed_rests"][index]
    often = still_share(history, known, threshold)
    longer = np.ceil(expected / np.maximum(often, 1e-3))
    longer = np.where(days < _MIN_KNOWN_DAYS, window, longer)
    own = np.clip(longer, window, _LONGEST * window).astype(np.int64)
    lookback = int(own.max(initial=1)) - 1
    volume, covered = chunk.series.read(chunk.rows[index], chunk.lo - lookback, chunk.hi)
    raises, _ = continuous_flow(volume, covered, threshold, own, chunk.params["min_coverage"][index])
    return np.asarray(raises[:, lookback:] & rests[:, None])


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset back to the start of the flow; the rate is the lowest hour, or the steady level."""
    volume, covered, start = chunk.whole(spans.index)
    threshold = _threshold(chunk)[spans.index]
    window = chunk.params["window_h"][spans.index].astype(np.int64)
    onset = _onset(chunk, spans, volume, covered, start)
    at = np.arange(volume.shape[1]) + start
    since = (at >= onset[:, None]) & (at < spans.end[:, None])
    recent = since & (at >= (spans.end - window)[:, None])
    rate = _lowest(volume, covered & recent)
    first, end = np.maximum(onset, start) - start, spans.end - start
    lowest = _blocks(volume, covered & since, first, end)
    loss = (lowest.litres * lowest.hours).sum(axis=1)
    pauses = (covered & since & (volume < threshold[:, None])).any(axis=1)
    steps = steady_flow.step(chunk)[spans.index]
    level = steady_flow.level_since(volume, covered, steps, since)
    on = steady_flow.hours_on(chunk, spans.index, volume, covered & since, level)
    goes = pauses & ~np.isnan(level)
    rate = np.where(goes, level, rate)
    loss = np.where(goes, level * on, loss)
    seen, whole = spans.end - np.maximum(onset, start), spans.end - onset
    loss = loss * whole / np.maximum(seen, 1)
    coverage = (covered & recent).sum(axis=1) / np.maximum(recent.sum(axis=1), 1)
    quarters = _quarters(chunk, spans)
    grown = lowest.grown()
    evidence = [
        _evidence(float(rate[i]), float(threshold[i]), int(window[i]), float(coverage[i]), int(quarters[i]))
        | _course(bool(goes[i]), bool(grown[i]), int(on[i]))
        for i in range(len(spans.index))
    ]
    return Measured(onset, rate.astype(np.float64), loss.astype(np.float64), evidence)


def _onset(
    chunk: Chunk, spans: Spans, volume: NDArray[np.float32], covered: Bools, start: int
) -> NDArray[np.int64]:
    """Return the start of the unbroken flow, or, where that is younger than a window, of the steady runs."""
    threshold = _threshold(chunk)[spans.index]
    onset = np.where(
        spans.onset < 0,
        start + flow_start(volume, covered, threshold, spans.raised - start),
        spans.onset,
    )
    window = chunk.params["window_h"][spans.index]
    short = np.flatnonzero((spans.onset < 0) & (spans.raised - onset + 1 < window))
    if len(short):
        ran = steady_flow.first_run(chunk, spans.index[short], spans.raised[short])
        onset[short] = np.where(ran >= 0, np.minimum(ran, onset[short]), onset[short])
    return onset


def _course(goes: bool, grown: bool, on: int) -> dict[str, Any]:
    if goes:
        return {"grade": "intermittent", "running_h": on}
    return {"grade": "growing"} if grown else {}


def _lowest(volume: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    lowest = np.where(where, volume, np.float32(np.inf)).min(axis=1, initial=np.float32(np.inf))
    return np.where(np.isfinite(lowest), lowest, np.float32(0))


@dataclass(frozen=True)
class _Blocks:
    """The lowest hour of each 24 h since the onset, litres, and how many hours of the block have passed."""

    litres: NDArray[np.float64]
    hours: Ints

    def grown(self) -> Bools:
        """Return which have grown by half from the first whole day to the last, of three at least."""
        whole = (self.hours == 24) & (self.litres > 0)
        n = whole.sum(axis=1)
        last = self.litres.shape[1] - 1 - np.argmax(whole[:, ::-1], axis=1)
        first = np.argmax(whole, axis=1)
        rows = np.arange(len(n))
        return np.asarray((n >= 3) & (self.litres[rows, last] >= _GROWN * self.litres[rows, first]))


def _blocks(volume: NDArray[np.float32], where: Bools, first: Ints, end: Ints) -> _Blocks:
    blocks = -(-int((end - first).max(initial=1)) // 24)
    at = first[:, None] + np.arange(blocks * 24)
    inside = at < end[:, None]
    at = np.minimum(at, volume.shape[1] - 1)
    rows = np.arange(len(volume))[:, None]
    values = np.where(inside & where[rows, at], volume[rows, at], np.float32(np.inf)).reshape(-1, blocks, 24)
    lowest = values.min(axis=2)
    litres = np.where(np.isfinite(lowest), lowest, 0).astype(np.float64)
    return _Blocks(litres, inside.reshape(-1, blocks, 24).sum(axis=2))


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
    finds="A customer's meter that flows on for longer than it ever does, or runs at one rate again and "
    "again: a leak, a running cistern, an open tap.",
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
        Param(
            "missed_rests",
            10,
            "still hours",
            "It must have flowed for so long that this many still hours were to be expected by the site's "
            "last 28 days; at most four windows. 0: not asked, nor until 7 days are known.",
            "own: chance leaves out ten with e^-10, busy weeks and guests less rarely",
            high=96,
        ),
        Param(
            "steady_nats",
            12,
            "nats",
            "Evidence of steady runs of 3 h and more, at one level within a week, that raises. 0: not asked.",
            "own: e^12 against chance; firms have machines that run steadily",
            by_class={"multi_family": 0, "commercial": 0, "institutional": 0, "industrial": 0},
            high=1000,
        ),
    ),
    leaves_out=frozenset({"continuous_flow"}),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
