"""Every named query is served by an index: no sequential scan but of the tables its heading names."""

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sql.pool import Connection
from sql.query import Queries, rooms

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
def planner(stack: Any, template_database: str) -> Iterator[Connection]:
    with psycopg.connect(stack.database_url, autocommit=True) as admin:
        admin.execute(f"create database hw_plans template {template_database}")
    with psycopg.connect(stack.database_url, dbname="hw_plans", autocommit=True) as conn:
        conn.execute("set enable_seqscan = off")
        yield conn
    with psycopg.connect(stack.database_url, autocommit=True) as admin:
        admin.execute("drop database hw_plans with (force)")


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
