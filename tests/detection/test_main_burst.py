"""Main bursts: the scan held against a slow one, and a town whose pipes leak."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch import ReadingBatch
from detection.detector import Detector
from detection.detectors import main_burst, night_flow
from detection.engine import Engine
from detection.kernels import hydraulics
from detection.kernels import main_burst as kernel
from detection.kernels.hydraulics import Pipes
from detection.lifecycle import Event
from detection.network import Network
from detection.policy import Policy
from detection.roster import Roster, Site, district
from tests.detection.builders import DAY, HOUR, T0, live, ordered, play, readings

Array = np.ndarray[Any, Any]
SIDE, GAP_M, DMA_ID = 6, 200.0, 7
NAMES = [f"n{r}{c}" for r in range(SIDE) for c in range(SIDE)]
SENSORS = ["n01", "n13", "n20", "n25", "n33", "n41", "n44", "n55"]
DETECTORS: dict[str, Detector] = {"main_burst": main_burst.DETECTOR}


def slow_scan(
    sums: kernel.Sums, now: int, base: int, signature: Array, noise: kernel.Noise
) -> tuple[float, float]:
    """Return the strongest gain of either sign, span by span and place by place."""
    best = {1: 0.0, -1: 0.0}
    for back in kernel.BACK_H:
        days = min((now - back - base) // 24, 3)
        if days < 1:
            break
        late, one = sums.mean(now - 24, now)
        early, two = sums.mean(now - back - 24 * days, now - back)
        change = late - early
        wrong = noise.wrong * np.sqrt(np.mean(change[noise.pressures] ** 2))
        cov = noise.unrest * (1 + 1 / days)
        for c in range(len(change)):
            cov[c, c] += noise.spread[c] ** 2 * (1 / one[c] + 1 / two[c]) / 2
            cov[c, c] += noise.floor[c] ** 2 + (noise.creep[c] * back / 24) ** 2
            cov[c, c] += wrong**2 if noise.pressures[c] else 0
        inverse = np.linalg.inv(cov)
        for s in signature.T:
            flow = (s @ inverse @ change) / (s @ inverse @ s)
            gain = flow**2 * (s @ inverse @ s)
            best[int(np.sign(flow))] = max(best[int(np.sign(flow))], gain)
    return best[1], best[-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 9), st.integers(0, 300))
def test_scan_is_the_slow_one(seed: int, channels: int, places: int, base: int) -> None:
    rng = np.random.default_rng(seed)
    rest, weight = rng.normal(size=(480, channels)), rng.uniform(0.5, 1.5, (480, channels))
    rest[240:] += rng.normal(size=channels) * rng.integers(0, 2)
    sums = kernel.Sums.of(rest, weight)
    root = rng.normal(size=(channels, channels)) / 10
    noise = kernel.Noise(
        rng.uniform(0.5, 2, channels),
        rng.uniform(0.01, 0.1, channels),
        rng.uniform(0, 0.01, channels),
        root @ root.T,
        0.05,
        np.arange(channels) < channels - 1,
    )
    signature = rng.normal(size=(channels, places))
    found = kernel.scan(sums, 480, base, signature, np.ones(places, bool), noise)
    assert found is not None
    gains = [f.gain[f.place] for f in found]
    np.testing.assert_allclose(gains, slow_scan(sums, 480, base, signature, noise), rtol=1e-6)
    p = kernel.likelihood(found[0], channels) if gains[0] > 0 else np.ones(1)
    assert p.sum() == pytest.approx(1)


def test_what_is_not_known_says_nothing() -> None:
    rest = np.random.default_rng(1).normal(size=(200, 3))
    gaps = np.column_stack([rest, np.full(200, np.nan)])
    noise = kernel.Noise(np.ones(3), np.ones(3), np.zeros(3), np.zeros((3, 3)), 0.0, np.ones(3, bool))
    more = kernel.Noise(np.ones(4), np.ones(4), np.zeros(4), np.zeros((4, 4)), 0.0, np.ones(4, bool))
    places = np.eye(4)[:, :3]
    one, two = (
        kernel.scan(kernel.Sums.of(r, np.ones_like(r)), 200, 0, s, np.ones(3, bool), n)
        for r, s, n in ((rest, places[:3], noise), (gaps, places, more))
    )
    assert one is not None
    assert two is not None
    np.testing.assert_allclose(one[0].gain, two[0].gain)


def network() -> Network:
    """Six streets by six, fed at two corners."""
    nodes = [(n, 0.0, GAP_M * int(n[2]), GAP_M * int(n[1])) for n in NAMES]
    pipes = [(f"{a}-{b}", a, b, GAP_M, 125.0) for a, b in _streets()]
    return Network.of(nodes, pipes)


def _streets() -> list[tuple[str, str]]:
    across = [(f"n{r}{c}", f"n{r}{c + 1}") for r in range(SIDE) for c in range(SIDE - 1)]
    down = [(f"n{r}{c}", f"n{r + 1}{c}") for r in range(SIDE - 1) for c in range(SIDE)]
    return [*across, *down]


def town(*, mapped: bool = True) -> Roster:
    """Two inlets and eight sensors of one district."""
    meters = [
        Site(1, "in-1", "dma_inlet", HOUR, DMA_ID, "D", node="n00"),
        Site(2, "in-2", "dma_inlet", HOUR, DMA_ID, "D", node="n50"),
        *(Site(10 + i, n, "pressure", HOUR, DMA_ID, "D", node=n) for i, n in enumerate(SENSORS)),
        district(DMA_ID, "D"),
    ]
    return Roster.of(meters, network=network() if mapped else None)


@cache
def days(count: int, leaks: tuple[tuple[str, int, int, float], ...] = ()) -> ReadingBatch:
    """Return a town's readings; a leak is (node, first hour, end hour, m3/h)."""
    rng = np.random.default_rng(5)
    seat = {n: i for i, n in enumerate(NAMES)}
    a, b = (np.array([seat[s[k]] for s in _streets()], np.intp) for k in (0, 1))
    rough = rng.uniform(105, 140, len(a))  # not what the map says of all of them
    loss = hydraulics.resistance(np.full(len(a), GAP_M), np.full(len(a), 0.125), rough)
    sources = np.array([seat["n00"], seat["n50"]], np.intp)
    none = np.zeros(0, np.intp)
    pipes = Pipes(a, b, loss, len(NAMES), sources, np.array([60.0, 59.5]), none, none)
    who = rng.uniform(0.6, 1.4, len(NAMES))
    kpa, inflow = np.zeros((len(SENSORS), 24 * count)), np.zeros((2, 24 * count))
    lost = 9.80665
    for hour in range(24 * count):
        day = 1 + 0.5 * np.sin(2 * np.pi * (hour % 24 - 8) / 24) + 0.1 * (hour // 24 % 7 >= 5)
        demand = who * day * rng.normal(1.0, 0.03, len(who)) * 2.0 / 3600
        for node, lo, hi, m3h in leaks:
            demand[seat[node]] += m3h / 3600 if lo <= hour < hi else 0.0
        demand[sources] = 0.0
        flow = hydraulics.solve(pipes, demand)
        heads = np.full(len(NAMES), np.nan)
        heads[sources] = pipes.head
        while np.isnan(heads).any():
            way = heads[a] - loss * np.abs(flow) ** 1.852 * np.sign(flow)
            back = heads[b] + loss * np.abs(flow) ** 1.852 * np.sign(flow)
            heads[b] = np.where(np.isnan(heads[b]), way, heads[b])
            heads[a] = np.where(np.isnan(heads[a]), back, heads[a])
        kpa[:, hour] = heads[[seat[n] for n in SENSORS]] * lost
        for k, source in enumerate(sources):
            inflow[k, hour] = (flow[a == source].sum() - flow[b == source].sum()) * 3600
    kpa = np.round(kpa + rng.normal(0, 0.05, kpa.shape), 2)
    ts = T0 + HOUR * np.arange(24 * count + 1)
    batches = [readings(k + 1, ts, flow_lph=np.append(0, inflow[k] * 1000)) for k in range(2)]
    batches += [readings(10 + i, ts[1:], pressure_kpa=row) for i, row in enumerate(kpa)]
    return ordered(*batches)


def found(batch: ReadingBatch, roster: Roster | None = None, *policies: Policy) -> list[Event]:
    engine = Engine(roster or town(), policies, detectors=DETECTORS)
    play(engine, batch)
    return live(engine)


def way_m(pipe: str, node: str) -> float:
    """How many streets lie between a node and the middle of a pipe, in metres."""
    ends = [abs(int(end[1]) - int(node[1])) + abs(int(end[2]) - int(node[2])) for end in pipe.split("-")]
    return GAP_M * (min(ends) + 0.5)


STEP = (("n24", 24 * 24 + 3, 10_000, 9.0),)


def test_a_quiet_town_raises_nothing() -> None:
    assert found(days(32)) == []


def test_a_leak_is_found_within_a_day_and_near_its_place() -> None:
    (event,) = found(days(30, STEP))
    (episode,) = event.episodes
    assert (episode.detected_s - T0) // HOUR == 600
    assert abs((episode.onset_s - T0) // HOUR - STEP[0][1]) <= 2
    assert way_m(episode.evidence["area"][0], "n24") <= 300
    assert 6_000 < episode.evidence["flow_lph"] < 12_000
    assert event.subject == "D"


def test_a_second_leak_on_top_is_an_event_of_its_own_and_an_end_ends_it() -> None:
    leaks = (*STEP, ("n52", 24 * 28 + 5, 24 * 32 + 2, 8.0))
    one, two = found(days(36, leaks))
    assert one.cleared_s is None
    assert two.cleared_s is not None
    assert abs((two.cleared_s - T0) / DAY - 32) < 1.5
    assert way_m(two.episodes[0].evidence["area"][0], "n52") <= 300


def test_a_leak_that_grows_slowly_is_found_once() -> None:
    slow = tuple(("n41", 24 * 23 + 12 * k, 10_000, 0.15) for k in range(40))
    (event,) = found(days(45, slow))
    assert way_m(event.episodes[0].evidence["area"][0], "n41") <= 300
    assert event.episodes[0].evidence["flow_lph"] > 3_000


def test_pieces_of_a_day_and_whole_days_come_to_the_same() -> None:
    batch = days(30, STEP)
    engines = [Engine(town(), detectors=DETECTORS) for _ in range(2)]
    for engine, every_s in zip(engines, (DAY, 5 * HOUR), strict=True):
        play(engine, batch, every_s=every_s)
    one, two = ([e.episodes for e in live(engine)] for engine in engines)
    assert one == two


def test_a_policy_switches_it_off_and_without_a_map_there_is_nothing_to_say() -> None:
    batch = days(30, STEP)
    off = Policy(1, "main_burst", scope="dma", scope_key="D", enabled=False)
    assert found(batch, None, off) == []
    assert found(batch, None, Policy(1, "main_burst", params={"min_flow_lph": 50_000})) == []
    assert found(batch, town(mapped=False)) == []


def test_one_sensor_that_drifts_or_is_recalibrated_is_no_leak() -> None:
    batch = days(32)
    kpa = batch.pressure_kpa.copy()
    of = batch.meter_id == 12
    at = (batch.ts - T0 * 10**6) / 10**6 / DAY
    kpa[of] -= np.clip(at[of] - 22, 0, None) * 0.3
    kpa[batch.meter_id == 14] += np.where(at[batch.meter_id == 14] > 27, 4.0, 0.0)
    assert found(replace(batch, pressure_kpa=kpa)) == []


def test_the_inflow_alone_is_left_to_it_unless_it_is_off_or_pressures_tell_no_place() -> None:
    batch, both = days(30, STEP), {**DETECTORS, "night_flow": night_flow.DETECTOR}
    seen = []
    off = Policy(1, "main_burst", scope="dma", scope_key="D", enabled=False)
    for mapped, policies in ((True, []), (False, []), (True, [off])):
        engine = Engine(town(mapped=mapped), policies, detectors=both)
        play(engine, batch)
        seen.append([e.detectors for e in live(engine)])
    assert seen == [[("main_burst",)], [("night_flow",)], [("night_flow",)]]
