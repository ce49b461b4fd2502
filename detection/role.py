"""The `detect` role: wakes up when readings were committed, and runs one cycle after the other."""

import time

import psycopg
import structlog

from core.clock import Clock
from core.errors import InfrastructureError
from core.settings import Settings
from core.supervise import Supervisor
from detection.cycle import Detection
from sql.pool import connect
from sql.query import Queries

Q = Queries("detect")
log = structlog.get_logger(__name__)

_LOOK_S = 0.5
_RETRY_S = 1.0
_PATIENCE_S = 300.0
_BACK_OFF_S = (0.2, 15.0)


def start(supervisor: Supervisor, settings: Settings, clock: Clock, database_url: str) -> None:
    """Start detection on a thread of the supervisor; it reconnects by itself when the database is away."""

    def beat() -> None:
        supervisor.beat("detect")

    detection = Detection(clock, window_days=settings.detect_window_days, progress=beat)

    def work() -> None:
        back_off, least = _BACK_OFF_S[0], _BACK_OFF_S[0]
        while not supervisor.stopping.is_set():
            beat()
            began = time.monotonic()
            try:
                _follow(supervisor, settings, detection, database_url)
            except (InfrastructureError, psycopg.OperationalError, psycopg.errors.UniqueViolation) as problem:
                back_off = least if time.monotonic() - began > 60 else back_off
                log.warning("detection interrupted", problem=str(problem).strip(), again_in_s=back_off)
                supervisor.wait(back_off)
                back_off = min(2 * back_off, _BACK_OFF_S[1])

    supervisor.spawn("detect", work, patience_s=_PATIENCE_S)


def _follow(supervisor: Supervisor, settings: Settings, detection: Detection, database_url: str) -> None:
    with (
        connect(database_url, "detect", autocommit=True) as ear,
        connect(database_url, "detect") as conn,
    ):
        ear.execute(Q["listen"])
        due = 0.0
        while not supervisor.stopping.is_set():
            supervisor.beat("detect")
            woken = [*ear.notifies(timeout=_LOOK_S, stop_after=1), *ear.notifies(timeout=0)]
            if not woken and time.monotonic() < due:
                continue
            done = detection.cycle(conn)
            due = time.monotonic() + (settings.detect_every_s if done else _RETRY_S)
            supervisor.wait(settings.detect_settle_s)
