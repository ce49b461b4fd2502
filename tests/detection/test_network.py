"""Leaks of whole DMAs: found, followed, told apart and ended."""

from typing import Any

import numpy as np
import pytest

from detection.catalogue import DETECTORS
from detection.engine import Engine
from detection.lifecycle import Event
from detection.policy import Policy
from detection.portion import cut
from detection.roster import Roster, Site, district
from tests.detection.builders import (
    DAY,
    HOUR,
    T0,
    late,
    live,
    ordered,
    play,
    readings,
    register,
    roster,
    store,
)

Q3 = 2_000_000
DAYS = 56
NETWORK = {name: DETECTORS[name] for name in ("night_flow", "water_balance")}


def demand(days: int = DAYS, *, seed: int = 1, mean: float = 40_000) -> np.ndarray[Any, Any]:
    """Return a DMA's hourly demand with a weekly pattern, a slow season and noise of 2 %."""
    rng = np.random.default_rng(seed)
    at = np.arange(days * 24)
    day = 1 + 0.5 * np.sin((at % 24 - 8) / 24 * 2 * np.pi)
    week = np.where(at // 24 % 7 >= 5, 1.06, 1.0)
    season = 1 + 0.05 * np.sin(at / 24 / 90 * 2 * np.pi)
    return mean * day * week * season * rng.normal(1, 0.02, len(at))


def leaking(*leaks: tuple[int, int, float], grows: bool = False) -> np.ndarray[Any, Any]:
    """Return an inflow with leaks (first hour, end hour, L/h) on top."""
    flow = demand()
    for begin, end, lph in leaks:
        n = min(end, len(flow)) - begin
        flow[begin : begin + n] += lph * (np.arange(n) / n if grows else np.ones(n))
    return flow


def one_dma(flow: np.ndarray[Any, Any], policies: tuple[Policy, ...] = ()) -> tuple[Engine, Any]:
    sites = roster(Site(1, "in", "dma_inlet", HOUR, 7, "D", q3_lph=Q3), district(7, "D", price_m3=2.0))
    batch = readings(1, T0 + HOUR * np.arange(len(flow) + 1), flow_lph=np.concatenate([[0.0], flow]))
    return Engine(sites, policies, detectors=NETWORK, window_days=70), batch


def hour(ts_s: int | None) -> int | None:
    return None if ts_s is None else (ts_s - T0) // HOUR


def found(engine: Engine) -> list[tuple[Any, ...]]:
    return [
        (e.epoch, e.detectors, hour(e.onset_s), hour(e.detected_s), hour(e.cleared_s)) for e in live(engine)
    ]


def test_an_undisturbed_dma_raises_nothing() -> None:
    engine, batch = one_dma(demand())
    play(engine, batch)
    assert found(engine) == []


def test_a_burst_is_found_within_hours_and_ends_when_it_is_mended() -> None:
    engine, batch = one_dma(leaking((700, 900, 9000.0)))
    play(engine, batch)
    assert found(engine) == [(0, ("night_flow",), 700, 704, 900)]
    event = live(engine)[0]
    assert event.subject_kind == "dma"
    assert event.subject == "D"
    assert 0.8 * 9000 * 200 < event.loss_m3 * 1000 < 1.2 * 9000 * 200
    assert event.money == pytest.approx(event.loss_m3 * 2.0)


def test_a_small_leak_is_found_within_days() -> None:
    engine, batch = one_dma(leaking((700, 1300, 2000.0)))
    play(engine, batch)
    ((_, _, _, detected, cleared),) = found(engine)
    assert 700 < detected <= 700 + 6 * 24
    assert cleared is None or cleared >= 1280


def test_a_leak_that_grows_is_one_event_with_its_level() -> None:
    engine, batch = one_dma(leaking((600, 1344, 12_000.0), grows=True))
    play(engine, batch)
    events = live(engine)
    assert len(events) == 1
    assert 600 < (hour(events[0].detected_s) or 0) < 600 + 14 * 24
    assert events[0].cleared_s is None
    assert 9_000 < events[0].magnitude < 14_000


def test_the_next_leak_on_top_of_an_open_one_is_a_new_event() -> None:
    engine, batch = one_dma(leaking((500, 1344, 6000.0), (900, 1100, 11_000.0)))
    play(engine, batch)
    first, second = live(engine)
    assert (first.epoch, second.epoch) == (0, 1)
    assert (hour(first.onset_s), hour(second.onset_s)) == (500, 900)
    assert first.cleared_s is None
    assert hour(second.cleared_s) == 1100


@pytest.mark.parametrize("every_s", [5 * HOUR, 4 * DAY, 99 * DAY])
def test_decisions_do_not_depend_on_how_readings_are_cut(every_s: int) -> None:
    flow = leaking((500, 1344, 6000.0), (900, 1100, 11_000.0), (620, 640, 15_000.0))
    whole, batch = one_dma(flow)
    play(whole, batch)
    pieces, _ = one_dma(flow)
    play(pieces, batch, every_s=every_s)
    assert found(pieces) == found(whole)
    assert [e.magnitude for e in live(pieces)] == [e.magnitude for e in live(whole)]
    assert [e.loss_m3 for e in live(pieces)] == pytest.approx([e.loss_m3 for e in live(whole)])


def test_nothing_is_seen_ahead() -> None:
    flow = leaking((500, 1344, 6000.0), (900, 1100, 11_000.0))
    whole, batch = one_dma(flow)
    play(whole, batch)
    half, _ = one_dma(flow)
    end = T0 + 1000 * HOUR
    play(half, batch, until_s=end)

    def told(engine: Engine) -> list[tuple[Any, ...]]:
        return [(e.epoch, e.onset_s, e.detected_s) for e in live(engine) if e.detected_s <= end]

    assert told(half) == told(whole)


def test_a_restart_gives_the_same_decisions() -> None:
    flow = leaking((500, 1344, 6000.0), (900, 1100, 11_000.0))
    whole, batch = one_dma(flow)
    play(whole, batch)
    first, _ = one_dma(flow)
    middle = T0 + 1003 * HOUR
    play(first, batch, until_s=middle)
    again, _ = one_dma(flow)
    again.load(cut(batch, 0, middle * 10**6))
    events = first.diary.events()
    again.remember(events, {e.key: max(x.epoch for x in events if x.key == e.key) for e in events})
    at = middle
    while at < T0 + len(flow) * HOUR:
        again.feed(cut(batch, at * 10**6, (at + DAY) * 10**6))
        store(again, again.settle(at + DAY).changes)
        at += DAY
    assert found(again) == found(whole)


def test_a_corrected_reading_takes_a_leak_back() -> None:
    flow = leaking((700, 712, 20_000.0))
    engine, batch = one_dma(flow)
    play(engine, batch, until_s=T0 + 730 * HOUR)
    assert len(live(engine)) == 1
    clean = ordered(
        readings(1, T0 + HOUR * np.arange(len(flow) + 1), flow_lph=np.concatenate([[0.0], demand()]))
    )
    late(
        engine,
        clean.take(clean.ts <= (T0 + 730 * HOUR) * 10**6),
        T0 + 699 * HOUR,
        T0 + 730 * HOUR,
        T0 + 731 * HOUR,
    )
    assert live(engine) == []


def test_a_policy_sets_the_limits_of_one_dma_and_an_exemption_ends_what_is_open() -> None:
    flow = leaking((700, 900, 9000.0))
    deaf = Policy(1, "night_flow", "dma", "D", {"jump_sigma": 50, "day_sigma": 50, "cusum_h": 50})
    engine, batch = one_dma(flow, (deaf,))
    play(engine, batch)
    assert found(engine) == []
    works = Policy(
        1,
        "night_flow",
        "dma",
        "D",
        enabled=False,
        valid_from_s=T0 + 800 * HOUR,
    )
    engine, batch = one_dma(flow, (works,))
    play(engine, batch)
    assert found(engine) == [(0, ("night_flow",), 700, 704, 800)]


def metered(leak: tuple[int, int, float] | None, homes: int = 8) -> tuple[Engine, Any]:
    """Return a DMA whose customers are metered, with wild use that an inflow alone can't be judged by."""
    rng = np.random.default_rng(4)
    use = (
        demand(mean=500)[None] * rng.uniform(0.3, 1.7, (homes, 1)) * rng.uniform(0.5, 1.5, (homes, DAYS * 24))
    )
    inflow = use.sum(axis=0) + 150 * rng.normal(1, 0.1, DAYS * 24)
    if leak:
        inflow[leak[0] : leak[1]] += leak[2]
    sites: Roster = roster(
        Site(1, "in", "dma_inlet", HOUR, 7, "D"),
        *(Site(10 + k, f"h{k}", dma_id=7, dma="D") for k in range(homes)),
        district(7, "D"),
    )
    batch = ordered(
        readings(1, T0 + HOUR * np.arange(len(inflow) + 1), flow_lph=np.concatenate([[0.0], inflow])),
        *(register(10 + k, use[k]) for k in range(homes)),
    )
    return Engine(sites, detectors=NETWORK), batch


def test_a_leak_between_the_meters_is_found_by_the_balance_alone() -> None:
    engine, batch = metered((700, 1000, 400.0))
    play(engine, batch)
    events: list[Event] = live(engine)
    assert [e.detectors for e in events] == [("water_balance",)]
    assert 700 < (hour(events[0].detected_s) or 0) < 730
    assert 990 < (hour(events[0].cleared_s) or 0) < 1010


def test_a_balanced_dma_raises_nothing() -> None:
    engine, batch = metered(None)
    play(engine, batch)
    assert found(engine) == []
