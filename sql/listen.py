"""A thread that works, listens for more, and outlives the database's absences."""

import time
from collections.abc import Callable, Sequence

import psycopg
import structlog
from psycopg import sql

from core.errors import InfrastructureError
from core.supervise import Supervisor
from sql.pool import Connection, RoleName, connect

log = structlog.get_logger(__name__)
Work = Callable[[Connection], object]
_SLICE_S = 0.5  # how soon a waiting thread notices that it is asked to stop
_LONGEST_PAUSE_S = 10.0


def forever(
    supervisor: Supervisor,
    name: str,
    url: str,
    role: RoleName,
    channels: Sequence[str],
    every_s: float,
    work: Work,
) -> None:
    """Call `work` at start, when a channel is notified and at least every `every_s`, until asked to stop.

    The connection is in autocommit, with the rights of the role. When the database is away, it is asked for
    again with back-off; any other error ends the thread.
    """
    pause_s = 0.25
    while not supervisor.stopping.is_set():
        supervisor.beat(name)
        try:
            with connect(url, role, autocommit=True) as conn:
                for channel in channels:
                    conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                pause_s = 0.25
                while not supervisor.stopping.is_set():
                    supervisor.beat(name)
                    work(conn)
                    _wait(supervisor, conn, every_s)
        except (psycopg.OperationalError, InfrastructureError) as problem:
            log.warning("database away", thread=name, error=str(problem).strip(), again_in_s=pause_s)
            supervisor.stopping.wait(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)


def _wait(supervisor: Supervisor, conn: Connection, every_s: float) -> None:
    until = time.monotonic() + every_s
    while not supervisor.stopping.is_set() and (left := until - time.monotonic()) > 0:
        if any(True for _ in conn.notifies(timeout=min(_SLICE_S, left), stop_after=1)):
            return
