"""Hours of whole DMAs: inflow, use, pressures, and detectors that look at them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.batch import ReadingBatch
from core.words import Severity
from detection import vee
from detection.detector import Chunk, Detector
from detection.engine import Engine
from detection.episode import Episode
from detection.roster import Roster, Site, district
from detection.window import Series
from tests.detection.builders import DAY, HOUR, T0, live, ordered, play, readings, register, roster

H0 = T0 // HOUR
HOURS = 4 * 24
NORTH, SOUTH = 5, 6


def sites() -> Roster:
    """Two districts: the north is fed by two inlets and a tank and passes water on to the south."""
    return roster(
        Site(1, "in-1", "dma_inlet", 900, NORTH, "N"),
        Site(2, "in-2", "dma_inlet", 3600, NORTH, "N"),
        Site(3, "tank", "storage", 900, NORTH, "N"),
        Site(4, "over", "dma_inlet", 3600, SOUTH, "S", from_dma_id=NORTH),
        Site(5, "out", "dma_outlet", 3600, SOUTH, "S"),
        Site(6, "p", "pressure", 900, NORTH, "N"),
        Site(7, "home-a", dma_id=NORTH, dma="N"),
        Site(8, "home-b", interval_s=900, dma_id=NORTH, dma="N"),
        district(NORTH, "N"),
        district(SOUTH, "S"),
    )


def flows(meter_id: int, lph: np.ndarray[Any, Any], step_s: int) -> ReadingBatch:
    fine = np.repeat(lph, HOUR // step_s)
    return readings(meter_id, T0 + step_s * np.arange(len(fine) + 1), flow_lph=np.concatenate([[0.0], fine]))


def water() -> tuple[dict[str, np.ndarray[Any, Any]], ReadingBatch]:
    rng = np.random.default_rng(3)
    made = {name: rng.integers(100, 200, HOURS).astype(float) for name in ("in-1", "in-2", "over", "out")}
    rise = rng.integers(-80, 80, HOURS).astype(float)
    held = 50_000 + np.concatenate([[0], np.cumsum(np.repeat(rise / 4, 4))])
    use = rng.integers(0, 40, (2, HOURS)).astype(float)
    batches = [
        flows(1, made["in-1"], 900),
        flows(2, made["in-2"], 3600),
        readings(3, T0 + 900 * np.arange(len(held)), register_l=held),
        flows(4, made["over"], 3600),
        flows(5, made["out"], 3600),
        readings(6, T0 + 900 * np.arange(1, 4 * HOURS + 1), pressure_kpa=300 + np.arange(4 * HOURS) % 4),
        register(7, use[0]),
        register(8, np.repeat(use[1] / 4, 4), step_s=900),
    ]
    return {**made, "rise": rise, "use": use}, ordered(*batches)


def test_inflow_is_what_enters_less_what_leaves_less_the_rise_of_storage() -> None:
    made, batch = water()
    engine = Engine(sites(), detectors={})
    play(engine, batch)
    north, known = engine.zones.inflow_of(NORTH, H0, H0 + HOURS)
    south, _ = engine.zones.inflow_of(SOUTH, H0, H0 + HOURS)
    assert known.all()
    np.testing.assert_allclose(
        north, made["in-1"] + made["in-2"] - made["over"] - made["rise"], rtol=1e-5, atol=0.05
    )
    np.testing.assert_allclose(south, made["over"] - made["out"], rtol=1e-5, atol=0.05)
    used, heard = engine.zones.use_of(NORTH, H0, H0 + HOURS)
    np.testing.assert_allclose(used, made["use"].sum(axis=0), rtol=1e-5, atol=0.05)
    assert (heard == 2).all()
    assert engine.zones.customers_of(NORTH) == 2


def test_sensors_give_hourly_means_and_each_boundary_meter_its_own_volume() -> None:
    made, batch = water()
    engine = Engine(sites(), detectors={})
    play(engine, batch)
    site, kpa, known = engine.zones.sensors_of(NORTH, H0, H0 + HOURS)
    assert engine.roster.serial[site].tolist() == ["p"]
    assert known.all()
    assert np.unique(kpa).tolist() == [301.5]
    site, volume, known = engine.zones.boundary_of(NORTH, H0, H0 + HOURS)
    at = dict(zip(engine.roster.serial[site].tolist(), volume, strict=True))
    assert sorted(at) == ["in-1", "in-2", "over", "tank"]
    np.testing.assert_allclose(at["over"], made["over"], rtol=1e-5)
    np.testing.assert_allclose(at["tank"], made["rise"], rtol=1e-4, atol=0.05)


def test_an_hour_is_known_when_every_member_is() -> None:
    _, batch = water()
    gone = (
        (batch.meter_id == 2) & (batch.ts > (T0 + 50 * HOUR) * 10**6) & (batch.ts <= (T0 + 60 * HOUR) * 10**6)
    )
    engine = Engine(sites(), detectors={})
    play(engine, batch.take(~gone))
    _, known = engine.zones.inflow_of(NORTH, H0, H0 + HOURS)
    assert np.flatnonzero(~known).tolist() == list(range(50, 60))


@pytest.mark.parametrize("every_s", [HOUR // 4, 5 * HOUR, 9 * DAY])
def test_zones_do_not_depend_on_how_readings_are_cut(every_s: int) -> None:
    _, batch = water()
    whole, pieces = Engine(sites(), detectors={}), Engine(sites(), detectors={})
    play(whole, batch)
    play(pieces, batch, every_s=every_s)
    for name in ("inflow", "pressure", "used", "heard", "meters"):
        rings = [getattr(e.zones, name) for e in (whole, pieces)]
        ids = np.sort(rings[0].meter_id)
        a, b = (ring.read(ring.rows(ids), H0, H0 + HOURS) for ring in rings)
        np.testing.assert_allclose(a[0], b[0], rtol=1e-5, atol=0.02)
        assert (a[1] == b[1]).all()


def test_a_meter_that_moves_to_another_dma_moves_what_it_brought() -> None:
    made, batch = water()
    engine = Engine(sites(), detectors={})
    play(engine, batch)
    sited = [
        replace(site, dma_id=SOUTH, dma="S") if site.meter_id == 2 else site
        for site in [
            Site(1, "in-1", "dma_inlet", 900, NORTH, "N"),
            Site(2, "in-2", "dma_inlet", 3600, NORTH, "N"),
            Site(3, "tank", "storage", 900, NORTH, "N"),
            district(NORTH, "N"),
            district(SOUTH, "S"),
        ]
    ]
    engine.know(roster(*sited))
    north, _ = engine.zones.inflow_of(NORTH, H0, H0 + HOURS)
    south, _ = engine.zones.inflow_of(SOUTH, H0, H0 + HOURS)
    np.testing.assert_allclose(north, made["in-1"] - made["rise"], rtol=1e-5, atol=0.05)
    np.testing.assert_allclose(south, made["in-2"], rtol=1e-5)


def test_a_tank_may_fall_and_a_counter_may_not() -> None:
    def run(falls: bool) -> list[float]:
        made = vee.volumes(
            np.zeros(4, np.intp),
            np.arange(4) * HOUR * 10**6,
            np.array([1000.0, 940.0, 980.0, 975.0]),
            np.full(4, np.nan),
            HOUR,
            np.array([HOUR]),
            np.full(1, np.nan),
            np.full(1, np.nan),
            np.array([falls]),
        )
        return [float(v) for v in made.volume_l]

    assert run(True) == [-60.0, 40.0, -5.0]
    assert run(False) != [-60.0, 40.0, -5.0]


def _trace(chunk: Chunk, episodes: Sequence[list[Episode]]) -> list[list[Episode]]:
    """Raise in every hour above 200 L that has no alarm yet: leak on leak."""
    values, covered = chunk.values()
    found = []
    for i, known in enumerate(episodes):
        over = np.flatnonzero(covered[i] & chunk.asked[i] & (values[i] > 200)) + chunk.lo
        site, kpa, _ = chunk.sensors(i, chunk.lo, chunk.hi)
        assert len(site) == kpa.shape[0]
        meter = int(chunk.series.ring.meter_id[chunk.rows[i]])
        old = {e.raised_s for e in known}
        at = [int(h) * HOUR for h in over]
        found.append(
            [
                Episode("tall", meter, s, s, s + HOUR, s + HOUR, 1.0, 0.0, {}, s, s + HOUR, rebased=True)
                for s in at
                if s not in old
            ]
        )
    return found


TALL = Detector(
    name="tall",
    group="network",
    finds="Hours above 200 L.",
    plane="zone",
    unit="L/h",
    kinds=frozenset({"dma"}),
    params=(),
    severity=lambda _: Severity.LOW,
    trace=_trace,
    by_dma=True,
)


@pytest.mark.parametrize("every_s", [HOUR // 4, 7 * HOUR, 9 * DAY])
def test_a_detector_of_whole_dmas_keeps_several_alarms(every_s: int) -> None:
    made, batch = water()
    engine = Engine(sites(), detectors={"tall": TALL})
    play(engine, batch, every_s=every_s)
    inflow = made["in-1"] + made["in-2"] - made["over"] - made["rise"]
    events = [e for e in live(engine) if e.subject == "N"]
    assert [e.onset_s for e in events] == [T0 + HOUR * int(h) for h in np.flatnonzero(inflow > 200)]
    assert {e.subject_kind for e in events} == {"dma"}
    assert [e.epoch for e in events] == list(range(len(events)))
    assert {e.detected_s - e.onset_s - HOUR for e in events} == {0}


def test_the_window_of_a_series_is_hours() -> None:
    assert Series(Engine(sites()).zones.inflow).slot_s == HOUR
