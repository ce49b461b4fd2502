"""Every error is a problem document that says what to do and gives nothing away."""

import json
import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.problem import MEDIA_TYPE, Problem
from core.clock import SetClock
from core.settings import load
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from sql.pool import Connection, Pool, open_pool
from tests.api.conftest import Ask


def problem(answer: Any, status: int, code: str) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    found = Problem.model_validate(answer.json())
    assert (found.status, found.code) == (status, code)
    assert found.request_id == answer.headers["X-Request-ID"]
    return found


def test_what_is_not_there(standing: TestClient) -> None:
    problem(standing.get("/v1/nothing"), 404, "not_found")
    problem(standing.get("/v1/events/"), 404, "not_found")
    found = problem(standing.get("/v1/tickets/4711"), 404, "not_found")
    assert found.detail == "There is no ticket 4711."


def test_a_method_that_is_not_offered_names_those_that_are(standing: TestClient) -> None:
    answer = standing.delete("/v1/events")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("address", "pointer", "said"),
    [
        ("/v1/events?limit=0", "#/limit", "greater than or equal to 1"),
        ("/v1/events?limit=201", "#/limit", "less than or equal to 200"),
        ("/v1/events?limit=nan", "#/limit", "valid integer"),
        ("/v1/events?limit=1e400", "#/limit", "valid integer"),
        ("/v1/events?state=shut", "#/state", "'open', 'cleared' or 'retracted'"),
        ("/v1/events?stat=open", "#/stat", "not permitted"),
        ("/v1/events?cursor=x", "#/cursor", "follow `next`"),
        ("/v1/events?cursor=WyJldmVudHMiLCJ5ZXN0ZXJkYXkiLDFd", "#/cursor", "follow `next`"),
        ("/v1/events?cursor=WyJjdXN0b21lcnMiLCJBMSJd", "#/cursor", "follow `next`"),
        ("/v1/events?since=yesterday", "#/since", "2026-11-21T08:00:00Z"),
        ("/v1/events?since=infinity", "#/since", "2026-11-21T08:00:00Z"),
        ("/v1/events?since=1700000000", "#/since", "2026-11-21T08:00:00Z"),
        ("/v1/events?since=2026-11-21T08:00:00", "#/since", "needs its zone"),
        ("/v1/events?since=2026-11-21T08:00:00+08:00", "#/since", "write %2B"),
        ("/v1/events?since=2026-02-30", "#/since", "day"),
        ("/v1/events?since=0001-01-01T00:00:00%2B14:00", "#/since", "between 1970 and 2200"),
        ("/v1/events?since=9999-12-31", "#/since", "between 1970 and 2200"),
        ("/v1/events?account_no=A%00", "#/account_no", "match"),
        ("/v1/events?account_no=" + "x" * 201, "#/account_no", "at most 200"),
        ("/v1/events/0", "#/id", "greater than or equal to 1"),
        ("/v1/events/9223372036854775808", "#/id", "less than or equal to"),
        ("/v1/events/abc", "#/id", "valid integer"),
        ("/v1/customers/A%00", "#/account_no", "match"),
        ("/v1/meters/M-A/readings?from=2026-11-21&to=2026-11-20", "#/from", "after it ends"),
        ("/v1/meters/M-A/readings?from=2024-11-21", "#/from", "400 days"),
        ("/v1/meters/M-A/readings?format=xml", "#/format", "'json', 'csv', 'arrow' or 'parquet'"),
        ("/v1/meters/M-A/usage?interval=yearly", "#/interval", "'hourly', 'daily' or 'monthly'"),
        ("/v1/quarantine?reason=none", "#/reason", "'malformed'"),
        ("/v1/customers?segment=rich", "#/segment", "'large'"),
    ],
)
def test_a_value_that_can_not_be_taken_is_named(
    standing: TestClient, address: str, pointer: str, said: str
) -> None:
    found = problem(standing.get(address), 422, "bad_data")
    assert [error.pointer for error in found.errors] == [pointer]
    assert said in found.errors[0].detail


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "#/"),
        (b"{", "#/"),
        (b"\xff\xfe", "#/"),
        (b"[" * 60_000, "#/"),
        (b'"text"', "#/"),
        (b"{}", "#/why"),
        (b'{"why":1}', "#/why"),
        (b'{"why":null}', "#/why"),
        (b'{"why":NaN}', "#/why"),
        (b'{"why":"  "}', "#/why"),
        (b'{"why":"\\u0000"}', "#/why"),
        (b'{"why":"\\ud800"}', "#/why"),
        (b'{"why":"x","\\ud800":1}', "#/"),
        (b'{"why":"x","a~/":1}', "#/a~0~1"),
        (json.dumps({"why": "x" * 10_001}).encode(), "#/why"),
    ],
)
def test_a_body_that_can_not_be_taken_is_refused(standing: TestClient, body: bytes, pointer: str) -> None:
    answer = standing.post(
        "/v1/tickets/1/respond",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_body_that_is_too_long_is_refused(standing: TestClient) -> None:
    answer = standing.post("/v1/tickets/1/respond", json={"why": "x" * 70_000})
    problem(answer, 413, "content_too_large")


def test_a_bug_shows_its_request_id_and_nothing_else(
    app: FastAPI, all_seeing: TestClient, conn: Connection
) -> None:
    conn.execute("alter table event rename column magnitude to secret_column")
    found = problem(all_seeing.get("/v1/events"), 500, "internal")
    assert "secret" not in str(found)
    assert "column" not in str(found)


def test_a_database_that_is_away_is_503_with_when_to_come_back(clock: SetClock, ask: Ask) -> None:
    key = ask().headers["Authorization"]
    with open_pool("postgresql://127.0.0.1:1/nothing", "api") as away:
        client = TestClient(
            create_app(load(), clock, away, LiveRules("", 36), LiveLetters(load()), LivePress(""))
        )
        answer = client.get("/v1/events", headers={"Authorization": key})
        problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "127.0.0.1" not in answer.text
        problem(client.get("/readyz"), 503, "not_ready")
        assert client.get("/healthz").status_code == 200


def test_sessions_that_were_ended_are_replaced(all_seeing: TestClient, conn: Connection, pool: Pool) -> None:
    assert all_seeing.get("/v1/events").status_code == 200
    conn.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where application_name = 'headwater api' and datname = current_database()"
    )
    assert all_seeing.get("/v1/events").status_code == 200


def test_a_schema_that_is_behind_is_not_ready(nobody: TestClient, conn: Connection) -> None:
    assert nobody.get("/readyz").json() == {"status": "ok"}
    conn.execute("delete from schema_checksum where file like '0007%'")
    found = problem(nobody.get("/readyz"), 503, "not_ready")
    assert found.cure == "Run `headwater migrate`."


def test_every_answer_has_safe_headers_and_an_id(standing: TestClient) -> None:
    ids = set()
    for path in ["/healthz", "/v1/events", "/nothing"]:
        headers = standing.get(path).headers
        ids.add(headers["X-Request-ID"])
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert len(ids) == 3


def test_metrics_count_requests_by_route_and_not_by_address(app: FastAPI, all_seeing: TestClient) -> None:
    for number in range(3):
        all_seeing.get(f"/v1/events/{10_000 + number}")
    all_seeing.get("/v1/nowhere/1")
    text = all_seeing.get("/metrics").text
    assert 'headwater_api_requests_total{method="GET",route="/v1/events/{id}",status="404"}' in text
    assert 'headwater_api_request_seconds_bucket{le="0.03",method="GET",route="/v1/events/{id}"}' in text
    known = {*app.openapi()["paths"], "/openapi.json", "none"}
    counted = set(re.findall(r'route="(.*?)"', text))
    assert {route for route in counted if route.startswith("/v1")} <= known
