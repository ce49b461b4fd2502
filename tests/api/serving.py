"""The API over a real socket, for the length of a test."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI

from api import keys
from api.app import create_app
from api.serve import listen, serve_on
from core.clock import Clock
from core.settings import Settings
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from sql.pool import Connection, Pool


@dataclass
class Served:
    """A server in a thread, and a client with a key."""

    client: httpx2.Client
    port: int
    stopping: threading.Event
    thread: threading.Thread


@dataclass(frozen=True)
class Told:
    """A server-sent event."""

    type: str
    id: int
    data: dict[str, Any]


@contextmanager
def serving(database_url: str, conn: Connection, settings: Settings, clock: Clock) -> Iterator[Served]:
    """Serve on a free port, with a key that may do everything."""
    key = keys.create(conn, "test", list(keys.SCOPES), clock.now())
    stopping = threading.Event()

    def make(pool: Pool) -> FastAPI:
        rules = LiveRules(database_url, 36)
        return create_app(settings, clock, pool, rules, LiveLetters(settings), LivePress(""))

    with listen("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        thread = threading.Thread(target=serve_on, args=(door, database_url, make, stopping))
        thread.start()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as client:
            yield Served(client, port, stopping, thread)
        stopping.set()
        thread.join(15)
        assert not thread.is_alive()


@contextmanager
def streaming(client: httpx2.Client, query: str = "", **headers: str) -> Iterator[Iterator[Told]]:
    """Open the stream; yield what it says, message by message."""
    with client.stream("GET", f"/v1/stream{query}", headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        yield messages(answer.iter_lines())


def messages(lines: Iterator[str]) -> Iterator[Told]:
    """Read server-sent events, comments left out."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif "data" in fields:
            yield Told(fields["event"], int(fields["id"]), json.loads(fields["data"]))
            fields = {}
