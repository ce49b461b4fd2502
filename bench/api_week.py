"""A week of one meter's raw readings as JSON at 50 requests/s; against the bare SQL of the same rows.

Both are asked for at the same pace by as lean a client as there is, each from the instant when it was to be
sent: what is compared is the API, not the client. The JSON goes uncompressed, as between programs of one
house; the note says what compressed answers take.
"""

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

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
Meters = list[tuple[int, str]]


def run() -> Iterator[Result]:
    """Yield the 99th percentile of the answer times in milliseconds, and the medians' ratio to bare SQL."""
    with bigtown() as town, connect(town.url, "owner", autocommit=True) as conn:
        key = keys.create(conn, NAME, ["readings:read"], datetime.now(UTC), requests_a_minute=100_000)
        meters: Meters = conn.execute(
            "select id, serial from meter where interval_s = 900 order by serial"
        ).fetchall()
        with served(town.url) as api:
            plain, packed = (
                _Client(api.address, key, meters, town.town.end, how) for how in ("identity", "gzip")
            )
            for client in (plain, packed):
                _paced(client, PER_S)
            times = _paced(plain, PER_S * SECONDS)
            tight = _paced(packed, PER_S * SECONDS // 4)
        bare = statistics.median(_paced(_bare(conn, town.town.end, meters), PER_S * SECONDS // 4))
        p99, median = times[int(len(times) * 0.99)], statistics.median(times)
        note = f" (median {median:.1f}, gzip {statistics.median(tight):.1f}, bare SQL {bare:.1f}){town.note}"
        ratio = median / bare
        ok = p99 < BAR_MS and ratio <= MOST_TIMES_BARE
        yield Result(
            NAME, round(p99, 1), f"ms p99{note}", round(ratio, 2), "bare_sql", len(times), BAR_MS, ok
        )


def _since(end: datetime, number: int) -> datetime:
    return end - timedelta(days=7 + number % 21)


def _paced(ask: Callable[[int], None], requests: int) -> list[float]:
    """Ask at a fixed pace, whatever the answers take; return ms from each planned start, sorted."""
    began = time.perf_counter() + 0.1

    def one(number: int) -> float:
        planned = began + number / PER_S
        time.sleep(max(0.0, planned - time.perf_counter()))
        ask(number)
        return (time.perf_counter() - planned) * 1000

    with ThreadPoolExecutor(16) as pool:
        return sorted(pool.map(one, range(requests)))


class _Client:
    """Asks for a week of a meter, on a connection for each thread that asks."""

    def __init__(self, address: str, key: str, meters: Meters, end: datetime, encoding: str) -> None:
        self._netloc = address.removeprefix("http://")
        self._headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": encoding}
        self._meters, self._end, self._plain = meters, end, encoding == "identity"
        self._own = threading.local()

    def __call__(self, number: int) -> None:
        if not hasattr(self._own, "conn"):
            self._own.conn = http.client.HTTPConnection(self._netloc)
        serial, since = self._meters[number * 7 % len(self._meters)][1], _since(self._end, number)
        asked = urlencode({"from": f"{since:%FT%TZ}", "to": f"{since + WEEK:%FT%TZ}"})
        self._own.conn.request("GET", f"/v1/meters/{serial}/readings?{asked}", headers=self._headers)
        answer = self._own.conn.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        assert not self._plain or body.count(b'"ts"') >= LEAST, body[:300]


def _bare(conn: Connection, end: datetime, meters: Meters) -> Callable[[int], None]:
    def ask(number: int) -> None:
        since = _since(end, number)
        values = [meters[number * 7 % len(meters)][0], since, since + WEEK]
        assert len(conn.execute(BARE, values, prepare=False).fetchall()) >= LEAST

    return ask
