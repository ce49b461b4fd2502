"""The deadline sweep over a million open tickets: an ordinary minute, and 20,000 deadlines at once."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.measure import Result
from jobs.stack import stack_session
from service.findings import Desk
from service.sweep import Swept, sweep
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database

NAME = "service_sweep"
TICKETS = 1_000_000
CUSTOMERS = 100_000
AT_ONCE = 20_000
BAR_S = 10.0
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run() -> Iterator[Result]:
    """Yield seconds with commits: the median of ten ordinary minutes, and one with 20,000 deadlines."""
    with (
        stack_session() as stack,
        fresh_database(stack.database_url) as url,
        connect(url, "owner", autocommit=True) as conn,
    ):
        migrate(url)
        _fill(conn)
        minutes = [_swept(conn, NOW + n * MINUTE) for n in range(11)][1:]
        looked = sum(swept.looked for swept, _ in minutes)
        assert looked > 100, looked
        yield _result(NAME, statistics.median(took_s for _, took_s in minutes), len(minutes))
        _let_many_fall_due(conn)
        swept, took_s = _swept(conn, NOW + 20 * MINUTE)
        assert swept.urged >= AT_ONCE, swept
        ((messages,),) = conn.execute("select count(*) from outbox where step = 'urged'").fetchall()
        assert messages >= AT_ONCE, messages
        yield _result(f"{NAME}_{AT_ONCE}_due", took_s, 1)


def _result(bench: str, took_s: float, n: int) -> Result:
    return Result(bench, round(took_s, 3), "s", None, None, n, BAR_S, took_s < BAR_S)


def _swept(conn: Connection, at: datetime) -> tuple[Swept, float]:
    began = time.perf_counter()
    total = Swept(more=True)
    while total.more:
        with conn.transaction():
            total += sweep(conn, at=at, desk=Desk())
    return total, time.perf_counter() - began


def _let_many_fall_due(conn: Connection) -> None:
    """As if every deadline of the next days fell on one minute: the end of a holiday, or a backlog.

    The statistics are of before, as autovacuum leaves them: no message was ever held back in a storm.
    """
    conn.execute(
        "update ticket set response_due = %(at)s, look_at = %(at)s where id in (select te.ticket_id"
        " from ticket_event te join ticket t on t.id = te.ticket_id where t.response_stage = 0 limit %(n)s)",
        {"at": NOW + 20 * MINUTE, "n": AT_ONCE},
    )
    conn.execute("analyze ticket, outbox")


def _fill(conn: Connection) -> None:
    """Write the tickets as they stand after some days: spread over time, each with its next look."""
    conn.execute("insert into utility (name, timezone, country) values ('U', 'Asia/Shanghai', 'CN')")
    conn.execute("insert into dma (code, name) select 'D' || n, 'D' || n from generate_series(1, 200) n")
    conn.execute(
        "insert into staff (login, name, email, superior_id)"
        " select 's' || n, 'S ' || n, 's' || n || '@utility.example', null from generate_series(1, 20) n"
    )
    conn.execute(
        "insert into staff (login, name, email, superior_id)"
        " select 'm' || n, 'M ' || n, 'm' || n || '@utility.example', n % 20 + 1"
        " from generate_series(1, 500) n"
    )
    conn.execute(
        "insert into customer (account_no, name, manager_id, dma_id)"
        " select 'A' || n, 'Customer ' || n, 21 + n %% 500, 1 + n %% 200 from generate_series(1, %s) n",
        [CUSTOMERS],
    )
    conn.execute("set session_replication_role = replica")  # no triggers, no checks: this is only the scene
    for state, look_h in (("open", 54), ("responded", 180)):  # warned a quarter before 72 h and 240 h
        conn.execute(
            "insert into ticket (state, priority, urgent, sla, account_no, dma_id, grp, assignee_id,"
            " routed_by, opened_at, responded_at, response_due, resolution_due, look_at)"
            " select %(state)s, 'normal', false, 'normal', 'A' || (1 + n %% %(customers)s), 1 + n %% 200,"
            " 'leak', 21 + n %% 500, 'account_manager', opened,"
            " case %(state)s when 'responded' then opened end,"
            " opened + interval '72 h', opened + interval '240 h', opened + %(look_h)s * interval '1 h'"
            " from (select n,"
            " %(now)s::timestamptz - (n - 0.5) / %(n)s * %(look_h)s * interval '1 h' as opened"
            " from generate_series(1, %(n)s) n) t",
            {"state": state, "look_h": look_h, "customers": CUSTOMERS, "now": NOW, "n": TICKETS // 2},
        )
    conn.execute(
        "insert into event (grp, subject_kind, subject, epoch, detectors, account_no, dma_id, onset,"
        " detected_at, last_seen, severity, magnitude, unit, evidence)"
        " select 'leak', 'meter', 'M' || n, 0, '{continuous_flow}', 'A' || n, 1 + n %% 200, %(now)s, %(now)s,"
        " %(now)s, 'medium', 12.5, 'L/h', '{\"continuous_flow\": {\"rate_lph\": 12.5}}'"
        " from generate_series(1, %(n)s) n",
        {"now": NOW, "n": 2 * AT_ONCE},
    )
    conn.execute("insert into ticket_event (event_id, ticket_id) select id, id * 12 from event")
    conn.execute("set session_replication_role = origin")
    conn.execute("vacuum analyze")
