"""Everything about a customer with 200 meters and a year of hourly use, for the account manager."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

from api.customers.profile import profile
from bench.measure import Result
from jobs.stack import stack_session
from service import usage_days
from service.utility import utility
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database

NAME = "service_profile"
METERS = 200
TIMES = 100
BAR_MS = 60.0
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def run() -> Iterator[Result]:
    """Yield p99 and median of the ms that a profile takes, by days against by the hours alone."""
    with stack_session() as stack, fresh_database(stack.database_url) as url:
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn:
            _fill(conn)
        with connect(url, "api", autocommit=True) as conn:
            conn.execute(
                "select set_config('headwater.sees', 'own', false), set_config('headwater.staff', '1', false)"
            )
            by_hours = _times(conn)
            with connect(url, "owner", autocommit=True) as owner:
                for since, until in usage_days.wanted(owner, utility(owner).zone, NOW):
                    usage_days.make(owner, utility(owner).zone, since, until)
                owner.execute("vacuum analyze usage_daily")
            by_days = _times(conn)
        p99 = by_days[int(TIMES * 0.99)]
        yield Result(NAME, round(p99, 1), "ms p99", None, None, TIMES, BAR_MS, p99 < BAR_MS)
        ratio = round(median(by_hours) / median(by_days), 2)
        yield Result(
            f"{NAME}_median", round(median(by_days), 1), "ms median", ratio, "by hours", TIMES, 0.0, True
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


def _times(conn: Connection) -> list[float]:
    for _ in range(10):
        profile(conn, "A1", NOW)
    return sorted(_timed(conn) for _ in range(TIMES))


def _timed(conn: Connection) -> float:
    began = time.perf_counter()
    profile(conn, "A1", NOW)
    return (time.perf_counter() - began) * 1000
