"""Warned before, urged at, escalated after a deadline: each once, whatever the clock and the crowd do."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import cases, deadlines, opening, tickets
from service.cases import Case
from service.findings import Desk
from service.priority import Priority
from service.sweep import Swept, sweep
from service.tickets import Actor
from sql.pool import Connection, connect
from sql.query import Queries
from tests import factories, samples
from tests.samples import NOW
from tests.waiting import until

LI = Actor("li")
HOUR = timedelta(hours=1)


@pytest.fixture
def ticket_id(conn: Connection, desk_conn: Connection) -> int:
    """A ticket of 72 h and 240 h round the clock, of 王丽, who has 赵刚 and 孙总 above her."""
    town = samples.town(conn)
    above = factories.staff(conn, "sun", name="孙总")
    superior = factories.staff(conn, "zhao", name="赵刚", superior_id=above)
    conn.execute("update staff set superior_id = %s where id = %s", [superior, town.manager_id])
    return opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id


def look(conn: Connection, at: datetime, limit: int = 100) -> Swept:
    with conn.transaction():
        return sweep(conn, at=at, desk=Desk(), limit=limit)


def told(conn: Connection) -> list[tuple[Any, ...]]:
    """Return the reminders on record: what, of which deadline, how many hours after the ticket was opened."""
    return [
        (kind, deadline, (at - NOW) / HOUR)
        for kind, deadline, at in conn.execute(
            "select kind, detail ->> 'deadline', at from ticket_entry"
            " where kind in ('warned', 'urged', 'escalated') order by id"
        )
    ]


def mails(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select step, recipient from outbox where step in ('warned', 'urged', 'escalated') order by id"
    ).fetchall()


def test_as_time_goes_by_each_is_told_once_to_whom_it_concerns(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    for hour in range(0, 24 * 16, 2):
        look(desk_conn, NOW + hour * HOUR)
    assert told(conn) == [
        ("warned", "response", 54),
        ("urged", "response", 72),
        ("escalated", "response", 96),
        ("escalated", "response", 120),
        ("warned", "resolution", 180),
        ("urged", "resolution", 240),
        ("escalated", "resolution", 264),
        ("escalated", "resolution", 288),
    ]
    manager, superior, above = (f"{login}@utility.example" for login in ("wangli", "zhao", "sun"))
    assert (
        mails(conn)
        == [
            ("warned", manager),
            ("urged", manager),
            ("escalated", superior),
            ("escalated", above),
        ]
        * 2
    )
    ((message,),) = conn.execute(
        "select message from outbox where step = 'escalated' order by id limit 1"
    ).fetchall()
    assert (message["ticket"]["assignee"], message["addressee"]["name"]) == ("王丽", "赵刚")
    assert (message["clock"]["deadline"], message["clock"]["level"]) == ("response", 1)
    ((why,),) = conn.execute("select why from ticket_entry where kind = 'escalated' limit 1").fetchall()
    assert why == "the first response was due 2026-11-24 01:30 UTC; 赵刚 is above 王丽"
    assert conn.execute("select look_at from ticket").fetchall() == [(None,)]


def test_who_has_been_away_for_days_tells_what_applies_now_and_not_what_was_missed(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    assert look(desk_conn, NOW + 100 * HOUR).escalated == 1
    assert (told(conn), mails(conn)) == (
        [("escalated", "response", 100)],
        [("escalated", "zhao@utility.example")],
    )
    look(desk_conn, NOW + 300 * HOUR)  # both deadlines have passed for long: one letter to the one at the top
    assert told(conn)[1:] == [("escalated", "response", 300), ("escalated", "resolution", 300)]
    assert mails(conn)[1:] == [("escalated", "sun@utility.example")]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=st.lists(st.integers(-50, 400), max_size=8), jump=st.integers(0, 100_000))
def test_a_clock_that_jumps_doubles_nothing_and_loses_nothing(
    hours: list[int], jump: int, conn: Connection, ticket_id: int
) -> None:
    with conn.transaction(force_rollback=True):
        for hour in (*hours, jump, 0, 400):
            look(conn, NOW + hour * HOUR)
        said = conn.execute(
            "select detail ->> 'deadline', kind, detail ->> 'level', count(*) from ticket_entry"
            " where kind in ('warned', 'urged', 'escalated') group by 1, 2, 3"
        ).fetchall()
        assert all(count == 1 for *_, count in said)
        # Whatever was passed over, the one at the top has heard of both.
        assert {deadline for deadline, kind, *_ in said if kind == "escalated"} == {"response", "resolution"}
        assert conn.execute("select look_at from ticket").fetchall() == [(None,)]
        assert mails(conn)[-1][1] == "sun@utility.example" or ("escalated", "sun@utility.example") in mails(
            conn
        )


def test_an_answered_ticket_is_reminded_of_its_resolution_only(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    tickets.respond(desk_conn, ticket_id, actor=LI, at=NOW + 50 * HOUR)
    for hour in (60, 100, 200):
        look(desk_conn, NOW + hour * HOUR)
    assert told(conn) == [("warned", "resolution", 200)]
    tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW + 201 * HOUR)
    assert look(desk_conn, NOW + 500 * HOUR).looked == 0


def test_a_ticket_that_waits_is_left_alone_and_reminded_later(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    look(desk_conn, NOW)
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="asked the customer", at=NOW + 50 * HOUR)
    assert look(desk_conn, NOW + 100 * HOUR).looked == 0
    deadlines.resume(desk_conn, ticket_id, actor=LI, at=NOW + 150 * HOUR)
    for hour in range(150, 176):
        look(desk_conn, NOW + hour * HOUR)
    assert told(conn) == [("warned", "response", 154), ("urged", "response", 172)]


def test_a_reopened_ticket_is_reminded_anew(conn: Connection, desk_conn: Connection, ticket_id: int) -> None:
    look(desk_conn, NOW + 73 * HOUR)
    tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW + 74 * HOUR)
    tickets.reopen(desk_conn, ticket_id, actor=LI, at=NOW + 100 * HOUR)
    look(desk_conn, NOW + 101 * HOUR)
    look(desk_conn, NOW + 173 * HOUR)
    assert told(conn) == [("urged", "response", 73), ("urged", "response", 173)]
    assert len(mails(conn)) == 2


def test_what_is_urgent_escalates_by_the_hours_of_its_own_policy(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    tickets.raise_priority(desk_conn, ticket_id, Priority("urgent", ()), at=NOW)
    for hour in range(0, 31):
        look(desk_conn, NOW + hour * HOUR)
    assert told(conn) == [
        ("warned", "response", 18),
        ("urged", "response", 24),
        ("escalated", "response", 28),
    ]


def test_an_absent_superior_is_stood_in_for_and_nobody_is_told_of_himself(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    ids = dict(conn.execute("select login, id from staff").fetchall())
    away = {"starts_at": NOW, "created_by": "x", "created_at": NOW}
    factories.insert(conn, "staff_absence", staff_id=ids["zhao"], deputy_id=ids["chen"], **away)
    look(desk_conn, NOW + 100 * HOUR)
    assert mails(conn) == [("escalated", "chen@utility.example")]
    ((why,),) = conn.execute("select why from ticket_entry where kind = 'escalated'").fetchall()
    assert why.endswith("陈静 stands in for 赵刚, who is above 王丽")
    # The assignee stands in for her own superior: it goes further up at once.
    conn.execute("update staff_absence set deputy_id = %s", [ids["wangli"]])
    conn.execute("update ticket set response_stage = 0, look_at = '-infinity'")
    look(desk_conn, NOW + 101 * HOUR)
    assert mails(conn)[1:] == [("escalated", "sun@utility.example")]


def test_where_nobody_is_above_it_is_the_duty_desks_and_ends_there(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    conn.execute("update staff set superior_id = null")
    for hour in range(0, 170, 2):
        look(desk_conn, NOW + hour * HOUR)
    assert mails(conn)[2:] == [("escalated", "desk@utility.example")]
    ids = dict(conn.execute("select login, id from staff").fetchall())
    conn.execute("update staff set superior_id = id where id = %s", [ids["wangli"]])  # a circle
    conn.execute("update ticket set response_stage = 0, look_at = '-infinity'")
    assert look(desk_conn, NOW + 101 * HOUR).escalated == 1


def test_a_ticket_of_nobody_is_the_duty_desks(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    ticket_id = cases.open_case(desk_conn, Case("web", "bill", "Bill"), actor=LI, at=NOW)
    conn.execute("update ticket set assignee_id = null where id = %s", [ticket_id])
    for hour in (60, 80, 100):
        look(desk_conn, NOW + hour * HOUR)
    assert {recipient for _, recipient in mails(conn)} == {"nobody", "desk@utility.example"}
    assert [kind for kind, *_ in told(conn)] == ["warned", "urged", "escalated"]


def test_any_number_may_sweep_at_once(
    conn: Connection, desk_conn: Connection, database_url: str, ticket_id: int
) -> None:
    conn.execute(
        "insert into ticket (priority, urgent, sla, account_no, grp, subject, assignee_id, routed_by,"
        " opened_at, response_due, resolution_due)"
        " select priority, urgent, sla, account_no, 'case', 'Bill ' || n, assignee_id, routed_by, opened_at,"
        " response_due, resolution_due from ticket, generate_series(1, 20) n"
    )
    at = NOW + 80 * HOUR
    with connect(database_url, "notify") as first:
        assert sweep(first, at=at, desk=Desk(), limit=5).looked == 5
        assert look(desk_conn, at).looked == 16  # the rest, without waiting
        first.rollback()  # killed: what it held is there for the next
    found: list[int] = []

    def one() -> None:
        with connect(database_url, "notify", autocommit=True) as other:
            while (swept := look(other, at, 3)).looked:
                found.append(swept.looked)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: look(desk_conn, at).looked == 0, what="nobody holds a ticket")
    counts = conn.execute(
        "select ticket_id, count(*) from ticket_entry where kind = 'urged' group by 1"
    ).fetchall()
    assert len(counts) == 21
    assert {count for _, count in counts} == {1}
    assert len(mails(conn)) == 21


def test_a_ticket_that_can_not_be_told_of_keeps_nobody_waiting(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    good = cases.open_case(desk_conn, Case("web", "service", "Bill", account_no="A-1001"), actor=LI, at=NOW)
    conn.execute("update event set evidence = '[]'")
    swept = look(desk_conn, NOW + 80 * HOUR)
    assert (swept.looked, swept.urged, swept.failed) == (2, 1, 1)
    assert conn.execute("select ticket_id from ticket_entry where kind = 'urged'").fetchall() == [(good,)]
    assert look(desk_conn, NOW + 80 * HOUR).looked == 0
    conn.execute("update event set evidence = '{}'")
    assert look(desk_conn, NOW + 81 * HOUR).urged == 1


def test_a_calendar_that_can_not_work_holds_up_its_own_tickets_only(
    conn: Connection, desk_conn: Connection, ticket_id: int
) -> None:
    case = Case("web", "service", "Bill", account_no="A-1001", level="high")
    cases.open_case(desk_conn, case, actor=LI, at=NOW)
    factories.insert(conn, "calendar", code="odd", hours="never")
    conn.execute("update sla_policy set calendar = 'odd' where code = 'normal'")
    swept = look(desk_conn, NOW + 40 * HOUR)
    assert (swept.looked, swept.warned, swept.failed) == (2, 1, 1)
    conn.execute("update calendar set hours = 'daily 00:00-24:00' where code = 'odd'")
    assert look(desk_conn, NOW + 60 * HOUR).warned == 1


def test_the_sweep_of_many_tickets_reads_those_that_are_due_by_their_index(
    conn: Connection, ticket_id: int
) -> None:
    conn.execute("alter table ticket disable trigger ticket_clock")
    conn.execute(
        "insert into ticket (priority, urgent, sla, grp, routed_by, opened_at, response_due, resolution_due,"
        " look_at) select 'normal', false, 'normal', 'leak', 'region', %(at)s, %(at)s, %(at)s,"
        " %(at)s + n * interval '1 min' from generate_series(1, 5000) n",
        {"at": NOW},
    )
    conn.execute("analyze ticket")
    query = b"explain " + Queries("deadlines")["due_clocks"]
    plan = "\n".join(row[0] for row in conn.execute(query, {"at": NOW + HOUR, "most": 2000}))
    assert "Index Scan using ticket_look_idx" in plan
    assert "Seq Scan" not in plan
