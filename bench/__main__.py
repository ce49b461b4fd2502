"""Run every measurement, or the named ones: `python -m bench [NAME ...]`; exit code 1 if one misses its bar.

A measurement is a module of this folder with a `NAME` and a `run` that yields results.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator

import bench
from bench.measure import Result

Run = Callable[[], Iterator[Result]]


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
    benches = discover()
    names = sys.argv[1:] or sorted(benches)
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
