"""The ledger `job_run`: a scheduled run happens once, whoever does it, and is made up for if nobody did.

A run is named by its job and the instant it was due, which every replica works out alike. Who inserts the
row does the work, and holds an advisory lock on a connection of its own meanwhile: a row without an end whose
lock is free belongs to a worker that died, and the run is taken over. A run that failed is tried again, three
times in all.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, tzinfo

import structlog
from apscheduler.triggers.cron import CronTrigger

from core.settings import Settings
from jobs import metrics
from jobs.job import Job, Run
from service.utility import utility
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("jobs")
log = structlog.get_logger(__name__)
WORKER = f"{socket.gethostname()}:{os.getpid()}"
ATTEMPTS = 3
RETRY_AFTER = timedelta(minutes=5)
#: So many missed runs are made up for at most, the latest ones.
MOST_MISSED = 24
_LOOK_BACK = tuple(timedelta(days=days) for days in (0.05, 1, 8, 32, 400))


def trigger(job: Job, zone: tzinfo) -> CronTrigger:
    """Return when the job is due; local jobs in `zone`."""
    return CronTrigger.from_crontab(job.cron, timezone=zone if job.local else UTC)


def dues(when: CronTrigger, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the instants at which it was due, after `after` and up to `until`, in UTC.

    Of an hour that the zone has twice, a job of a certain hour is due in the first.
    """
    of_an_hour = not any(field.name == "hour" and str(field).startswith("*") for field in when.fields)
    due = when.get_next_fire_time(None, after + timedelta(seconds=1))
    while due is not None and due <= until:
        at = due.astimezone(UTC)
        if not (of_an_hour and due.fold):
            yield at
        due = when.get_next_fire_time(None, at + timedelta(seconds=1))


def latest(when: CronTrigger, now: datetime) -> datetime | None:
    """Return the latest instant at or before `now` at which it was due, within 400 days."""
    for span in _LOOK_BACK:
        found = list(dues(when, now - span, now))
        if found:
            return found[-1]
    return None


def missing(job: Job, when: CronTrigger, last: datetime | None, now: datetime) -> list[datetime]:
    """Return the due instants that have no run yet, oldest first; `last` is the latest that has one.

    A job that has never run waits for its first turn.
    """
    if last is None or last >= now:
        return []
    newest = latest(when, now)
    if newest is None or newest <= last:
        return []
    return list(dues(when, last, now))[-MOST_MISSED:] if job.each else [newest]


def todo(conn: Connection, job: Job, now: datetime, *, scheduled: bool = False) -> list[datetime]:
    """Return the runs to do now, oldest first: missed, left by a worker that died, or to be tried again.

    With `scheduled` the schedule itself asks, and a job that has never run has its first turn.
    """
    when = trigger(job, utility(conn).zone)
    last = conn.execute(Q["last_run"], {"job": job.name}).fetchone()
    if last is None:
        first = latest(when, now) if scheduled else None
        return [first] if first else []
    missed = missing(job, when, last[0], now)
    again = [due for (due,) in conn.execute(Q["runs_to_retry"], {"job": job.name} | _limits(now))]
    if not job.each:  # a later run makes up for it
        again = [due for due in again if due == last[0] and not missed]
    return [*again, *missed]


def tend(job: Job, settings: Settings, now: datetime, *, scheduled: bool = False) -> int:
    """Do the job's runs that are to be done; return how many were ours."""
    with connect(settings.database_url, "owner", autocommit=True) as conn:
        dues = todo(conn, job, now, scheduled=scheduled)
    return sum(run_once(job, settings.database_url, settings, due, now) for due in dues)


def run_once(
    job: Job, database_url: str, settings: Settings, due: datetime, now: datetime | None = None
) -> bool:
    """Do the run that was due at `due`, unless it is done or being done; return whether it was ours."""
    run = {"job": job.name, "due_at": due}
    with connect(database_url, "owner", autocommit=True) as keeper:
        if not _claimed(keeper, run, now or due):
            return False
        began = time.perf_counter()
        with connect(database_url, "owner", autocommit=True) as conn:
            try:
                with nullcontext() if job.steps else conn.transaction():
                    detail, ok = job.work(Run(conn, settings, due, now or due)), True
            except Exception as problem:
                log.exception("job failed", job=job.name, due_at=due.isoformat())
                detail, ok = f"{type(problem).__name__}: {problem}", False
        took_s = time.perf_counter() - began
        keeper.execute(Q["finish_run"], run | {"ok": ok, "detail": detail, "took_s": took_s})
        metrics.RUNS.labels(job.name, "ok" if ok else "failed").inc()
        log.info("job ran", job=job.name, ok=ok, detail=detail)
        return True


def _claimed(keeper: Connection, run: dict[str, object], now: datetime) -> bool:
    lock = {"key": f"job {run['job']} {run['due_at']}"}
    if not keeper.execute(Q["lock_run"], lock).fetchall()[0][0]:
        return False
    given = run | _limits(now) | {"worker": WORKER, "now": now}
    return bool(keeper.execute(Q["claim_run"], given).fetchall())


def _limits(now: datetime) -> dict[str, object]:
    return {"attempts": ATTEMPTS, "tried_before": now - RETRY_AFTER}
