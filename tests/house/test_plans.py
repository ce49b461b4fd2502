"""Every named query is served by an index: no sequential scan but of the tables its heading names."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from jobs.stack import StackUrls
from sql.pool import Connection, connect
from sql.query import Queries, rooms
from tests import factories
from tests.databases import fresh_database

ROWS: dict[str, dict[str, Any]] = {
    "reading": {"meter_id": 1},
    "usage_hourly": {"meter_id": 1, "volume_l": 1.0, "quality": 0},
    "quarantine": {"topic": "t", "payload": b"", "reason": "malformed", "detail": ""},
    "audit": {
        "actor": "a",
        "via": "session",
        "method": "GET",
        "route": "/",
        "status": 200,
        "request_id": "1",
    },
}
QUERIES = [(room, name) for room in rooms() for name in Queries(room).all()]
ASKED = (
    *("10023417", "8000", "JC-00003", "+86 138 0013 8000", "facility@hospital", "a", "a b", "lina", "li na"),
    *("李", "李娜", "第三医院", "江城市第三人民医院", "中山路 15", "李娜 中山路", "zhangxaioming"),
    *("zhongshan hosptal", "садовая"),
)
"""A question of each kind that `find_customers` tells apart."""


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _numbered(text: bytes) -> str:
    """Turn psycopg's named parameters into PostgreSQL's numbered ones."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return re.sub(r"%\((\w+)\)s", number, text.decode()).replace("%%", "%")


@pytest.fixture(scope="module")
def planner(stack: StackUrls, template_database: str) -> Iterator[Connection]:
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "owner", autocommit=True) as conn,
    ):
        conn.execute("set enable_seqscan = off")
        conn.execute(Queries("ingest")["create_staging"])
        conn.execute(Queries("ingest")["create_staging"])
        for table, clock in (
            ("reading", "ts"),
            ("usage_hourly", "slot"),
            ("quarantine", "received_at"),
            ("audit", "at"),
        ):
            for age in (1, 100):  # so that each hypertable has chunks to be scanned or left out
                at = datetime.now(UTC) - timedelta(days=age)
                factories.insert(conn, table, **(ROWS[table] | {clock: at}))
        yield conn


@pytest.fixture(scope="module")
def watched(planner: Connection) -> Iterator[list[dict[str, Any]]]:
    """The plans of whatever runs on the planner's connection, inside functions too."""
    plans: list[dict[str, Any]] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        _, found, plan = (notice.message_primary or "").partition("plan:")
        if found:
            plans.append(json.loads(plan))

    planner.execute("load 'auto_explain'")
    for setting, value in (
        ("log_min_duration", "0"),
        ("log_nested_statements", "on"),
        ("log_format", "json"),
        ("log_level", "notice"),
    ):
        planner.execute(f"set auto_explain.{setting} = {value}")
    planner.add_notice_handler(keep)
    yield plans
    planner.execute("set auto_explain.log_min_duration = -1")
    planner.remove_notice_handler(keep)


@pytest.mark.parametrize("sees", ["all", "own"])
def test_each_step_of_a_search_is_served_by_an_index_of_its_own(
    planner: Connection, watched: list[dict[str, Any]], sees: str
) -> None:
    planner.execute(
        "select set_config('headwater.sees', %s, false), set_config('headwater.staff', '1', false)", [sees]
    )
    found = planner.execute(
        "select indexname from pg_indexes where indexname ~ '^(customer|meter)_(search|alias_prefix)_'"
    )
    made = {name for (name,) in found} if sees == "all" else set()  # own ones are few: by their manager
    watched.clear()
    for asked in ASKED:
        planner.execute("select from find_customers(%s, 20)", [asked])
    nodes = [node for plan in watched for node in _nodes(plan["Plan"])]
    assert {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} == set()
    scans = [
        node for node in nodes if node.get("Index Name", "").startswith(("customer_", "meter_", "hanzi_"))
    ]
    assert {node["Index Name"] for node in scans if "Index Cond" not in node} == set()
    assert made - {node["Index Name"] for node in scans} == set()


def test_a_storm_is_told_by_its_own_index_though_no_message_was_ever_held(
    planner: Connection, watched: list[dict[str, Any]]
) -> None:
    """Statistics of before the storm say that looking through all held messages costs nothing."""
    with planner.transaction(force_rollback=True):
        planner.execute("set local session_replication_role = replica")
        planner.execute(
            "insert into outbox (kind, step, channel, recipient, dedupe_key, message, staff_id, about_dma)"
            " select 'ticket', 'urged', 'email', 'a@b', n::text, '{}', n % 500, n % 200"
            " from generate_series(1, 3000) n"
        )
        planner.execute("analyze outbox")
        watched.clear()
        planner.execute(
            "select from staff_timings('{1,2}', '{1,2}', '{email,email}', now() - interval '10 min', 5)"
        )
        nodes = [node for plan in watched for node in _nodes(plan["Plan"])]
    outbox = [
        node for node in nodes if node.get("Index Name", node.get("Relation Name", "")).startswith("outbox")
    ]
    assert {node.get("Index Name") for node in outbox} == {"outbox_storm_idx"}


def test_events_of_few_customers_or_of_a_rare_detector_are_not_looked_for_among_all(
    planner: Connection, watched: list[dict[str, Any]]
) -> None:
    with planner.transaction(force_rollback=True):
        planner.execute("set local session_replication_role = replica")
        planner.execute(
            "insert into customer (account_no, name, segment)"
            " select n::text, n::text, case when n < 4 then 'special' else 'general' end"
            " from generate_series(1, 3000) n"
        )
        planner.execute(
            "insert into event (subject_kind, subject, grp, epoch, detectors, account_no, onset, detected_at,"
            " last_seen, severity, magnitude, unit) select 'customer', n::text, 'leak', 0,"
            " array[case when n < 4 then 'tamper' else 'burst' end], n::text, now(),"
            " now() - n * interval '1 h', now(), 'low', 1, 'L/h' from generate_series(1, 3000) n"
        )
        planner.execute("analyze customer, event")
        planner.execute("select set_config('headwater.sees', 'all', true)")
        planner.execute("set local role headwater_api")
        by = planner.execute("select headwater_events_by('tamper', 5), headwater_events_by('burst', 5)")
        ((rare, common),) = by.fetchall()
        watched.clear()
        planner.execute("select headwater_events_by('tamper', 1000)")
        inside = {node.get("Index Name") for plan in watched for node in _nodes(plan["Plan"])}
        none = dict.fromkeys(("state", "detector", "grp", "dma", "account_no", "since", "until"))
        start = {"at": "infinity", "id": 0, "limit": 51}
        used = []
        for more in ({"found": rare, "segment": None}, {"found": None, "segment": "special"}):
            explained = b"explain (format json) " + Queries("api")["events"]
            (plan,) = planner.execute(explained, none | start | more, prepare=False).fetchall()[0][0]
            used.append({node.get("Index Name") for node in _nodes(plan["Plan"])})
    assert (len(rare), common) == (3, None)
    assert "event_detectors_idx" in inside
    assert "event_pkey" in used[0]
    assert "event_account_idx" in used[1]
    assert all("event_recent_idx" not in names for names in used)


def test_days_of_use_are_read_by_index_inside_their_functions(
    planner: Connection, watched: list[dict[str, Any]]
) -> None:
    today = datetime.now(UTC)
    past = (today - timedelta(days=5)).date()
    factories.customer(planner, "A1", "m1")
    factories.insert(planner, "usage_daily", meter_id=1, day=past, volume_l=1.0, hours=24)
    factories.insert(planner, "usage_daily_made", zone="UTC", until=past + timedelta(days=1))
    planner.execute("select set_config('headwater.sees', 'all', false)")
    watched.clear()
    for asked in ("customer_days('A1', ", "meter_days(1, "):
        span = [today - timedelta(days=30), today]
        planner.execute("select from " + asked + "'UTC', %s, %s)", span)
    nodes = [node for plan in watched for node in _nodes(plan["Plan"])]
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"usage_daily_made"}  # one row
    used = {node["Index Name"] for node in nodes if "Index Cond" in node}
    assert any("usage_daily_pkey" in name for name in used)
    assert any("usage_hourly_pkey" in name for name in used)


@pytest.mark.parametrize(("room", "name"), QUERIES)
def test_query_is_served_by_an_index(planner: Connection, room: str, name: str) -> None:
    query = Queries(room).all()[name]
    words = query.text.split(None, 1)[0].lower()
    if words not in {b"select", b"with", b"insert", b"update", b"delete"}:
        pytest.skip("not a plannable statement")
    rows = planner.execute("explain (generic_plan, format json) " + _numbered(query.text)).fetchall()
    plan = rows[0][0] if not isinstance(rows[0][0], str) else json.loads(rows[0][0])
    scanned = {n["Relation Name"] for n in _nodes(plan[0]["Plan"]) if n["Node Type"] == "Seq Scan"}
    assert scanned <= query.seq, f"{sorted(scanned - query.seq)} scanned whole"


HEALTH = {
    "ingest_minutes": {"arrival_at_idx"},
    "ingest_lag": {"arrival_at_idx"},
    "ingest_last": {"arrival_at_idx"},
    "outbox": {"outbox_due_idx", "outbox_held_idx", "outbox_failed_idx"},
    "silent": {"meter_pkey"},
}


@pytest.mark.parametrize("name", Queries("health").all())
def test_health_is_read_by_its_indexes_and_never_from_readings(planner: Connection, name: str) -> None:
    text = _numbered(Queries("health").all()[name].text)
    nodes = list(
        _nodes(planner.execute("explain (generic_plan, format json) " + text).fetchall()[0][0][0]["Plan"])
    )
    assert HEALTH.get(name, set()) <= {node.get("Index Name") for node in nodes}
    owners: dict[str, str] = dict(
        planner.execute("select chunk_name, hypertable_name from timescaledb_information.chunks").fetchall()
    )
    read = {
        owners.get(node["Relation Name"], node["Relation Name"]) for node in nodes if "Relation Name" in node
    }
    assert read.isdisjoint({"reading", "usage_hourly"})


@pytest.mark.parametrize(
    ("function", "index"),
    [("arrivals_waiting", "arrival_xid_idx"), ("turns_waiting", "event_entry_xid_idx")],
)
def test_what_waits_of_a_feed_is_found_by_its_index(planner: Connection, function: str, index: str) -> None:
    ((text,),) = planner.execute("select prosrc from pg_proc where proname = %s", [function]).fetchall()
    asked = re.sub(r"\bseen\b", "$1::pg_snapshot", text)
    plan = planner.execute("explain (generic_plan, format json) " + asked).fetchall()[0][0][0]["Plan"]
    assert index in {node.get("Index Name") for node in _nodes(plan)}
