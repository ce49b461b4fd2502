"""The outbox is filled with a notice once for everybody, whoever is killed and however many fill it."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from service import outages
from service.outage import Deed
from sql.pool import Connection, connect
from tests.samples import NOW
from tests.service.outage_town import LI, Operator, office
from tests.waiting import until

PEOPLE = 10_000
FILLER = """
import sys
from datetime import datetime
from service import outage_notices
from sql.pool import connect
with connect(sys.argv[1], "notify", autocommit=True) as conn:
    more = True
    while more:
        with conn.transaction():
            more = outage_notices.fill(conn, at=datetime.fromisoformat(sys.argv[2]), batch=1000)
"""


@pytest.fixture
def desk(conn: Connection, database_url: str) -> Iterator[Operator]:
    with office(conn, database_url, PEOPLE) as operator:
        yield operator


def kill_while_it_writes(desk: Operator, account_no: str) -> None:
    """Kill a filler with SIGKILL in the middle of the batch in which this customer is."""
    with connect(desk.url, "owner") as holding:
        holding.execute("select from customer where account_no = %s for update", [account_no])
        filler = subprocess.Popen([sys.executable, "-c", FILLER, desk.url, NOW.isoformat()])
        waiting = (
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            " and query like %s"
        )
        until(lambda: desk.conn.execute(waiting, ["%into outbox%"]).fetchone() is not None, timeout_s=60)
        filler.send_signal(signal.SIGKILL)
        assert filler.wait(30) == -signal.SIGKILL


def test_a_notice_to_ten_thousand_goes_on_after_every_kill_and_nobody_is_left_out_or_twice(
    desk: Operator,
) -> None:
    desk.planned()
    with connect(desk.url, "notify", autocommit=True) as conn:
        assert desk.piece(conn, NOW, 1000)  # who is concerned; from here on it writes
    written = []
    for account_no in ("C-000503", "C-005503", "C-009993"):
        kill_while_it_writes(desk, account_no)
        written.append(len(desk.rows()))
    until(lambda: desk.fill(batch=1000) >= 0 and _state(desk) == "filled", timeout_s=60)
    assert written == sorted(written) and 0 <= written[0] < written[1] < written[2] < PEOPLE * 9 // 10 + 1
    rows = desk.rows("account_no")
    assert len(rows) == len(set(rows)) == PEOPLE * 9 // 10 + 1
    counts = "select customers, messages, unreachable, state from outage_notice"
    assert desk.conn.execute(counts).fetchall() == [(PEOPLE + 1, len(rows), PEOPLE // 10, "filled")]


def test_three_who_fill_at_once_write_every_customer_once(desk: Operator) -> None:
    desk.planned()
    desk.burst()
    fillers = [threading.Thread(target=desk.fill, kwargs={"batch": 700}) for _ in range(3)]
    for filler in fillers:
        filler.start()
    for filler in fillers:
        filler.join(60)
    desk.fill()
    rows = desk.rows("account_no, step")
    assert len(rows) == len(set(rows)) == 2 * (PEOPLE * 9 // 10 + 1)


def test_a_turn_in_the_middle_of_the_filling_stops_it_and_takes_back_what_was_written(desk: Operator) -> None:
    id_ = desk.burst()
    with connect(desk.url, "notify", autocommit=True) as conn:
        for _ in range(4):  # what it begins with, and three batches
            desk.piece(conn, NOW, 1000)
    assert len(desk.rows()) > 2_000
    outages.restore(desk.conn, id_, Deed(LI, NOW))
    desk.fill(batch=1000)
    states = desk.conn.execute(
        "select step, state, count(*) from outbox where kind = 'outage' group by 1, 2 order by 1"
    ).fetchall()
    everybody = PEOPLE * 9 // 10 + 1
    assert states == [("restored", "pending", everybody), ("started", "withdrawn", states[1][2])]
    assert states[1][2] < everybody
    notices = desk.conn.execute("select step, state, withdrawn from outage_notice order by id").fetchall()
    assert notices == [("started", "superseded", 0), ("restored", "filled", states[1][2])]


def _state(desk: Operator) -> str:
    return str(desk.conn.execute("select state from outage_notice").fetchall()[0][0])
