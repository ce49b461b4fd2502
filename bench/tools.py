"""What the bench needs beside the product: `--data DIR`, and an interpreter with the packages of `bench`."""

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from jobs.stack.paths import local_dir

DATA, PYTHON = "HEADWATER_BENCH_DATA", "HEADWATER_BENCH_PYTHON"
ROOT = Path(__file__).parent.parent


def say(text: str) -> None:
    """Tell who watches; the figures alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def data_dir() -> Path | None:
    """Return the folder of labelled sets that was given with --data, or None."""
    given = os.environ.get(DATA)
    return Path(given).resolve() if given else None


def bench_python() -> str | None:
    """Return an interpreter that has the extra `bench`: the one that is set, else a venv made for it.

    None, and a word on what to do, where the package index can't be reached.
    """
    if os.environ.get(PYTHON):
        return os.environ[PYTHON]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["bench"]
    home = local_dir() / "bench"
    python, done = home / "bin" / "python", home / "installed"
    if done.is_file() and done.read_text() == "\n".join(wanted):
        return str(python)
    say(f"installing {', '.join(wanted)} into {home}, for the bench only")
    venv.create(home, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    problem = subprocess.run(command, check=False, capture_output=True, text=True)
    if problem.returncode:
        say(problem.stderr.strip()[-500:])
        say(f"The package index can't be reached. Set {PYTHON} to a Python that has {', '.join(wanted)}.")
        return None
    done.write_text("\n".join(wanted))
    return str(python)


def timed(command: list[str]) -> tuple[float, float, str]:
    """Run a command; return its seconds, its peak memory in MB and its standard output."""
    program = (
        "import json, resource, subprocess, sys, time\n"
        "began = time.perf_counter()\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
        "took = time.perf_counter() - began\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024\n"
        "print(json.dumps([done.returncode, took, peak, done.stdout]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], stdout=subprocess.PIPE, text=True, check=True
    )
    code, took, peak, said = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return float(took), float(peak), str(said)
