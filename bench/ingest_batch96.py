"""Messages of 96 readings as columns, PUBLISH to committed rows; against a raw COPY of the same rows."""

import json
import time
from collections.abc import Iterator

import numpy as np

from bench.line import running_line
from bench.measure import Result, compare
from core.batch import ReadingBatch
from sql.copy import encode
from sql.query import Queries

NAME = "ingest_batch96"
METERS = 4_800
SLOTS = 96
STEP_S = 900


def run() -> Iterator[Result]:
    """Yield the rate of one ingester."""
    rng = np.random.default_rng(1)
    start = int(time.time()) // 86_400 * 86_400 - 2 * 86_400
    register = 1e5 + np.cumsum(rng.gamma(1.0, 8.0, (METERS, SLOTS)), axis=1).round(1)
    pressure = rng.normal(320, 15, (METERS, SLOTS)).round(1)
    with running_line() as line:
        ids = line.add_meters([f"m{i}" for i in range(METERS)])
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))
        messages = [
            (
                f"{line.prefix}/m{i}/readings",
                json.dumps(
                    {
                        "start": stamp,
                        "step_s": STEP_S,
                        "register_l": register[i].tolist(),
                        "pressure_kpa": pressure[i].tolist(),
                    }
                ).encode(),
            )
            for i in range(METERS)
        ]
        n = METERS * SLOTS
        missing = np.full(n, np.nan)
        rows = encode(
            ReadingBatch(
                np.repeat(np.array([ids[f"m{i}"] for i in range(METERS)], np.int32), SLOTS),
                np.tile((start + STEP_S * np.arange(SLOTS)) * 1_000_000, METERS),
                register.ravel(),
                missing,
                pressure.ravel(),
                missing,
                missing,
                np.zeros(n, np.int32),
                np.full(n, int(time.time() * 1e6)),
            )
        )

        def copy_raw() -> float:
            line.clear()
            began = time.perf_counter()
            with line.conn.transaction(), line.conn.cursor().copy(Queries("ingest")["copy_reading"]) as copy:
                copy.write(rows)
            return time.perf_counter() - began

        yield compare(
            NAME,
            "rows/s",
            n,
            lambda: line.seconds_to_store(messages, n),
            "copy_raw",
            copy_raw,
            bar=0.5,
        )
