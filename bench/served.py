"""The API as it runs in production: a process of its own on a free port."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.waiting import until


@dataclass(frozen=True)
class Served:
    """Where it listens, and its process."""

    address: str
    pid: int

    def peak_mb(self) -> float:
        """Return the most memory that it has had since `forget_peak`, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def forget_peak(self) -> None:
        """Let the peak be what it has now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def served(url: str) -> Iterator[Served]:
    """Serve the database at `url`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "HEADWATER_DATABASE_URL": url,
        "HEADWATER_API_PORT": str(port),
        "HEADWATER_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-c", "from jobs.cli import main; main()", "api"]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment) as api:
        try:
            until(lambda: _ready(address), 120)
            yield Served(address, api.pid)
        finally:
            api.terminate()


def _ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False
