"""The suite of detectors over a window of hourly volumes of many meters.

`python -m bench.suite METERS` decides on eight days of which nothing is known before; `python -m bench.suite
METERS HISTORY DAYS` on DAYS days after HISTORY days that are known.
"""

import json
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from core.words import Quality
from detection.catalogue import DETECTORS
from detection.engine import Engine
from detection.roster import Roster, Site
from detection.touched import Known, Touched
from detection.window import Series

DAYS = 8
GROUPS = ("leak", "industrial", "plan", "device", "welfare", "profile")
_LO = int(datetime(2026, 3, 1, 16, tzinfo=UTC).timestamp()) // 3600  # Monday, 00:00 in Shanghai
_STEP = 10_000


@dataclass(frozen=True)
class Took:
    """Seconds by the clock and of the processor, slots and the process's peak memory of one pass."""

    seconds: float
    cpu_s: float
    slots: int
    peak_mb: float
    alarms: int


def volumes(first: int, n: int, hours: int = DAYS * 24) -> NDArray[np.float32]:
    """Return (n, hours) litres of meters `first` and on: nineteen homes to a firm, a leak at one in fifty."""
    rng = np.random.default_rng([first, 5])
    hour, day = np.arange(hours) % 24, np.arange(hours) // 24 % 7
    awake = np.where((hour >= 7) & (hour < 23), 0.7, 0.02)
    made = (rng.random((n, hours)) < awake) * rng.integers(3, 120, (n, hours)).astype(np.float32)
    works = (hour >= 6) & (hour < 22) & (day < 5)
    firm = np.flatnonzero((first + np.arange(n)) % 20 == 7)
    busy = rng.normal(2000, 150, (len(firm), hours))
    made[firm] = np.where(works, busy, rng.normal(20, 4, (len(firm), hours))).clip(0).round()
    leak = np.flatnonzero((first + np.arange(n)) % 50 == 3)
    made[leak] += np.where(np.arange(hours) >= rng.integers(24, hours, (len(leak), 1)), 12, 0)
    return made.astype(np.float32)


def _site(n: int) -> Site:
    if n % 20 != 7:
        return Site(n + 1, f"m{n}", account_no=f"a{n}", q3_lph=2500, resolution_l=1, household_size=2)
    sector = ("industrial", "commercial", "institutional")[n // 20 % 3]
    shifts = "mo-fr 06:00-22:00" if n % 40 == 7 else ""
    return Site(
        n + 1, f"m{n}", account_no=f"a{n}", sector=sector, shifts=shifts, q3_lph=25_000, resolution_l=1
    )


def run(meters: int, history: int = 0, days: int = DAYS) -> Took:
    """Fill a window with every meter's days and let the detectors decide on the last `days` of them."""
    roster = Roster.of([_site(n) for n in range(meters)], "Asia/Shanghai", "CN")
    suite = {name: d for name, d in DETECTORS.items() if d.group in GROUPS}
    hours, asked = (history + days) * 24, days * 24
    engine = Engine(roster, window_days=history + days, detectors=suite)
    ring = engine._ring(engine._volumes, 3600)
    ring.rows(roster.meter_id, add=True)
    ring.advance(_LO + hours)
    for first in range(0, meters, _STEP):
        n = min(_STEP, meters - first)
        rows, slots = np.repeat(np.arange(first, first + n), hours), np.tile(np.arange(hours), n) + _LO
        quality = np.full(n * hours, Quality.MEASURED, np.int8)
        ring.put(rows, slots, volumes(first, n, hours).reshape(-1), quality)
    changed = Touched(
        rows=np.arange(meters),
        lo=np.full(meters, _LO + hours - asked),
        hi=np.full(meters, _LO + hours),
        seen_s=np.full(meters, (_LO + hours - asked) * 3600),
        known=Known(np.empty(0, np.int64), np.empty(0, np.int64)),
    )
    engine.timetable.holiday(_LO, _LO + hours)  # the calendar is loaded once a process
    began, began_cpu = time.perf_counter(), time.process_time()
    for plane in ("native", "hourly"):
        engine._evaluate(Series(ring), plane, changed)
    took, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    alarms = sum(len(listed) for name in suite for listed in engine.book.of(name).values())
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Took(took, cpu, meters * asked, peak_mb, alarms)


if __name__ == "__main__":
    print(json.dumps(vars(run(*(int(arg) for arg in sys.argv[1:])))))
