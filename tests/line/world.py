"""A utility in simulated time: the real roles, broker, database, mail server and API, on one set clock.

A month passes in seconds. What waits for its time - deadlines, surveys, quiet hours, the schedule - waits for
this clock and for no other.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import httpx2
from fastapi import FastAPI

from api import keys
from api.app import create_app
from api.serve import listen, serve_on
from core.clock import SetClock
from core.settings import Settings, load
from core.supervise import Supervisor
from detection.cycle import Detection
from ingest.role import start as start_ingest
from jobs import ledger
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from jobs.schedule import JOBS
from jobs.stack import StackUrls
from notify.role import start as start_notify
from notify.sender import LEASE_S
from sql.pool import Connection, Pool, connect
from tests.line.meter import Meter
from tests.post_office import PostOffice, open_post_office
from tests.waiting import until
from web import console

ZONE = ZoneInfo("Asia/Shanghai")
_STEP = timedelta(hours=3)
_UNTOLD = b"""
select count(*) from event_entry t, feed_position p
where p.consumer = 'notify.tickets' and not pg_visible_in_snapshot(t.xid, p.seen)"""
_WAITING = b"select count(*) from outbox where state = 'pending' and not_before <= %s"
_UNFILLED = b"select count(*) from outage_notice where state in ('waiting', 'filling')"
_IN_HAND = timedelta(seconds=LEASE_S)  # what a sender has taken is put off for so long


def litres(at: datetime) -> float:
    """What nobody uses."""
    return 0.0


@dataclass
class Gauge:
    """A meter at a place: `use` says the litres of the hour that begins at a local instant."""

    serial: str
    use: Callable[[datetime], float] = litres
    register_l: float = 1000.0
    pressure_kpa: Callable[[datetime], float] | None = None


@dataclass
class World:
    """Everything that runs; time goes on by `go_on`."""

    clock: SetClock
    conn: Connection
    settings: Settings
    office: PostOffice
    meter: Meter
    detection: Detection
    work: Connection
    url: str
    held: ExitStack
    gauges: dict[str, Gauge] = field(default_factory=dict)
    read: int = 0
    settled: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.settled = self.clock.now()

    @property
    def now(self) -> datetime:
        """The present instant, in the utility's zone."""
        return self.clock.now().astimezone(ZONE)

    def go_on(self, to: datetime, *, step: timedelta = timedelta(hours=1)) -> None:
        """Let time pass: meters report by the hour, and everything that is due is done, step by step."""
        while self.clock.now() < to:
            nearer = min(to, self.clock.now() + step)
            since, self.clock.at = self.clock.now(), nearer.astimezone(UTC)
            self._report(since, nearer)
            self.settle()

    def go_until(
        self, so: Callable[[], object], latest: datetime, *, step: timedelta = timedelta(hours=3)
    ) -> None:
        """Let time pass until it is so, but not beyond `latest`."""
        while not so():
            assert self.clock.now() < latest, f"still not so at {latest}"
            self.go_on(self.now + _STEP, step=_STEP)

    def settle(self) -> None:
        """Do what is due now: detection, the schedule, tickets, messages."""
        self.detection.cycle(self.work)
        self._told()
        now = self.clock.now()
        for job in JOBS:
            fires = any(ledger.dues(ledger.trigger(job, ZONE), self.settled, now))
            for due in ledger.todo(self.conn, job, now, scheduled=fires):
                ledger.run_once(job, self.settings.database_url, self.settings, due, now)
        self.settled = now
        self._told()

    def _told(self) -> None:
        until(lambda: self.conn.execute(_UNTOLD).fetchall() == [(0,)], 60, what="tickets follow events")
        until(lambda: self.conn.execute(_UNFILLED).fetchall() == [(0,)], 60, what="notices are written")
        now = [self.clock.now() + _IN_HAND]
        until(lambda: self.conn.execute(_WAITING, now).fetchall() == [(0,)], 60, what="messages are sent")

    def _report(self, since: datetime, to: datetime) -> None:
        """Publish the registers of the hours that ended meanwhile."""
        hours = []
        at = since.replace(minute=0, second=0, microsecond=0)
        while at + timedelta(hours=1) <= to:
            hours.append(at)
            at += timedelta(hours=1)
        if not hours:
            return
        for gauge in self.gauges.values():
            registers = []
            for hour in hours:
                gauge.register_l += gauge.use(hour.astimezone(ZONE))
                registers.append(round(gauge.register_l, 3))
            message: dict[str, object] = {
                "start": (hours[0] + timedelta(hours=1)).isoformat(),
                "step_s": 3600,
                "register_l": registers,
            }
            if gauge.pressure_kpa:
                message["pressure_kpa"] = [gauge.pressure_kpa(hour.astimezone(ZONE)) for hour in hours]
            self.meter.publish(gauge.serial, message)
            self.read += len(hours)
        until(lambda: self._stored() == self.read, 60, what="readings are stored")

    def _stored(self) -> int:
        return int(self.conn.execute("select count(*) from reading").fetchall()[0][0])

    def client(self, *, login: str | None = None) -> httpx2.Client:
        """Return a client of the API with a key that may do everything, of `login` or of nobody."""
        name = login or "story"
        key = keys.create(self.conn, name, list(keys.SCOPES), self.clock.now(), login=login)
        headers = {"Authorization": f"Bearer {key}"}
        return self.held.enter_context(httpx2.Client(base_url=self.url, headers=headers, timeout=30))

    def mails(self, to: str = "", subject: str = "") -> list[EmailMessage]:
        """Return the mails that arrived, those to an address and with words in the subject."""
        return [m for m in self.office.mails if to in m["To"] and subject in m["Subject"]]


@contextmanager
def open_world(stack: StackUrls, database_url: str, at: datetime) -> Iterator[World]:
    """Run a utility from `at` on; what runs is stopped at the end, and nothing may have died."""
    clock, supervisor, stopping = SetClock(at), Supervisor(), threading.Event()
    name = f"story-{uuid.uuid4().hex[:8]}"
    with ExitStack() as held:
        conn = held.enter_context(connect(database_url, "owner", autocommit=True))
        work = held.enter_context(connect(database_url, "detect"))
        office = held.enter_context(open_post_office())
        door = held.enter_context(listen("127.0.0.1", 0))
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        settings = load(
            database_url=database_url,
            mqtt_url=stack.mqtt_url,
            ingest_client_id=name,
            ingest_topics={f"{name}/+/readings": "native"},
            notify_every_s=0.1,
            smtp_url=office.url,
            mail_from="Jiangcheng Water <desk@utility.example>",
            public_url=url,
        )
        rules = LiveRules(database_url, settings.detect_window_days)
        letters, press = LiveLetters(settings), LivePress(settings.cjk_font)

        def make(pool: Pool) -> FastAPI:
            app = create_app(settings, clock, pool, rules, letters, press)
            console.add(app)
            return app

        server = threading.Thread(
            target=serve_on,
            args=(door, database_url, make, stopping),
        )
        server.start()
        start_ingest(supervisor, settings, clock, database_url)
        start_notify(supervisor, settings, clock, database_url)
        meter = Meter(stack.mqtt_url, name)
        detection = Detection(clock, window_days=settings.detect_window_days)
        try:
            yield World(clock, conn, settings, office, meter, detection, work, url, held)
        finally:
            meter.close()
            stopping.set()
            server.join(15)
            problems = supervisor.stop()
        assert not problems


def as_json(value: object) -> str:
    """Return the value as JSON, for an assertion that fails."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)
