"""A week of one meter's raw readings as JSON at 50 requests/s; against the bare SQL of the same rows."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2

from api import keys
from bench.bigtown import bigtown
from bench.measure import Result
from bench.served import served
from sql.pool import Connection, connect

NAME = "api_week"
PER_S = 50
SECONDS = 20
BAR_MS = 30.0
MOST_TIMES_BARE = 3.0
WEEK = timedelta(days=7)
LEAST = 500
"""Rows of a week: a meter that reports every 15 minutes has 672, less what was lost on the way."""
BARE = (
    "select ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at from reading"
    " where meter_id = %s and ts > %s and ts <= %s order by ts"
)


def run() -> Iterator[Result]:
    """Yield the 99th percentile of the answer times in milliseconds, and the medians' ratio to bare SQL."""
    with bigtown() as town, connect(town.url, "owner", autocommit=True) as conn:
        key = keys.create(conn, NAME, ["readings:read"], datetime.now(UTC), requests_a_minute=100_000)
        headers = {"Authorization": f"Bearer {key}"}
        meters = conn.execute(
            "select id, serial from meter where interval_s = 900 order by serial"
        ).fetchall()
        serials = [serial for _, serial in meters]
        # one client for all: making one costs more than the answer that is timed
        with served(town.url) as api, httpx2.Client(base_url=api.address, headers=headers) as client:
            _paced(client, serials, town.town.end, PER_S)
            times = sorted(_paced(client, serials, town.town.end, PER_S * SECONDS))
        bare = statistics.median(_bare(conn, town.town.end, n, meters) for n in range(200))
        p99 = times[int(len(times) * 0.99)]
        ratio = statistics.median(times) / bare
        ok = p99 < BAR_MS and ratio <= MOST_TIMES_BARE
        yield Result(
            NAME, round(p99, 1), f"ms p99{town.note}", round(ratio, 2), "bare_sql", len(times), BAR_MS, ok
        )


def _since(end: datetime, number: int) -> datetime:
    return end - timedelta(days=7 + number % 21)


def _paced(client: httpx2.Client, serials: list[str], end: datetime, requests: int) -> list[float]:
    """Send requests at a fixed pace, whatever the answers take; return ms from the planned start."""
    began = time.perf_counter() + 0.1

    def one(number: int) -> float:
        planned = began + number / PER_S
        time.sleep(max(0.0, planned - time.perf_counter()))
        since = _since(end, number)
        answer = client.get(
            f"/v1/meters/{serials[number * 7 % len(serials)]}/readings",
            params={"from": f"{since:%FT%TZ}", "to": f"{since + WEEK:%FT%TZ}"},
        )
        assert answer.content.count(b'"ts"') >= LEAST, answer.content[:300]
        return (time.perf_counter() - planned) * 1000

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(requests)))


def _bare(conn: Connection, end: datetime, number: int, meters: list[tuple[int, str]]) -> float:
    since = _since(end, number)
    began = time.perf_counter()
    values = [meters[number * 7 % len(meters)][0], since, since + WEEK]
    assert len(conn.execute(BARE, values, prepare=False).fetchall()) >= LEAST
    return (time.perf_counter() - began) * 1000
