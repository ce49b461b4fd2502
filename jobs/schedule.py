"""What is periodic, on APScheduler: the schedule stands here, the ledger makes a run happen once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import psycopg
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from core.clock import Clock
from core.errors import InfrastructureError
from core.settings import Settings
from core.supervise import Supervisor
from jobs import ledger, outages, people, plans, report, visits
from jobs.deadlines import deadlines
from jobs.job import Job, Run
from jobs.months import months
from service import changes, failures, invitations, surveys, webhooks
from service.utility import utility
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("jobs")
log = structlog.get_logger(__name__)
_LOOK_S = 20.0
_PATIENCE_S = 300.0
_WORKERS = 8
_THREAD = "schedule"


def retention(run: Run) -> str:
    """Drop the chunks whose readings, or lines of the audit log, are older than the retention."""
    days = {"reading": run.settings.retention_days, "quarantine": run.settings.retention_days}
    dropped = 0
    for table, kept in (days | {"audit": run.settings.audit_days}).items():
        before = run.due - timedelta(days=kept)
        ((count,),) = run.conn.execute(Q["drop_old_chunks"], {"table": table, "before": before}).fetchall()
        dropped += count
    return f"{dropped} chunks dropped"


def housekeeping(run: Run) -> str:
    """Forget arrivals and changes that every consumer has long passed, old ledger rows, ended sessions."""
    forgotten = {}
    for query, age in (
        ("forget_arrivals", timedelta(days=3)),
        ("forget_runs", timedelta(days=90)),
        ("forget_sessions", timedelta()),
        ("forget_deeds", timedelta(hours=24)),
        ("forget_secrets", invitations.LIFE),
        ("forget_changes", changes.KEPT),
        ("forget_change_notes", changes.KEPT),
    ):
        ((count,),) = run.conn.execute(Q[query], {"before": run.due - age}).fetchall()
        forgotten[query.removeprefix("forget_")] = count
    return (
        f"forgotten: {forgotten['arrivals']} arrivals, {forgotten['runs']} runs of jobs, "
        f"{forgotten['sessions']} sessions, {forgotten['deeds']} answers of deeds, "
        f"{forgotten['secrets']} codes and links, "
        f"{forgotten['changes']} changes, {forgotten['change_notes']} notes of them"
    )


def _months(run: Run) -> str:
    return months(run.conn, run.due)


def _surveys(run: Run) -> str:
    confirmed = surveys.settle(run.conn, at=run.now)
    return f"{confirmed} tickets confirmed"


def _failures(run: Run) -> str:
    failed = failures.tell_daily(run.conn, at=run.now)
    return f"{failed} messages did not arrive"


def _webhooks(run: Run) -> str:
    paused = webhooks.pause_failing(run.conn, run.settings.webhook_pause_days, at=run.now)
    return f"{paused} subscriptions paused"


JOBS = (
    Job(
        "deadlines",
        "* * * * *",
        deadlines,
        "Warns before the deadlines of tickets, urges at them, escalates past them",
        steps=True,
    ),
    Job(
        "outages", "* * * * *", outages.watch_outages, "Begins announced outages, asks for news of late ones"
    ),
    Job("retention", "17 3 * * *", retention, "Drops readings and audit lines older than the retention"),
    Job("housekeeping", "7 * * * *", housekeeping, "Forgets what every consumer has passed"),
    Job("surveys", "23 * * * *", _surveys, "Confirms resolved tickets that nobody objects to"),
    Job(
        "figures",
        "52 2 * * *",
        report.make_figures,
        "Makes the figures of the months",
        local=True,
        steps=True,
    ),
    Job("report", "30 7 2 * *", report.mail_report, "Mails the report of the month", local=True),
    Job("webhooks", "*/15 * * * *", _webhooks, "Pauses subscriptions that have failed for days"),
    Job("failures", "3 8 * * *", _failures, "Tells the duty desk which messages did not arrive", local=True),
    Job("months", "37 4 * * *", _months, "Makes the month's water balance and pressure figures"),
    Job(
        "customer_months",
        "12 2 * * *",
        people.customer_months,
        "Sums what each customer used in the month",
        local=True,
        steps=True,
    ),
    Job("usage_days", "25 * * * *", people.usage_days, "Sums what each meter used by day", steps=True),
    Job(
        "contact_checks",
        "20 6 * * *",
        people.doubt_contacts,
        "Has contact data verified that are old or of a place whose use has changed",
        local=True,
    ),
    Job(
        "segments",
        "42 3 3 * *",
        people.segment_customers,
        "Judges who is large, special or vulnerable",
        local=True,
    ),
    Job(
        "absences",
        "*/10 * * * *",
        people.cover_absences,
        "Covers urgent tickets of the absent",
    ),
    Job("visits", "40 2 * * *", visits.plan, "Plans the visits of the periods that run or begin", local=True),
    Job("inspections", "10 * * * *", visits.inspect, "Plans inspections ahead of frost and heat"),
    Job("visits_today", "0 7 * * *", visits.tell_day, "Tells managers today's agendas", local=True),
    Job("visits_week", "0 8 * * fri", visits.tell_week, "Tells managers next week's visits", local=True),
    Job("plans", "30 6 * * *", plans.outlook, "Forecasts water plans and tells", local=True, steps=True),
    Job("plan_proposals", "30 5 20 * *", plans.propose, "Proposes next month's water plans", local=True),
    Job("visit_letters", "20 9 * * *", visits.letters, "Sends visits by letter", local=True, steps=True),
)


class Schedule:
    """The schedule of one process: each job at its time, and what was missed as soon as it is noticed."""

    def __init__(self, settings: Settings, clock: Clock, jobs: Sequence[Job] = JOBS) -> None:
        self._settings, self._clock, self._jobs = settings, clock, jobs
        self._busy: set[str] = set()
        self._zone: tzinfo | None = None
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": {"type": "threadpool", "max_workers": _WORKERS}},
            job_defaults={"coalesce": True, "misfire_grace_time": None},
        )

    def run(self, supervisor: Supervisor) -> None:
        """Keep it until asked to stop."""
        self._scheduler.start()
        while not supervisor.stopping.is_set():
            try:
                self._look()
            except (psycopg.OperationalError, InfrastructureError) as problem:
                log.warning("database away", error=str(problem).strip())
            supervisor.beat(_THREAD)
            supervisor.stopping.wait(_LOOK_S)
        self._scheduler.shutdown()

    def _look(self) -> None:
        """Tell the world when each job is due, and start those that are behind."""
        now = self._clock.now()
        with connect(self._settings.database_url, "owner", autocommit=True) as conn:
            zone = utility(conn).zone
            if zone != self._zone:  # at the start, or the utility has been imported since
                self._zone = zone
                for job in self._jobs:
                    self._scheduler.add_job(
                        self._tend, ledger.trigger(job, zone), args=[job], id=job.name, replace_existing=True
                    )
            declare(conn, self._jobs, zone, now)
            behind = [job for job in self._jobs if ledger.todo(conn, job, now)]
        for job in behind:
            if job.name not in self._busy:
                self._scheduler.modify_job(job.name, next_run_time=datetime.now(UTC))

    def _tend(self, job: Job) -> None:
        self._busy.add(job.name)
        try:
            ledger.tend(job, self._settings, self._clock.now(), scheduled=True)
        except (psycopg.OperationalError, InfrastructureError) as problem:
            log.warning("database away", job=job.name, error=str(problem).strip())
        finally:
            self._busy.discard(job.name)


def declare(conn: Connection, jobs: Sequence[Job], zone: tzinfo, now: datetime) -> None:
    """Write down what there is and when each is due next, for those who look from outside."""
    rows = [
        {
            "name": job.name,
            "about": job.about,
            "cron": job.cron,
            "zone": str(zone if job.local else UTC),
            "next_due_at": ledger.trigger(job, zone).get_next_fire_time(None, now),
            "now": now,
        }
        for job in jobs
    ]
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(Q["declare_job"], rows)
        cursor.execute(Q["forget_jobs"], {"names": [job.name for job in jobs]})


def start(supervisor: Supervisor, settings: Settings, clock: Clock) -> None:
    """Run the schedule in a supervised thread; any number of replicas may."""
    schedule = Schedule(settings, clock)
    supervisor.spawn(_THREAD, lambda: schedule.run(supervisor), patience_s=_PATIENCE_S)
