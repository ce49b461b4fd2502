"""The outbox filled with an outage notice to 100,000 customers; killed on the way, gone on with, none twice.

One filler in a process of its own, as in the notifier. A fresh outage is announced for each round; in another
one the filler is killed with SIGKILL in the middle, and a second one goes on.
"""

import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.measure import Result
from jobs.stack import stack_session
from service import outage_drafts, outages
from service.outage import Deed
from service.outage_area import Area
from service.outage_drafts import Draft
from service.tickets import Actor
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import fresh_database
from tests.service.outage_town import people
from tests.waiting import until

NAME = "service_outage"
BAR_S = 30.0
CUSTOMERS, ROUNDS = 100_000, 3
_FILLER = """
import sys
from core.clock import SystemClock
from notify.role import fill_outbox
from sql.pool import connect
with connect(sys.argv[1], "notify", autocommit=True) as conn:
    print("ready", flush=True)
    sys.stdin.readline()
    fill_outbox(conn, SystemClock())
"""


def run() -> Iterator[Result]:
    """Yield the median time from the announcement to the last row, and what a killed one came to."""
    with stack_session() as stack, fresh_database(stack.database_url) as url:
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn:
            conn.execute("insert into utility (name, timezone) values ('Bench', 'Asia/Shanghai')")
            conn.execute("insert into dma (code, name) values ('D1', 'D1')")
            people(conn, CUSTOMERS, lost_every=CUSTOMERS + 1)
            conn.execute("analyze")
            took = [_filled_s(conn, url) for _ in range(ROUNDS)]
            once = _each_once(conn)
            _kill_in_the_middle(conn, url)
            killed_once = _each_once(conn)
        yield Result(
            NAME,
            round(statistics.median(took), 1),
            "s",
            None,
            None,
            ROUNDS,
            BAR_S,
            max(took) < BAR_S and once,
        )
        yield Result(f"{NAME}_killed", float(killed_once), "all once", None, None, 1, 1.0, killed_once)


def _announce(conn: Connection) -> None:
    now = datetime.now(UTC)
    deed = Deed(Actor("bench"), now)
    begins, ends = now + timedelta(days=3), now + timedelta(days=3, hours=6)
    draft = Draft("planned", Area(("D1",)), begins, ends, "valve_work")
    outages.announce(conn, outage_drafts.create(conn, draft, deed), deed)


def _filler(url: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", _FILLER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdout and process.stdout.readline() == b"ready\n"
    return process


def _filled_s(conn: Connection, url: str) -> float:
    with _filler(url) as process:
        began = time.perf_counter()
        _announce(conn)
        process.communicate(b"go\n")
        return time.perf_counter() - began


def _kill_in_the_middle(conn: Connection, url: str) -> None:
    _announce(conn)
    with _filler(url) as process:
        assert process.stdin
        process.stdin.write(b"go\n")
        upto = "select upto >= 'C-050000' from outage_notice order by id desc limit 1"
        until(lambda: conn.execute(upto).fetchall()[0][0], 60)
        process.send_signal(signal.SIGKILL)
    busy = "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    until(lambda: conn.execute(busy + " and backend_type = 'client backend'").fetchone() is None, 60)
    (state,) = conn.execute("select state from outage_notice order by id desc limit 1").fetchall()[0]
    print(f"killed while {state}", file=sys.stderr)
    with _filler(url) as process:
        process.communicate(b"go\n")


def _each_once(conn: Connection) -> bool:
    """Whether the last notice has one message for every customer."""
    return bool(
        conn.execute(
            """
            select n.state = 'filled' and n.customers = %(all)s and n.messages = %(all)s
                and count(*) = %(all)s and count(distinct o.account_no) = %(all)s
            from outage_notice n join outbox o on o.notice_id = n.id
            where n.id = (select max(id) from outage_notice) group by n.id""",
            {"all": CUSTOMERS},
        ).fetchall()[0][0]
    )
