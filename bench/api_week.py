"""A week of one meter's raw readings as JSON at 50 requests/s; against the bare SQL of the same rows.

Both are asked for at the same pace by as lean a client as there is, each from the instant when it was to be
sent: what is compared is the API, not the client. They take turns, every time with a meter that nobody asked
for yet: what is on disk and not in memory is so for both. The JSON goes uncompressed, as between programs of
one house; the unit says what compressed answers take, of weeks that were asked for just before.
"""

import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from api import keys
from bench.bigtown import bigtown
from bench.measure import Result
from bench.pace import Client, paced
from bench.served import served
from sql.pool import Connection, connect

NAME = "api_week"
PER_S = 50
TURNS = 20
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
Week = Callable[[int], tuple[int, str, datetime]]


def run() -> Iterator[Result]:
    """Yield the 99th percentile of the answer times in milliseconds, and the medians' ratio to bare SQL."""
    with bigtown() as town, connect(town.url, "owner", autocommit=True) as conn:
        key = keys.create(conn, NAME, ["readings:read"], datetime.now(UTC), requests_a_minute=100_000)
        meters: Meters = conn.execute(
            "select id, serial from meter where interval_s = 900 order by serial"
        ).fetchall()
        week = partial(_week, meters, town.town.end)
        with served(town.url) as api:
            plain, packed = (Client(api.address, key, how) for how in ("identity", "gzip"))
            asked, bare = partial(_ask, plain, week), partial(_bare, conn, week)
            paced(asked, PER_S, range(-2 * PER_S, 0, 2))
            times, others = [], []
            for turn in range(TURNS):
                numbers = range(turn * 2 * PER_S, (turn + 1) * 2 * PER_S, 2)
                times += paced(asked, PER_S, numbers)
                others += paced(bare, PER_S, [number + 1 for number in numbers])
            again = statistics.median(paced(partial(_ask, packed, week), PER_S, range(0, 10 * PER_S, 2)))
        p99 = sorted(times)[int(len(times) * 0.99)]
        median, of_bare = statistics.median(times), statistics.median(others)
        unit = f"ms p99 (median {median:.1f}, gzip {again:.1f}, bare SQL {of_bare:.1f}){town.note}"
        ratio = median / of_bare
        ok = p99 < BAR_MS and ratio <= MOST_TIMES_BARE
        yield Result(NAME, round(p99, 1), unit, round(ratio, 2), "bare_sql", len(times), BAR_MS, ok)


def _week(meters: Meters, end: datetime, number: int) -> tuple[int, str, datetime]:
    """Return the id and serial of a meter, and since when."""
    return *meters[number * 7 % len(meters)], end - timedelta(days=7 + number % 21)


def _ask(client: Client, week: Week, number: int) -> None:
    _, serial, since = week(number)
    asked = urlencode({"from": f"{since:%FT%TZ}", "to": f"{since + WEEK:%FT%TZ}"})
    body = client.get(f"/v1/meters/{serial}/readings?{asked}")
    assert body.startswith(b"\x1f\x8b") or body.count(b'"ts"') >= LEAST, body[:300]


def _bare(conn: Connection, week: Week, number: int) -> None:
    meter_id, _, since = week(number)
    found = conn.execute(BARE, [meter_id, since, since + WEEK], prepare=False).fetchall()
    assert len(found) >= LEAST
