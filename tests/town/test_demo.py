"""The demo: its score on crafted events, its real districts, and a small one from end to end."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console

from core.clock import SystemClock
from jobs.demo import data, districts
from jobs.demo.run import Demo, run
from jobs.demo.score import Fault, Raised, read_labels, score
from jobs.stack import stack_session
from sql.pool import connect
from tests.databases import fresh_database

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SUBJECTS = {"m1", "m2", "T01"}


def fault(subject: str, start_h: float, end_h: float, by: str = "continuous_flow") -> Fault:
    return Fault(
        "leak", subject, DAY + timedelta(hours=start_h), DAY + timedelta(hours=end_h), frozenset([by])
    )


def raised(subject: str, at_h: float, grp: str = "leak", by: str = "continuous_flow") -> Raised:
    at = DAY + timedelta(hours=at_h)
    return Raised(subject, grp, frozenset([by]), at, at - timedelta(hours=24))


def test_a_fault_is_found_from_its_start_to_a_day_after_its_end() -> None:
    for at_h, found in ((9.9, 0), (10, 1), (44, 1), (44.1, 0)):
        got = score([fault("m1", 10, 20)], [raised("m1", at_h)], SUBJECTS, 1000)
        assert (got.found, got.false) == (found, 1 - found), at_h


def test_another_detector_of_the_group_finds_it_another_group_explains_it() -> None:
    leak = fault("m1", 10, 20)
    by_burst = score([leak], [raised("m1", 12, by="burst")], SUBJECTS, 1000)
    by_shift = score([leak], [raised("m1", 12, "industrial", "off_shift")], SUBJECTS, 1000)
    assert (by_burst.found, by_burst.false) == (1, 0)
    assert (by_shift.found, by_shift.false) == (0, 0)


def test_false_alarms_of_one_incident_count_once_and_by_detector() -> None:
    events = [
        raised("m1", 0),
        raised("m1", 70),
        raised("m1", 143),
        raised("m2", 1),
        raised("m1", 2, "industrial", "x"),
    ]
    got = score([], events, SUBJECTS, 500)
    assert got.false == 4
    assert got.false_per_1000_meter_days == 8
    assert {name: line.false for name, line in got.lines.items()} == {"continuous_flow": 3, "x": 1}
    assert got.lines["continuous_flow"].events == 4


def test_subjects_without_labels_are_counted_apart() -> None:
    got = score([fault("m1", 0, 5)], [raised("R01-in", 1), raised("m1", 1)], SUBJECTS, 1000)
    assert (got.found, got.false, got.unlabelled) == (1, 0, 1)


def test_two_faults_and_one_event_for_each() -> None:
    faults = [fault("m1", 0, 5), fault("T01", 0, 5, "low_pressure"), fault("m2", 50, 60, "burst")]
    events = [raised("m1", 1), raised("T01", 1, "pressure", "low_pressure")]
    got = score(faults, events, SUBJECTS, 1000)
    assert (got.faults, got.found, got.false) == (3, 2, 0)
    assert {name: (line.faults, line.found) for name, line in got.lines.items()} == {
        "continuous_flow": (1, 1),
        "low_pressure": (1, 1),
        "burst": (1, 0),
    }


def test_labels_that_have_not_begun_are_not_held_against_the_line(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(
        "fault,kind,subject_kind,subject,start,end,size,unit,detectors\n"
        "f1,leak,meter,m1,2026-03-01T00:00:00Z,2026-03-09T00:00:00Z,9,L/h,continuous_flow\n"
        "f2,burst,meter,m2,2026-03-05T00:00:00Z,2026-03-06T00:00:00Z,900,L/h,burst\n"
    )
    assert [f.subject for f in read_labels(file, datetime(2026, 3, 3, tzinfo=UTC))] == ["m1"]


def made_up(days: int) -> districts.Inflow:
    hours = np.arange(days * 24) + (date(2021, 1, 1) - date(1970, 1, 1)).days * 24
    lps = np.stack([np.arange(len(hours), dtype=float), np.full(len(hours), 2.5)])
    lps[1, ::7] = np.nan
    return districts.Inflow(["DMA 1", "DMA 2"], ["Hospital", "Port"], hours, lps)


def test_real_weeks_keep_weekday_season_and_wall_clock() -> None:
    inflow, first = made_up(800), date(2026, 11, 22)
    source = districts.source_start(inflow, first, 42)
    assert (first - source).days % 7 == 0
    assert abs(source - date(2022, 11, 22)) <= timedelta(days=4)
    got = districts.readings(inflow, first, 42, "Asia/Shanghai", np.array([5, 6], np.int32))
    one = got.take(got.meter_id == 5)
    assert len(one) == 42 * 24
    assert datetime.fromtimestamp(one.ts[0] / 1e6, UTC) == datetime(2026, 11, 21, 17, tzinfo=UTC)
    assert one.flow_lph[0] == (source - date(2021, 1, 1)).days * 24 * 3600
    assert not np.isnan(got.flow_lph).any()
    assert (got.meter_id == 6).sum() == 42 * 24 * 6 // 7


@pytest.mark.slow
def test_the_real_districts_are_read_once_and_kept(tmp_path: Path) -> None:
    inflow = districts.load(tmp_path)
    again = districts.load(tmp_path)
    assert inflow.names == again.names
    assert len(inflow.names) == len(districts.rows(inflow)[0]) == 10
    assert "Hospital" in inflow.descriptions[0]
    assert len(np.unique(inflow.local_hour)) == len(inflow.local_hour)
    assert np.nanmean(inflow.lps, axis=1) == pytest.approx(
        [8.4, 9.6, 4.3, 32.9, 78.3, 8.1, 25.1, 20.8, 20.6, 26.4], rel=0.06
    )


@pytest.mark.slow
def test_a_small_demo_runs_from_the_meters_to_the_mailbox(tmp_path: Path) -> None:
    scale = data.Scale(homes=14, factories=2, days=8, with_districts=False)
    with (
        (tmp_path / "shown").open("w") as shown,
        stack_session() as urls,
        fresh_database(urls.database_url) as spare,
    ):
        console = Console(file=shown, width=100)
        name = str(conninfo_to_dict(spare)["dbname"])
        code = run(Demo(scale, tmp_path, 60, False, console, SystemClock(), name))
        summary = json.loads((tmp_path / "summary.json").read_text())
        with connect(spare, "owner") as conn:
            stored = conn.execute("select count(*) from reading").fetchall()[0][0]
    assert code == 0
    assert summary["readings_stored"] == stored > 3000
    assert summary["quarantined"] == {}
    assert summary["mails"] == len(list((tmp_path / "mailbox" / "new").iterdir())) > 0
    assert summary["tickets"] > 0
    assert summary["score"]["found"] > 0
    for language in ("zh", "en"):
        assert (tmp_path / f"report-{language}.pdf").read_bytes().startswith(b"%PDF-")
    assert "false alarms" in (tmp_path / "shown").read_text()
