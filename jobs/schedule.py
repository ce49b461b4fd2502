"""What is periodic, on APScheduler: the schedule stands here, the ledger `job_run` makes a run happen once.

Any number of replicas may run this role: the one whose insert into the ledger succeeds does the work.
"""

import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from core.clock import Clock
from core.settings import Settings
from core.supervise import Supervisor
from jobs import people, visits
from jobs.months import months
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("jobs")
log = structlog.get_logger(__name__)
WORKER = f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class Run:
    """One run of a job: `due` names it, `now` is when it really runs, which is later after a downtime."""

    conn: Connection
    settings: Settings
    due: datetime
    now: datetime


@dataclass(frozen=True)
class Job:
    """A periodic piece of work, which returns one line for the ledger.

    It is one transaction; with `steps` it makes its own on a connection in autocommit, and goes on where it
    was when it is run again. `cron` is in UTC, with `local` in the utility's zone.
    """

    name: str
    cron: str
    work: Callable[[Run], str]
    about: str
    local: bool = False
    steps: bool = False


def retention(run: Run) -> str:
    """Drop the chunks whose readings are older than the retention."""
    before = run.due - timedelta(days=run.settings.retention_days)
    dropped = 0
    for table in ("reading", "quarantine"):
        ((count,),) = run.conn.execute(Q["drop_old_chunks"], {"table": table, "before": before}).fetchall()
        dropped += count
    return f"{dropped} chunks dropped"


def housekeeping(run: Run) -> str:
    """Forget arrivals that every consumer has long passed, old ledger rows and ended sessions."""
    told = []
    for query, age in (
        ("forget_arrivals", timedelta(days=3)),
        ("forget_runs", timedelta(days=90)),
        ("forget_sessions", timedelta()),
    ):
        ((count,),) = run.conn.execute(Q[query], {"before": run.due - age}).fetchall()
        told.append(f"{query.removeprefix('forget_')} {count}")
    return ", ".join(told)


def _months(run: Run) -> str:
    return months(run.conn, run.due)


JOBS = (
    Job("retention", "17 3 * * *", retention, "Drops readings that are older than the retention"),
    Job("housekeeping", "7 * * * *", housekeeping, "Forgets what every consumer has passed"),
    Job("months", "37 4 * * *", _months, "Makes the month's water balance and pressure figures"),
    Job(
        "customer_months",
        "12 2 * * *",
        people.customer_months,
        "Sums what each customer used in the month",
        local=True,
        steps=True,
    ),
    Job("visits", "40 2 * * *", visits.plan, "Plans the visits of the periods that run or begin", local=True),
    Job("inspections", "10 * * * *", visits.inspect, "Plans inspections ahead of frost and heat"),
    Job("visits_today", "0 7 * * *", visits.tell_day, "Tells managers today's agendas", local=True),
    Job("visits_week", "0 8 * * fri", visits.tell_week, "Tells managers next week's visits", local=True),
    Job("visit_letters", "20 9 * * *", visits.letters, "Sends visits by letter", local=True, steps=True),
)


def run_once(
    job: Job, database_url: str, settings: Settings, due: datetime, now: datetime | None = None
) -> bool:
    """Do the run that was due at `due`, unless some replica has it already; return whether it was ours."""
    run = {"job": job.name, "due_at": due}
    with connect(database_url, "owner", autocommit=True) as conn:
        if not conn.execute(Q["claim_run"], run | {"worker": WORKER}).fetchall():
            return False
        try:
            with nullcontext() if job.steps else conn.transaction():
                detail, ok = job.work(Run(conn, settings, due, now or due)), True
        except Exception as problem:
            log.exception("job failed", job=job.name, due_at=due.isoformat())
            detail, ok = f"{type(problem).__name__}: {problem}", False
        conn.execute(Q["finish_run"], run | {"ok": ok, "detail": detail})
        log.info("job ran", job=job.name, ok=ok, detail=detail)
        return True


def start(supervisor: Supervisor, settings: Settings, clock: Clock) -> None:
    """Run the schedule in a supervised thread; the store is in memory, the ledger in the database."""

    def work() -> None:
        scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": 3600}
        )
        for job in JOBS:
            trigger = CronTrigger.from_crontab(job.cron, timezone=UTC)
            scheduler.add_job(_due, trigger, args=[job, trigger, settings, clock], id=job.name)
        scheduler.start()
        supervisor.wait()
        scheduler.shutdown()

    supervisor.spawn("schedule", work)


def _due(job: Job, trigger: CronTrigger, settings: Settings, clock: Clock) -> None:
    """Name the run by the latest instant it was due, which is the same in every replica."""
    now = clock.now()
    due = previous = trigger.get_next_fire_time(None, now - timedelta(days=2))
    while due is not None and due <= now:
        previous, due = due, trigger.get_next_fire_time(due, due + timedelta(seconds=1))
    if previous is not None:
        run_once(job, settings.database_url, settings, previous.astimezone(UTC), now)
