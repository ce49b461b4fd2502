"""The ledger makes a scheduled run happen once, whoever runs it, and later if nobody did."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.clock import SetClock
from core.settings import load
from core.supervise import Supervisor
from jobs import ledger
from jobs.job import Job, Run
from jobs.ledger import run_once, todo
from jobs.schedule import JOBS, Schedule, declare
from sql.pool import Connection
from tests import factories
from tests.waiting import until

DUE = datetime(2026, 11, 20, 3, 17, tzinfo=UTC)


def test_a_run_that_is_due_in_five_replicas_happens_once(conn: Connection, database_url: str) -> None:
    done: list[datetime] = []

    def count(run: Run) -> str:
        done.append(run.due)
        return "counted"

    job = Job("count", "* * * * *", count, "counts")
    with ThreadPoolExecutor(5) as replicas:
        ours = list(replicas.map(lambda _: run_once(job, database_url, load(), DUE), range(5)))
    assert (sum(ours), done) == (1, [DUE])
    assert conn.execute("select job, due_at, ok, detail from job_run").fetchall() == [
        ("count", DUE, True, "counted")
    ]


def test_a_failed_run_is_on_the_ledger_with_its_reason(conn: Connection, database_url: str) -> None:
    def fail(run: Run) -> str:
        factories.dma(run.conn, "half")
        raise ValueError("no such thing")

    assert run_once(Job("fail", "* * * * *", fail, "fails"), database_url, load(), DUE)
    assert conn.execute("select ok, detail from job_run").fetchall() == [(False, "ValueError: no such thing")]
    assert conn.execute("select count(*) from dma").fetchall() == [(0,)]


def test_every_job_runs_on_a_real_database(conn: Connection, database_url: str) -> None:
    meter = factories.meter(conn, "m1")
    old = datetime.now(UTC) - timedelta(days=2000)
    for ts in (old, datetime.now(UTC)):
        factories.insert(conn, "reading", meter_id=meter, ts=ts, register_l=1.0)
        factories.insert(conn, "arrival", meter_ids=[meter], ts_min=[ts], ts_max=[ts], readings=1, at=ts)
    for job in JOBS:
        assert run_once(job, database_url, load(), datetime.now(UTC))
    assert conn.execute("select job, ok from job_run where not ok").fetchall() == []
    assert conn.execute("select count(*) from reading").fetchall() == [(1,)]
    assert conn.execute("select count(*) from arrival").fetchall() == [(1,)]


def _job(cron: str = "17 3 * * *", **options: bool) -> Job:
    return Job("job", cron, lambda run: f"for {run.due:%m-%d}", "works", **options)


def test_a_job_that_never_ran_waits_for_its_turn(conn: Connection) -> None:
    assert todo(conn, _job(), DUE + timedelta(hours=2)) == []
    assert todo(conn, _job(), DUE + timedelta(hours=2), scheduled=True) == [DUE]


@pytest.mark.parametrize(("each", "made_up"), [(False, ["11-23"]), (True, ["11-21", "11-22", "11-23"])])
def test_a_downtime_is_made_up_for_once(
    conn: Connection, database_url: str, each: bool, made_up: list[str]
) -> None:
    job, settings = _job(each=each), load(database_url=database_url)
    assert run_once(job, database_url, settings, DUE)
    back = DUE + timedelta(days=3, hours=5)
    with ThreadPoolExecutor(4) as replicas:
        done = sum(replicas.map(lambda _: ledger.tend(job, settings, back), range(4)))
    told = [d for (d,) in conn.execute("select detail from job_run order by due_at").fetchall()]
    assert (done, told) == (len(made_up), [f"for {day}" for day in ("11-20", *made_up)])
    assert todo(conn, job, back) == []


def test_a_clock_that_jumps_back_doubles_nothing(conn: Connection, database_url: str) -> None:
    job, settings = _job("* * * * *"), load(database_url=database_url)
    assert run_once(job, database_url, settings, DUE)
    assert todo(conn, job, DUE - timedelta(hours=1), scheduled=True) == []
    assert todo(conn, job, DUE + timedelta(seconds=59), scheduled=True) == []
    assert todo(conn, job, DUE + timedelta(days=400)) == [DUE + timedelta(days=400)]


def test_a_local_job_runs_once_a_day_whatever_the_zone_does() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    autumn = datetime(2026, 10, 24, 20, tzinfo=UTC)  # at 01:00 UTC clocks go back from 3 to 2
    night = (autumn, autumn + timedelta(hours=12))
    assert list(ledger.dues(ledger.trigger(_job("30 2 * * *", local=True), berlin), *night)) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    ]
    assert len(list(ledger.dues(ledger.trigger(_job("30 * * * *", local=True), berlin), *night))) == 12
    spring = datetime(2026, 3, 28, 20, tzinfo=UTC)  # 02:30 is not there on the 29th
    found = list(
        ledger.dues(ledger.trigger(_job("30 2 * * *", local=True), berlin), spring, spring + timedelta(2))
    )
    assert [due.astimezone(berlin).day for due in found] == [29, 30]
    leap = ledger.trigger(_job("0 6 29 2 *", local=True), ZoneInfo("Asia/Shanghai"))
    span = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC))
    assert [due.year for due in ledger.dues(leap, *span)] == [2028, 2032]


def test_a_failed_run_is_tried_three_times_in_all(conn: Connection, database_url: str) -> None:
    def fail(run: Run) -> str:
        raise ValueError("not today")

    job, settings = Job("fail", "17 3 * * *", fail, "fails"), load(database_url=database_url)
    at, tried = DUE, []
    for _ in range(6):
        tried.append(ledger.tend(job, settings, at, scheduled=True))
        assert ledger.tend(job, settings, at + timedelta(minutes=1)) == 0
        at += timedelta(minutes=6)
    assert tried == [1, 1, 1, 0, 0, 0]
    assert conn.execute("select attempts, ok, detail from job_run").fetchall() == [
        (3, False, "ValueError: not today")
    ]


def test_a_run_whose_worker_was_killed_is_taken_over(conn: Connection, database_url: str) -> None:
    program = (
        "import sys, time\n"
        "from datetime import datetime, UTC\n"
        "from core.settings import load\n"
        "from jobs.job import Job\n"
        "from jobs.ledger import run_once\n"
        "job = Job('job', '17 3 * * *', lambda run: time.sleep(600), 'sleeps')\n"
        "run_once(job, sys.argv[1], load(), datetime(2026, 11, 20, 3, 17, tzinfo=UTC))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", program, database_url])
    try:
        until(lambda: bool(conn.execute("select from job_run").fetchall()))
        settings = load(database_url=database_url)
        assert ledger.tend(_job(), settings, DUE) == 0  # somebody is at it
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    until(lambda: ledger.tend(_job(), settings, DUE) == 1)
    assert conn.execute("select attempts, ok, detail from job_run").fetchall() == [(2, True, "for 11-20")]


def test_the_schedule_starts_what_is_behind_and_says_when_the_rest_is_due(
    conn: Connection, database_url: str
) -> None:
    settings = load(database_url=database_url)
    job = _job()
    run_once(job, database_url, settings, DUE)
    factories.insert(conn, "utility", name="Jiangcheng", timezone="Asia/Shanghai")
    supervisor = Supervisor()
    later = SetClock(DUE + timedelta(days=1, hours=1))
    schedule = Schedule(settings, later, [job, Job("monthly", "0 6 1 * *", job.work, "makes", local=True)])
    supervisor.spawn("schedule", lambda: schedule.run(supervisor))
    try:
        until(lambda: len(conn.execute("select from job_run where ok").fetchall()) == 2)
        rows = conn.execute("select name, zone, next_due_at from job order by name").fetchall()
    finally:
        assert not supervisor.stop()
    assert rows == [
        ("job", "UTC", DUE + timedelta(days=2)),
        ("monthly", "Asia/Shanghai", datetime(2026, 11, 30, 22, tzinfo=UTC)),
    ]
    declare(conn, [job], ZoneInfo("UTC"), later.now())
    assert conn.execute("select name from job").fetchall() == [("job",)]
