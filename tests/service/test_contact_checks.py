"""What raises doubts about contact data: age, spread over the days, and use that has changed for good."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from service import contact_checks, profiles
from sql.pool import Connection
from tests import factories
from tests.api.town import event

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


def aged(conn: Connection, at: datetime) -> int:
    return contact_checks.from_age(conn, at=at, zone=ZONE, months=24, each=3)


def test_old_data_are_asked_about_a_few_a_day_and_manager_the_oldest_first(conn: Connection) -> None:
    managers = [factories.staff(conn, name) for name in ("anna", "bo")]
    for n in range(12):
        manager = [*managers, None][n % 3]
        since = AT - timedelta(days=1000 + n)
        factories.customer(conn, f"C{n:02}", manager_id=manager, phone="1", created_at=since)
    factories.customer(conn, "new", manager_id=managers[0], created_at=AT - timedelta(days=700))
    factories.customer(
        conn,
        "sure",
        manager_id=managers[0],
        created_at=AT - timedelta(days=3000),
        contact_confirmed_at=AT - timedelta(days=1),
    )
    assert aged(conn, AT) == 9
    asked = [row[0] for row in conn.execute("select account_no from contact_check order by account_no")]
    assert asked == [f"C{n:02}" for n in range(3, 12)]
    assert aged(conn, AT) == 3
    assert aged(conn, AT) == 0
    (first,) = conn.execute("select min(id) from contact_check").fetchall()[0]
    contact_checks.settle(conn, first, "dismissed", actor="anna", why="moved out", at=AT)
    assert aged(conn, AT + timedelta(days=1)) == 0
    (why,) = conn.execute("select why from contact_check where account_no = 'C00'").fetchall()[0]
    assert why == "nobody has made sure of them since 2024-02-26"


def test_a_change_of_occupancy_is_asked_about_once(conn: Connection) -> None:
    meter = factories.customer(conn, "A1", "M1")
    given = {"meter_id": meter, "account_no": "A1", "grp": "profile", "detectors": ["occupancy_change"]}
    event(conn, "M1", AT, **given)
    event(conn, "M1", AT - timedelta(days=60), epoch=1, **given)
    assert contact_checks.from_events(conn, at=AT) == 1
    assert contact_checks.from_events(conn, at=AT + timedelta(hours=1)) == 0
    (check,) = conn.execute("select id from contact_check").fetchall()[0]
    contact_checks.settle(conn, check, "confirmed", actor="anna", why="", at=AT)
    assert contact_checks.from_events(conn, at=AT + timedelta(days=1)) == 0
    assert profiles.doubt(conn, "A1", "occupancy_change", "again", at=AT) is not None
