import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.batch import ReadingBatch, concat
from core.errors import BadDataError
from core.words import MeterKind
from detection import shifts
from jobs.dataset import Dataset, open_dataset
from jobs.simulate import Plan, faults, homes, simulate, sites
from jobs.simulate.plan import BIN_S
from jobs.simulate.pulses import spread, wander
from jobs.simulate.town import MIN_PRESSURE_KPA, build

PLAN = Plan(homes=120, factories=8, days=16, seed=5, first=date(2026, 3, 2))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("town")
    simulate(PLAN, folder)
    return open_dataset(folder)


@pytest.fixture(scope="module")
def readings(town: Dataset) -> ReadingBatch:
    return concat(list(town.readings()))


@pytest.fixture(scope="module")
def labels(town: Dataset) -> list[dict[str, str]]:
    with (town.folder / "labels.csv").open() as stream:
        return list(csv.DictReader(stream))


def of(town: Dataset, readings: ReadingBatch, serial: str) -> ReadingBatch:
    mine = readings.take(readings.meter_id == town.serials.index(serial))
    return mine.take(np.unique(mine.ts, return_index=True)[1])


def test_the_same_seed_gives_the_same_town_and_another_one_another(tmp_path: Path) -> None:
    plan = replace(PLAN, homes=20, factories=2, days=4)
    for name, made in (("a", plan), ("b", plan), ("c", replace(plan, seed=6))):
        simulate(made, tmp_path / name, form="csv")
    for file in ("readings.csv", "customers.csv", "meters.csv", "labels.csv", "staff.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "readings.csv").read_bytes() != (tmp_path / "c" / "readings.csv").read_bytes()


def test_more_days_or_homes_do_not_change_who_lives_there() -> None:
    one, longer = build(PLAN), build(replace(PLAN, days=30))
    assert one.customers == longer.customers
    assert one.staff == longer.staff


def test_registers_never_run_backwards_and_move_by_whole_steps(town: Dataset, readings: ReadingBatch) -> None:
    order = np.lexsort((readings.ts, readings.meter_id))
    rows = readings.take(order)
    same = np.diff(rows.meter_id) == 0
    rises = np.diff(rows.register_l)[same & ~np.isnan(rows.register_l[1:])]
    assert (rises >= 0).all()
    assert rises.max() > 0
    resolution = np.array([meter.resolution_l or 1.0 for meter in town.meters])[rows.meter_id]
    steps = rows.register_l / resolution
    assert np.allclose(steps, np.round(steps), equal_nan=True, atol=1e-6)


def test_readings_stand_in_the_order_received_and_some_are_late_lost_or_doubled(
    readings: ReadingBatch,
) -> None:
    late_s = (readings.received_at - readings.ts) / 1e6
    keys = readings.meter_id.astype(np.int64) * 10**17 + readings.ts
    assert (np.diff(readings.received_at) >= 0).all()
    assert (late_s > 0).all()
    assert 0 < (late_s > 3600).mean() < 0.05
    assert len(np.unique(keys)) < len(keys)
    customers = sum(1 for m in build(PLAN).meters if m.kind is MeterKind.CUSTOMER)
    whole = customers * (PLAN.days * 24 + 1)
    hourly = len(np.unique(keys[readings.meter_id < customers]))
    assert 0.97 * whole < hourly < whole


def test_faults_come_after_learning_inside_the_time_axis_one_a_subject(
    town: Dataset, labels: list[dict[str, str]]
) -> None:
    start = PLAN.start.astimezone(UTC)
    assert {row["kind"] for row in labels} == {"leak", "burst", "low_pressure", "off_shift"}
    assert len({(row["subject_kind"], row["subject"]) for row in labels}) == len(labels)
    for row in labels:
        begin, end = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])
        assert start + timedelta(days=PLAN.learn_days) <= begin < end <= start + timedelta(days=PLAN.days)
        known = town.serials if row["subject_kind"] == "meter" else [dma.dma for dma in town.dmas]
        assert row["subject"] in known


def test_a_leak_never_lets_its_meter_rest(
    town: Dataset, readings: ReadingBatch, labels: list[dict[str, str]]
) -> None:
    leaks = [row for row in labels if row["kind"] == "leak" and float(row["size"]) > 12]
    assert leaks
    for row in leaks:
        mine = of(town, readings, row["subject"])
        ts = mine.ts / 1e6
        inside = (ts > datetime.fromisoformat(row["start"]).timestamp() + 3600) & (
            ts <= datetime.fromisoformat(row["end"]).timestamp()
        )
        rate = np.diff(mine.register_l[inside]) / np.diff(ts[inside]) * 3600
        # a register step either way within an interval
        assert rate.min() >= float(row["size"]) * 0.9 - 11


def test_pressure_falls_below_the_minimum_when_labelled_and_only_then(
    town: Dataset, readings: ReadingBatch, labels: list[dict[str, str]]
) -> None:
    low = [row for row in labels if row["kind"] == "low_pressure"]
    for meter in town.meters:
        if meter.kind is not MeterKind.PRESSURE:
            continue
        mine = of(town, readings, meter.meter)
        ts = mine.ts / 1e6
        below = np.zeros(len(mine), bool)
        whole = np.zeros(len(mine), bool)
        for row in low:
            if row["subject"] == meter.dma:
                begin, end = (datetime.fromisoformat(row[k]).timestamp() for k in ("start", "end"))
                below |= (ts > begin) & (ts < end + 900)
                whole |= (ts >= begin + 900) & (ts <= end)
        assert (mine.pressure_kpa[whole] < MIN_PRESSURE_KPA).all()
        assert (mine.pressure_kpa[~below] > MIN_PRESSURE_KPA).all()


def test_an_inlet_carries_the_use_of_its_dma_and_a_little_leakage(
    town: Dataset, readings: ReadingBatch
) -> None:
    for dma in town.dmas:
        mine = [m.meter for m in town.meters if m.dma == dma.dma and m.kind is MeterKind.CUSTOMER]
        used = sum(np.ptp(of(town, readings, serial).register_l) for serial in mine)
        inflow = np.ptp(of(town, readings, f"{dma.dma}-in").register_l)
        leakage = 9.0 * (dma.connections or 0) * PLAN.days * 24
        assert inflow == pytest.approx(used + leakage, rel=0.02)


def test_homes_use_what_people_use_and_rest_at_night() -> None:
    persons = build(PLAN).persons
    litres = homes.use(PLAN, 0, persons)
    hourly = litres.reshape(len(persons), PLAN.days, 24, -1).sum(3)
    assert 70 < (litres.sum(1) / PLAN.days / persons).mean() < 140
    assert 0.4 < (hourly[:, :, 3] == 0).mean() < 0.9
    by_hour = hourly.mean((0, 1))
    assert by_hour[19] > 3 * by_hour[2]
    assert (hourly.sum(2) == 0).any(), "nobody is ever away"


def test_a_bare_rule_would_be_fooled_now_and_then() -> None:
    plan = replace(PLAN, homes=250, days=42)
    hourly = homes.use(plan, 0, build(plan).persons).reshape(250, -1, 12).sum(2) >= 3.8
    days = np.lib.stride_tricks.sliding_window_view(hourly, 24, axis=1).all(2)
    raised = (np.diff(days.astype(np.int8), axis=1, prepend=0) == 1).sum()
    assert 0.5 < raised / (250 * 42) * 1000 < 6


def test_firms_keep_to_their_shifts_as_the_detectors_read_them() -> None:
    town = build(PLAN)
    litres, calendar = sites.use(PLAN, town.sites)
    hourly = litres.reshape(len(town.sites), -1, 12).sum(2)
    weekly = (np.arange(PLAN.days * 24) + PLAN.first.weekday() * 24) % 168
    for n, site in enumerate(town.sites):
        read = shifts.parse(site.shifts)
        worked = (read.own | read.spilled)[weekly]
        assert (calendar[n].reshape(-1, 12).any(1) <= worked).all()
        if not worked.all():
            assert np.median(hourly[n][worked]) > 5 * np.median(hourly[n][~worked]) or site.base_lph > 100


def test_draws_are_shared_out_exactly() -> None:
    got = spread(
        np.array([0, 1, 1]), np.array([290.0, 600.0, -150.0]), np.array([20.0, 900.0, 300.0]),
        np.array([10.0, 90.0, 8.0]), (2, 5),
    )  # fmt: skip
    assert got[0].tolist() == [5.0, 5.0, 0, 0, 0]
    assert got[1].tolist() == [4.0, 0, 30.0, 30.0, 30.0]


def test_wandering_noise_has_the_deviation_it_was_asked_for() -> None:
    noise = wander(np.random.default_rng(1), (50, 4000), 2.0, 0.9)
    assert noise[:, 200:].std() == pytest.approx(2.0, rel=0.05)


def test_summer_time_days_have_their_true_length() -> None:
    plan = Plan(homes=1, factories=0, days=3, first=date(2026, 3, 28), tz="Europe/Rome", country="IT")
    assert np.diff(plan.midnights_s).tolist() == [86_400, 82_800, 86_400]
    assert plan.bins == 71 * 3600 // BIN_S


@pytest.mark.parametrize(("homes", "days", "interval_s"), [(0, 9, 3600), (9, 1, 3600), (9, 9, 60)])
def test_impossible_plans_are_refused(homes: int, days: int, interval_s: int) -> None:
    with pytest.raises(BadDataError):
        Plan(homes=homes, days=days, interval_s=interval_s)


def test_a_town_without_factories_has_homes_only(tmp_path: Path) -> None:
    made = simulate(Plan(homes=5, factories=0, days=3, first=date(2026, 1, 5)), tmp_path)
    assert made.meters == 5 + 1 + 3
    assert faults.draw(Plan(homes=5, factories=0, days=3), build(Plan(homes=5, factories=0, days=3)),
                       np.zeros((0, 864), bool)).labels  # fmt: skip
