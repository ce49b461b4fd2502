"""The composition root: builds what a role needs, once, and runs it until told to stop."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from core import logs
from core.clock import Clock, SystemClock
from core.settings import Settings, load
from core.supervise import Supervisor
from jobs import health
from jobs.where import located

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sql.pool import Pool

log = structlog.get_logger(__name__)

Start = Callable[[Supervisor, Settings, Clock], None]
EXIT_FAILED = 70


def run(role: str, start: Start, *, mqtt: bool = False) -> int:
    """Run a role until SIGTERM or SIGINT, or until one of its threads dies; return the exit code."""
    settings = located(load(), mqtt=mqtt)
    logs.configure(settings.log_level)
    structlog.contextvars.bind_contextvars(role=role)
    supervisor = Supervisor()

    def stop(signum: int, frame: FrameType | None) -> None:
        supervisor.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    port = getattr(settings, f"{role}_health_port", 0)
    server = health.serve(port, role, supervisor) if port else None
    start(supervisor, settings, SystemClock())
    log.info("started", health_port=server.server_port if server else None)
    supervisor.wait()
    problems = supervisor.stop()
    if server:
        server.shutdown()
    log.info("stopped", problems=problems or None)
    return EXIT_FAILED if problems else 0


def ingest() -> int:
    """MQTT to readings."""
    from ingest.role import start

    return run(
        "ingest", lambda s, settings, clock: start(s, settings, clock, settings.database_url), mqtt=True
    )


def detect() -> int:
    """Readings to events."""
    from detection.role import start

    return run("detect", lambda s, settings, clock: start(s, settings, clock, settings.database_url))


def notify() -> int:
    """Events to tickets to messages."""
    from jobs.report import font
    from notify.role import start

    def begin(supervisor: Supervisor, settings: Settings, clock: Clock) -> None:
        known = settings.model_copy(update={"cjk_font": str(font(settings.cjk_font) or "")})
        start(supervisor, known, clock, settings.database_url)

    return run("notify", begin)


def mail_in(address: str) -> int:
    """Mails by LMTP to tickets."""
    from jobs import lmtp

    where = lmtp.address(address)
    return run("mail_in", lambda s, settings, _: lmtp.start(s, settings, where))


def jobs() -> int:
    """What is periodic."""
    from jobs.schedule import start

    return run("jobs", start)


def api() -> int:
    """REST for other programs, and the console for people."""
    from api.app import create_app
    from api.serve import serve
    from jobs.letters import LiveLetters
    from jobs.preview import LiveRules
    from jobs.report import LivePress
    from web import console

    settings = located(load())
    logs.configure(settings.log_level)
    structlog.contextvars.bind_contextvars(role="api")
    rules = LiveRules(settings.database_url, settings.detect_window_days)
    letters, press = LiveLetters(settings), LivePress(settings.cjk_font)

    def make(pool: "Pool") -> "FastAPI":
        app = create_app(settings, SystemClock(), pool, rules, letters, press)
        console.add(app)
        return app

    return EXIT_FAILED if serve(settings, make) else 0
