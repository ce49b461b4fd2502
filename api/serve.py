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

from api.stream.hub import Hub
from api.stream.reader import Reader
from core.errors import SettingsError
from core.settings import Settings
from core.supervise import Supervisor
from sql.pool import Pool, open_pool

CONNECTIONS = 8
GRACE_S = 10
Make = Callable[[Pool], FastAPI]

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Stops when it is told to by the event, not by signals of its own."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event, hub: Hub) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._hub = hub

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to who runs us."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether to stop; live streams would never end by themselves."""
        self.should_exit = self.should_exit or self._stopping.is_set()
        if self.should_exit:
            self._hub.close()
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


def serve(settings: Settings, make: Make, stopping: threading.Event | None = None) -> dict[str, str]:
    """Serve until `stopping` is set, or without one until SIGTERM or SIGINT; then finish requests.

    `make` builds the application on the pool. Returns what went wrong, by thread. Raises SettingsError when
    the address can't be had.
    """
    with listen(settings.api_host, settings.api_port) as door:
        return serve_on(door, settings.database_url, make, stopping or _told_by_signal())


def serve_on(door: socket.socket, database_url: str, make: Make, stopping: threading.Event) -> dict[str, str]:
    """Serve on a socket that listens already, until `stopping` is set or a thread dies."""
    host, port = door.getsockname()[:2]
    supervisor = Supervisor(stopping)
    with open_pool(database_url, "api", size=CONNECTIONS) as pool:
        app = make(pool)
        proxies = app.state.settings.api_proxies
        hub: Hub = app.state.hub
        Reader(hub, app.state.clock).start(supervisor, database_url)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
        log.info("listening", url=f"http://{host}:{port}")
        with app.state.trail.kept(supervisor):
            asyncio.run(_Server(config, stopping, hub).serve(sockets=[door]))
            problems = supervisor.stop()
    log.info("stopped listening", problems=problems or None)
    return problems


def _told_by_signal() -> threading.Event:
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping
