"""`headwater backtest`: what it writes is what a live system would have told, and nothing later."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.errors import BadDataError
from jobs.backtest import Course, backtest
from jobs.backtest.feed import Feed
from jobs.backtest.ledger import Row
from jobs.backtest.sites import dma_codes, outages, roster
from jobs.cli import app
from jobs.dataset import MeterRow, OutageRow, ReadingWriter, UtilityRow, open_dataset, write_table
from jobs.dataset.readings import micros
from jobs.simulate import Plan, simulate
from tests.town.folders import batch, folder

HOUR = 3600
T0 = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town with leaks, bursts, low pressure, gaps, late batches and messages sent twice."""
    made = tmp_path_factory.mktemp("town")
    simulate(Plan(homes=10, factories=2, days=30, seed=11, first=date(2026, 1, 1)), made)
    return made


@pytest.fixture
def even(tmp_path: Path) -> Path:
    """Four homes that read at every full hour, in time; the second one leaks from the tenth day on."""
    hours = np.arange(24 * 20)
    write_table(tmp_path, "meters", [MeterRow(f"m{n}", customer=f"c{n}", dma="d") for n in range(4)])
    write_table(tmp_path, "utility", [UtilityRow("Town", "Asia/Shanghai")])
    with ReadingWriter(tmp_path, [f"m{n}" for n in range(4)]) as writer:
        for n in range(4):
            use = np.where(hours % 24 < 17, 20.0, 0.0) + np.where((n == 1) & (hours >= 240), 30.0, 0.0)
            ts = T0.timestamp() + hours * HOUR
            writer.write(batch(np.full(len(hours), n), ts, register_l=np.cumsum(use) + 100))
    return tmp_path


def told(rows: list[Row], until: str = "9999") -> set[tuple[str, ...]]:
    """Return what was told by `until`: who, what, when."""
    return {(r.detector, r.subject, r.detected, r.area) for r in rows if r.detected <= until}


def test_raises_what_was_wrong_and_dates_it_to_the_cycle(even: Path) -> None:
    found = backtest(open_dataset(even), Course(every=timedelta(hours=6)))
    (row,) = [r for r in found.rows if r.detector == "continuous_flow"]
    assert (row.subject_kind, row.subject, row.dma, row.unit) == ("meter", "m1", "d", "L/h")
    assert row.magnitude == pytest.approx(30)
    detected = datetime.fromisoformat(row.detected)
    assert detected.hour % 6 == 0
    assert detected >= T0 + timedelta(days=10)


def test_first_half_alone_tells_what_the_whole_told_by_then(town: Path) -> None:
    dataset = open_dataset(town)
    half = datetime(2026, 1, 24, tzinfo=UTC)
    whole = backtest(dataset)
    first = backtest(dataset, Course(end=half))
    at = half.isoformat().replace("+00:00", "Z")
    assert told(first.rows) == told(whole.rows, at)
    assert 0 < len(first.rows) < len(whole.rows)


@pytest.mark.parametrize("name", ["town", "even"])
def test_a_day_at_once_tells_what_hour_by_hour_tells(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(request.getfixturevalue(name))
    merged = backtest(dataset)
    monkeypatch.setattr(Feed, "_odd", lambda _self, rows, _cycle: np.ones(len(rows), bool))
    hourly = backtest(dataset)
    assert merged.rows == hourly.rows


def test_looking_once_a_day_finds_the_same_causes_later(even: Path) -> None:
    hourly, daily = (backtest(open_dataset(even), Course(every=timedelta(hours=h))).rows for h in (1, 24))
    assert [replace(r, detected="") for r in hourly] == [replace(r, detected="") for r in daily]
    assert all(h.detected <= d.detected for h, d in zip(hourly, daily, strict=True))


def test_events_begin_at_from_with_what_was_before_known(even: Path) -> None:
    dataset = open_dataset(even)
    start = T0 + timedelta(days=14)
    found = backtest(dataset, Course(start=start))
    assert found.rows
    assert all(r.detected > start.isoformat() for r in found.rows)
    assert any(datetime.fromisoformat(r.onset) < start for r in found.rows)


def test_late_and_repeated_readings_find_their_neighbours(even: Path, tmp_path: Path) -> None:
    in_time = backtest(open_dataset(even)).rows
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("meters", "utility"):
        (mixed / f"{name}.csv").write_bytes((even / f"{name}.csv").read_bytes())
    serials = open_dataset(even).serials
    rng = np.random.default_rng(3)
    with ReadingWriter(mixed, serials) as writer:
        for part in open_dataset(even).readings():
            late = np.where(rng.random(len(part)) < 0.2, rng.integers(0, 5 * 86_400, len(part)), 0)
            writer.write(replace(part, received_at=part.ts + late * 1_000_000))
            again = part.take(rng.random(len(part)) < 0.1)
            writer.write(replace(again, received_at=again.ts + 7 * 86_400 * 1_000_000))
    found = backtest(open_dataset(mixed))
    still = [r for r in found.rows if r.cleared == "" or r.detector != "continuous_flow"]
    assert {(r.detector, r.subject, r.onset) for r in still} >= {
        (r.detector, r.subject, r.onset) for r in in_time
    }
    assert found.too_late == 0


def test_roster_says_what_the_folder_says(tmp_path: Path) -> None:
    sites = roster(open_dataset(folder(tmp_path)))
    assert sites.serial.tolist() == ["d1", "m1", "m2"]
    assert sites.kind.tolist() == ["dma", "customer", "customer"]
    assert sites.sector.tolist() == ["residential", "residential", "industrial"]
    assert sites.night_start_min.tolist() == [90, 90, 90]
    assert sites.min_pressure_kpa.tolist() == [200, 200, 200]


def test_dmas_without_a_file_stand_in_order_of_mention(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path, dmas="", customers=""))
    assert dma_codes(dataset) == ["d1"]
    assert roster(dataset).dma_id.tolist() == [0, 0, 0]


def test_end_of_an_outage_is_not_known_before_it(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path))
    row = OutageRow("o1", "planned", "d1", "works", T0, T0 + timedelta(hours=4), T0 + timedelta(hours=9))
    dataset = replace(dataset, outages=[row])
    ends = [
        [o.ends_s - int(T0.timestamp()) for o in outages(dataset, micros(T0 + timedelta(hours=h)))]
        for h in (-1, 2, 10)
    ]
    assert ends == [[], [4 * HOUR], [9 * HOUR]]


def test_command_writes_the_columns(even: Path, tmp_path: Path) -> None:
    out = tmp_path / "events.csv"
    done = CliRunner().invoke(app, ["backtest", str(even), "--out", str(out)])
    assert done.exit_code == 0, done.output
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    assert ",".join(rows[0]) == (
        "event,detector,subject_kind,subject,dma,onset,detected,cleared,severity,magnitude,unit,loss_m3,area"
    )
    assert [row["event"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--every", "0h"], "15m, 1h or 1d"),
        (["--every", "often"], "15m, 1h or 1d"),
        (["--from", "yesterday"], "--from is 'yesterday'"),
        (["--out", "/nowhere/at/all.csv"], "--out is"),
        (["--from", "2026-01-09T00:00:00Z", "--to", "2026-01-08T00:00:00Z"], "--to is not after --from"),
    ],
)
def test_wrong_options_are_refused_with_a_cure(
    even: Path, tmp_path: Path, options: list[str], says: str
) -> None:
    command = ["backtest", str(even), "--out", str(tmp_path / "e.csv"), *options]
    problem = CliRunner().invoke(app, command).exception
    assert isinstance(problem, BadDataError)
    assert says in str(problem)
