"""Window, VEE, detectors and life cycle together, without a database."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch import ReadingBatch
from detection.engine import Engine
from detection.lifecycle import Event
from detection.outages import Outage
from detection.policy import Policy
from detection.portion import cut
from detection.roster import Roster, Site
from tests.detection.builders import (
    DAY,
    HOUR,
    T0,
    factory,
    home,
    kinds,
    late,
    live,
    ordered,
    play,
    readings,
    register,
    roster,
)

HOURS = 24 * 24
HOME = Site(1, "m-1", account_no="A1", q3_lph=2500, resolution_l=1, price_m3=4.0)


def town() -> tuple[Roster, ReadingBatch]:
    """Homes on two intervals with leaks, bursts, gaps, jitter and odd registers, a factory, pressures."""
    sites, batches = [], []
    rng = np.random.default_rng(11)
    for m in range(1, 9):
        step = 900 if m % 2 else HOUR
        sites.append(Site(m, f"m-{m}", interval_s=step, q3_lph=2500, resolution_l=1, register_modulus_l=1e5))
        leak = (200 + 20 * m, 300 + 30 * m, 6.0 * m) if m != 4 else None
        volumes = home(HOURS, seed=m, leak=leak)
        if m in (3, 4):
            volumes[450:453] += 1500
        if m == 6:
            volumes[leak[1] : leak[1] + 30] = 0  # type: ignore[index]
            volumes[leak[1] + 30 :] += 9  # type: ignore[index]
        fine = np.repeat(volumes, HOUR // step) / (HOUR // step)
        batch = register(m, fine, step_s=step)
        kept = rng.random(len(batch)) > 0.02
        jitter = rng.integers(-step // 30, step // 30, len(batch)) * 10**6 + m * 60 * 10**6
        odd = np.where(rng.random(len(batch)) < 0.004, -500.0, 0.0)
        batch = ReadingBatch(
            batch.meter_id,
            batch.ts + jitter,
            (batch.register_l + odd + 99_000) % 1e5,
            *(getattr(batch, c) for c in ("flow_lph", "pressure_kpa", "temperature_c", "battery_v", "flags")),
            batch.received_at,
        )
        batches.append(batch.take(kept))
    sites.append(Site(9, "f-9", sector="industrial", q3_lph=25_000, shifts="mo-fr 06:00-22:00"))
    made = factory(HOURS)
    made[20 * 24 : 20 * 24 + 5] = 700
    batches.append(register(9, made))
    for m in (10, 11):
        sites.append(Site(m, f"p-{m}", "pressure", 900, 1, "D1", min_pressure_kpa=200))
        kpa = np.full(HOURS * 4, 300.0)
        kpa[1000 + m : 1030 + m] = 150
        batches.append(readings(m, T0 + 900 * np.arange(1, HOURS * 4 + 1), pressure_kpa=kpa))
    return roster(*sites), ordered(*batches)


def facts(event: Event) -> tuple[object, ...]:
    """What must not depend on how the readings were cut into pieces."""
    return (
        event.key,
        event.epoch,
        event.detectors,
        event.onset_s,
        event.detected_s,
        event.last_s,
        event.cleared_s,
        event.severity,
        round(event.magnitude, 3),
        round(event.loss_m3, 4),
        dict(event.evidence),
    )


TOWN, STREAM = town()
WHOLE = Engine(TOWN)
play(WHOLE, STREAM, every_s=60 * DAY)


def test_whole_town_has_its_events() -> None:
    found = {(e.subject, e.detectors) for e in live(WHOLE)}
    assert {("f-9", ("off_shift",)), ("D1", ("low_pressure",)), ("m-4", ("burst",))} <= found
    leaks = {e.subject for e in live(WHOLE) if "continuous_flow" in e.detectors}
    assert leaks == {f"m-{m}" for m in (1, 2, 3, 5, 6, 7, 8)}


@pytest.mark.parametrize("every_s", [3 * DAY, DAY, 7 * HOUR])
def test_pieces_come_out_like_the_whole(every_s: int) -> None:
    engine = Engine(TOWN)
    play(engine, STREAM, every_s=every_s)
    assert [facts(e) for e in live(engine)] == [facts(e) for e in live(WHOLE)]


@given(st.lists(st.integers(1, 5 * DAY), min_size=1, max_size=8), st.integers(0, 20))
@settings(max_examples=8, deadline=None)
def test_any_pieces_come_out_like_the_whole(steps: list[int], cut_days: int) -> None:
    """The first half fed alone holds the events of the first half: nothing looks ahead."""
    until = T0 + cut_days * DAY + DAY
    half = STREAM.take(STREAM.ts <= until * 10**6)
    once, pieces = Engine(TOWN), Engine(TOWN)
    play(once, half, every_s=60 * DAY, until_s=until)
    at = T0 - 1
    for step in [*steps, 60 * DAY]:
        stop = min(at + step, until)
        if stop > at:
            part = half.take((half.ts > (at - 2 * DAY) * 10**6) & (half.ts <= stop * 10**6))
            if len(part):
                late(pieces, half.take(half.ts <= stop * 10**6), at, stop, stop)
        at = stop
    assert [facts(e) for e in live(pieces)] == [facts(e) for e in live(once)]


def test_onset_is_dated_back_and_end_forward() -> None:
    engine = Engine(roster(HOME))
    changes = play(engine, register(1, home(600, leak=(409, 480, 30))), every_s=5 * HOUR)
    (event,) = live(engine)
    assert event.onset_s == T0 + 409 * HOUR  # it flowed from the leak on, at 01:00
    assert event.detected_s == event.onset_s + 9 * HOUR  # at one rate all night
    assert event.cleared_s == T0 + 480 * HOUR
    assert kinds(changes) == ["opened", "cleared"]
    assert event.loss_m3 == pytest.approx(0.03 * 71) and event.money == pytest.approx(event.loss_m3 * 4)


def test_flow_that_is_never_alike_is_found_by_the_missing_rests() -> None:
    volumes = home(600)
    volumes[409:480] += 5 + np.arange(71) * 7 % 23
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes), every_s=5 * HOUR)
    (event,) = live(engine)
    assert event.detected_s == event.onset_s + 24 * HOUR == T0 + (409 + 24) * HOUR
    assert event.evidence["continuous_flow"]["grade"] == "continuous"


def test_home_that_seldom_rests_must_miss_more_of_its_rests() -> None:
    """Two still hours a day: ten missing are five days, of which four windows are asked."""
    volumes = 30 + np.arange(1000.0) * 7 % 23
    volumes[::12] = 0
    volumes[720:900] += 5
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes), every_s=5 * HOUR)
    (event,) = live(engine)
    assert event.detected_s == event.onset_s + 96 * HOUR == T0 + (709 + 96) * HOUR


def test_running_toilet_is_one_event_until_it_has_been_quiet_for_two_days() -> None:
    volumes = home(900, seed=3)
    for start in range(500, 650, 15):
        volumes[start : start + 5] += 21.4
    engine = Engine(roster(HOME))
    changes = play(engine, register(1, volumes), every_s=5 * HOUR)
    (event,) = live(engine)
    assert kinds(changes)[0] == "opened" and kinds(changes)[-1] == "cleared"
    assert "reopened" not in kinds(changes)
    evidence = event.evidence["continuous_flow"]
    assert evidence["grade"] == "intermittent" and 25 <= evidence["running_h"] <= 60
    assert 20 <= event.magnitude <= 23
    assert T0 + 500 * HOUR <= event.onset_s <= T0 + 540 * HOUR
    assert event.detected_s <= T0 + 580 * HOUR and event.cleared_s <= T0 + 720 * HOUR


def test_machine_that_has_always_run_at_one_rate_is_no_leak() -> None:
    volumes = home(1000, seed=3)
    for start in range(8, 1000, 24):
        volumes[start : start + 5] = 16
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes))
    assert live(engine) == []


def dripping(at: int, hours: int, every: int, *, seed: int = 5) -> np.ndarray:
    """Return a home that rests at night, and from `at` on drips a litre every so many hours."""
    volumes = home(hours, seed=seed)
    volumes[at::every] += 1
    return volumes


@pytest.mark.parametrize("every_s", [5 * HOUR, DAY, 6 * DAY])
def test_drip_of_half_a_litre_is_found_in_a_week_or_two(every_s: int) -> None:
    engine = Engine(roster(HOME))
    changes = play(engine, register(1, dripping(720, 1300, 2)), every_s=every_s)
    (event,) = live(engine)
    assert event.detectors == ("rising_minimum",) and kinds(changes)[0] == "opened"
    assert T0 + 700 * HOUR <= event.onset_s <= T0 + 722 * HOUR
    assert event.detected_s == T0 + 37 * DAY + HOUR
    assert event.evidence["rising_minimum"]["grade"] == "micro_drip"
    assert event.evidence["rising_minimum"]["rest_h"] == 1
    assert event.magnitude == pytest.approx(0.5, abs=0.01)
    assert event.loss_m3 == pytest.approx(0.0005 * (1300 - 720), rel=0.05)


def test_drip_ends_with_the_first_night_of_rest() -> None:
    volumes = dripping(720, 1500, 2)
    volumes[1201:] = home(1500, seed=5)[1201:]
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes), every_s=7 * HOUR)
    (event,) = live(engine)
    assert T0 + 1200 * HOUR < event.cleared_s <= T0 + 1230 * HOUR


def test_coming_home_after_weeks_is_no_drip() -> None:
    volumes = home(1300, seed=5)
    volumes[1::3] += 2  # up at night, whenever anybody is there
    volumes[300:720] = 0
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes))
    assert live(engine) == []


def test_site_that_never_rests_rises() -> None:
    site = Site(1, "m-1", q3_lph=10_000, resolution_l=1, dwellings=20)
    rng = np.random.default_rng(3)
    volumes = 40.0 + rng.integers(0, 30, 1400) + 200 * (np.arange(1400) % 24 > 6)
    volumes[800:1200] += 25
    engine = Engine(roster(site))
    play(engine, register(1, volumes))
    (event,) = live(engine)
    assert event.detectors == ("rising_minimum",)
    assert event.magnitude == pytest.approx(25, abs=5)
    assert T0 + 1200 * HOUR <= event.cleared_s <= T0 + 1230 * HOUR


ALONE = Site(1, "m-1", segment="vulnerable", lives_alone=True, q3_lph=2500, resolution_l=1)


@pytest.mark.parametrize("every_s", [5 * HOUR, 4 * DAY])
def test_silence_of_somebody_vulnerable_who_lives_alone_is_told_the_same_day(every_s: int) -> None:
    volumes = home(600)
    volumes[407:460] = 0  # from 23:00 on
    engine = Engine(roster(ALONE))
    play(engine, register(1, volumes), every_s=every_s)
    (event,) = live(engine)
    assert (event.detectors, event.grp) == (("no_use_vulnerable",), "welfare")
    assert event.severity == "high"
    assert event.onset_s <= T0 + 415 * HOUR < event.detected_s <= T0 + 427 * HOUR
    assert T0 + 460 * HOUR <= event.cleared_s <= T0 + 464 * HOUR
    others = Engine(roster(HOME))
    play(others, register(1, volumes))
    assert live(others) == []


def test_who_is_often_out_for_a_day_is_told_of_twice_only() -> None:
    volumes = home(900)
    for day in range(5, 36, 5):
        volumes[day * 24 : day * 24 + 24] = 0
    engine = Engine(roster(ALONE))
    play(engine, register(1, volumes))
    assert [round((e.detected_s - T0) / DAY) for e in live(engine)] == [6, 11]


def test_empty_home_is_no_news() -> None:
    volumes = home(900)
    volumes[100:800] = 0
    engine = Engine(roster(ALONE))
    play(engine, register(1, volumes))
    (event,) = live(engine)
    assert event.onset_s < T0 + 105 * HOUR and event.cleared_s >= T0 + 800 * HOUR


@pytest.mark.parametrize("every_s", [7 * HOUR, 4 * DAY])
def test_home_in_which_twice_as_many_live_has_changed_for_good(every_s: int) -> None:
    volumes = home(1500)
    volumes[720:] *= 2.5
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes), every_s=every_s)
    (event,) = live(engine)
    assert (event.detectors, event.grp) == (("occupancy_change",), "profile")
    assert abs(event.onset_s - (T0 + 720 * HOUR)) <= 2 * DAY
    assert T0 + 44 * DAY <= event.detected_s <= T0 + 52 * DAY
    assert event.cleared_s is not None and event.evidence["occupancy_change"]["course"] == "more"


def test_a_week_of_guests_changes_nothing_for_good() -> None:
    volumes = home(1500)
    volumes[720 : 720 + 8 * 24] *= 2.5
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes))
    assert [e for e in live(engine) if e.grp == "profile"] == []


def test_growing_leak_is_updated_once_a_quarter() -> None:
    volumes = home(600, leak=(409, 600, 10))
    volumes[450:] += np.linspace(0, 30, 150)
    changes = play(Engine(roster(HOME)), register(1, volumes), every_s=HOUR)
    entries = kinds(changes)
    assert entries[0] == "opened" and set(entries[1:]) == {"updated"}
    assert 3 <= len(entries) <= 9


def test_leak_that_comes_back_soon_is_the_same_event() -> None:
    volumes = home(700, leak=(409, 480, 30))
    volumes[520:600] += 30
    engine = Engine(roster(HOME))
    changes = play(engine, register(1, volumes), every_s=5 * HOUR)
    (event,) = live(engine)
    assert kinds(changes) == ["opened", "cleared", "reopened", "cleared"]
    assert event.cleared_s == T0 + 600 * HOUR and len(event.episodes) == 2


def test_leak_that_comes_back_later_is_a_new_epoch() -> None:
    volumes = home(700, leak=(409, 440, 30))
    volumes[561:600] += 30
    engine = Engine(roster(HOME))
    changes = play(engine, register(1, volumes), every_s=5 * HOUR)
    assert [e.epoch for e in live(engine)] == [0, 1]
    assert kinds(changes) == ["opened", "cleared", "opened", "cleared"]


def test_burst_and_the_flow_it_leaves_are_one_event_with_two_pieces_of_evidence() -> None:
    volumes = home(600)
    volumes[409:] += 900
    engine = Engine(roster(HOME))
    changes = play(engine, register(1, volumes), every_s=5 * HOUR)
    (event,) = live(engine)
    assert event.detectors == ("burst", "continuous_flow")
    assert event.evidence.keys() == {"burst", "continuous_flow"}
    assert kinds(changes)[:2] == ["opened", "updated"]
    assert "seen by burst, continuous_flow" in [e.why for c in changes for e in c.entries][1]


def test_burst_over_midnight_is_not_its_own_measure() -> None:
    """The evidence told after the day has turned is still that of the days before the burst."""
    volumes = home(600)
    volumes[430:434] += 900
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes), every_s=5 * HOUR)
    (event,) = live(engine)
    evidence = event.evidence["burst"]
    assert evidence["usual_max_lph"] <= volumes[:430].max()
    assert evidence["flow_lph"] > evidence["threshold_lph"]


def test_new_meter_raises_no_burst_before_it_is_known() -> None:
    volumes = home(24 * 10)
    volumes[24 * 9 :] += 900
    engine = Engine(roster(HOME))
    play(engine, register(1, volumes), until_s=T0 + 220 * HOUR)
    assert live(engine) == []


def test_late_readings_move_the_onset_with_an_entry() -> None:
    """A still hour in the flow arrives late: the flow began after it."""
    volumes = home(600, leak=(409, 600, 30))
    volumes[411:413] = [60, 0]
    batch = register(1, volumes)
    told = np.isin(np.arange(len(batch)), [412], invert=True)
    engine = Engine(roster(HOME))
    play(engine, batch.take(told))
    assert live(engine)[0].onset_s == T0 + 409 * HOUR
    changes = late(engine, batch, T0 + 411 * HOUR, T0 + 412 * HOUR, T0 + 600 * HOUR)
    assert kinds(changes) == ["amended"]
    assert live(engine)[0].onset_s == T0 + 413 * HOUR
    detail = changes[0].entries[0].detail
    assert detail["before"]["onset_s"] == T0 + 409 * HOUR


def test_late_readings_raise_what_was_missed_and_date_it_honestly() -> None:
    batch = register(1, home(600, leak=(409, 480, 30)))
    gap = (np.arange(len(batch)) > 415) & (np.arange(len(batch)) < 475)
    engine = Engine(roster(HOME))
    play(engine, batch.take(~gap))
    assert [e for e in live(engine) if e.grp == "leak"] == []
    late(engine, batch, T0 + 415 * HOUR, T0 + 474 * HOUR, T0 + 600 * HOUR)
    (event,) = [e for e in live(engine) if e.grp == "leak"]
    assert event.onset_s == T0 + 409 * HOUR and event.cleared_s == T0 + 480 * HOUR
    assert event.detected_s == T0 + 600 * HOUR  # not before the readings came


def test_estimated_hours_neither_raise_nor_clear() -> None:
    batch = register(1, home(600, leak=(409, 600, 30)))
    n = np.arange(len(batch))
    by_rest = Policy(1, "continuous_flow", params={"steady_nats": 0})
    engine = Engine(roster(HOME), [by_rest])
    play(engine, batch.take((n < 420) | (n > 427)))  # too little of the first 24 hours is known
    (event,) = live(engine)
    assert event.detected_s > T0 + (409 + 24) * HOUR
    engine = Engine(roster(HOME))
    play(engine, batch.take((n < 480) | (n > 500)))
    (event,) = live(engine)
    assert event.cleared_s is None and len(event.episodes) == 1


def test_policy_exempts_for_a_while() -> None:
    filling = Policy(1, "continuous_flow", "meter", "m-1", {}, True, T0, T0 + 450 * HOUR, "expected_flow")
    engine = Engine(roster(HOME), [filling])
    play(engine, register(1, home(600, leak=(409, 470, 30))), every_s=5 * HOUR)
    (event,) = live(engine)
    assert event.detected_s == T0 + 451 * HOUR
    off = Policy(1, "continuous_flow", valid_from_s=T0 + 450 * HOUR, enabled=False)
    engine = Engine(roster(HOME), [off])
    play(engine, register(1, home(600, leak=(409, 600, 30))), every_s=5 * HOUR)
    (event,) = live(engine)
    assert event.cleared_s == T0 + 450 * HOUR


def test_profile_follows_local_time_through_the_change_of_clocks() -> None:
    """Europe/Rome moves on 2026-03-29: the factory starts at 06:00 by its own clock."""
    hours = 40 * 24
    local = factory(hours + 2)
    utc = np.concatenate([local[1 : 27 * 24 + 2], local[27 * 24 + 3 :]])
    site = Site(1, "f-1", sector="industrial", q3_lph=25_000)
    engine = Engine(roster(site, timezone="Europe/Rome"), [Policy(1, "off_shift", params={"min_hours": 1})])
    play(engine, register(1, utc))
    assert live(engine) == []
    one_hour = Policy(1, "off_shift", params={"min_hours": 1})
    fixed = Engine(roster(site, timezone="Africa/Lagos"), [one_hour])
    play(fixed, register(1, utc))
    (event,) = live(fixed)
    assert "off_shift" in event.detectors


def test_holiday_is_off_shift() -> None:
    """1 May 2026 is a Friday; a factory in China that works has a reason, or a leak."""
    start = T0 + 5 * 7 * DAY
    site = Site(1, "f-1", sector="industrial", shifts="mo-fr 06:00-22:00", q3_lph=25_000)
    for country, events in (("CN", 1), ("", 0)):
        engine = Engine(roster(site, country=country))
        play(engine, register(1, factory(26 * 24), start_s=start))
        assert len(live(engine)) == events, country


def test_outage_in_the_district_suppresses_only_what_it_explains() -> None:
    sites = (
        Site(1, "p-1", "pressure", 900, 1, "D1", min_pressure_kpa=200),
        Site(2, "p-2", "pressure", 900, 2, "D2", min_pressure_kpa=200),
    )
    kpa = np.where(np.arange(100) >= 60, 90.0, 300.0)
    both = ordered(*(readings(m, T0 + 900 * np.arange(1, 101), pressure_kpa=kpa) for m in (1, 2)))
    engine = Engine(roster(*sites))
    outage = Outage(7, "O-7", frozenset({1}), frozenset(), T0, T0 + 2 * DAY)
    changes = play(engine, both, outages=(outage,))
    assert {e.subject: e.suppressed_by for e in live(engine)} == {"D1": 7, "D2": None}
    assert sorted(kinds(changes)) == ["opened", "suppressed"]


def test_meter_without_a_district_is_its_own_subject() -> None:
    site = Site(1, "p-1", "pressure", 900)
    kpa = np.where(np.arange(100) >= 60, 90.0, 300.0)
    engine = Engine(roster(site))
    play(engine, readings(1, T0 + 900 * np.arange(1, 101), pressure_kpa=kpa))
    (event,) = live(engine)
    assert event.key == ("meter", "p-1", "pressure")


def test_memory_is_bounded_and_old_events_are_forgotten() -> None:
    volumes = home(24 * 120, leak=(409, 480, 30))
    engine = Engine(roster(HOME), window_days=36)
    play(engine, register(1, volumes[: 24 * 40]))
    size = engine.nbytes
    play(engine, register(1, volumes[24 * 40 :], start_s=T0 + 40 * DAY))
    assert engine.nbytes == size == 36 * 24 * 5 + 2 * 36 * 5  # hours of volume; days of skew and motion
    assert live(engine) == [] and engine.book.of("continuous_flow") == {}


def test_backlog_older_than_the_window_makes_usage_but_no_events() -> None:
    engine = Engine(roster(HOME, Site(2, "m-2", q3_lph=2500)))
    play(engine, register(2, home(24), start_s=T0 + 100 * DAY))
    batch = register(1, home(600, leak=(409, 600, 30)))
    engine.feed(cut(batch, (T0 - 1) * 10**6, (T0 + 600 * HOUR) * 10**6))
    result = engine.settle(T0 + 101 * DAY)
    assert result.changes == [] and len(result.usage) == 600
