"""What the clock does to outages: each thing once, at its time, and late after a downtime."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import outages
from service.outage import Deed
from service.outage_watch import Watched, watch
from sql.pool import Connection
from tests import factories
from tests.samples import NOW
from tests.service.outage_town import LI, Operator, office

HOUR = timedelta(hours=1)
START = NOW + timedelta(days=3)
END = START + 6 * HOUR


@pytest.fixture
def desk(conn: Connection, database_url: str) -> Iterator[Operator]:
    with office(conn, database_url) as operator:
        yield operator


def look(desk: Operator, at: datetime) -> Watched:
    with desk.conn.transaction():
        return watch(desk.conn, at=at)


def steps(desk: Operator) -> list[str]:
    return [step for (step,) in desk.conn.execute("select step from outage_notice order by id")]


def asked(desk: Operator) -> list[tuple[Any, ...]]:
    """Who of the staff was asked for news, in order."""
    return desk.conn.execute(
        "select step, recipient from outbox where kind = 'outage_staff' and step <> 'concerned' order by id"
    ).fetchall()


def test_planned_work_is_reminded_of_and_begins_at_its_hour_once(desk: Operator) -> None:
    desk.planned()
    assert look(desk, START - 13 * HOUR) == Watched(0, 0, 0)
    assert [look(desk, START - 12 * HOUR).reminded for _ in range(2)] == [1, 0]
    assert [look(desk, START + HOUR / 60).started for _ in range(2)] == [1, 0]
    assert steps(desk) == ["announced", "reminded", "started"]
    (began,) = desk.conn.execute("select started_at from outage").fetchall()[0]
    assert began == START


def test_a_new_start_is_reminded_of_again_and_a_late_announcement_not_at_all(desk: Operator) -> None:
    id_ = desk.planned()
    look(desk, START - 12 * HOUR)
    moved = {"starts_at": START + 48 * HOUR, "expected_end": END + 48 * HOUR}
    outages.change(desk.conn, id_, moved, Deed(LI, START - 11 * HOUR))
    assert look(desk, START + 36 * HOUR).reminded == 1
    soon = desk.draft(starts_at=NOW + 20 * HOUR, expected_end=NOW + 22 * HOUR)
    outages.announce(desk.conn, soon, Deed(LI, NOW, "urgent"), override=True)
    assert look(desk, NOW + 10 * HOUR).reminded == 0


def test_a_promise_without_news_is_warned_of_urged_and_escalated_each_once(desk: Operator) -> None:
    head = factories.staff(desk.conn, "head", roles=["operations"])
    desk.conn.execute("update staff set superior_id = %s where login = 'desk'", [head])
    desk.burst(expected_end=NOW + 4 * HOUR)
    end = NOW + 4 * HOUR
    for minutes in (-31, -30, -29, 0, 1, 29, 30, 31, 600):
        look(desk, end + timedelta(minutes=minutes))
    assert asked(desk) == [
        ("warned", "desk@utility.example"),
        ("urged", "desk@utility.example"),
        ("escalated", "head@utility.example"),
        ("escalated", "desk@utility.example"),
    ]
    kinds = desk.conn.execute(
        "select kind, at from outage_entry where actor = 'system' order by id"
    ).fetchall()
    assert kinds == [("warned", end - HOUR / 2), ("urged", end), ("escalated", end + HOUR / 2)]


def test_a_new_promise_is_watched_anew_and_told_to_the_customers(desk: Operator) -> None:
    id_ = desk.burst(expected_end=NOW + 4 * HOUR)
    look(desk, NOW + 4 * HOUR)
    outages.change(desk.conn, id_, {"expected_end": NOW + 8 * HOUR}, Deed(LI, NOW + 4 * HOUR + HOUR / 60))
    assert look(desk, NOW + 5 * HOUR).pressed == 0
    assert look(desk, NOW + 8 * HOUR).pressed == 1
    assert [step for step, _ in asked(desk)] == ["urged", "urged"]
    assert steps(desk) == ["started", "delayed"]


def test_news_promised_are_watched_like_water(desk: Operator) -> None:
    desk.burst(expected_end=None)
    assert look(desk, NOW + 2 * HOUR).pressed == 1


def test_after_a_downtime_only_the_degree_that_holds_now_is_told(desk: Operator) -> None:
    desk.burst(expected_end=NOW + 4 * HOUR)
    assert look(desk, NOW + 10 * HOUR).pressed == 1
    assert [step for step, _ in asked(desk)] == ["escalated"]


def test_nobody_to_ask_is_seen(desk: Operator) -> None:
    desk.conn.execute("update staff set active = false")
    desk.burst(expected_end=NOW + 4 * HOUR)
    look(desk, NOW + 4 * HOUR)
    dead = desk.conn.execute("select state, last_error from outbox where kind = 'outage_staff'").fetchall()
    assert dead == [("dead", "nobody answers for the outage")]


def test_imported_outages_promise_nothing(desk: Operator) -> None:
    desk.conn.execute(
        "insert into outage (code, kind, state, reason, starts_at, expected_end, created_by) values"
        " ('O-1', 'planned', 'announced', 'works', %s, %s, 'import')",
        (NOW - 30 * HOUR, NOW - 28 * HOUR),
    )
    assert look(desk, NOW) == Watched(0, 0, 0) and steps(desk) == [] and asked(desk) == []


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(-60, 120), min_size=1, max_size=6))
def test_whenever_it_looks_no_degree_is_told_twice_and_none_after_a_higher_one(
    desk: Operator, minutes: list[int]
) -> None:
    end = NOW + 4 * HOUR
    with desk.conn.transaction(force_rollback=True):
        desk.burst(expected_end=end)
        told = []
        for minute in sorted(minutes):
            look(desk, end + timedelta(minutes=minute))
            (pressed,) = desk.conn.execute("select pressed from outage").fetchall()[0]
            told.append(["none", "warned", "urged", "escalated"].index(pressed or "none"))
            expected = 3 if minute >= 30 else 2 if minute >= 0 else 1 if minute >= -30 else 0
            assert told[-1] == expected
        entries = desk.conn.execute("select kind from outage_entry where actor = 'system'").fetchall()
        assert len(entries) == len(set(told) - {0})
