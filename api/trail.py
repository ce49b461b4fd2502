"""Who read and changed what: a line a request, on its way to the table `audit`.

A change is written down in the transaction that makes it. A read, and whatever was refused, waits in memory
for about a second: so much is lost by kill -9. Where the table can't be written the lines stay, and when
there are too many no more requests are let in.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
import structlog
from psycopg.types.json import Jsonb
from psycopg_pool import PoolClosed, PoolTimeout
from starlette.types import Scope

from api import metrics
from core.clock import Clock
from core.errors import InfrastructureError
from core.supervise import Supervisor
from sql.pool import Connection, Pool
from sql.query import Queries

Q = Queries("access")
EVERY_S = 1.0
MOST = 20_000
BATCH = 2_000
LONGEST = 200
READS = frozenset({"GET", "HEAD", "OPTIONS"})
UNTOLD = frozenset({401, 429})
"""Nobody asked, or was heard: these are counted in the metrics alone."""
_SILENT = frozenset({"/metrics", "/healthz", "/readyz"})

log = structlog.get_logger(__name__)


@dataclass
class Line:
    """What one request was."""

    at: datetime
    actor: str
    via: str
    method: str
    route: str
    subject_kind: str | None
    subject: str | None
    status: int
    request_id: str
    address: str | None
    written: bool = False

    def write(self, conn: Connection) -> None:
        """Write it down in the transaction of the change; once, however many a request has."""
        if not self.written:
            write(conn, [self])
            self.written = True


def write(conn: Connection, lines: list[Line]) -> None:
    """Append lines to the table."""
    entries = [asdict(line) | {"at": line.at.isoformat()} for line in lines]
    conn.execute(Q["note"], {"entries": Jsonb(entries)})


def line(scope: Scope, at: datetime, status: int) -> Line | None:
    """Return what a request is; None for one that nobody answers for, or that concerns nobody."""
    state: dict[str, Any] = scope["state"]
    route = getattr(scope.get("route"), "path_format", None)
    if "actor" not in state or route is None or route in _SILENT:
        return None
    kind, subject = _subject(route, scope)
    client = scope.get("client")
    return Line(
        at,
        state["actor"],
        state.get("via", "session"),
        scope["method"],
        route,
        kind,
        subject,
        status,
        state["request_id"],
        client[0] if client else None,
    )


def _subject(route: str, scope: Scope) -> tuple[str | None, str | None]:
    """Return what the address is about: the customer where it names one, else its first variable part."""
    given: dict[str, Any] = scope.get("path_params") or {}
    if "account_no" in given:
        return "customers", _plain(given["account_no"])
    for before, part in zip(route.split("/"), route.split("/")[1:], strict=False):
        if part.startswith("{"):
            return before, _plain(given[part.strip("{}").partition(":")[0]])
    return None, None


def _plain(value: object) -> str:
    """Return text that the database takes, whatever the address held."""
    return str(value)[:LONGEST].encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


class Trail:
    """The lines of one process that are not yet in the table."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._waiting: deque[Line] = deque()

    def require_room(self) -> None:
        """Raise InfrastructureError while more waits than may be lost: nothing is shown unrecorded."""
        if len(self._waiting) >= MOST:
            raise InfrastructureError("The audit log can't be written.", cure="Look at the database.")

    def coming(self, scope: Scope, status: int | None = None) -> Line | None:
        """Return the line of a change, for the caller to write with it; None for a read.

        `status` is how it will be answered if all goes well: unless said, as the route does.
        """
        if scope["method"] in READS:
            return None
        said = status or getattr(scope.get("route"), "status_code", None) or 200
        found = scope["state"]["line"] = line(scope, self._clock.now(), said)
        return found

    def note(self, scope: Scope, status: int) -> None:
        """Note how a request ended, unless it says so in the table already."""
        change: Line | None = scope["state"].get("line")
        if status in UNTOLD or (change is not None and change.written and change.status == status):
            return
        found = line(scope, self._clock.now(), status)
        if found is not None:
            self._waiting.append(found)

    def flush(self) -> None:
        """Write down what waits; what could not be written waits on."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                with self._pool.connection(EVERY_S) as conn:
                    write(conn, batch)
            except (psycopg.Error, PoolTimeout, PoolClosed) as problem:
                self._waiting.extendleft(reversed(batch))
                log.warning("audit waits", lines=len(self._waiting), error=str(problem).strip())
                return
            metrics.AUDITED.inc(len(batch))

    @contextmanager
    def kept(self, supervisor: Supervisor) -> Iterator[None]:
        """Write down every second what waits, until the supervisor stops, and at the end all of it."""

        def keep() -> None:
            while not supervisor.wait(EVERY_S):
                self.flush()

        supervisor.spawn("audit", keep)
        try:
            yield
        finally:
            self.flush()
