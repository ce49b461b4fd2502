"""The `headwater` command as an operator meets it."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from jobs.stack.process import free_port
from tests.processes import healthy
from tests.waiting import until

ROLES = ("ingest", "detect", "notify", "jobs")


def headwater(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *args],
        env={**os.environ, "COLUMNS": "120", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def children(pid: int) -> dict[str, int]:
    """Return the role processes below `headwater up`, by role."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {
        Path(f"/proc/{c}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")[-1].decode(): int(c)
        for c in listed
    }


def test_up_runs_every_role_brings_back_what_is_killed_and_stops_all(line_env: dict[str, str]) -> None:
    ports = {name: free_port() for name in (*ROLES, "api")}
    health = {f"HEADWATER_{name.upper()}_HEALTH_PORT": str(ports[name]) for name in ROLES}
    env = {**os.environ, **line_env, **health, "HEADWATER_API_PORT": str(ports["api"])}
    up = subprocess.Popen([sys.executable, "-m", "jobs.cli", "up"], env=env)
    try:
        until(lambda: all(healthy(port) for port in ports.values()), 60, what="every role is healthy")
        killed = children(up.pid)["detect"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: children(up.pid).get("detect", killed) != killed, 30, what="detect is back")
        until(lambda: all(healthy(port) for port in ports.values()), 60, what="every role is healthy again")
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['api']}/readyz") as ready:
            assert ready.status == 200
        roles = children(up.pid)
        assert roles.keys() == ports.keys()
    finally:
        up.terminate()
    assert up.wait(60) == 0
    assert not [pid for pid in roles.values() if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        (["ingst"], {}, "No such command 'ingst'"),
        (["migrate", "--wait-s", "long"], {}, "Invalid value for '--wait-s'"),
        (["migrate"], {"HEADWATER_API_PORT": "70000"}, "HEADWATER_API_PORT: Input should be less than"),
        (["migrate"], {"HEADWATER_DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "can't be reached"),
        (["import", "nowhere"], {}, "nowhere"),
        (["ingest"], {"HEADWATER_INGEST_TOPICS": '{"a/b": "native"}'}, "Put `+` in its place"),
    ],
)
def test_what_is_wrong_is_said_with_its_cure_and_without_a_traceback(
    line_env: dict[str, str], args: list[str], env: dict[str, str], said: str
) -> None:
    ended = headwater(*args, **{**line_env, "HEADWATER_INGEST_HEALTH_PORT": "0", **env})
    assert ended.returncode in (1, 2)
    assert said in " ".join(ended.stderr.replace("│", " ").split())
    assert "Traceback" not in ended.stderr
