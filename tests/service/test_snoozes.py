"""A ticket that was put off comes back by itself, and only its own person's list knows."""

from datetime import timedelta

import pytest

from core.errors import BadDataError, ConflictError
from service import snoozes, tickets
from service.tickets import Act, Actor, Entry
from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW
from tests.api.town import ticket

LATER = NOW + timedelta(hours=20)


@pytest.fixture
def anna(conn: Connection) -> Act:
    return Act(Actor("anna", factories.staff(conn, "anna")), NOW)


def one(conn: Connection, **values: object) -> int:
    given = {"urgent": False, "priority": "normal", "response_due": NOW + timedelta(hours=6)} | values
    return ticket(conn, None, NOW, **given)


def asleep(conn: Connection, id_: int, act: Act, hours: float = 0) -> bool:
    (found,) = conn.execute(
        "select count(*) from ticket_asleep where ticket_id = %s and staff_id = %s and wakes_at > %s",
        [id_, act.actor.staff_id, act.at + timedelta(hours=hours)],
    ).fetchall()[0]
    return bool(found)


def test_it_sleeps_until_the_time_but_never_past_a_deadline(conn: Connection, anna: Act) -> None:
    early, late = one(conn), one(conn, response_due=NOW + timedelta(days=3))
    for id_ in (early, late):
        before = conn.execute(
            "select response_due, resolution_due, version from ticket where id = %s", [id_]
        ).fetchall()
        snoozes.snooze(conn, id_, LATER, anna)
        assert (
            conn.execute(
                "select response_due, resolution_due, version from ticket where id = %s", [id_]
            ).fetchall()
            == before
        ), "no deadline moves"
    assert [asleep(conn, early, anna, h) for h in (5.9, 6)] == [True, False], "overdue at six"
    assert [asleep(conn, late, anna, h) for h in (19.9, 20)] == [True, False]


def test_it_wakes_when_urgent_or_when_somebody_else_adds_to_it(conn: Connection, anna: Act) -> None:
    urged, told = one(conn), one(conn)
    for id_ in (urged, told):
        snoozes.snooze(conn, id_, LATER, anna)
    tickets.note(conn, told, Entry("note", "mine"), at=NOW, actor="anna")
    assert asleep(conn, told, anna), "own entries wake nobody"
    tickets.note(conn, told, Entry("note", "theirs"), at=NOW, actor="bo")
    conn.execute("update ticket set urgent = true where id = %s", [urged])
    assert not asleep(conn, told, anna)
    assert not asleep(conn, urged, anna)
    snoozes.snooze(conn, told, LATER, anna)
    assert asleep(conn, told, anna), "again, now that it is read"
    snoozes.wake(conn, told, anna)
    assert not asleep(conn, told, anna)


def test_what_can_not_wait_is_refused(conn: Connection, anna: Act) -> None:
    urgent, late = one(conn, urgent=True, priority="urgent"), one(conn, response_due=NOW - timedelta(hours=1))
    done = one(conn, state="resolved")
    for id_ in (urgent, late, done):
        with pytest.raises(ConflictError):
            snoozes.snooze(conn, id_, LATER, anna)
    for until in (NOW, NOW + timedelta(days=400)):
        with pytest.raises(BadDataError):
            snoozes.snooze(conn, one(conn), until, anna)
