"""Servers of one's own, for whoever has to stop, kill and start them again: a test of a restart, a bench."""

import os
import secrets
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from jobs.stack.fetch import ensure_root, installed_root
from jobs.stack.mosquitto import Broker
from jobs.stack.paths import enterable, quiet, server_account, stack_dir
from jobs.stack.postgres import SUPERUSER, Cluster, StopMode
from jobs.stack.process import free_port, identify, stop


class PrivateBroker:
    """A Mosquitto of one's own on one port, with one persistence folder, until the context ends."""

    def __init__(self) -> None:
        self._folder = _own_folder()
        root = ensure_root(quiet)
        self._broker = Broker(
            root, self._folder / "mosquitto", self._folder / "mosquitto.log", server_account()
        )
        self._broker.make()
        self._port = 0

    @property
    def url(self) -> str:
        """Its address, the same after a restart."""
        return f"mqtt://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process that runs now; raises RuntimeError when none does."""
        process = self._broker.running()
        if process is None:
            raise RuntimeError("the private broker is stopped")
        return process.pid

    def start(self) -> None:
        """Start it, after a stop on the same port as before."""
        self._port = self._port or free_port()
        self._broker.start(self._port)

    def stop(self) -> None:
        """Stop it in order: sessions and queues are saved."""
        self._broker.stop()

    def kill(self) -> None:
        """Kill it: what it had not saved is lost."""
        process = self._broker.running()
        if process is not None:
            stop(process, signal.SIGKILL, 10)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class PrivateDatabase:
    """A TimescaleDB cluster of one's own on one port, until the context ends."""

    def __init__(self) -> None:
        self._folder = _own_folder()
        root = ensure_root(quiet)
        self._cluster = Cluster(
            root, self._folder / "postgres", self._folder / "postgres.log", server_account()
        )
        self._password = secrets.token_urlsafe(24)
        self._cluster.make(self._password)
        self._port = 0

    @property
    def url(self) -> str:
        """Its address (the database `postgres`), the same after a restart."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, after a stop on the same port as before."""
        self._port = self._port or free_port()
        self._cluster.start(self._port)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop it; `immediate` leaves the crash recovery to the next start."""
        self._cluster.stop(mode)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)


def font_path() -> Path | None:
    """Return a font with Chinese, for charts: the unpacked one; None where the servers are not unpacked."""
    root = installed_root()
    if root is None:
        return None
    return next(root.path.glob("usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), None)


def _own_folder() -> Path:
    """Make a folder for this process's servers, and clear away those of processes that were killed."""
    home = enterable(stack_dir() / "private")
    for old in home.iterdir():
        pid, started, _ = old.name.split("-")
        owner = identify(int(pid))
        if owner is None or owner.started != int(started):
            _clear(old)
    me = identify(os.getpid())
    assert me is not None  # noqa: S101 - we are alive
    return enterable(home / f"{me.pid}-{me.started}-{secrets.token_hex(4)}")


def _clear(folder: Path) -> None:
    root = installed_root()
    if root is not None:
        Cluster(root, folder / "postgres", folder / "postgres.log", None).stop("immediate")
        Broker(root, folder / "mosquitto", folder / "mosquitto.log", None).stop()
    shutil.rmtree(folder, ignore_errors=True)
