"""Everything about a customer with 200 meters and a year of hourly use, for the account manager."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

from api.customers.profile import profile
from bench.measure import Result
from jobs.stack import stack_session
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database

NAME = "service_profile"
METERS = 200
TIMES = 100
BAR_MS = 60.0
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def run() -> Iterator[Result]:
    """Yield the median of the times in ms that the profile takes to gather."""
    with stack_session() as stack, fresh_database(stack.database_url) as url:
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn:
            _fill(conn)
        with connect(url, "api", autocommit=True) as conn:
            conn.execute(
                "select set_config('headwater.sees', 'own', false), set_config('headwater.staff', '1', false)"
            )
            profile(conn, "A1", NOW)
            took = [_timed(conn) for _ in range(TIMES)]
        yield Result(
            NAME, round(median(took), 1), "ms median", None, None, TIMES, BAR_MS, median(took) < BAR_MS
        )


def _fill(conn: Connection) -> None:
    conn.execute("insert into staff (login, name) values ('anna', 'Anna')")
    conn.execute("insert into customer (account_no, name, manager_id) values ('A1', 'Harbour', 1)")
    for statement in (
        "insert into meter (serial) select 'm' || n from generate_series(1, %s) n",
        "insert into service_point (code, account_no, address)"
        " select 'p' || n, 'A1', 'Quay ' || n from generate_series(1, %s) n",
        "insert into meter_installation (meter_id, service_point_id)"
        " select n, n from generate_series(1, %s) n",
    ):
        conn.execute(statement, [METERS])
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select m, t, 10, 0 from"
        " generate_series(%s - interval '1 year', %s, interval '1 hour') t, generate_series(1, %s) m",
        [NOW, NOW, METERS],
    )
    conn.execute("vacuum analyze")


def _timed(conn: Connection) -> float:
    began = time.perf_counter()
    profile(conn, "A1", NOW)
    return (time.perf_counter() - began) * 1000
