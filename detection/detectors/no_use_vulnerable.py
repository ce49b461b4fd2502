"""No sign of life at the meter of somebody vulnerable who lives alone."""

import numpy as np

from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Index, Marks, Measured, Param, Spans
from detection.episode import Episode
from detection.kernels.no_use import no_use

_LOOKBACK_H = 72
_LIVED_IN_DAYS = 7
_USUAL_DAYS = 28


def screen(chunk: Chunk) -> Bools:
    """Pass the meters of vulnerable customers who live alone."""
    roster = chunk.roster
    return np.asarray((roster.segment[chunk.site] == "vulnerable") & roster.lives_alone[chunk.site])


def mark(chunk: Chunk) -> Marks:
    """Raise where hardly anything was used in the waking hours of a home that was lived in before."""
    volume, covered = chunk.values(_LOOKBACK_H)
    hour = chunk.timetable.hour_of_week(chunk.lo - _LOOKBACK_H, chunk.hi) % 24
    raises, clears = np.zeros(volume.shape, bool), np.zeros(volume.shape, bool)
    limit = chunk.params["limit_l"]
    keys = np.stack([chunk.params[name] for name in ("wake_hour", "sleep_hour", "waking_h")])
    for wake, sleep, hours in np.unique(keys, axis=1).T:
        same = np.flatnonzero((keys == np.array([[wake], [sleep], [hours]])).all(axis=0))
        waking = (hour >= wake) & (hour < sleep)
        part = volume[same], covered[same]
        raises[same], clears[same] = no_use(*part, waking, int(hours), limit[same])
        asked = np.flatnonzero(raises[same].any(axis=1))
        if len(asked):
            longer, _ = no_use(part[0][asked], part[1][asked], waking, 2 * int(hours), limit[same[asked]])
            usual, lived_in = _past(chunk, same[asked], wake, sleep, int(hours))
            raises[same[asked]] &= lived_in[:, None] & (longer | ~usual[:, None])
    raises &= screen(chunk)[:, None]
    return Marks(raises[:, _LOOKBACK_H:], clears[:, _LOOKBACK_H:], np.ones(len(volume), np.int64))


def _past(chunk: Chunk, index: Index, wake: float, sleep: float, hours: int) -> tuple[Bools, Bools]:
    """Return where such spans have ended on three of the last 28 days, and which were lived in."""
    lo = chunk.day_lo - (_USUAL_DAYS + 2) * 24
    past, known = chunk.series.read(chunk.rows[index], lo, chunk.day_lo)
    hour = chunk.timetable.hour_of_week(lo, chunk.day_lo) % 24
    limit = chunk.params["limit_l"][index]
    quiet, _ = no_use(past, known, (hour >= wake) & (hour < sleep), hours, limit)
    days = quiet.reshape(len(index), _USUAL_DAYS + 2, 24).any(axis=2).sum(axis=1)
    week = slice(-(_LIVED_IN_DAYS + 1) * 24, -24)
    lived_in = np.where(known[:, week], past[:, week], 0).sum(axis=1) >= limit
    return days >= 3, lived_in


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset to the first hour of the span; the magnitude is what was used since."""
    volume, covered, start = chunk.whole(spans.index)
    hours = chunk.params["waking_h"][spans.index].astype(np.int64)
    onset = np.where(spans.onset < 0, _begun(chunk, spans, hours), spans.onset)
    at = np.arange(volume.shape[1]) + start
    since = covered & (at >= onset[:, None]) & (at < spans.end[:, None])
    used = np.where(since, volume, 0).sum(axis=1).astype(np.float64)
    evidence = [
        {"used_l": round(float(used[i]), 1), "waking_hours": int(hours[i])} for i in range(len(spans.index))
    ]
    return Measured(onset, used, np.zeros(len(used)), evidence)


def _begun(chunk: Chunk, spans: Spans, hours: np.ndarray) -> np.ndarray:
    """Return the first waking hour of each span that raised."""
    begun = spans.raised.copy()
    for i, (raised, index) in enumerate(zip(spans.raised, spans.index, strict=True)):
        hour = chunk.timetable.hour_of_week(int(raised) - _LOOKBACK_H, int(raised) + 1) % 24
        waking = (hour >= chunk.params["wake_hour"][index]) & (hour < chunk.params["sleep_hour"][index])
        begun[i] = raised - _LOOKBACK_H + np.flatnonzero(waking)[-hours[i] :][0]
    return begun


def severity(_episode: Episode) -> Severity:
    """High: somebody should ring the bell today."""
    return Severity.HIGH


DETECTOR = Detector(
    name="no_use_vulnerable",
    group="welfare",
    finds="Hardly any use in the waking hours of a vulnerable customer who lives alone: please look.",
    plane="hourly",
    unit="L",
    kinds=frozenset({"customer"}),
    sectors=frozenset({"residential"}),
    params=(
        Param(
            "limit_l", 10, "L", "Less than this is hardly any use.", "design: one flush of a toilet or two"
        ),
        Param("waking_h", 12, "h", "So many waking hours.", "design", low=4, high=24),
        Param("wake_hour", 7, "hour of the day", "First waking hour, local.", "own", high=23),
        Param("sleep_hour", 22, "hour of the day", "First hour of sleep, local.", "own", low=1, high=24),
    ),
    explained_by_outage=True,
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
