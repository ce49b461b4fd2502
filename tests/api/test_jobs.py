"""What is periodic, seen from outside."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from core.settings import load
from jobs.job import Job
from jobs.ledger import run_once
from jobs.schedule import declare
from sql.pool import Connection
from tests.api.conftest import NOW, Ask


def test_jobs_show_their_last_run_and_the_next(conn: Connection, database_url: str, ask: Ask) -> None:
    client = ask()
    job = Job("sweep", "*/5 * * * *", lambda run: "3 tickets", "Sweeps")
    declare(conn, [job, Job("idle", "0 4 * * *", job.work, "Idles")], ZoneInfo("UTC"), NOW)
    dues = [NOW - timedelta(minutes=5 * n) for n in (3, 2, 1)]
    for due in dues:
        run_once(job, database_url, load(), due)
    idle, sweep = client.get("/v1/jobs").json()["items"]
    assert (idle["name"], idle["last_run"]) == ("idle", None)
    assert (sweep["last_run"]["detail"], sweep["last_run"]["ok"]) == ("3 tickets", True)
    assert sweep["next_due_at"] > NOW.isoformat()[:19]
    page = client.get("/v1/jobs/sweep/runs", params={"limit": 2}).json()
    assert len(page["items"]) == 2
    rest = client.get(page["next"]).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert client.get("/v1/jobs/none/runs").status_code == 404
