"""Run every measurement, or the named ones: `python -m bench [NAME ...]`; exit code 1 if one misses its bar.

A measurement is a module of this folder with a `NAME` and a `run` that yields results. A name may stand for
several (GROUPS; `api` for all that begin with `api_`). `--data DIR` names a folder of labelled datasets; what
needs one is left out without.
"""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator

import bench
from bench.bigtown import SIZE
from bench.measure import Result
from bench.tools import DATA
from core import logs

Run = Callable[[], Iterator[Result]]
GROUPS = {
    "detection": ("detection_suite", "detect_cycle", "detection_year", "detection_quality"),
    "service": ("service_sweep", "service_search", "service_outage", "service_drain"),
}


def discover() -> dict[str, Run]:
    """Return every measurement by name."""
    found: dict[str, Run] = {}
    for info in pkgutil.iter_modules(bench.__path__):
        if info.name == "__main__":
            continue
        module = importlib.import_module(f"bench.{info.name}")
        if hasattr(module, "NAME"):
            found[module.NAME] = module.run
    return found


def main() -> int:
    """Run what the command line names."""
    logs.configure("WARNING")
    benches = discover()
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--data", metavar="DIR", help="a folder of labelled datasets")
    parser.add_argument(
        "--size", type=float, metavar="PART", help="of the town that the API is asked about: 1"
    )
    given = parser.parse_args()
    if given.data:
        os.environ[DATA] = given.data
    if given.size:
        os.environ[SIZE] = str(given.size)
    groups = GROUPS | {"api": tuple(sorted(name for name in benches if name.startswith("api_")))}
    names = [n for name in given.names for n in groups.get(name, (name,))] or sorted(benches)
    unknown = [name for name in names if name not in benches]
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are: {', '.join(sorted(benches))}", file=sys.stderr)
        return 2
    ok = True
    for name in names:
        for result in benches[name]():
            print(result.line(), flush=True)
            ok &= result.ok
    return 0 if ok else 1


sys.exit(main())
