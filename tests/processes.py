"""Role processes, started as an operator starts them."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from jobs.stack.process import free_port
from tests.waiting import until


def healthy(port: int) -> bool:
    """Say whether a role answers on its health port that all is well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def role(name: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `headwater NAME` until the context ends; it is up and healthy when this yields."""
    port = free_port()
    variable = "HEADWATER_API_PORT" if name == "api" else f"HEADWATER_{name.upper()}_HEALTH_PORT"
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", name], env={**os.environ, **env, variable: str(port)}
    )
    try:
        until(lambda: process.poll() is not None or healthy(port), 30, what=f"{name} is healthy")
        assert process.poll() is None, f"{name} ended with {process.returncode}"
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
