"""Pressure drop: a sensor that for a day reads lower than it used to, and than its neighbours do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.detector import Chunk, Detector, Param, by_size
from detection.episode import Episode
from detection.kernels import pressure_drop as kernel

Floats = NDArray[np.float64]

#: What is usual is taken from four weeks; a district is looked at whenever the UTC hour is a multiple of six.
PAST_H = 28 * 24
STEP_H = 6
#: Over when half of the drop is gone.
_BACK = 0.5


@dataclass(frozen=True)
class _Sensors:
    """A district's sensors from `start` on: names, departures, and spreads of them."""

    start: int
    names: tuple[str, ...]
    own: Floats
    among: Floats
    own_spread: Floats
    among_spread: Floats


def trace(chunk: Chunk, alarms: Sequence[list[Episode]]) -> list[list[Episode]]:
    """Look every six hours at the sensor of each district that has fallen most."""
    hours = [now for now in range(chunk.lo + 1, chunk.hi + 1) if now % STEP_H == 0]
    return [_district(chunk, i, hours, listed) for i, listed in enumerate(alarms)]


def _district(chunk: Chunk, i: int, hours: list[int], listed: list[Episode]) -> list[Episode]:
    hours = [now for now in hours if chunk.asked[i, now - 1 - chunk.lo]]
    if not hours:
        return []
    start = chunk.day_lo - PAST_H
    site, kpa, covered = chunk.sensors(i, start, chunk.hi)
    if len(site) == 0:
        return []
    values = np.where(covered, kpa, np.nan).astype(np.float64)
    own = kernel.departures(values, chunk.timetable.hour_of_week(start, chunk.hi), PAST_H)
    among = kernel.against(own)
    sensors = _Sensors(
        start,
        tuple(str(s) for s in chunk.roster.serial[site]),
        own,
        among,
        kernel.spread(own, PAST_H),
        kernel.spread(among, PAST_H),
    )
    sigmas, least = float(chunk.params["k_sigma"][i]), float(chunk.params["min_drop_kpa"][i])
    meter = int(chunk.series.ring.meter_id[chunk.rows[i]])
    going = next((e for e in listed if e.closed_s is None), None)
    changed: dict[int, Episode] = {}
    for now in hours:
        if going:
            made = _ended(sensors, now, going)
        else:
            # A sensor whose past holds an alarm has no profile to be held against.
            past = [e for e in (*listed, *changed.values()) if e.last_s > start * 3600]
            told = {name for e in past for name in e.evidence["sensors"]}
            fresh = np.array([name not in told for name in sensors.names])
            made = _begun(sensors, now, meter, fresh, (sigmas, least))
        if made is not None:
            changed[made.raised_s] = made
            going = made if made.closed_s is None else None
    return list(changed.values())


def _begun(
    sensors: _Sensors, now: int, meter: int, fresh: NDArray[np.bool_], limits: tuple[float, float]
) -> Episode | None:
    sigmas, least = limits
    own, among = (kernel.level(a, now - sensors.start) for a in (sensors.own, sensors.among))
    fell = (-own >= np.maximum(sigmas * sensors.own_spread, least)) & (
        -among >= np.maximum(sigmas * sensors.among_spread, least)
    )
    fell &= fresh
    if not fell.any():
        return None
    order = [int(s) for s in np.argsort(np.where(fell, among, np.inf), kind="stable") if fell[s]]
    worst = order[0]
    return Episode(
        detector="pressure_drop",
        meter_id=meter,
        raised_s=(now - 1) * 3600,
        onset_s=(now - 24) * 3600,
        detected_s=now * 3600,
        last_s=now * 3600,
        magnitude=float(-among[worst]),
        loss_l=0.0,
        evidence={
            "drop_kpa": round(float(-own[worst]), 2),
            "against_kpa": round(float(-among[worst]), 2),
            "sensors": [sensors.names[s] for s in order],
            "area": [sensors.names[s] for s in order],
        },
    )


def _ended(sensors: _Sensors, now: int, going: Episode) -> Episode | None:
    """Return the alarm as it has ended: its sensor has come back, or this has become what is usual."""
    name = str(going.evidence["area"][0])
    if name in sensors.names:
        level = kernel.level(sensors.among, now - sensors.start)[sensors.names.index(name)]
        if np.isnan(level) or -level > _BACK * float(going.evidence["against_kpa"]):
            return None
    return replace(
        going, last_s=now * 3600, closed_s=(now - 1) * 3600, cleared_s=max((now - 24) * 3600, going.raised_s)
    )


def severity(episode: Episode) -> Severity:
    """Grade by the drop against the neighbours: 20, 50 and 150 kPa (2, 5 and 15 m of water)."""
    return by_size(episode.magnitude, 20.0, 50.0, 150.0)


DETECTOR = Detector(
    name="pressure_drop",
    group="network",
    finds="A pressure sensor reads lower than it did at this hour of the week, and than its neighbours do.",
    plane="zone",
    unit="kPa",
    kinds=frozenset({"dma"}),
    params=(
        Param(
            "k_sigma",
            8.0,
            "sigma",
            "Drop of 24 hours in spreads of the sensor's days, 1.4826 MAD over four weeks.",
            "Rousseeuw and Croux 1993; 8: own, days have long tails",
            low=3.0,
            high=100.0,
        ),
        Param(
            "min_drop_kpa",
            20.0,
            "kPa",
            "The least drop, against itself and against its neighbours.",
            "own: 2 m of water, more than sensors drift in a year",
            low=0.5,
            high=1000.0,
        ),
    ),
    trace=trace,
    severity=severity,
    by_dma=True,
    explained_by_outage=True,
)
