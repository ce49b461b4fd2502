"""The suite on 100,000 meters x 8 days against river's ADWIN on the same array, and on 1,000,000 meters.

Of eight days the detectors that ask for a fortnight's history say no at once. So two more figures, without a
bar: the same days, and the newest alone, after four weeks that are known, as in production.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.measure import Result
from bench.suite import DAYS, Took, volumes
from bench.tools import bench_python, say

NAME = "detection_suite"
METERS, MANY, ROUNDS, HISTORY = 100_000, 1_000_000, 3, 28
BAR_RATIO, BAR_TIMES, BAR_MB = 1.0, 12.0, 4096.0
_ADWIN = """
import sys, time
import numpy as np
from river.drift import ADWIN
values = np.load(sys.argv[1])
began, drifts = time.perf_counter(), 0
for row in values:
    rule = ADWIN()
    for value in row.tolist():
        rule.update(value)
        drifts += rule.drift_detected
print(time.perf_counter() - began)
"""


def run() -> Iterator[Result]:
    took = [_suite(METERS) for _ in range(ROUNDS)]
    ours_s = statistics.median(t.seconds for t in took)
    slots = took[0].slots
    cpu_s = statistics.median(t.cpu_s for t in took)
    say(f"{METERS:,} meters x {DAYS} d: {ours_s:.2f} s, {cpu_s:.2f} s of CPU, {took[0].alarms:,} alarms")
    theirs_s = _adwin()
    ratio = None if theirs_s is None else round(theirs_s / ours_s, 2)
    ok = ratio is not None and ratio >= BAR_RATIO
    yield Result(NAME, round(slots / ours_s), "meter-slots/s", ratio, "river_adwin", ROUNDS, BAR_RATIO, ok)
    for days, name in ((DAYS, "history"), (1, "history_day")):
        known = _suite(METERS, HISTORY, days)
        say(f"after {HISTORY} d, {days} d: {known.seconds:.2f} s, {known.cpu_s:.2f} s of CPU")
        pace = round(known.slots / known.seconds)
        yield Result(f"{NAME}_{name}", pace, "meter-slots/s", None, None, 1, 0.0, True)
    many = _suite(MANY)
    times = many.seconds / ours_s
    yield Result(
        f"{NAME}_million",
        round(many.seconds, 1),
        "s",
        round(times, 2),
        NAME,
        1,
        BAR_TIMES,
        times <= BAR_TIMES,
    )
    peak = round(many.peak_mb)
    yield Result(f"{NAME}_million_memory", peak, "MB", None, None, 1, BAR_MB, peak <= BAR_MB)


def _suite(*size: int) -> Took:
    """Run the suite in a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.suite", *map(str, size)], stdout=subprocess.PIPE, text=True, check=True
    )
    return Took(**json.loads(done.stdout))


def _adwin() -> float | None:
    """Return the seconds that ADWIN needs for the same array, one rule a meter; None where there is none."""
    python = bench_python()
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "volumes.npy"
        np.save(file, np.concatenate([volumes(first, 10_000) for first in range(0, METERS, 10_000)]))
        done = subprocess.run(
            [python, "-c", _ADWIN, str(file)], stdout=subprocess.PIPE, text=True, check=True
        )
    say(f"river's ADWIN: {float(done.stdout):.1f} s")
    return float(done.stdout)
