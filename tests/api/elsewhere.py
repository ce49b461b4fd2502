"""An environment without Headwater, for what strangers do with the API: make a client, and fuzz it."""

import fcntl
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LOCAL = HERE.parents[1] / ".local" / "client"
PACKAGE = LOCAL / "headwater_client"
"""Where the client is made."""
LOCK = HERE / "requirements-client.txt"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a program; return what it said, or fail with it."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    return done.stdout + done.stderr


def programs() -> Path:
    """Return where the environment's programs are, made first where they aren't of the lock."""
    LOCAL.mkdir(parents=True, exist_ok=True)
    made, venv = LOCAL / "lock.txt", LOCAL / "venv"
    with (LOCAL / "making").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if not made.exists() or made.read_bytes() != LOCK.read_bytes():
            run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv)
            # By the pip that set-up uses: it knows the machine's index, proxy and certificates.
            run(
                sys.executable, "-m", "pip", "--python", venv, "install", "-q", "--require-hashes", "-r", LOCK
            )
            made.write_bytes(LOCK.read_bytes())
    return venv / "bin"
