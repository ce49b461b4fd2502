"""Who read and changed what is on record: changes with the change, reads a moment later."""

import csv
import io
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import trail
from api.trail import Trail
from core.clock import SetClock
from core.settings import load
from core.supervise import Supervisor
from jobs.job import Run
from jobs.schedule import retention
from sql.pool import Connection, Pool
from tests.api.conftest import NOW, Ask
from tests.api.test_problems import problem
from tests.api.town import Town


def kept(app: FastAPI) -> Trail:
    found: Trail = app.state.trail
    return found


def lines(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select actor, method, route, subject_kind, subject, status from audit order by id"
    ).fetchall()


def test_a_read_is_on_record_after_the_next_flush_with_whom_it_concerned(
    app: FastAPI, anna: TestClient, town: Town, conn: Connection
) -> None:
    anna.get("/v1/customers/A1")
    anna.get(f"/v1/events/{town.anna.event_id}")
    anna.get("/v1/customers/B1")
    anna.get("/v1/meters/M-A/readings?format=csv")
    assert lines(conn) == []
    kept(app).flush()
    assert lines(conn) == [
        ("anna", "GET", "/v1/customers/{account_no}", "customers", "A1", 200),
        ("anna", "GET", "/v1/events/{id}", "events", str(town.anna.event_id), 200),
        ("anna", "GET", "/v1/customers/{account_no}", "customers", "B1", 404),
        ("anna", "GET", "/v1/meters/{serial}/readings", "meters", "M-A", 200),
    ]
    ((via, at, request_id, address),) = conn.execute(
        "select via, at, request_id, address from audit order by id limit 1"
    ).fetchall()
    assert via == anna.headers["Authorization"].split("_")[1]
    assert (at, len(request_id), address) == (NOW, 32, "testclient")


def test_a_change_is_on_record_in_its_own_transaction_and_once(
    app: FastAPI, anna: TestClient, town: Town, conn: Connection
) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}"
    assert anna.post(f"{path}/acknowledge").status_code == 200
    expected = ("anna", "POST", "/v1/tickets/{id}/acknowledge", "tickets", str(town.anna.ticket_id))
    assert lines(conn) == [(*expected, 200)]
    assert anna.post(f"{path}/acknowledge").status_code == 409
    kept(app).flush()
    assert lines(conn) == [(*expected, 200), (*expected, 409)]


def test_nothing_is_changed_that_can_not_be_put_on_record(
    anna: TestClient, town: Town, conn: Connection
) -> None:
    conn.execute("revoke insert on audit from headwater_api")
    assert anna.post(f"/v1/tickets/{town.anna.ticket_id}/acknowledge").status_code == 500
    assert conn.execute("select state from ticket where id = %s", [town.anna.ticket_id]).fetchall() == [
        ("open",)
    ]


def test_lines_that_can_not_be_written_wait_and_too_many_let_nobody_in(
    app: FastAPI, anna: TestClient, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "MOST", 3)
    conn.execute("revoke insert on audit from headwater_api")
    for _ in range(3):
        assert anna.get("/v1/events").status_code == 200
        kept(app).flush()
    problem(anna.get("/v1/events"), 503, "unavailable")
    conn.execute("grant insert on audit to headwater_api")
    kept(app).flush()
    assert anna.get("/v1/events").status_code == 200
    assert [line[-1] for line in lines(conn)] == [200, 200, 200, 503]


def test_health_metrics_and_strangers_are_not_on_record(
    app: FastAPI, all_seeing: TestClient, nobody: TestClient, conn: Connection
) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/nothing", "/openapi.json"):
        all_seeing.get(path)
    nobody.get("/v1/events")
    kept(app).flush()
    assert lines(conn) == []


def test_what_an_address_holds_breaks_no_line(app: FastAPI, anna: TestClient, conn: Connection) -> None:
    for odd in ("%00", "%FF", "x" * 500, "%F0%9F%9A%B0", "%ED%A0%80"):
        anna.get(f"/v1/customers/{odd}")
    kept(app).flush()
    assert len(lines(conn)) == 5


def test_when_the_server_stops_everything_that_waits_is_written(
    app: FastAPI, anna: TestClient, conn: Connection
) -> None:
    supervisor = Supervisor()
    with kept(app).kept(supervisor):
        for _ in range(5):
            anna.get("/v1/events")
        assert supervisor.stop() == {}
    assert len(lines(conn)) == 5


def test_the_log_is_searched_paged_and_had_whole_as_csv(
    app: FastAPI, anna: TestClient, all_seeing: TestClient, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.access.audit.CSV_ROWS", 2)
    for minute in range(5):
        anna.get("/v1/customers/A1")
        all_seeing.get(f"/v1/tickets/{minute + 1}")
        clock.advance(timedelta(minutes=1))
    kept(app).flush()

    def found(query: str) -> list[dict[str, Any]]:
        rows, address = [], f"/v1/audit?limit=2&{query}"
        while address:
            page = all_seeing.get(address).json()
            rows += page["items"]
            address = page["next"]
        return rows

    assert [line["at"] for line in found("actor=anna")] == [
        f"{NOW + timedelta(minutes=m):%FT%TZ}" for m in (4, 3, 2, 1, 0)
    ]
    assert len(found("subject_kind=customers&subject=A1")) == 5
    assert [line["subject"] for line in found("subject_kind=tickets&subject=3")] == ["3"]
    since, before = (f"{NOW + timedelta(minutes=m):%FT%TZ}" for m in (1, 3))
    assert len(found(f"since={since}&until={before}")) == 4
    text = all_seeing.get("/v1/audit?format=csv&actor=anna").text
    assert [row["subject"] for row in csv.DictReader(io.StringIO(text))] == ["A1"] * 5


def test_the_log_is_for_admins(anna: TestClient, ask: Ask, town: Town, conn: Connection) -> None:
    problem(anna.get("/v1/audit"), 403, "forbidden")
    conn.execute("update staff set roles = '{operations}' where login = 'bo'")
    operations = ask(login="bo")
    problem(operations.get("/v1/audit"), 403, "forbidden")
    conn.execute("update staff set roles = '{admin}' where login = 'bo'")
    assert operations.get("/v1/audit").status_code == 200


def test_nobody_changes_the_log_and_only_its_age_ends_it(
    conn: Connection, pool: Pool, anna: TestClient, app: FastAPI, clock: SetClock
) -> None:
    anna.get("/v1/events")
    kept(app).flush()
    for statement in ("update audit set actor = 'x'", "delete from audit"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            conn.execute(statement)
        with pool.connection() as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(statement)
    settings = load(audit_days=30)
    for days, left in ((30, 1), (40, 0)):
        at = NOW + timedelta(days=days)
        retention(Run(conn, settings, at, at))
        assert len(lines(conn)) == left
