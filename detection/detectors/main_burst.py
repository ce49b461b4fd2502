"""Main burst: inflow up and pressures down together, as a leak at one place of the network explains."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.words import Severity
from detection.detector import Chunk, Detector, Param
from detection.district import STEP_H, View, look
from detection.episode import Episode
from detection.kernels import main_burst as kernel
from detection.kernels.main_burst import Found

#: The best place must explain this part of what has changed; else it is something other than one leak.
_PART = 0.6
#: The place may be wrong by so much on average; or so long is waited for better.
_SURE_M = 150.0
_WAIT_H = 12
#: Two places so near are one, and a leak that ends is sought so much farther: it is seen from other days.
_NEAR_M = 350.0
_WIDER = 1.5
_FARTHEST_M = 1000.0
#: A step at a leak that has not grown for so long is another leak.
_STILL_H = 8 * 24
#: A leak that has lost so much of what it had at most is over.
_OVER = 0.6
_AREA = 10
_SENSORS = 5


def trace(chunk: Chunk, alarms: Sequence[list[Episode]]) -> list[list[Episode]]:
    """Look every six hours, and tell of new leaks, of known ones that grow, and of those that end."""
    return [_district(chunk, i, listed) for i, listed in enumerate(alarms)]


def _district(chunk: Chunk, i: int, listed: list[Episode]) -> list[Episode]:
    hours = [now for now in range(chunk.lo + 1, chunk.hi + 1) if now % STEP_H == 0]
    view = look(chunk, i) if hours else None
    if view is None:
        return []
    book, changed = list(listed), set[int]()
    for now in hours:
        if chunk.asked[i, now - 1 - chunk.lo]:
            for made in _decide(chunk, i, view, now, book):
                book = [e for e in book if e.raised_s != made.raised_s] + [made]
                changed.add(made.raised_s)
    return sorted((e for e in book if e.raised_s in changed), key=lambda e: e.raised_s)


def _decide(chunk: Chunk, i: int, view: View, now: int, book: list[Episode]) -> list[Episode]:
    threshold = float(chunk.params["threshold"][i])
    base = max((int(e.evidence["since_s"]) // 3600 for e in book), default=view.lo)
    found = view.scan(now, base)
    if found is None:
        return []
    up, down = found
    going = [e for e in book if e.closed_s is None]
    if down.gain[down.place] > up.gain[up.place]:
        return _less(view, now, down, threshold, going, book) if down.strength > threshold else []
    least = float(chunk.params["min_flow_lph"][i]) / 1000
    if not _passes(up, threshold, least):
        return []
    p = kernel.likelihood(up, view.channels)
    place, off = kernel.middle(p, view.between, _FARTHEST_M)
    if off > _SURE_M and not all(
        (before := view.scan(now - h, base)) is not None
        and before[0].gain[before[0].place] >= before[1].gain[before[1].place]
        and _passes(before[0], threshold, least)
        for h in range(STEP_H, _WAIT_H + 1, STEP_H)
    ):
        return []
    flow_lph = float(up.flow[place]) * 1000
    near = [e for e in going if view.between[_place(view, e), place] < _NEAR_M]
    if near:
        at = min(near, key=lambda e: float(view.between[_place(view, e), place]))
        if up.back > 2 * kernel.DAY or now - int(at.evidence["grown_s"]) // 3600 <= _STILL_H:
            return [_moved(at, now, up, flow_lph)]
    likeliest = [place, *(int(j) for j in np.argsort(-p, kind="stable") if j != place and p[j] > 0)]
    meter = int(chunk.series.ring.meter_id[chunk.rows[i]])
    return [_new(view, meter, now, up, likeliest, rebased=bool(going))]


def _passes(found: Found, threshold: float, least: float) -> bool:
    return found.strength >= threshold and found.part >= _PART and float(found.flow[found.place]) >= least


def _less(
    view: View, now: int, down: Found, threshold: float, going: list[Episode], book: list[Episode]
) -> list[Episode]:
    """Return the known leak that has become less; where none is near but the change is large, start anew."""
    lost_lph = -float(down.flow[down.place]) * 1000
    near = [e for e in going if view.between[_place(view, e), down.place] < _NEAR_M * _WIDER]
    if near and lost_lph > 0.3 * min(float(e.evidence["flow_lph"]) for e in near):
        at = min(near, key=lambda e: float(view.between[_place(view, e), down.place]))
        return [_moved(at, now, down, -lost_lph)]
    if down.strength > 2 * threshold and book:
        last = max(book, key=lambda e: e.raised_s)
        return [replace(last, evidence={**last.evidence, "since_s": _since(now, down)})]
    return []


def _since(now: int, found: Found) -> int:
    """Return from when on the level is the new one: after a step half a day back, else a day."""
    return (now - (kernel.DAY // 2 if found.back == kernel.DAY else kernel.DAY)) * 3600


def _moved(at: Episode, now: int, found: Found, by_lph: float) -> Episode:
    flow = float(at.evidence["flow_lph"]) + by_lph
    peak = max(float(at.evidence["peak_lph"]), flow)
    before_h = (now * 3600 - at.last_s) / 3600
    evidence = {
        **at.evidence,
        "flow_lph": round(max(flow, 0.0), 1),
        "peak_lph": round(peak, 1),
        "since_s": _since(now, found),
        "grown_s": now * 3600 if by_lph > 0 else at.evidence["grown_s"],
    }
    moved = replace(
        at,
        last_s=now * 3600,
        magnitude=peak,
        loss_l=at.loss_l + max(float(at.evidence["flow_lph"]), 0.0) * before_h,
        evidence=evidence,
    )
    if flow < (1 - _OVER) * peak:
        return replace(
            moved, closed_s=(now - 1) * 3600, cleared_s=max((now - found.back) * 3600, at.raised_s)
        )
    return moved


def _new(view: View, meter: int, now: int, found: Found, likeliest: list[int], *, rebased: bool) -> Episode:
    flow_lph = float(found.flow[likeliest[0]]) * 1000
    onset = view.onset(found, likeliest[0], now)
    drop = found.change[: len(view.sensors)]
    order = [int(s) for s in np.argsort(drop) if drop[s] < 0]
    evidence: dict[str, Any] = {
        "flow_lph": round(flow_lph, 1),
        "peak_lph": round(flow_lph, 1),
        "usual_lph": round(view.usual * 1000, 1),
        "strength": round(found.strength, 1),
        "area": [view.names[j] for j in likeliest[:_AREA]],
        "sensors": [view.sensors[s] for s in order[:_SENSORS]],
        "drop_kpa": round(float(-drop[order[0]]), 2) if order else 0.0,
        "since_s": _since(now, found),
        "grown_s": now * 3600,
    }
    return Episode(
        detector="main_burst",
        meter_id=meter,
        raised_s=(now - 1) * 3600,
        onset_s=onset * 3600,
        detected_s=now * 3600,
        last_s=now * 3600,
        magnitude=flow_lph,
        loss_l=flow_lph * max(now - onset, 1),
        evidence=evidence,
        rebased=rebased,
    )


def _place(view: View, episode: Episode) -> int:
    """Return the pipe an episode was told to be at."""
    return view.seat.get(str(episode.evidence["area"][0]), 0)


def severity(episode: Episode) -> Severity:
    """Grade high; critical from 20 m3/h or a tenth of what the district usually takes."""
    large = min(20_000.0, max(0.1 * float(episode.evidence["usual_lph"]), 5_000.0))
    return Severity.CRITICAL if episode.magnitude >= large else Severity.HIGH


DETECTOR = Detector(
    name="main_burst",
    group="network",
    finds="Inflow up and pressure down together: a leak, and the pipes where it most likely is.",
    plane="zone",
    unit="L/h",
    kinds=frozenset({"dma"}),
    params=(
        Param(
            "threshold",
            6.0,
            "standard deviations",
            "How far a change must stand out of what moves from day to day.",
            "own: by chance (normal noise, 100 places, four looks a day) once in centuries",
            low=3.0,
            high=100.0,
        ),
        Param(
            "min_flow_lph",
            1000.0,
            "L/h",
            "The least leak that is told of.",
            "one tenth of a burst main of 10 m3/h (IWA component analysis takes 6-12 m3/h for mains)",
            low=10.0,
            high=1_000_000.0,
        ),
    ),
    trace=trace,
    severity=severity,
    by_dma=True,
)
