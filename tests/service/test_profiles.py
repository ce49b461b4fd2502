"""A profile changes in versions, with who and why; a doubt about contact data becomes one task."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import BadDataError, ConflictError, NotFoundError
from service import profiles
from sql.pool import Connection
from tests import factories

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.fixture
def account(conn: Connection) -> str:
    staff = factories.staff(conn, "anna")
    factories.customer(conn, "A1", name="李娜", phone="027 5550 0147", manager_id=staff)
    return "A1"


def change(conn: Connection, account: str, version: int | None = None, **changes: Any) -> int:
    return profiles.change(conn, account, changes, actor="anna", why="she called", at=AT, version=version)


def row(conn: Connection, columns: str = "version, updated_at") -> tuple[Any, ...]:
    return conn.execute(f"select {columns} from customer where account_no = 'A1'").fetchall()[0]  # noqa: S608


def test_a_change_is_a_version_with_who_when_why_and_what(conn: Connection, account: str) -> None:
    assert change(conn, account, phone="138 0000 1111", lives_alone=True, name="李娜") == 2
    assert row(conn, "phone, lives_alone, version, updated_at, contact_confirmed_at") == (
        "138 0000 1111",
        True,
        2,
        AT,
        AT,
    )
    assert conn.execute("select version, at, actor, why, before, after from customer_change").fetchall() == [
        (
            2,
            AT,
            "anna",
            "she called",
            {"phone": "027 5550 0147", "lives_alone": False},
            {"phone": "138 0000 1111", "lives_alone": True},
        )
    ]


def test_what_changes_nothing_makes_no_version(conn: Connection, account: str) -> None:
    assert change(conn, account, name=" 李娜 ", email="", household_size=None, segment="general") == 1
    assert conn.execute("select count(*) from customer_change").fetchall() == [(0,)]


def test_a_stale_version_is_told_who_changed_what_and_when(conn: Connection, account: str) -> None:
    change(conn, account, version=1, phone="138 0000 1111")
    with pytest.raises(ConflictError) as refused:
        change(conn, account, version=1, phone="139 0000 2222")
    for said in (
        "version 2, not 1",
        "anna on 2026-11-22 08:00 UTC (she called)",
        "027 5550 0147",
        "138 0000",
    ):
        assert said in str(refused.value)
    assert change(conn, account, version=2, phone="139 0000 2222") == 3


REFUSED: list[dict[str, Any]] = [
    {"account_no": "A2"},
    {"version": 9},
    {"name_key": "x"},
    {"shoe_size": 43},
    {"name": " "},
    {"name": None},
    {"name": "x" * 201},
    {"name": "a\x00b"},
    {"sector": "military"},
    {"language": "fr"},
    {"email": "nobody"},
    {"email": "a b@c"},
    {"phone": "call me"},
    {"household_size": -1},
    {"household_size": True},
    {"dwellings": 0},
    {"dwellings": 2**40},
    {"lives_alone": "yes"},
    {"tariff_price_m3": float("nan")},
    {"tariff_price_m3": -1},
]


def test_what_can_not_be_is_refused_by_name(conn: Connection, account: str) -> None:
    for changes in REFUSED:
        with pytest.raises(BadDataError, match=next(iter(changes))):
            profiles.change(conn, account, changes, actor="anna", why="she called", at=AT)
    assert row(conn, "version") == (1,)


def test_a_change_needs_a_reason_and_a_customer(conn: Connection, account: str) -> None:
    with pytest.raises(BadDataError, match="reason"):
        profiles.change(conn, account, {"name": "x"}, actor="anna", why=" ", at=AT)
    with pytest.raises(NotFoundError):
        change(conn, "nobody", name="x")


def test_a_segment_is_the_word_of_who_said_it(conn: Connection, account: str) -> None:
    change(conn, account, segment="large")
    assert row(conn, "segment, segment_by") == ("large", "anna")
    change(conn, account, segment="special", segment_by="rule")
    assert row(conn, "segment, segment_by") == ("special", "rule")


def test_a_change_is_undone_by_a_new_version_unless_it_was_built_upon(conn: Connection, account: str) -> None:
    change(conn, account, phone="1380", name="李丽娜")
    change(conn, account, language="en")
    undo: dict[str, Any] = {"actor": "bo", "why": "wrong person", "at": AT}
    assert profiles.undo(conn, account, 2, **undo) == 4
    assert row(conn, "name, phone, language") == ("李娜", "027 5550 0147", "en")
    with pytest.raises(ConflictError, match="bo on 2026-11-22"):
        profiles.undo(conn, account, 2, **undo)
    assert profiles.undo(conn, account, 4, **undo) == 5
    assert row(conn, "name, phone") == ("李丽娜", "1380")
    with pytest.raises(NotFoundError, match="version 9"):
        profiles.undo(conn, account, 9, **undo)


def test_an_import_can_be_undone_too(conn: Connection, account: str) -> None:
    """It records the whole row."""
    conn.execute(
        "insert into customer_change (account_no, version, actor, why, before, after) select account_no, 2,"
        " 'import', 'import of x', to_jsonb(c), to_jsonb(c) || '{\"phone\": \"1\"}' from customer c"
    )
    conn.execute("update customer set phone = '1', version = 2")
    assert profiles.undo(conn, account, 2, actor="anna", why="mixed up", at=AT) == 3
    assert row(conn, "phone, name") == ("027 5550 0147", "李娜")


def test_one_doubt_of_a_kind_is_open_at_a_time(desk_conn: Connection, conn: Connection, account: str) -> None:
    """With the notifier's rights: it is the one who hears of bounces."""
    first = profiles.doubt(desk_conn, account, "bounced", "550 no such user", at=AT, field="email")
    assert first is not None
    assert profiles.doubt(desk_conn, account, "bounced", "550 again", at=AT) is None
    assert profiles.doubt(desk_conn, account, "occupancy_change", "use has changed", at=AT) is not None
    assert profiles.doubt(desk_conn, "nobody", "bounced", "?", at=AT) is None
    with pytest.raises(BadDataError, match="occupancy_change"):
        profiles.doubt(desk_conn, account, "gone", "?", at=AT)  # type: ignore[arg-type]
    change(conn, account, email="lina@example.com")
    settled = conn.execute("select state, decided_by from contact_check order by id").fetchall()
    assert settled == [("corrected", "anna"), ("open", None)]
    again = profiles.doubt(desk_conn, account, "bounced", "552 full", at=AT + timedelta(days=1))
    assert again not in {None, first}
