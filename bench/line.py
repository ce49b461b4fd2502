"""The ingester as it runs in production, on a database and topics of its own."""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bench.load import connect as mqtt_connect
from bench.load import load
from jobs.stack import stack_session
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database

PATIENCE_S = 300.0
Messages = Sequence[tuple[str, bytes]]


class Line:
    """An ingester; `prefix` begins its topics: `{prefix}/{meter}/readings`."""

    def __init__(self, mqtt_url: str, conn: Connection, prefix: str, settings: dict[str, str]) -> None:
        self.mqtt_url = mqtt_url
        self.conn = conn
        self.prefix = prefix
        self._settings = settings
        self._ingester: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the ingester as a process; it goes on with the session that the broker kept for it."""
        command = [sys.executable, "-c", "from jobs.cli import main; main()", "ingest"]
        self._ingester = subprocess.Popen(command, env=os.environ | self._settings)

    def stop(self) -> None:
        """End the ingester in order."""
        if self._ingester is not None:
            self._ingester.terminate()
            self._ingester.wait(30)
            self._ingester = None

    def peak_mb(self) -> float:
        """Return the most memory that the ingester has had, in MB."""
        assert self._ingester is not None
        status = Path(f"/proc/{self._ingester.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def add_meters(self, serials: Sequence[str]) -> dict[str, int]:
        """Register meters; return their ids."""
        self.conn.execute("insert into meter (serial) select unnest(%s::text[])", [list(serials)])
        return dict(self.conn.execute("select serial, id from meter").fetchall())

    def clear(self) -> None:
        """Forget every reading."""
        self.conn.execute("truncate reading, arrival")

    def seconds_to_store(self, messages: Messages, readings: int) -> float:
        """Publish into the empty store; return the seconds from the first byte to the last commit."""
        self.clear()
        with load(self.mqtt_url, messages) as publisher:
            began = time.perf_counter()
            publisher.go()
            self.wait_until_stored(readings)
            return time.perf_counter() - began

    def wait_until_stored(self, readings: int) -> None:
        """Wait until so many readings are in the store."""
        deadline = time.monotonic() + PATIENCE_S
        while self._stored() < readings:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._stored()} of {readings} readings after {PATIENCE_S:g} s")
            for _ in self.conn.notifies(timeout=1, stop_after=1):
                pass

    def _stored(self) -> int:
        row = self.conn.execute("select coalesce(sum(readings), 0) from arrival").fetchone()
        return int(row[0]) if row else 0


@contextlib.contextmanager
def running_line() -> Iterator[Line]:
    """Start the ingester as a process, and wait until it stores."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}"
    with (
        stack_session() as stack,
        fresh_database(stack.database_url) as database_url,
        connect(database_url, "owner", autocommit=True) as conn,
    ):
        migrate(database_url)
        settings = {
            "HEADWATER_DATABASE_URL": database_url,
            "HEADWATER_MQTT_URL": stack.mqtt_url,
            "HEADWATER_INGEST_CLIENT_ID": prefix,
            "HEADWATER_INGEST_TOPICS": f'{{"{prefix}/+/readings": "native"}}',
            "HEADWATER_INGEST_HEALTH_PORT": "0",
            "HEADWATER_LOG_LEVEL": "WARNING",
        }
        line = Line(stack.mqtt_url, conn, prefix, settings)
        conn.execute("listen headwater_reading")
        line.start()
        try:
            _wait_until_up(line)
            yield line
        finally:
            line.stop()
            _forget_session(stack.mqtt_url, prefix)


def _forget_session(mqtt_url: str, client_id: str) -> None:
    """Begin and end a clean session in the ingester's name: the broker keeps nothing for it any more."""
    url = urlsplit(mqtt_url)
    mqtt_connect(url.hostname or "127.0.0.1", url.port or 1883, client_id).close()


def _wait_until_up(line: Line) -> None:
    line.add_meters(["probe"])
    deadline = time.monotonic() + 30
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    probe = [(f"{line.prefix}/probe/readings", f'{{"ts":"{now}","register_l":1}}'.encode())]
    while not line.conn.execute("select 1 from reading limit 1").fetchall():
        if time.monotonic() > deadline:
            raise TimeoutError("the ingester stores nothing; its log is above")
        with load(line.mqtt_url, probe) as publisher:
            publisher.go()
            publisher.finish()
        time.sleep(0.2)
