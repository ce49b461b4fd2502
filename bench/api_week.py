"""A week of one meter's raw readings as JSON at 50 requests/s; against the bare SQL of the same rows."""

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2

from api import keys
from bench.measure import Result
from jobs.stack import stack_session
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database
from tests.waiting import until

NAME = "api_week"
METERS = 500
DAYS = 28
PER_S = 50
SECONDS = 20
BAR_MS = 30.0
END = datetime(2026, 11, 21, tzinfo=UTC)
BARE = (
    "select ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at from reading"
    " where meter_id = %s and ts > %s and ts <= %s order by ts"
)


def run() -> Iterator[Result]:
    """Yield the 99th percentile of the answer times in milliseconds, and the medians' ratio to bare SQL."""
    with (
        stack_session() as stack,
        fresh_database(stack.database_url) as url,
        connect(url, "owner", autocommit=True) as conn,
    ):
        migrate(url)
        _fill(conn)
        key = keys.create(conn, NAME, ["readings:read"], datetime.now(UTC))
        headers = {"Authorization": f"Bearer {key}"}
        # one client for all: making one costs more than the answer that is timed
        with _served(url) as address, httpx2.Client(base_url=address, headers=headers) as client:
            _paced(client, PER_S)
            times = sorted(_paced(client, PER_S * SECONDS))
        bare = statistics.median(_bare(conn, meter) for meter in range(1, 201))
        p99 = times[int(len(times) * 0.99)]
        ratio = statistics.median(times) / bare
        yield Result(
            NAME, round(p99, 1), "ms p99", round(ratio, 2), "bare_sql", len(times), BAR_MS, p99 < BAR_MS
        )


def _fill(conn: Connection) -> None:
    conn.execute(
        "insert into meter (serial, interval_s) select 'm' || n, 900 from generate_series(1, %s) n", [METERS]
    )
    conn.execute(
        "insert into reading (meter_id, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v)"
        " select m, t, 1234.5, 12.3, 310.2, 11.5, 3.6 from generate_series(1, %s) m,"
        " generate_series(%s::timestamptz - make_interval(days => %s), %s, interval '15 min') t",
        [METERS, END, DAYS, END],
    )
    conn.execute("analyze")


@contextmanager
def _served(url: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "HEADWATER_DATABASE_URL": url,
        "HEADWATER_API_PORT": str(port),
        "HEADWATER_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-c", "from jobs.cli import main; main()", "api"]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment) as api:
        try:
            until(lambda: _ready(address), 30)
            yield address
        finally:
            api.terminate()


def _ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def _paced(client: httpx2.Client, requests: int) -> list[float]:
    """Send requests at a fixed pace, whatever the answers take; return ms from the planned start."""
    began = time.perf_counter() + 0.1

    def one(number: int) -> float:
        planned = began + number / PER_S
        time.sleep(max(0.0, planned - time.perf_counter()))
        since = END - timedelta(days=7 + number % 21)
        answer = client.get(
            f"/v1/meters/m{number * 7 % METERS + 1}/readings",
            params={"from": f"{since:%FT%TZ}", "to": f"{since + timedelta(days=7):%FT%TZ}"},
        )
        assert answer.content.count(b'"ts"') == 672
        return (time.perf_counter() - planned) * 1000

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(requests)))


def _bare(conn: Connection, meter: int) -> float:
    began = time.perf_counter()
    assert len(conn.execute(BARE, [meter, END - timedelta(days=7), END], prepare=False).fetchall()) == 672
    return (time.perf_counter() - began) * 1000
