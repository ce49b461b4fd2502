"""A week of one meter's raw readings as JSON at 50 requests/s; against the bare SQL of the same rows.

Both are asked for at the same pace by as lean a client as there is, each from the instant when it was to be
sent: what is compared is the API, not the client. The JSON goes uncompressed, as between programs of one
house; the note says what compressed answers take.
"""

import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from api import keys
from bench.bigtown import bigtown
from bench.measure import Result
from bench.pace import Client, paced
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
                _week(Client(api.address, key, how), town.town.end, meters, plain=how == "identity")
                for how in ("identity", "gzip")
            )
            for way in (plain, packed):
                paced(way, PER_S, PER_S)
            times = paced(plain, PER_S, PER_S * SECONDS)
            tight = paced(packed, PER_S, PER_S * SECONDS // 4)
        bare = statistics.median(paced(_bare(conn, town.town.end, meters), PER_S, PER_S * SECONDS // 4))
        p99, median = times[int(len(times) * 0.99)], statistics.median(times)
        note = f" (median {median:.1f}, gzip {statistics.median(tight):.1f}, bare SQL {bare:.1f}){town.note}"
        ratio = median / bare
        ok = p99 < BAR_MS and ratio <= MOST_TIMES_BARE
        yield Result(
            NAME, round(p99, 1), f"ms p99{note}", round(ratio, 2), "bare_sql", len(times), BAR_MS, ok
        )


def _since(end: datetime, number: int) -> datetime:
    return end - timedelta(days=7 + number % 21)


def _week(client: Client, end: datetime, meters: Meters, *, plain: bool) -> Callable[[int], None]:
    def ask(number: int) -> None:
        serial, since = meters[number * 7 % len(meters)][1], _since(end, number)
        asked = urlencode({"from": f"{since:%FT%TZ}", "to": f"{since + WEEK:%FT%TZ}"})
        body = client.get(f"/v1/meters/{serial}/readings?{asked}")
        assert not plain or body.count(b'"ts"') >= LEAST, body[:300]

    return ask


def _bare(conn: Connection, end: datetime, meters: Meters) -> Callable[[int], None]:
    def ask(number: int) -> None:
        since = _since(end, number)
        values = [meters[number * 7 % len(meters)][0], since, since + WEEK]
        assert len(conn.execute(BARE, values, prepare=False).fetchall()) >= LEAST

    return ask
