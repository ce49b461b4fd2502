"""The one reader of a process: orders the log of changes, hands it to streams and subscriptions."""

from api.stream.hub import Batch, Hub, lines_of
from api.webhooks.fill import fill_all
from core.clock import Clock
from core.supervise import Supervisor
from service import changes
from sql.listen import forever
from sql.pool import Connection
from sql.query import Queries

Q = Queries("api")
THREAD = "api-changes"
EVERY_S = 5.0
_TIMEOUT = "60s"


class Reader:
    """Follows the log from where it ends at the first look."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self._seq: int | None = None

    def start(self, supervisor: Supervisor, database_url: str) -> None:
        """Follow in a supervised thread with a connection of its own."""
        self._hub.following = True
        channels = [changes.MADE, changes.ORDERED]

        def follow() -> None:
            forever(supervisor, THREAD, database_url, "api", channels, EVERY_S, self.look)

        supervisor.spawn(THREAD, follow)

    def look(self, conn: Connection) -> None:
        """Put what is new in order, and hand on what this process has not handed on yet."""
        changes.order(conn)
        fill_all(conn, self._clock.now())
        with conn.transaction():
            newest = changes.extent(conn).newest
        if self._seq is None or newest < self._seq:  # at the start, or the database is another one
            self._seq = newest
            self._hub.publish(Batch(newest))
        while self._seq < newest:
            upto = min(newest, self._seq + changes.SPAN)
            self._hub.publish(self._batch(conn, self._seq, upto))
            self._seq = upto

    def _batch(self, conn: Connection, after: int, upto: int) -> Batch:
        eyes = self._hub.eyes()
        with conn.transaction():
            conn.execute(Q["ask_as"], {"sees": "all", "staff": "", "timeout": _TIMEOUT})
            lines = lines_of(changes.read(conn, after, upto))
        seen = {}
        for staff_id in eyes:
            with conn.transaction():
                conn.execute(Q["ask_as"], {"sees": "own", "staff": str(staff_id), "timeout": _TIMEOUT})
                seen[staff_id] = changes.visible(conn, after, upto)
        return Batch(upto, lines, seen)
