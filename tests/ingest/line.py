"""The real ingester on the real broker, for one test: topics, client id and meters of its own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.load import connect as mqtt_connect
from bench.load import frame
from core.clock import SystemClock
from core.settings import Settings
from core.supervise import Supervisor
from ingest import role
from sql.pool import Connection
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(**by: float) -> str:
    """ISO time before now, on the second."""
    return iso(datetime.now(UTC) - timedelta(**by))


class Line:
    """Starts and stops ingesters on one session, and publishes to them."""

    def __init__(self, database_url: str, mqtt_url: str, conn: Connection, prefix: str) -> None:
        self.database_url = database_url
        self.mqtt_url = mqtt_url
        self.conn = conn
        self.prefix = prefix

    def settings(self, **changed: Any) -> Settings:
        return Settings(
            _env_file=None,
            **{
                "database_url": self.database_url,
                "mqtt_url": self.mqtt_url,
                "ingest_client_id": self.prefix,
                "ingest_topics": {f"{self.prefix}/+/readings": "native"},
                "ingest_batch_wait_s": 0.01,
                **changed,
            },
        )

    @contextlib.contextmanager
    def running(self, **changed: Any) -> Iterator[Supervisor]:
        """The ingester in threads of this process, subscribed; it must end well."""
        supervisor = Supervisor()
        role.start(supervisor, self.settings(**changed), SystemClock(), self.database_url)
        try:
            self.wait_until_subscribed(supervisor)
            yield supervisor
        finally:
            problems = supervisor.stop(20)
        assert not problems

    @contextlib.contextmanager
    def running_on(self, topics: dict[str, str]) -> Iterator[Supervisor]:
        """The ingester with other topics."""
        supervisor = Supervisor()
        role.start(supervisor, self.settings(ingest_topics=topics), SystemClock(), self.database_url)
        yield supervisor
        assert not supervisor.stop(20)

    def process(self, driver: str = "run", **environment: str) -> "subprocess.Popen[bytes]":
        """The ingester as a process of its own; `driver` is a script of tests/ingest/drivers.py."""
        own = {
            "HEADWATER_DATABASE_URL": self.database_url,
            "HEADWATER_MQTT_URL": self.mqtt_url,
            "HEADWATER_INGEST_CLIENT_ID": self.prefix,
            "HEADWATER_INGEST_TOPICS": json.dumps({f"{self.prefix}/+/readings": "native"}),
            "HEADWATER_INGEST_HEALTH_PORT": "0",
            "HEADWATER_LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "tests.ingest.drivers", driver]
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | own | environment)

    def subscribe_session(self) -> None:
        """Make the session at the broker, as an ingester that ran once has left it."""
        with self.running():
            pass

    def wait_until_subscribed(self, supervisor: Supervisor | None = None) -> None:
        """Publish to a topic of no meter until it arrives in quarantine."""

        def arrived() -> bool:
            assert supervisor is None or not supervisor.problems(), supervisor.problems()
            self.publish([("nobody", b"probe")])
            return bool(self.conn.execute("select 1 from quarantine where meter = 'nobody'").fetchall())

        until(arrived, 30)
        self.settled()
        self.conn.execute("delete from quarantine where meter = 'nobody'")

    def subscribe_until(self, condition: Callable[[], bool]) -> None:
        """Publish probes until `condition` holds."""

        def probed() -> bool:
            self.publish([("nobody", b"probe")])
            return condition()

        until(probed, 30)

    def settled(self) -> None:
        """Wait until every probe published so far is acknowledged by the ingester, told by the last one."""
        self.publish([("nobody", b"last")])
        until(
            lambda: self.conn.execute(
                "select 1 from quarantine where meter = 'nobody' and payload = 'last'"
            ).fetchall()
        )

    def meters(self, n: int, **values: Any) -> list[str]:
        """Register meters; return their serials."""
        serials = [f"{self.prefix}-{i}" for i in range(n)]
        interval_s = values.get("interval_s", 900)
        self.conn.execute(
            "insert into meter (serial, interval_s) select s, %s from unnest(%s::text[]) s",
            [interval_s, serials],
        )
        return serials

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> bool:
        """Publish (meter, payload) at QoS 1, unpaced, until the broker has acknowledged all.

        Returns whether it has taken each for somebody.
        """
        url, reasons = urlsplit(self.mqtt_url), list[int]()
        with mqtt_connect(url.hostname or "", url.port or 1883, f"pub-{self.prefix}-{id(messages)}") as sock:
            reader = threading.Thread(target=_read_pubacks, args=(sock, len(messages), reasons))
            reader.start()
            for at in range(0, len(messages), 500):
                chunk = enumerate(messages[at : at + 500], at)
                sock.sendall(
                    b"".join(
                        frame(f"{self.prefix}/{meter}/readings".encode(), payload, i % 65_535 + 1)
                        for i, (meter, payload) in chunk
                    )
                )
            reader.join(60)
            assert not reader.is_alive(), "the broker does not acknowledge"
        return not any(reasons)

    def readings(self) -> int:
        return int(self.conn.execute("select count(*) from reading").fetchall()[0][0])

    def quarantined(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "select reason, payload, detail, meter from quarantine order by id"
        ).fetchall()

    def forget(self) -> None:
        """Remove the ingester's session from the broker, where it would be kept for ever."""
        url = urlsplit(self.mqtt_url)
        with contextlib.suppress(OSError):
            mqtt_connect(url.hostname or "", url.port or 1883, self.prefix).close()


def _read_pubacks(sock: socket.socket, n: int, reasons: list[int]) -> None:
    data = b""
    while len(reasons) < n:
        more = sock.recv(1 << 16)
        if not more:
            return
        data += more
        at = 0
        while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
            assert data[at] == 0x40, data[at : at + 8].hex()
            reasons.append(data[at + 4] if data[at + 1] > 2 else 0)
            at += 2 + data[at + 1]
        data = data[at:]


def singles(serials: Sequence[str], n: int) -> list[tuple[str, bytes]]:
    """`n` messages of one reading each, over all the meters, hourly back from two hours ago."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    return [
        (
            serials[i % len(serials)],
            json.dumps(
                {"ts": iso(begin - timedelta(minutes=i // len(serials))), "register_l": 1e6 - i}
            ).encode(),
        )
        for i in range(n)
    ]


__all__ = ["Line", "ago", "iso", "singles"]
