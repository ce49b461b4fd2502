"""Unpack Debian packages without installing them. Standard library only."""

import shutil
import subprocess
from pathlib import Path

from jobs.stack.errors import StackError

NEEDED_BYTES = 900_000_000


def extract(deb: Path, target: Path) -> None:
    """Unpack the files of a Debian package into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    command = ["dpkg-deb", "-x", str(deb), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if "No space left" in done.stderr:
        raise disk_full(target)
    deb.unlink(missing_ok=True)
    raise StackError(
        f"{deb.name} could not be unpacked: {done.stderr.strip()}\nRun it again: it is downloaded anew."
    )


def disk_full(place: Path) -> StackError:
    """Return the error for too little room in `place`."""
    free = shutil.disk_usage(place).free / 1e6
    return StackError(
        f"Not enough room in {place}: {free:.0f} MB free, about {NEEDED_BYTES / 1e6:.0f} MB needed.\n"
        "Free some and run it again, or set HEADWATER_LOCAL to a folder on a larger disk."
    )
