"""`headwater up`: every role as a process of its own, restarted when it dies, stopped together."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

ROLES = ("ingest", "detect", "notify", "api", "jobs")
_LONGEST_WAIT_S = 30.0
_STABLE_AFTER_S = 60.0


@dataclass
class _Child:
    role: str
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    wait_s: float = 1.0


def command(role: str) -> list[str]:
    """Return the command line that runs `role` with this interpreter."""
    return [sys.executable, "-m", "jobs.cli", role]


def run(roles: tuple[str, ...] = ROLES) -> int:
    """Run the roles until SIGTERM or SIGINT; return 0 when all of them ended in good order."""
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    children = [_Child(role, _spawn(role)) for role in roles]
    while not stopping.wait(0.2):
        for child in children:
            if child.process.poll() is not None:
                _restart(child, stopping)
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    codes = [child.process.wait(60) for child in children]
    return int(any(codes))


def _spawn(role: str) -> subprocess.Popen[bytes]:
    # a session of its own: Ctrl-C reaches us alone, and we stop the roles in order
    return subprocess.Popen(command(role), start_new_session=True, env=os.environ)


def _restart(child: _Child, stopping: threading.Event) -> None:
    lived = time.monotonic() - child.started
    child.wait_s = 1.0 if lived > _STABLE_AFTER_S else min(child.wait_s * 2, _LONGEST_WAIT_S)
    log.error("role ended", name=child.role, code=child.process.returncode, restart_in_s=child.wait_s)
    if not stopping.wait(child.wait_s):
        child.process, child.started = _spawn(child.role), time.monotonic()
