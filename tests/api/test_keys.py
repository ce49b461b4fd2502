"""Keys over the API: nobody gives what they don't have, and a secret is shown once."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import keys
from core.clock import SetClock
from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.test_problems import problem
from tests.api.town import Town


def holder(app: FastAPI, key: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {key}"})


def prefix(client: TestClient) -> str:
    return client.headers["Authorization"].split("_")[1]


@pytest.fixture
def boss(ask: Ask, town: Town, conn: Connection) -> TestClient:
    """An admin's client that has every scope but one."""
    conn.execute("update staff set roles = '{admin}' where login = 'bo'")
    return ask(*(s for s in keys.SCOPES if s != "policies:write"), login="bo")


def test_a_key_that_was_made_works_and_is_listed_without_its_secret(
    app: FastAPI, boss: TestClient, conn: Connection
) -> None:
    made = boss.post(
        "/v1/keys", json={"name": "billing", "scopes": ["customers:read"], "staff": "anna"}
    ).json()
    client = holder(app, made["key"])
    assert [c["account_no"] for c in client.get("/v1/customers").json()["items"]] == ["A1"]
    problem(client.get("/v1/events"), 403, "forbidden")
    listed = boss.get("/v1/keys").text
    assert made["prefix"] in listed
    assert made["key"].split("_")[2] not in listed + str(conn.execute("select * from api_key").fetchall())
    (entry,) = [k for k in boss.get("/v1/keys").json()["items"] if k["prefix"] == made["prefix"]]
    assert (entry["staff"], entry["created_by"], entry["last_used_at"]) == ("anna", "bo", f"{NOW:%FT%TZ}")


def test_nobody_gives_a_scope_a_life_or_a_limit_that_they_do_not_have(
    app: FastAPI, boss: TestClient, anna: TestClient, ask: Ask, clock: SetClock
) -> None:
    said = problem(boss.post("/v1/keys", json={"name": "x", "scopes": ["policies:write"]}), 403, "forbidden")
    assert "policies:write" in said.detail
    for more in ({"staff": "bo"}, {"requests_a_minute": 10**6}):
        asked = {"name": "x", "scopes": ["events:read"], **more}
        problem(anna.post("/v1/keys", json=asked), 403, "forbidden")
    short = ask(login="anna", expires_at=NOW + timedelta(days=1))
    asked = {"name": "x", "scopes": ["events:read"]}
    for life, status in [({}, 403), ({"expires_at": "2026-11-23"}, 403), ({"expires_at": "2026-11-22"}, 200)]:
        assert short.post("/v1/keys", json=asked | life).status_code == status
    past = problem(anna.post("/v1/keys", json=asked | {"expires_at": "2026-11-20"}), 422, "bad_data")
    assert "expired" in past.detail
    problem(anna.post("/v1/keys", json=asked | {"staff": "ghost"}), 403, "forbidden")
    problem(boss.post("/v1/keys", json=asked | {"staff": "ghost"}), 422, "bad_data")


def test_who_is_no_admin_manages_own_keys_only(anna: TestClient, boss: TestClient, ask: Ask) -> None:
    assert {k["staff"] for k in anna.get("/v1/keys").json()["items"]} == {"anna"}
    for path in (f"/v1/keys/{prefix(boss)}/rotate", f"/v1/keys/{prefix(boss)}"):
        method = "POST" if path.endswith("rotate") else "DELETE"
        problem(anna.request(method, path), 404, "not_found")
    assert len(boss.get("/v1/keys").json()["items"]) == 2
    other = ask("events:read", login="anna")
    assert anna.delete(f"/v1/keys/{prefix(other)}").json()["revoked_at"] == f"{NOW:%FT%TZ}"
    problem(other.get("/v1/events"), 401, "unauthorized")
    problem(anna.post(f"/v1/keys/{prefix(other)}/rotate"), 409, "conflict")


def test_a_secret_cannot_be_had_of_a_key_that_may_more(ask: Ask, town: Town) -> None:
    whole = ask(login="anna")
    weak = ask("keys:write", login="anna")
    found = problem(weak.post(f"/v1/keys/{prefix(whole)}/rotate"), 403, "forbidden")
    assert "customers:read" in found.detail


def test_after_a_rotation_both_secrets_are_good_for_the_grace_and_then_the_new_one(
    app: FastAPI, anna: TestClient, clock: SetClock
) -> None:
    answer: dict[str, Any] = anna.post(f"/v1/keys/{prefix(anna)}/rotate", json={"grace_h": 2}).json()
    assert answer["prefix"] == prefix(anna)
    new = holder(app, answer["key"])
    clock.advance(timedelta(hours=2) - timedelta(seconds=1))
    assert [client.get("/v1/events").status_code for client in (anna, new)] == [200, 200]
    clock.advance(timedelta(seconds=1))
    assert [client.get("/v1/events").status_code for client in (anna, new)] == [401, 200]
    now = new.post(f"/v1/keys/{answer['prefix']}/rotate", json={"grace_h": 0}).json()["key"]
    assert [holder(app, k).get("/v1/events").status_code for k in (answer["key"], now)] == [401, 200]


def test_revoking_ends_the_old_secret_too(app: FastAPI, anna: TestClient) -> None:
    made = anna.post(f"/v1/keys/{prefix(anna)}/rotate").json()["key"]
    assert anna.delete(f"/v1/keys/{prefix(anna)}").status_code == 200
    assert [client.get("/v1/events").status_code for client in (anna, holder(app, made))] == [401, 401]


def test_a_repeated_request_for_a_key_shows_no_secret_and_makes_no_second(
    boss: TestClient, conn: Connection
) -> None:
    asked = {"name": "billing", "scopes": ["customers:read"]}
    first, again = (boss.post("/v1/keys", json=asked, headers={"Idempotency-Key": "a"}) for _ in range(2))
    assert first.json()["key"].startswith(f"hw_{first.json()['prefix']}_")
    assert again.json() == first.json() | {"key": None}
    assert first.json()["key"].split("_")[2] not in str(
        conn.execute("select body from idempotency").fetchall()
    )
    assert len(boss.get("/v1/keys").json()["items"]) == 2
