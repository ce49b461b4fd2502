"""A live detection cycle after one hour's new readings of 100,000 meters, store included."""

import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bench.measure import Result
from core.clock import SystemClock
from detection.cycle import Detection
from jobs.stack import stack_session
from sql.columns import EPOCH_US, write
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database

NAME = "detect_cycle"
METERS, HISTORY_H, ROUNDS, BAR_S = 100_000, 30, 5, 5.0
_T0 = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
_KINDS = {"meter_id": ">i4", "ts": ">i8", "register_l": ">f8"}


def _register(hour: int) -> NDArray[np.float64]:
    """Return every meter's index at an hour: most rest at night, one in fifty leaks."""
    meter = np.arange(METERS)
    by_day = np.minimum(np.maximum(hour % 24 - 6, 0), 17) + hour // 24 * 17
    total: NDArray[np.float64] = (
        1000 + by_day * (10.0 + meter % 40) + np.where(meter % 50 == 0, hour * 8.0, 0)
    )
    return total


def _store(conn: Connection, ids: NDArray[np.int64], hour: int) -> None:
    ts = (_T0 + hour * 3600) * 1_000_000 - EPOCH_US
    columns = {"meter_id": ids, "ts": np.full(METERS, ts), "register_l": _register(hour)}
    write(conn, b"copy reading (meter_id, ts, register_l) from stdin (format binary)", columns, _KINDS)
    at = datetime.fromtimestamp(_T0 + hour * 3600, UTC)
    for part in np.array_split(ids, 10):
        conn.execute(
            "insert into arrival (meter_ids, ts_min, ts_max, readings) values (%s, %s, %s, %s)",
            (part.tolist(), [at] * len(part), [at] * len(part), len(part)),
        )


def run() -> Iterator[Result]:
    with stack_session() as urls, fresh_database(urls.database_url) as url:
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn, connect(url, "detect") as detect:
            conn.execute(
                "insert into meter (serial, q3_lph, resolution_l) "
                "select 'm-' || n, 2500, 1 from generate_series(1, %s) n",
                [METERS],
            )
            ids = np.array([r[0] for r in conn.execute("select id from meter order by id").fetchall()])
            for hour in range(HISTORY_H):
                _store(conn, ids, hour)
            detection = Detection(SystemClock(), window_days=36)
            began = time.perf_counter()
            detection.cycle(detect)
            print(f"backlog of {HISTORY_H} h: {time.perf_counter() - began:.1f} s", file=sys.stderr)
            took = []
            for hour in range(HISTORY_H, HISTORY_H + ROUNDS):
                _store(conn, ids, hour)
                began = time.perf_counter()
                detection.cycle(detect)
                took.append(time.perf_counter() - began)
            print([round(t, 2) for t in took], file=sys.stderr)
            value = statistics.median(took)
            yield Result(NAME, round(value, 3), "s", None, None, ROUNDS, BAR_S, value <= BAR_S)
