"""The ledger makes a scheduled run happen once, whoever runs it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from core.settings import load
from jobs.schedule import JOBS, Job, Run, run_once
from sql.pool import Connection
from tests import factories

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
