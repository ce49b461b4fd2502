"""Device detectors on fixed streams: which alarm, when, with which evidence, and what explains it."""

from typing import Any

import numpy as np
import pytest

from core.batch import ReadingBatch
from core.words import Flag, Severity
from detection.catalogue import DETECTORS
from detection.engine import Engine
from detection.episode import Episode
from detection.lifecycle import Event
from detection.outages import Outage
from detection.policy import Policy
from detection.roster import Roster, Site, district
from tests.detection.builders import DAY, HOUR, T0, home, live, ordered, play, readings, register, roster

METER = Site(1, "m-1", q3_lph=2500, resolution_l=1)
DAYS = 40


def device(engine: Engine, name: str) -> list[Episode]:
    """Return all alarms of a detector, in order."""
    return sorted(
        (e for es in engine.book.of(name).values() for e in es), key=lambda e: (e.raised_s, e.meter_id)
    )


def events(engine: Engine) -> list[Event]:
    return [e for e in live(engine) if e.grp == "device"]


def seen(batch: ReadingBatch, site: Site | Roster = METER, every_s: int = 12 * HOUR, **given: Any) -> Engine:
    """Play readings."""
    names = given.pop("only", DETECTORS)
    sites = site if isinstance(site, Roster) else roster(site)
    engine = Engine(sites, window_days=60, detectors={n: DETECTORS[n] for n in names})
    play(engine, batch, every_s=every_s, **given)
    return engine


def at(hours: float) -> int:
    return int(T0 + hours * HOUR)


HOURS = np.arange(24 * DAYS)
USE = register(1, home(len(HOURS) - 1))


def changed(batch: ReadingBatch, **columns: Any) -> ReadingBatch:
    """Return readings with other columns."""
    return ReadingBatch(**{**batch.__dict__, **columns})


def test_a_sound_meter_raises_nothing() -> None:
    volts = np.where(HOURS % 24 == 12, 3.6, np.nan)
    engine = seen(changed(USE, battery_v=volts, received_at=USE.ts + 20_000_000))
    assert events(engine) == []


# silent


def test_a_meter_falls_silent_after_26_hours_and_is_heard_again() -> None:
    gone = (USE.ts > at(100) * 10**6) & (USE.ts < at(200) * 10**6)
    for every_s in (HOUR, 5 * HOUR, 60 * DAY):
        (silence,) = device(seen(USE.take(~gone).take(np.arange(120)), every_s=every_s), "silent")
        assert (silence.onset_s, silence.raised_s, silence.detected_s) == (at(100), at(126), at(126))
        assert silence.cleared_s == at(200) and silence.magnitude == pytest.approx(100, abs=0.1)


def test_silence_is_seen_although_nothing_comes() -> None:
    """The clock alone decides: no reading of any meter has to come in."""
    engine = Engine(roster(METER))
    play(engine, USE.take(USE.ts <= at(100) * 10**6))
    assert engine.settle(at(125)).changes == []
    (change,) = engine.settle(at(127)).changes
    assert [e.kind for e in change.entries] == ["opened"] and change.event.detectors == ("silent",)
    assert engine.settle(at(128)).changes == []
    (later,) = engine.settle(at(140)).changes
    assert [e.kind for e in later.entries] == ["updated"]


def test_the_limit_is_the_meters_own_interval() -> None:
    daily = readings(1, at(0) + DAY * np.arange(20), register_l=100.0 * np.arange(20))
    engine = Engine(roster(Site(1, "m-1", interval_s=DAY)))
    play(engine, daily)
    engine.settle(at(19 * 24 + 6 * 24))
    assert device(engine, "silent") == []
    engine.settle(at(19 * 24 + 6 * 24 + 1))
    assert [e.raised_s for e in device(engine, "silent")] == [at(25 * 24)]
    inlet = Site(1, "in-1", "dma_inlet", 900, sector="")
    flows = readings(1, at(0) + 900 * np.arange(100), flow_lph=np.full(100, 5.0))
    watch = Engine(roster(inlet))
    play(watch, flows)
    watch.settle(at(40))
    assert [e.raised_s - e.onset_s for e in device(watch, "silent")] == [4 * HOUR]


def test_a_policy_sets_the_limit_and_an_exemption_ends_it() -> None:
    hasty = Policy(1, "silent", "meter", "m-1", {"least_h": 8})
    stopped = USE.take(USE.ts <= at(100) * 10**6)
    engine = Engine(roster(METER), [hasty])
    play(engine, stopped)
    engine.settle(at(109))
    assert [e.raised_s for e in device(engine, "silent")] == [at(108)]
    engine.know(roster(METER), [hasty, Policy(2, "silent", "meter", "m-1", {}, False)])
    engine.settle(at(111))
    assert [e.cleared_s for e in device(engine, "silent")] == [at(111)]


def district_of(count: int, interval_s: int = HOUR) -> Roster:
    sites = [Site(m, f"m-{m}", interval_s=interval_s, dma_id=1, dma="D1") for m in range(1, count + 1)]
    return roster(*sites, district(1, "D1"))


def jittered(
    count: int, hours: int, *, until: dict[int, int] | None = None, back: int = 10**9
) -> ReadingBatch:
    """Make hourly readings of meters, each at its own minute; `until` says who is not heard from when on."""
    rng = np.random.default_rng(1)
    parts = []
    for m in range(1, count + 1):
        ts = at(0) + HOUR * np.arange(hours) + int(rng.integers(0, HOUR))
        stop = at((until or {}).get(m, 10**6))
        keep = (ts < stop) | (ts >= at(back))
        parts.append(readings(m, ts[keep], register_l=np.arange(hours)[keep] * 5.0))
    return ordered(*parts)


@pytest.mark.parametrize("every_s", [HOUR, 7 * HOUR, 10 * DAY])
def test_fifty_meters_that_fall_silent_at_once_are_one_event(every_s: int) -> None:
    """Their gateway, soon; who stays silent when the others are back is told alone."""
    town = district_of(80)
    until = dict.fromkeys(range(1, 51), 100) | {60: 70}
    batch = jittered(80, 200, until=until, back=140)
    never = (batch.meter_id == 50) & (batch.ts > at(100) * 10**6)
    engine = seen(batch.take(~never), town, every_s=every_s, only=["silent"])
    found = events(engine)
    assert [(e.subject_kind, e.subject) for e in found] == [
        ("dma", "D1"),
        ("meter", "m-50"),
        ("meter", "m-60"),
    ]
    gateway, left, alone = found
    assert at(99) <= gateway.onset_s <= at(100) and at(102) <= gateway.detected_s <= at(103.1)
    assert gateway.cleared_s is not None and at(140) <= gateway.cleared_s <= at(141)
    assert gateway.evidence["silent"]["meters"] == sorted(f"m-{m}" for m in range(1, 51))
    assert gateway.severity == Severity.HIGH
    assert left.detected_s == gateway.cleared_s + 3 * HOUR and left.cleared_s is None
    assert alone.onset_s < at(70) and alone.cleared_s is not None


def test_meters_that_fall_silent_one_by_one_are_no_gateway() -> None:
    engine = seen(jittered(40, 200, until={m: 20 + 3 * m for m in range(1, 21)}), district_of(40))
    assert [e.subject_kind for e in events(engine)] == ["meter"] * 20


def test_meters_that_send_once_a_day_are_no_gateway() -> None:
    """Each of them is silent for a day, all at the same time, every day."""
    parts = []
    for m in range(1, 31):
        ts = at(0) + HOUR * np.arange(24 * 9)
        delay = (24 - np.arange(24 * 9) % 24) * HOUR
        parts.append(readings(m, ts, register_l=np.arange(24.0 * 9), delay_s=delay))
    batch = ordered(*parts)
    engine = Engine(district_of(30))
    for day in range(1, 10):
        mine = (batch.received_at > at(24 * (day - 1)) * 10**6) & (batch.received_at <= at(24 * day) * 10**6)
        play(engine, batch.take(mine), every_s=DAY)
        engine.settle(at(24 * day))
        engine.settle(at(24 * day + 20))
    assert events(engine) == []


def test_an_announced_outage_explains_a_silent_gateway() -> None:
    outage = Outage(7, "OUT-7", frozenset({1}), frozenset(), at(99), at(150))
    engine = seen(
        jittered(30, 200, until=dict.fromkeys(range(1, 31), 100), back=140), district_of(30), every_s=HOUR,
        until_s=at(145), outages=(outage,), only=["silent"],
    )  # fmt: skip
    (gateway,) = events(engine)
    assert gateway.suppressed_by == 7


def test_a_restart_knows_who_is_silent() -> None:
    stopped = USE.take(USE.ts <= at(100) * 10**6)
    before = Engine(roster(METER))
    play(before, stopped)
    before.settle(at(127))
    after = Engine(roster(METER))
    from detection.portion import cut  # noqa: PLC0415

    after.load(cut(stopped, 0, at(100) * 10**6))
    after.remember(before.diary.events(), {e.key: e.epoch for e in before.diary.events()})
    assert after.settle(at(128)).changes == []
    play(
        after, USE.take((USE.ts > at(100) * 10**6) & (USE.ts > at(150) * 10**6) & (USE.ts < at(152) * 10**6))
    )
    assert [e.cleared_s for e in device(after, "silent")] == [at(151)]


# stuck


def test_an_inlet_that_stands_still_for_a_day_is_stuck() -> None:
    inlet = Site(1, "in-1", "dma_inlet", 3600, sector="", q3_lph=60_000, resolution_l=10)
    volumes = np.full(24 * 30, 900.0)
    volumes[24 * 20 + 10 : 24 * 22 + 5] = 0
    (stuck,) = device(seen(register(1, volumes), inlet), "stuck")
    assert (stuck.onset_s, stuck.raised_s, stuck.detected_s) == (at(21 * 24), at(21 * 24), at(22 * 24))
    assert stuck.cleared_s == at(22 * 24) and stuck.evidence == {"reason": "register", "days": 1}


def test_an_empty_home_is_not_stuck() -> None:
    volumes = home(24 * DAYS)
    volumes[24 * 15 : 24 * 35] = 0
    assert device(seen(register(1, volumes)), "stuck") == []
    volumes[24 * 15 :] = 0
    (stuck,) = device(seen(register(1, volumes)), "stuck")
    assert stuck.onset_s == at(15 * 24) and stuck.detected_s == at(36 * 24)


def test_flow_without_movement_of_the_register_is_stuck() -> None:
    total = np.concatenate([np.cumsum(np.full(24 * 3, 50.0)), np.full(24 * 3, 3600.0)])
    batch = readings(
        1, at(0) + HOUR * np.arange(len(total)), register_l=total, flow_lph=np.full(len(total), 50.0)
    )
    (stuck,) = device(seen(batch), "stuck")
    assert stuck.evidence["reason"] == "flow" and stuck.onset_s == at(3 * 24)


def test_a_pressure_that_never_changes_is_stuck() -> None:
    sensor = Site(1, "p-1", "pressure", 900, sector="")
    rng = np.random.default_rng(2)
    kpa = np.round(300 + rng.normal(0, 3, 96 * 8), 1)
    kpa[96 * 3 + 20 : 96 * 6 + 20] = 301.5
    (stuck,) = device(
        seen(readings(1, at(0.25) + 900 * np.arange(len(kpa)), pressure_kpa=kpa), sensor), "stuck"
    )
    assert (stuck.onset_s, stuck.detected_s, stuck.cleared_s) == (at(4 * 24), at(6 * 24), at(6 * 24))
    assert stuck.evidence["reason"] == "pressure"


# signs


def test_tamper_is_told_at_once_and_stands_for_a_day() -> None:
    flags = np.zeros(len(USE), np.int32)
    flags[50] = Flag.MAGNETIC
    (tamper,) = device(seen(changed(USE, flags=flags).take(np.arange(80)), every_s=HOUR), "tamper")
    assert (tamper.onset_s, tamper.detected_s, tamper.cleared_s) == (at(49), at(50), at(50))
    assert tamper.closed_s == at(73) and tamper.evidence == {"reason": "magnetic", "hours": 1}
    flags[52] = Flag.REMOVED
    (event,) = events(seen(changed(USE, flags=flags)))
    assert event.severity == Severity.HIGH


def stepped(*steps: float) -> Engine:
    """Play a register that goes on in these steps after two days of plain use."""
    return seen(register(1, [*np.full(48, 3.0), *steps, *np.full(60, 3.0)]), every_s=HOUR)


def test_backflow_is_small_steady_steps_back() -> None:
    engine = stepped(0, 0, -4, 0, 0, -4, 0, 0, -5, 0, 0, -4, 0, 0)
    (back,) = device(engine, "backflow")
    assert back.onset_s == at(50) and back.raised_s == at(56) and back.detected_s == at(59)
    assert back.evidence == {"reason": "register", "back_l": 17.0, "hours": 4}
    assert device(engine, "register_jump") == []
    assert device(stepped(0, 0, -4, 0, 0), "backflow") == []


def test_negative_flow_is_backflow_but_not_at_a_transfer_meter() -> None:
    flow = np.full(200, 30.0)
    flow[100:104] = -20
    batch = readings(1, at(0) + HOUR * np.arange(200), flow_lph=flow)
    (back,) = device(seen(batch), "backflow")
    assert back.evidence["reason"] == "flow"
    assert device(seen(batch, Site(1, "t", "dma_outlet", sector="")), "backflow") == []


@pytest.mark.parametrize(
    ("register_l", "kind", "step"),
    [
        ([99_990, 99_996, 2, 8, 9, 15], "rollover", -99_994),
        ([52_000, 52_003, 7, 9, 12, 20], "exchange", -51_996),
        ([52_000, 52_003, 88_000, 88_002, 88_003, 88_010], "exchange", 35_997),
        ([52_000, 52_003, 52_003, 52_003, 51_950, 51_950, 51_950, 51_951], "backflow", -53),
        ([52_000, 52_003, 5_200, 52_009, 52_009, 52_012], "misread", -46_803),
        ([52_000, 52_003, 59_009, 52_009, 52_009, 52_012], "misread", 7_006),
    ],
)
def test_register_jump_tells_its_kinds_apart(register_l: list[float], kind: str, step: float) -> None:
    before = register_l[0] - 40 + 2.0 * np.arange(20)
    after = register_l[-1] + 2.0 * np.arange(1, 40)
    total = [*before, *register_l, *after]
    batch = readings(1, at(0) + HOUR * np.arange(len(total)), register_l=total)
    for modulus in (100_000.0, np.nan) if kind == "rollover" else (np.nan,):
        site = Site(1, "m-1", q3_lph=2500, resolution_l=1, register_modulus_l=modulus)
        for every_s in (2 * HOUR, 10 * DAY):
            (jump,) = device(seen(batch, site, every_s=every_s), "register_jump")
            assert (jump.evidence["kind"], jump.evidence["step_l"]) == (kind, step)
            assert jump.closed_s is not None


def test_two_registers_under_one_name_are_a_clash() -> None:
    ts, total = [], []
    for h in range(24 * 4):
        ts.append(at(h))
        total.append(1000.0 + 12 * h)
        if 30 <= h < 60:
            ts.append(at(h) + 1700)
            total.append(480_000.0 + 30 * h)
    (event,) = events(seen(readings(1, ts, register_l=total)))
    assert event.evidence["register_jump"]["kind"] == "exchange"
    lone = [t for t in range(len(ts)) if total[t] < 480_000 or ts[t] % (5 * HOUR) == 1700]
    (event,) = events(seen(readings(1, np.array(ts)[lone], register_l=np.array(total)[lone])))
    assert event.evidence["register_jump"]["kind"] == "clash"


# daily facts


def volts(level: np.ndarray[Any, Any]) -> ReadingBatch:
    """Return the home's readings with a voltage once a day."""
    told = np.where(HOURS % 24 == 12, level[HOURS // 24], np.nan)
    return changed(USE, battery_v=told)


def test_low_battery_by_its_slope() -> None:
    level = 3.6 - 0.0122 * np.arange(DAYS)
    (low,) = device(seen(volts(level)), "low_battery")
    assert (low.raised_s, low.detected_s) == (at(24 * 14), at(24 * 15))
    assert low.evidence["reason"] == "trend" and low.evidence["days_left"] <= 60


def test_low_battery_by_level_and_by_flag_until_it_is_replaced() -> None:
    level = np.full(DAYS, 3.6)
    level[12:20] = 3.1
    (low,) = device(seen(volts(level)), "low_battery")
    assert (low.raised_s, low.detected_s) == (at(24 * 12), at(24 * 13)) and low.closed_s == at(24 * 20)
    flags = np.zeros(len(USE), np.int32)
    flags[24 * 10 + 5] = Flag.LOW_BATTERY
    (low,) = device(seen(changed(volts(np.full(DAYS, 3.6)), flags=flags)), "low_battery")
    assert low.evidence["reason"] == "flag" and low.raised_s == at(24 * 10)


def test_another_chemistry_is_not_low_by_level() -> None:
    assert device(seen(volts(np.full(DAYS, 3.0))), "low_battery") == []


def test_a_clock_that_is_behind_or_ahead() -> None:
    late_from = np.where(HOURS >= 24 * 10, 7500.0, 12.0)
    engine = seen(changed(USE, received_at=USE.ts + (late_from * 1e6).astype(np.int64)))
    (skew,) = device(engine, "clock_skew")
    assert skew.evidence["skew_s"] == 7500
    assert at(24 * 10) <= skew.onset_s <= at(24 * 11)
    early = changed(USE, received_at=USE.ts - 200_000_000)
    assert [e.evidence["skew_s"] for e in device(seen(early), "clock_skew")] == [-200]


def test_a_meter_that_sends_once_a_day_has_no_skew() -> None:
    delay = (24 - HOURS % 24) * HOUR * 10**6
    assert device(seen(changed(USE, received_at=USE.ts + delay)), "clock_skew") == []


# all of them


def test_device_alarms_do_not_depend_on_how_readings_are_cut() -> None:
    """A year's troubles in forty days, in pieces and at once."""
    rng = np.random.default_rng(7)
    flags = np.where(rng.random(len(USE)) < 0.01, Flag.TAMPER | Flag.LOW_BATTERY, 0).astype(np.int32)
    total = USE.register_l + np.where(rng.random(len(USE)) < 0.02, -60.0, 0)
    total[500:] -= 2_000
    total[300:] -= np.cumsum(rng.random(len(USE) - 300) < 0.05) * 3
    batch = changed(volts(3.6 - 0.01 * np.arange(DAYS)), flags=flags, register_l=total.clip(0))
    batch = batch.take(rng.random(len(batch)) > 0.1)
    batch = batch.take((batch.ts < at(700) * 10**6) | (batch.ts > at(760) * 10**6))
    names = ("silent", "stuck", "backflow", "tamper", "low_battery", "clock_skew", "register_jump")
    whole = seen(batch, every_s=90 * DAY)
    expected = {n: device(whole, n) for n in names}
    assert all(expected[n] for n in ("silent", "backflow", "tamper", "low_battery", "register_jump"))
    for every_s in (5 * HOUR, DAY, 3 * DAY + 5):
        engine = seen(batch, every_s=every_s)
        assert {n: device(engine, n) for n in names} == expected


def test_several_device_alarms_of_a_meter_are_one_event() -> None:
    flags = np.zeros(len(USE), np.int32)
    flags[50] = Flag.TAMPER
    gone = (USE.ts > at(60) * 10**6) & (USE.ts < at(200) * 10**6)
    (event,) = events(seen(changed(USE, flags=flags).take(~gone)))
    assert event.detectors == ("silent", "tamper")
