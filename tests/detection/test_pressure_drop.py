"""Pressure drops: the kernel held against a slow one, and districts in which one sensor falls."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch import ReadingBatch
from detection.detector import Detector
from detection.detectors import pressure_drop
from detection.engine import Engine
from detection.kernels import pressure_drop as kernel
from detection.lifecycle import Event
from detection.policy import Policy
from detection.roster import Roster, Site, district
from tests.detection.builders import HOUR, T0, live, ordered, play, readings, roster

Array = np.ndarray[Any, Any]
DMA_ID, SENSORS = 7, 4
DETECTORS: dict[str, Detector] = {"pressure_drop": pressure_drop.DETECTOR}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 167))
def test_kernel_is_the_slow_one(seed: int, sensors: int, first: int) -> None:
    rng = np.random.default_rng(seed)
    hours, past = 800, 672
    how = (first + np.arange(hours)) % 168
    kpa = np.round(rng.normal(300, 5, (sensors, hours)), 1)
    kpa[rng.random(kpa.shape) < 0.2] = np.nan
    own = kernel.departures(kpa, how, past)
    among, level = kernel.against(own), kernel.level(own, hours)
    for s in range(sensors):
        for t in range(0, hours, 37):
            alike = [kpa[s, u] for u in range(past) if how[u] == how[t] and not np.isnan(kpa[s, u])]
            slow = kpa[s, t] - np.median(alike) if alike else np.nan
            np.testing.assert_allclose(own[s, t], slow)
            others = [own[o, t] for o in range(sensors) if o != s and not np.isnan(own[o, t])]
            np.testing.assert_allclose(among[s, t], slow - np.median(others) if others else slow)
        last = own[s, -24:][~np.isnan(own[s, -24:])]
        np.testing.assert_allclose(level[s], last.mean() if len(last) >= 18 else np.nan)
        days = own[s, :past].reshape(-1, 24)
        days = np.array([d[~np.isnan(d)].mean() for d in days if (~np.isnan(d)).sum() >= 18])
        slow = max(1.4826 * np.median(np.abs(days - np.median(days))), 0.5) if len(days) >= 14 else np.inf
        np.testing.assert_allclose(kernel.spread(own, past)[s], slow)


def town() -> Roster:
    """A district of four sensors, which needs no map."""
    sensors = [Site(10 + i, f"p{i}", "pressure", HOUR, DMA_ID, "D") for i in range(SENSORS)]
    return roster(Site(1, "in", "dma_inlet", HOUR, DMA_ID, "D"), *sensors, district(DMA_ID, "D"))


def days(count: int, falls: Array) -> ReadingBatch:
    """Return a district's readings; `falls` (sensors, hours) is taken off its pressures."""
    rng = np.random.default_rng(2)
    hour = np.arange(24 * count)
    swing = 20 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 4, 24 * count)
    ts = T0 + HOUR * np.arange(24 * count + 1)
    batches = [readings(1, ts, flow_lph=np.append(0, 50_000 - 500 * swing))]
    for i in range(SENSORS):
        kpa = 300 + 10 * i + swing * (1 + i / 10) + rng.normal(0, 0.5, 24 * count) - falls[i]
        batches.append(readings(10 + i, ts[1:], pressure_kpa=kpa))
    return ordered(*batches)


def fall(count: int, sensor: int | slice, lo: int, hi: int, kpa: float) -> Array:
    falls = np.zeros((SENSORS, 24 * count))
    falls[sensor, lo:hi] = kpa
    return falls


def found(batch: ReadingBatch, *policies: Policy) -> list[Event]:
    engine = Engine(town(), policies, detectors=DETECTORS)
    play(engine, batch)
    return live(engine)


def test_a_sensor_that_falls_against_its_neighbours_is_named_and_ends_when_it_is_back() -> None:
    (event,) = found(days(36, fall(36, 2, 30 * 24 + 3, 33 * 24, 40.0)))
    (episode,) = event.episodes
    assert event.subject == "D"
    assert episode.evidence["sensors"] == ["p2"]
    assert (episode.detected_s - T0) // HOUR == 30 * 24 + 18
    assert episode.cleared_s is not None
    assert abs((episode.cleared_s - T0) // HOUR - 33 * 24) <= 12


def test_what_all_sensors_do_and_what_is_small_raises_nothing() -> None:
    assert found(days(34, fall(34, slice(None), 30 * 24, 34 * 24, 40.0))) == []
    assert found(days(34, fall(34, 1, 30 * 24, 34 * 24, 8.0))) == []
    assert found(days(34, fall(34, 1, 30 * 24, 30 * 24 + 6, 60.0))) == []


def test_a_sensor_that_stays_low_becomes_usual() -> None:
    (event,) = found(days(64, fall(64, 0, 30 * 24, 64 * 24, 40.0)))
    assert event.cleared_s is not None


def test_a_policy_switches_it_off() -> None:
    batch = days(34, fall(34, 2, 30 * 24, 34 * 24, 40.0))
    assert found(batch, Policy(1, "pressure_drop", scope="dma", scope_key="D", enabled=False)) == []
    assert found(batch, Policy(1, "pressure_drop", params={"min_drop_kpa": 60.0})) == []
