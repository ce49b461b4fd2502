"""Listen on the configured address until asked to stop."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from core.errors import SettingsError
from core.settings import Settings
from sql.pool import Pool, open_pool

CONNECTIONS = 8
GRACE_S = 10
Make = Callable[[Pool], FastAPI]

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Stops when it is told to by the event, not by signals of its own."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to who runs us."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether to stop."""
        self.should_exit = self.should_exit or self._stopping.is_set()
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; SettingsError if the address can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        door = socket.create_server((host, port), family=family, backlog=512)
    except OSError as problem:
        raise SettingsError(
            f"The API can't listen on {host}:{port}: {problem.strerror}.",
            cure="Set HEADWATER_API_HOST and HEADWATER_API_PORT to a free address.",
        ) from problem
    # Connections inherit it: the two packets of an answer don't wait 40 ms for the reader's delayed ACK.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def serve(settings: Settings, make: Make, stopping: threading.Event | None = None) -> None:
    """Serve until `stopping` is set, or without one until SIGTERM or SIGINT; then finish requests.

    `make` builds the application on the pool. Raises SettingsError when the address can't be had.
    """
    with listen(settings.api_host, settings.api_port) as door:
        serve_on(door, settings.database_url, make, stopping or _told_by_signal())


def serve_on(door: socket.socket, database_url: str, make: Make, stopping: threading.Event) -> None:
    """Serve on a socket that listens already, until `stopping` is set."""
    host, port = door.getsockname()[:2]
    with open_pool(database_url, "api", size=CONNECTIONS) as pool:
        config = uvicorn.Config(
            make(pool),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
        log.info("listening", url=f"http://{host}:{port}")
        asyncio.run(_Server(config, stopping).serve(sockets=[door]))
    log.info("stopped listening")


def _told_by_signal() -> threading.Event:
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
