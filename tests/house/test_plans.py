"""Every named query is served by an index: no sequential scan but of the tables its heading names."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

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
}
QUERIES = [(room, name) for room in rooms() for name in Queries(room).all()]


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
        for table, clock in (("reading", "ts"), ("usage_hourly", "slot"), ("quarantine", "received_at")):
            for age in (1, 100):  # so that each hypertable has chunks to be scanned or left out
                at = datetime.now(UTC) - timedelta(days=age)
                factories.insert(conn, table, **(ROWS[table] | {clock: at}))
        yield conn


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
    "backlogs": {"arrival_xid_idx", "event_entry_xid_idx"},
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
    owners = dict(
        planner.execute("select chunk_name, hypertable_name from timescaledb_information.chunks").fetchall()
    )
    read = {
        owners.get(node["Relation Name"], node["Relation Name"]) for node in nodes if "Relation Name" in node
    }
    assert read.isdisjoint({"reading", "usage_hourly"})
