"""Processes that outlive us: start, recognise and stop them; free ports. Standard library only."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.stack.errors import StackError
from jobs.stack.paths import Account

# Started through a process that ends at once, so that init, not we, has to reap the server.
DETACH = """
import json, subprocess, sys
spec = json.loads(sys.argv[1])
with open(spec["log"], "ab") as log:
    print(subprocess.Popen(spec["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           start_new_session=True, cwd="/", **spec["account"]).pid)
"""


@dataclass(frozen=True)
class Identity:
    """A process for certain: a pid can be given out again, a pid with its start time cannot."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Say whether this very process still runs."""
        return identify(self.pid) == self


def identify(pid: int) -> Identity | None:
    """Return who has this pid now; None for nobody or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in brackets may hold blanks and brackets itself.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else Identity(pid, int(fields[19]))


def command_line(pid: int) -> list[str]:
    """Return the arguments that process `pid` was started with, empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def spawn(argv: list[str], log: Path, account: Account | None) -> Identity | None:
    """Start a server of its own session that appends to `log`; None if it ended at once."""
    spec = {"argv": argv, "log": str(log), "account": as_account(account)}
    command = [sys.executable, "-I", "-S", "-c", DETACH, json.dumps(spec)]
    done = subprocess.run(command, env=server_env(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{argv[0]} could not be started: {done.stderr.strip()[-500:]}")
    return identify(int(done.stdout))


def as_account(account: Account | None) -> dict[str, object]:
    """Return the keywords that make subprocess run something as `account`."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def server_env() -> dict[str, str]:
    """Return the environment of a server: nothing of ours that could change what it does."""
    return {"PATH": os.defpath, "TZ": "UTC", "LC_ALL": "C"}


def stop(process: Identity, number: signal.Signals, timeout_s: float) -> None:
    """Send the signal and wait for the end; raises StackError when the process stays."""
    if not process.alive():
        return
    os.kill(process.pid, number)
    try:
        wait_until(lambda: not process.alive(), timeout_s, f"process {process.pid} to end")
    except TimeoutError:
        raise StackError(
            f"Process {process.pid} has not ended in {timeout_s:.0f} s: "
            f"{' '.join(command_line(process.pid))[:200]}\n"
            f"See what it is busy with; kill -9 {process.pid} ends it without saving."
        ) from None


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Return when `condition` holds; raises TimeoutError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(0.02)


def free_port(preferred: int = 0) -> int:
    """Return `preferred` if it is free on loopback, else a free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # As the servers do: connections that are just going away don't make a port busy.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("No free port on 127.0.0.1.\nIs the loopback interface up?")


def answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Say whether something accepts TCP connections there."""
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def tail(log: Path, lines: int = 8) -> str:
    """Return the end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
