"""Run the demo from an empty database to the closing table."""

import json
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from api import keys
from core.clock import Clock
from core.errors import InfrastructureError
from core.settings import load
from jobs import ledger, registry
from jobs.dataset import Dataset
from jobs.dataset.readings import instant
from jobs.demo import data, districts, figures, line
from jobs.demo.score import read_labels, score
from jobs.progress import track
from jobs.publisher import Publisher
from jobs.replay import Course, Replayed, replay
from jobs.report import LivePress
from jobs.schedule import JOBS
from jobs.stack import StackUrls, font_path, stack_session
from jobs.stack.paths import local_dir
from jobs.stack.process import free_port
from service import accounts, report
from service.utility import utility
from service.volumes import first_of
from sql.database import recreate
from sql.migrate import migrate
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("demo")
DETECT, NOTIFY = "detect", "notify.tickets"
MADE_FROM = ("usage_days", "months", "visits", "customer_months", "figures")
API_PORT = 8000
STILL = 15
US = 1_000_000


@dataclass
class Stopwatch:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def time(self, step: str) -> Iterator[None]:
        """Count the time of the block to `step`."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(self.seconds.get(step, 0.0) + time.monotonic() - began, 1)


@dataclass(frozen=True)
class Demo:
    """A demo: how large, where its files go, and how long the line may take to come to rest."""

    scale: data.Scale
    folder: Path
    limit_s: float
    keep_up: bool
    console: Console
    clock: Clock
    name: str = "headwater_demo"  # of the database, the MQTT session and the topics


def run(demo: Demo) -> int:
    """Run the demo; return the exit code: 0 when the line worked."""
    watch = Stopwatch()
    for name in ("data", "mailbox", "log"):
        shutil.rmtree(demo.folder / name, ignore_errors=True)
    (demo.folder / "data").mkdir(parents=True)
    with ExitStack() as stack:
        with watch.time("servers"), demo.console.status("starting the private servers"):
            urls = stack.enter_context(stack_session())
        return _with_servers(demo, urls, watch)


def _with_servers(demo: Demo, urls: StackUrls, watch: Stopwatch) -> int:
    now = demo.clock.now()
    with watch.time("data"), demo.console.status("making the town and moving the ten districts to now"):
        dataset = data.make(demo.folder / "data", demo.scale, now, demo.folder)
        database_url = recreate(urls.database_url, demo.name)
        migrate(database_url)
        line.forget_session(urls.mqtt_url, demo.name)
        with connect(database_url, "owner", autocommit=True) as conn:
            registry.load_registry(conn, dataset, now.date())
            key = keys.create(conn, "demo", list(keys.SCOPES), now)
    demo.console.print(
        f"{len(dataset.meters)} meters, {len(dataset.customers)} customers, {len(dataset.dmas)} districts, "
        f"{dataset.extent.rows:,} readings from {instant(dataset.extent.first):%Y-%m-%d} to now"
    )
    if demo.scale.with_districts:
        demo.console.print(districts.CREDIT, style="dim")
    port = free_port(API_PORT)
    with line.mail_server(demo.folder / "mailbox") as smtp_url:
        env = _env(demo.name, database_url, urls.mqtt_url, smtp_url, port)
        with line.roles(env, demo.folder / "log", port) as roles:
            result = _show_the_line(demo, dataset, database_url, urls.mqtt_url, roles, watch)
            problems = result.problems()
            figures.show(result, demo.console)
            result.write(demo.folder / "summary.json")
            for problem in problems:
                demo.console.print(f"[red]{problem}[/red]; logs in {demo.folder / 'log'}")
            if demo.keep_up and not problems:
                _keep_up(demo, f"http://127.0.0.1:{port}", key, database_url)
    return 1 if problems else 0


def _env(name: str, database_url: str, mqtt_url: str, smtp_url: str, port: int) -> dict[str, str]:
    font = font_path()
    return {
        "HEADWATER_DATABASE_URL": database_url,
        "HEADWATER_MQTT_URL": mqtt_url,
        "HEADWATER_SMTP_URL": smtp_url,
        "HEADWATER_MAIL_FROM": "headwater@qingxi.example",
        "HEADWATER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HEADWATER_INGEST_CLIENT_ID": name,
        "HEADWATER_INGEST_TOPICS": json.dumps({line.topic(name, "+"): "native"}),
        "HEADWATER_WEBHOOK_URL": "",  # a demo tells nobody but its own mailbox
        "HEADWATER_LOG_LEVEL": "INFO",
    } | ({"HEADWATER_CJK_FONT": str(font)} if font else {})


def _show_the_line(
    demo: Demo, dataset: Dataset, database_url: str, mqtt_url: str, roles: list[line.Role], watch: Stopwatch
) -> figures.Figures:
    deadline = time.monotonic() + demo.limit_s
    with watch.time("roles"), demo.console.status("starting ingest, detect, notify and the API"):
        _until(lambda: all(role.healthy() for role in roles), deadline, "the roles are healthy")
    with (
        watch.time("replay"),
        Publisher(mqtt_url) as publisher,
        track("readings over MQTT", dataset.extent.rows, console=demo.console) as advance,
    ):
        sent = replay(dataset, publisher, Course(topic=line.topic(demo.name, "{meter}")), advance)
    with connect(database_url, "owner", autocommit=True) as conn:
        with watch.time("line"):
            _settle(demo, conn, roles, _distinct(dataset), deadline)
        with watch.time("report"), demo.console.status("printing the report of the month"):
            reports = _reports(demo, conn, database_url)
        return _figures(demo, conn, dataset, sent, watch, reports)


def _distinct(dataset: Dataset) -> int:
    """Return how many readings there are when those sent twice count once."""
    keys_ = [batch.meter_id.astype(np.int64) * (1 << 40) + batch.ts // US for batch in dataset.readings()]
    return len(np.unique(np.concatenate(keys_)))


def _settle(demo: Demo, conn: Connection, roles: list[line.Role], readings: int, deadline: float) -> None:
    """Wait until all readings are stored, detection and notification have seen all, and no message waits."""
    seen: list[tuple[int, int]] = []
    with demo.console.status("") as status:

        def done() -> bool:
            for role in roles:
                role.healthy()
            stored, quarantined = conn.execute(Q["stored"]).fetchall()[0]
            seen.append((stored, quarantined))
            unseen, untold, unsent = conn.execute(
                Q["behind"], {"detect": DETECT, "notify": NOTIFY}
            ).fetchall()[0]
            status.update(f"{stored:,} stored; to look at {unseen}, to tell {untold}, to send {unsent}")
            # A quarantined message may hold many readings: then the end is where nothing more comes.
            ended = stored >= readings or (quarantined and len(seen) > STILL and len(set(seen[-STILL:])) == 1)
            return bool(ended and not unseen and not untold and not unsent)

        _until(done, deadline, "the line is at rest")


def _until(condition: Callable[[], bool], deadline: float, what: str) -> None:
    """Wait for a condition. It must hold twice in a row: work is handed on from one role to the next."""
    held = 0
    while held < 2:
        held = held + 1 if condition() else 0
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"Time is up before {what}.", cure="See the logs, or allow more with --seconds-limit."
            )
        time.sleep(0.2)


def _reports(demo: Demo, conn: Connection, database_url: str) -> list[str]:
    """Make the figures of the running month as the schedule would, and print its report in both languages."""
    now = demo.clock.now()
    settings = load(database_url=database_url)
    jobs = {job.name: job for job in JOBS}
    for name in MADE_FROM:
        ledger.run_once(jobs[name], database_url, settings, now, now)
    month = first_of(now, utility(conn).zone)
    gathered = report.load(conn, month, report.scope(conn, "utility"), at=now)
    press = LivePress(settings.cjk_font)
    files = [demo.folder / f"report-{language}.pdf" for language in ("zh", "en")]
    for file, language in zip(files, ("zh", "en"), strict=True):
        file.write_bytes(press.pdf(gathered, language))
    return [str(file) for file in files]


def _figures(
    demo: Demo, conn: Connection, dataset: Dataset, sent: Replayed, watch: Stopwatch, reports: list[str]
) -> figures.Figures:
    raised = figures.events(conn)
    labelled = {dma.dma for dma in dataset.dmas if dma.region != districts.REGION}
    town = [row.meter for row in dataset.meters if row.dma in labelled]
    days = (dataset.extent.last - dataset.extent.first) / (86_400 * US)
    faults = read_labels(dataset.folder / "labels.csv", instant(dataset.extent.last))
    mailbox = demo.folder / "mailbox"
    return figures.Figures(
        readings_sent=sent.readings,
        readings_stored=int(conn.execute(Q["stored"]).fetchall()[0][0]),
        events=len(raised),
        score=score(faults, raised, labelled.union(town), len(town) * days),
        mails=len(list((mailbox / "new").glob("*"))),
        mailbox=str(mailbox),
        reports=reports,
        seconds=watch.seconds,
        **figures.service(conn),
    )


def _keep_up(demo: Demo, url: str, key: str, database_url: str) -> None:
    """Say what to open, and stay until Ctrl-C."""
    with connect(database_url, "owner", autocommit=True) as conn:
        ticket = conn.execute(Q["a_ticket"]).fetchone()
        people = [row[0] for row in conn.execute(Q["people"])]
        password = secrets.token_urlsafe(9)
        for login in people:
            accounts.set_password(conn, login, password, at=demo.clock.now())
    account = ticket[1] if ticket else "H00001"
    say = demo.console.print
    say(
        f"\nThe console is up at [bold]{url}[/bold]: sign in as {' or '.join(people)}, password {password}",
        soft_wrap=True,
        highlight=False,
    )
    say(f"The API is described at {url}/openapi.json. A key for it: {key}", soft_wrap=True)
    say(
        f'curl -H "Authorization: Bearer {key}" {url}/v1/customers/{account}', soft_wrap=True, highlight=False
    )
    say(f'curl -H "Authorization: Bearer {key}" "{url}/v1/tickets?limit=3"', soft_wrap=True, highlight=False)
    say(f'psql "{database_url}"', soft_wrap=True, highlight=False)
    say(f"The mails: {demo.folder / 'mailbox' / 'new'}. Ctrl-C ends the demo.", soft_wrap=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def default_folder() -> Path:
    """Return where the demo keeps its files."""
    return local_dir() / "demo"
