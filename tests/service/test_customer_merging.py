"""Two records of one customer: everything goes on under one number, and can be given back."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from core.errors import BadDataError, ConflictError, ForbiddenError, NotFoundError
from jobs import registry
from jobs.dataset import open_dataset
from service import customer_merging, profiles
from service.search import search
from sql.pool import Connection
from tests import factories
from tests.town.folders import folder

AT = datetime(2026, 11, 29, 8, tzinfo=UTC)
MONTH = date(2026, 11, 1)
SAID: dict[str, Any] = {"actor": "anna", "why": "Entered twice.", "at": AT}
HELD = (
    *("service_point", "ticket", "survey", "outbox", "event", "visit", "contact_check", "outage_customer"),
    *("water_plan", "customer_month", "plan_forecast", "plan_proposal", "visit_wish", "customer_alias"),
    *("customer_balance", "contact_claim"),
)


@pytest.fixture
def town(conn: Connection) -> Connection:
    """Customer A1 and its duplicate A2, each with a row in every table; in some they clash."""
    anna, bo = factories.staff(conn, "anna"), factories.staff(conn, "bo")
    factories.customer(conn, "A1", "m1", name="李娜", phone="027 5550 0100", manager_id=anna)
    more = {"email": "li@home.example", "needs": ["dialysis"], "household_size": 2}
    factories.customer(conn, "A2", "m2", name="Li Na", phone="139 0000 0001", manager_id=bo, **more)
    outage = factories.insert(
        conn, "outage", "id", code="O1", kind="planned", reason="x", starts_at=AT, expected_end="infinity"
    )
    for n, account in enumerate(("A1", "A2"), 1):
        ticket = factories.insert(
            conn,
            "ticket",
            "id",
            account_no=account,
            priority="normal",
            urgent=False,
            sla="normal",
            grp="leak",
            routed_by="person",
            response_due=AT,
            resolution_due=AT,
        )
        factories.insert(
            conn, "survey", ticket_id=ticket, account_no=account, token_sha256=bytes([n]), expires_at=AT
        )
        factories.insert(
            conn,
            "event",
            subject_kind="meter",
            subject=f"m{n}",
            grp="leak",
            epoch=0,
            detectors=["burst"],
            account_no=account,
            onset=AT,
            detected_at=AT,
            last_seen=AT,
            severity="low",
            magnitude=1,
            unit="l/h",
        )
        balance = {"balance": 10 * n, "as_of": MONTH, "received_at": AT, "received_by": "key:billing"}
        factories.insert(conn, "customer_balance", account_no=account, **balance)
        claim = {"field": "phone", "value": "139", "code_mac": b"", "made_at": AT, "expires_at": AT}
        factories.insert(conn, "contact_claim", account_no=account, **claim)
        manager = conn.execute("select manager_id from customer where account_no = %s", [account]).fetchone()
        visit: dict[str, Any] = {"account_no": account, "manager_id": manager and manager[0]}
        factories.insert(conn, "visit", **visit, due_on=MONTH, period="2026-11")
        factories.insert(conn, "visit", **visit, due_on=MONTH, period=f"2026-0{n}", state="done", done_at=AT)
        for kind in ("old", "bounced")[:n]:
            factories.insert(conn, "contact_check", account_no=account, kind=kind, why="x", opened_at=AT)
        for month in (MONTH, date(2026, n, 1)):
            key: dict[str, Any] = {"account_no": account, "month": month}
            factories.insert(conn, "water_plan", **key, plan_m3=10 * n)
            factories.insert(conn, "customer_month", **key, volume_l=1000 * n, hours=100 * n, made_at=AT)
            factories.insert(conn, "plan_forecast", **key, used_m3=n, made_at=AT)
            factories.insert(
                conn, "plan_proposal", **key, plan_m3=n, low_m3=0, high_m3=9, basis="median", made_at=AT
            )
        factories.insert(conn, "visit_wish", account_no=account, every_months=n, set_by="x", set_at=AT)
        factories.insert(conn, "outage_customer", outage_id=outage, account_no=account, since=1)
        factories.insert(
            conn, "customer_alias", alias=f"Z{n}", account_no=account, at=AT, actor="x", why="older"
        )
        factories.insert(conn, "detector_policy", detector="burst", scope="customer", scope_key=account)
    factories.insert(conn, "detector_policy", detector="spike", scope="customer", scope_key="A2")
    factories.insert(
        conn,
        "outbox",
        account_no="A2",
        channel="email",
        recipient="li@home.example",
        step="x",
        dedupe_key="k",
        message="{}",
    )
    return conn


def everything(conn: Connection) -> dict[str, list[Any]]:
    """What each table says, but for versions and the histories, which only grow."""
    return {
        table: conn.execute(
            sql.SQL("select to_jsonb(t) - %s::text[] from {} t order by 1").format(sql.Identifier(table)),
            [["version", "updated_at", "decided_at", "decided_why"]],
        ).fetchall()
        for table in ("customer", "detector_policy", *HELD)
    }


def count(conn: Connection, table: str, account_no: str) -> int:
    query = sql.SQL("select count(*) from {} where account_no = %s").format(sql.Identifier(table))
    ((n,),) = conn.execute(query, [account_no]).fetchall()
    return int(n)


def test_whatever_refers_to_a_customer_goes_with_it(conn: Connection) -> None:
    found = conn.execute(
        "select conrelid::regclass::text from pg_constraint where confrelid = 'customer'::regclass"
    ).fetchall()
    moved = conn.execute("select holding from customer_holdings()").fetchall()
    assert {name for (name,) in moved} == {name for (name,) in found} == set(HELD)


def test_everything_of_the_duplicate_goes_on_under_the_other_number(town: Connection) -> None:
    before = {table: (count(town, table, "A1"), count(town, table, "A2")) for table in HELD}
    version = customer_merging.merge(town, "A2", "A1", **SAID)
    assert version == 2
    assert {table for table in HELD if count(town, table, "A2")} == set()
    clash = {
        "water_plan",
        "customer_month",
        "plan_forecast",
        "plan_proposal",
        "visit_wish",
        "outage_customer",
        "customer_balance",
    }
    for table in set(HELD) - clash - {"customer_alias", "contact_check"}:
        assert count(town, table, "A1") == sum(before[table]), table
    ((plan, used),) = town.execute(
        "select plan_m3, volume_l from water_plan join customer_month using (account_no, month)"
        " where account_no = 'A1' and month = %s",
        [MONTH],
    ).fetchall()
    assert (plan, used) == (30, 3000)
    visits = town.execute("select state, manager_id, period from visit where account_no = 'A1' order by id")
    assert visits.fetchall() == [
        ("due", 1, "2026-11"),
        ("done", 1, "2026-01"),
        ("cancelled", 2, None),
        ("done", 2, "2026-02"),
    ]
    record = profiles.lock(town, "A1")
    assert (record["name"], record["phone"], record["email"]) == ("李娜", "027 5550 0100", "li@home.example")
    assert (record["needs"], record["household_size"]) == (["dialysis"], 2)
    ((doubt,),) = town.execute("select why from contact_check where kind = 'conflicting'").fetchall()
    assert doubt == "A2, merged into this record, had phone 139 0000 0001"
    assert [(hit["account_no"], hit["value"]) for hit in search(_all(town), "A2")] == [("A1", "A2")]
    assert [hit["account_no"] for hit in search(town, "Z2")] == ["A1"]
    rows = town.execute("select actor, why, at, record ->> 'name' from customer_merge").fetchall()
    assert rows == [("anna", "Entered twice.", AT, "Li Na")]
    assert town.execute("select why, after ->> 'merged' from customer_change").fetchall() == [
        ("Entered twice.", "A2")
    ]


def test_undoing_gives_everything_back_but_what_came_since(town: Connection) -> None:
    before = everything(town)
    customer_merging.merge(town, "A2", "A1", **SAID)
    factories.insert(town, "visit", account_no="A1", due_on=MONTH, period="later")
    version = customer_merging.undo(town, "A2", **SAID | {"why": "Mother and daughter."})
    assert version == 3
    assert town.execute("delete from visit where account_no = 'A1' and period = 'later'").rowcount == 1
    assert town.execute("delete from contact_check where kind = 'conflicting'").rowcount == 1
    after = everything(town)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    assert [(h["account_no"], h["matched"]) for h in search(_all(town), "A2")] == [("A2", "account_no")]
    told = town.execute(
        "select version, before ->> 'merged', after ->> 'merged' from customer_change"
    ).fetchall()
    assert told == [(2, None, "A2"), (3, "A2", None)]
    assert customer_merging.merge(town, "A1", "A2", **SAID) == 2


def test_a_merge_that_was_built_upon_is_not_undone(town: Connection) -> None:
    customer_merging.merge(town, "A2", "A1", **SAID)
    with pytest.raises(ConflictError, match="came of a merge"):
        profiles.undo(town, "A1", 2, actor="bo", why="x", at=AT)
    changed = profiles.change(town, "A1", {"phone": "1234"}, actor="bo", why="Called.", at=AT)
    with pytest.raises(ConflictError, match=r"built upon: bo .* \(Called.\) changed phone"):
        customer_merging.undo(town, "A2", **SAID)
    assert changed == 3


def test_a_plan_that_was_changed_since_is_in_the_way(town: Connection) -> None:
    customer_merging.merge(town, "A2", "A1", **SAID)
    town.execute(
        "update water_plan set plan_m3 = 7, version = version + 1 where account_no = 'A1' and month = %s",
        [MONTH],
    )
    with pytest.raises(ConflictError, match="plan of A1 for 2026-11"):
        customer_merging.undo(town, "A2", **SAID)


def test_what_cant_be_merged_is_refused_and_changes_nothing(town: Connection) -> None:
    before = everything(town)
    refused: list[tuple[type[Exception], tuple[str, str], dict[str, Any]]] = [
        (BadDataError, ("A1", "A1"), {}),
        (BadDataError, ("A2", "A1"), {"why": " "}),
        (NotFoundError, ("A9", "A1"), {}),
        (NotFoundError, ("A2", "A9"), {}),
        (ConflictError, ("A2", "A1"), {"version": 7}),
        (ForbiddenError, ("A2", "A1"), {"staff_id": 1}),
    ]
    for error, (account_no, into_no), more in refused:
        with pytest.raises(error):
            customer_merging.merge(town, account_no, into_no, **SAID | more)
    with pytest.raises(NotFoundError):
        customer_merging.undo(town, "A2", **SAID)
    assert everything(town) == before
    factories.customer(town, "A3")
    customer_merging.merge(town, "A2", "A1", **SAID)
    for pair in (("A2", "A3"), ("A3", "A2")):
        with pytest.raises(ConflictError, match="A2 was merged into A1 by anna on 2026-11-29"):
            customer_merging.merge(town, *pair, **SAID)
    assert customer_merging.merge(town, "A1", "A3", **SAID) == 2  # the numbers of both find it
    assert [hit["account_no"] for hit in search(_all(town), "A2")] == ["A3"]


def test_importing_both_again_keeps_them_one(conn: Connection, tmp_path: Path) -> None:
    customers = "customer,name,plan_m3_month\nc1,王敏,10\nc2,云河厂,20\n"
    dataset = open_dataset(folder(tmp_path, customers=customers))
    registry.load_registry(conn, dataset, MONTH)
    customer_merging.merge(conn, "c2", "c1", **SAID)
    assert set(registry.load_registry(conn, dataset, MONTH).values()) == {0}
    assert conn.execute("select account_no from customer").fetchall() == [("c1",)]
    assert conn.execute("select distinct account_no from service_point").fetchall() == [("c1",)]
    plans = conn.execute("select account_no, plan_m3 from water_plan where month = %s", [MONTH]).fetchall()
    assert plans == [("c1", 30)]


def _all(conn: Connection) -> Connection:
    conn.execute("select set_config('headwater.sees', 'all', false)")
    return conn
