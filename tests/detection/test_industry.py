"""The detectors of industry, trade and institutions through the engine, with policies and exemptions."""

from typing import Any

import numpy as np
import pytest

from detection.engine import Engine
from detection.lifecycle import Event
from detection.policy import Policy
from detection.roster import Roster, Site
from tests.detection.builders import DAY, HOUR, T0, factory, live, play, register, roster

DAYS = 60
NIGHT_AND_DAY = np.random.default_rng(7).normal(0, 40, DAYS * 24)


def plant() -> np.ndarray[Any, Any]:
    """Return hourly litres of a site that never rests: 1,000 by night, 3,000 by day, less at weekends."""
    at = np.arange(DAYS * 24)
    day = np.where((at % 24 >= 7) & (at % 24 < 19), 3000.0, 1000.0)
    return day * np.where(at // 24 % 7 < 5, 1.0, 0.9) + NIGHT_AND_DAY


def drifting(volumes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    volumes[20 * 24 :] += np.linspace(0, 900, len(volumes) - 20 * 24)
    return volumes


def shifted(volumes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    volumes[50 * 24 : 54 * 24] += 700
    return volumes


def spiked(volumes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    volumes[50 * 24 + 11] += 4000
    return volumes


def stopped(volumes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    volumes[50 * 24 : 51 * 24] = 0
    return volumes


def events(volumes: np.ndarray[Any, Any], *policies: Policy, sector: str = "industrial") -> list[Event]:
    engine = Engine(roster(Site(1, "f-1", sector=sector, account_no="F1", q3_lph=25_000)), policies)
    play(engine, register(1, volumes))
    return live(engine)


def test_plant_without_a_fault_has_no_event() -> None:
    assert events(plant()) == []


def test_spike_is_told_in_its_hour_with_what_it_drew() -> None:
    (event,) = [e for e in events(spiked(plant())) if e.grp == "industrial"]
    assert event.detectors == ("spike",)
    assert (event.onset_s - T0, event.detected_s - T0) == ((50 * 24 + 11) * HOUR, (50 * 24 + 12) * HOUR)
    assert event.cleared_s == event.detected_s
    assert event.magnitude == pytest.approx(4000, abs=200)
    assert event.loss_m3 == pytest.approx(4, abs=0.2)


def test_shift_of_level_is_one_event_of_all_that_saw_it() -> None:
    (event,) = events(shifted(plant()))
    assert event.detectors == ("level_shift", "off_shift")
    assert event.onset_s - T0 == pytest.approx(50 * DAY, abs=2 * HOUR)
    assert event.detected_s - T0 < 50 * DAY + 12 * HOUR
    assert event.cleared_s is not None
    assert event.cleared_s - T0 == pytest.approx(54 * DAY, abs=24 * HOUR)
    assert event.loss_m3 == pytest.approx(4 * 24 * 0.7, rel=0.15)


def test_drift_is_told_after_weeks_and_dated_into_them() -> None:
    found = [e for e in events(drifting(plant())) if "drift" in e.detectors]
    (event,) = found
    assert 30 * DAY < event.detected_s - T0 < 55 * DAY
    assert event.detected_s - event.onset_s == 28 * DAY + HOUR
    assert event.evidence["drift"]["rise_share"] > 0.12


def test_site_that_always_draws_and_stops_is_told_after_half_a_day() -> None:
    (event,) = events(stopped(plant()))
    assert event.detectors == ("zero_use",)
    assert (event.onset_s - T0, event.detected_s - T0) == (50 * DAY, 50 * DAY + 12 * HOUR)
    assert event.cleared_s == T0 + 51 * DAY
    assert event.evidence["zero_use"]["usual_lph"] == pytest.approx(2000, rel=0.1)


def test_factory_at_rest_is_no_zero_use() -> None:
    volumes = factory(DAYS * 24)
    volumes[volumes < 100] = 0
    assert events(volumes) == []


@pytest.mark.parametrize(
    ("fault", "detector"),
    [(spiked, "spike"), (shifted, "level_shift"), (drifting, "drift"), (stopped, "zero_use")],
)
def test_exemptions_policies_and_sectors_are_honoured(fault: Any, detector: str) -> None:
    def seen(*policies: Policy, sector: str = "industrial") -> set[str]:
        return {d for e in events(fault(plant()), *policies, sector=sector) for d in e.detectors}

    assert detector in seen()
    assert detector not in seen(Policy(1, detector, "customer", "F1", exemption="expected flow"))
    assert detector not in seen(sector="residential")
    coarse = {
        "spike": {"min_excess_share": 3},
        "level_shift": {"min_excess_share": 0.5},
        "drift": {"min_rise": 0.9},
        "zero_use": {"min_hours": 30},
    }
    assert detector not in seen(Policy(1, detector, "sector", "industrial", params=coarse[detector]))


def overrun(plan_m3: float, *policies: Policy) -> list[Event]:
    """April 2026 begins on day 30 of the plant; it draws about 46 m3 a day."""
    site = Site(1, "f-1", sector="industrial", account_no="F1", q3_lph=25_000)
    engine = Engine(Roster.of([site], plans={("F1", ""): plan_m3}), policies)
    play(engine, register(1, plant()))
    return [e for e in live(engine) if e.grp == "plan"]


def test_overrun_of_the_plan_is_told_once_a_month_as_soon_as_it_is_sure() -> None:
    march, april = overrun(1250)
    assert march.detectors == april.detectors == ("plan_overrun",)
    assert april.detected_s - T0 == (30 + 10) * DAY + 12 * HOUR
    assert march.cleared_s == T0 + 30 * DAY
    assert april.evidence["plan_overrun"]["plan_m3"] == 1250
    assert april.evidence["plan_overrun"]["forecast_m3"] == pytest.approx(1390, rel=0.03)


def test_each_month_is_held_against_its_own_plan_also_when_it_is_over() -> None:
    def told(plans: dict[tuple[str, str], float], timezone: str = "UTC") -> list[int]:
        sites = [Site(1, "f-1", sector="industrial", account_no="F1", q3_lph=25_000)]
        engine = Engine(Roster.of(sites, timezone, "", None, plans))
        play(engine, register(1, plant()))
        return [(e.detected_s - T0) // DAY for e in live(engine) if e.grp == "plan"]

    (march,) = told({("F1", "2026-03"): 1250, ("F1", "2026-04"): 5000})
    assert 14 <= march < 30
    (april,) = told({("F1", "2026-03"): 5000, ("F1", "2026-04"): 1250})
    assert 34 <= april < 42
    assert told({("F1", "2026-05"): 10, ("F2", "2026-04"): 10}) == []
    # A plan of nearly nothing is passed at once; its month begins on the first, wherever that is.
    zones = {"Asia/Kolkata": 33, "Europe/Rome": 33, "America/St_Johns": 34}
    assert {zone: told({("F1", "2026-04"): 10}, zone) for zone in zones} == {z: [d] for z, d in zones.items()}


def test_customer_with_several_meters_has_no_plan() -> None:
    sites = [Site(n, f"f-{n}", account_no="F1") for n in (1, 2)]
    assert np.isnan(Roster.of(sites, plans={("F1", ""): 5.0}).plan_m3("2026-04")).all()


def test_plan_that_holds_has_no_event_and_neither_has_a_site_without_one() -> None:
    assert overrun(1500) == []
    assert overrun(float("nan")) == []
    assert overrun(1250, Policy(1, "plan_overrun", "customer", "F1", exemption="agreed")) == []


def test_use_beyond_the_plan_is_told_though_nobody_expected_it() -> None:
    volumes = plant()
    volumes[50 * 24 : 54 * 24] += 3000
    site = Site(1, "f-1", sector="industrial", account_no="F1", q3_lph=25_000)
    engine = Engine(Roster.of([site], plans={("F1", ""): 1450.0}))
    play(engine, register(1, volumes))
    (event,) = [e for e in live(engine) if e.grp == "plan"]
    assert 50 * DAY < event.detected_s - T0 < 60 * DAY
