"""Nobody gets in without a key, nor further than its scopes, nor to another manager's customers."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import keys, tokens
from core.clock import SetClock
from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.town import Town, side
from tests.factories import insert

OPEN = {"/healthz", "/readyz"}
BODIES: dict[str, object] = {
    "A1": {"why": "x"},
    "undo": {"why": "x"},
    "correct": {"phone": "027 1", "why": "x"},
    "dismiss": {"why": "x"},
    "acknowledge": {"why": "x"},
    "respond": {"why": "x"},
    "resolve": {"cause": "x", "why": "x"},
    "retry": {"why": "x"},
    "snooze": {"until": "2026-11-23"},
    "reach": {},
    "webhooks": {"url": "https://erp.example.org/", "topics": ["events"]},
    "outages": {},
    "announce": {},
    "change": {},
    "start": {},
    "extend": {"expected_end": None},
    "restore": {},
    "cancel": {"why": "x"},
    "calls": {"account_no": "A1", "answer": "x"},
    "survey": {"channel": "hotline", "satisfied": True},
    "subscriptions": {"staff": "anna"},
    "assign": {"to": "bo", "note": "x"},
    "dispatch": {},
    "keys": {"name": "x", "scopes": ["events:read"]},
}


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation with its address filled in."""
    values = {
        "account_no": "A1",
        "serial": "M-A",
        "id": "1",
        "code": "D1",
        "name": "retention",
        "login": "anna",
        "version": "2",
        "prefix": "1f3a9c02",
        "attachment_id": "1",
        "month": "2026-11",
        "segment": "general",
        "sector": "commercial",
    }
    return [
        (method.upper(), path.format(**values), operation)
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    ]


def call(client: TestClient, method: str, path: str) -> Any:
    return client.request(method, path, json=BODIES.get(path.rsplit("/", 1)[1]))


def test_every_route_asks_for_a_key_and_for_its_scope(app: FastAPI, nobody: TestClient, ask: Ask) -> None:
    clients = {scope: ask(*(s for s in keys.SCOPES if s != scope)) for scope in keys.SCOPES}
    seen = set()
    for method, path, operation in operations(app):
        if path in OPEN:
            assert "security" not in operation
            continue
        (requirement,) = operation["security"]
        (scope,) = requirement["key"]
        refused = call(nobody, method, path)
        assert refused.status_code == 401, path
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.json()["code"] == "unauthorized"
        if scope == tokens.SCOPE:
            continue  # no key's: tests/api/test_me.py
        lacking = call(clients[scope], method, path)
        assert lacking.status_code == 403, path
        assert scope in lacking.json()["detail"]
        seen.add(scope)
    assert seen == set(keys.SCOPES)


def test_what_is_no_key_is_refused(standing: TestClient) -> None:
    for given in ["", "Basic x", "Bearer", "Bearer x", "Bearer hw_00000000_" + "0" * 64, "Bearer \u00e9"]:
        answer = standing.get("/v1/events", headers=[(b"Authorization", given.encode("latin-1"))])
        assert answer.status_code == 401, given


def test_a_wrong_secret_after_a_right_prefix_is_refused(ask: Ask, nobody: TestClient) -> None:
    good = ask().headers["Authorization"]
    bad = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert nobody.get("/v1/events", headers={"Authorization": good}).status_code == 200
    assert nobody.get("/v1/events", headers={"Authorization": bad}).status_code == 401


def test_an_expired_key_is_refused(ask: Ask, clock: SetClock) -> None:
    client = ask(expires_at=NOW + timedelta(hours=1))
    assert client.get("/v1/events").status_code == 200
    clock.advance(timedelta(hours=1))
    assert client.get("/v1/events").status_code == 401


def test_a_revoked_key_is_refused_at_once(ask: Ask, conn: Connection) -> None:
    client = ask()
    assert client.get("/v1/events").status_code == 200
    keys.revoke(conn, client.headers["Authorization"].split("_")[1], NOW)
    assert client.get("/v1/events").status_code == 401


def test_the_key_of_somebody_who_left_is_refused(anna: TestClient, conn: Connection) -> None:
    assert anna.get("/v1/events").status_code == 200
    conn.execute("update staff set active = false where login = 'anna'")
    assert anna.get("/v1/events").status_code == 401


def test_a_readers_key_may_not_write(ask: Ask, town: Town, conn: Connection) -> None:
    conn.execute("update staff set roles = '{reader}' where login = 'bo'")
    reader = ask(login="bo")
    assert len(reader.get("/v1/customers").json()["items"]) == 2  # a reader sees everybody
    refused = call(reader, "POST", f"/v1/tickets/{town.bo.ticket_id}/acknowledge")
    assert refused.status_code == 403


def test_the_secret_is_not_stored_and_last_use_is_noted_at_most_once_a_minute(
    ask: Ask, conn: Connection, clock: SetClock
) -> None:
    client = ask()
    secret = client.headers["Authorization"].removeprefix("Bearer ")
    assert secret not in str(conn.execute("select * from api_key").fetchall())

    def used() -> object:
        client.get("/v1/events")
        return conn.execute("select last_used_at from api_key").fetchall()[0][0]

    assert used() == NOW
    clock.advance(timedelta(seconds=59))
    assert used() == NOW
    clock.advance(timedelta(seconds=2))
    assert used() == NOW + timedelta(seconds=61)


def test_a_manager_sees_own_customers_only(anna: TestClient, all_seeing: TestClient, town: Town) -> None:
    for path, own, everybody in [
        ("/v1/customers", [town.anna.account_no], 2),
        ("/v1/events", [town.anna.event_id], 3),
        ("/v1/tickets", [town.anna.ticket_id], 3),
    ]:
        seen = anna.get(path).json()["items"]
        assert [item.get("account_no" if path == "/v1/customers" else "id") for item in seen] == own
        assert len(all_seeing.get(path).json()["items"]) == everybody


def test_what_belongs_to_another_manager_is_not_there(anna: TestClient, town: Town) -> None:
    mine, other = town.anna, town.bo
    for form in [
        "/v1/customers/{account_no}",
        "/v1/meters/{serial}",
        "/v1/meters/{serial}/readings",
        "/v1/meters/{serial}/readings?format=csv",
        "/v1/meters/{serial}/usage",
        "/v1/events/{event_id}",
        "/v1/tickets/{ticket_id}",
    ]:
        assert anna.get(form.format(**vars(mine))).status_code == 200, form
        hidden = anna.get(form.format(**vars(other)))
        absent = anna.get(form.format(account_no="none", serial="none", event_id=10**9, ticket_id=10**9))
        assert (hidden.status_code, hidden.json()["code"]) == (absent.status_code, absent.json()["code"]), (
            form
        )
        assert hidden.status_code == 404
    for step in BODIES:
        assert call(anna, "POST", f"/v1/tickets/{other.ticket_id}/{step}").status_code == 404


@pytest.mark.parametrize("role", ["manager", "reader"])
def test_the_machine_room_is_closed_to_people_who_only_manage_or_read_whatever_their_key_says(
    role: str, ask: Ask, conn: Connection, town: Town
) -> None:
    for login, roles in (("rita", [role]), ("olga", ["operations", role])):
        insert(conn, "staff", login=login, name=login, roles=roles)
    rita, olga, program = ask(login="rita"), ask(login="olga"), ask()
    payload = f"/v1/quarantine/{town.quarantine_id}"
    for path in ("/v1/health/ingest", "/v1/health/outbox", "/v1/jobs", "/v1/quarantine", payload, "/metrics"):
        assert rita.get(path).status_code == 403, path
        assert olga.get(path).status_code == 200, path
        assert program.get(path).status_code == 200, path
    assert rita.post(f"{payload}/requeue").status_code == 403
    assert rita.get("/v1/messages").status_code == (200 if role == "manager" else 403)
    assert rita.get("/v1/customers").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "/v1/customers?manager=bo",
        "/v1/search?q=Customer B",
        "/v1/customers?limit=1&cursor={after_a1}",
        "/v1/events?account_no=B1",
        "/v1/events?dma=D1&state=open",
        "/v1/tickets?assignee=bo",
        "/v1/tickets?account_no=B1",
        "/v1/tickets?state=open&state=resolved",
    ],
)
def test_no_filter_or_cursor_shows_more(
    anna: TestClient, all_seeing: TestClient, town: Town, query: str
) -> None:
    first = all_seeing.get("/v1/customers?limit=1").json()["next"]
    address = query.format(after_a1=first.split("cursor=")[1])
    assert all_seeing.get(address).json()["items"], address
    shown = anna.get(address).json()["items"]
    assert all(item["account_no"] == "A1" for item in shown)


def test_a_manager_sees_whose_ticket_is_in_own_hands_until_it_is_over(
    anna: TestClient, town: Town, conn: Connection
) -> None:
    """A deputy needs the customer's telephone number."""
    conn.execute("update ticket set assignee_id = %s where id = %s", [town.anna.staff_id, town.bo.ticket_id])
    assert anna.get("/v1/customers/B1").status_code == 200
    assert anna.get("/v1/meters/M-B/readings").json()["items"]
    conn.execute("update ticket set state = 'confirmed' where id = %s", [town.bo.ticket_id])
    assert anna.get("/v1/customers/B1").status_code == 404
    assert anna.get("/v1/meters/M-B/readings").status_code == 404
    assert anna.get(f"/v1/tickets/{town.bo.ticket_id}").status_code == 200


def test_a_dma_event_is_seen_by_who_has_its_ticket(anna: TestClient, town: Town, conn: Connection) -> None:
    assert anna.get(f"/v1/events/{town.dma_event_id}").status_code == 404
    conn.execute("update ticket set assignee_id = %s where id = %s", [town.anna.staff_id, town.dma_ticket_id])
    assert anna.get(f"/v1/events/{town.dma_event_id}").json()["entries"]


def test_a_meter_that_moved_on_shows_each_manager_the_time_at_own_customers(
    anna: TestClient, ask: Ask, town: Town, conn: Connection
) -> None:
    moved = NOW - timedelta(hours=24)
    conn.execute(
        "update meter_installation set removed_at = %s where meter_id = %s", [moved, town.anna.meter_id]
    )
    conn.execute(
        "insert into meter_installation (meter_id, service_point_id, installed_at)"
        " select %s, id, %s from service_point where account_no = 'B1'",
        [town.anna.meter_id, moved],
    )
    bo = ask(login="bo")
    for client, first, last in [(anna, NOW - timedelta(hours=47.75), moved), (bo, moved, NOW)]:
        seen = client.get("/v1/meters/M-A/readings?limit=10000").json()["items"]
        assert seen[-1]["ts"] == f"{last:%FT%TZ}"
        assert seen[0]["ts"] >= f"{first:%FT%TZ}"
        hours = client.get("/v1/meters/M-A/usage").json()["items"]
        assert len(hours) == 24
    assert len(anna.get("/v1/meters/M-A/readings?limit=10000").json()["items"]) == 96


def test_the_database_itself_shows_the_role_nothing_without_saying_who_asks(
    pool: Any, town: Town, conn: Connection
) -> None:
    with pool.connection() as asked:
        for table in [
            "customer",
            "event",
            "ticket",
            "ticket_entry",
            "outbox",
            "meter",
            "seen_reading",
            "visit",
        ]:
            assert asked.execute(f"select count(*) from {table}").fetchall() == [(0,)], table  # noqa: S608


def test_managers_of_many_customers_page_through_their_own(ask: Ask, town: Town, conn: Connection) -> None:
    for n in range(7):
        side(conn, f"other{n}", f"A1{n}", f"M-{n}", town.dma_id, NOW)
    conn.execute("update customer set manager_id = %s where account_no > 'A12'", [town.anna.staff_id])
    anna, found, address = ask(login="anna"), [], "/v1/customers?limit=2"
    while address:
        page = anna.get(address).json()
        found += [item["account_no"] for item in page["items"]]
        address = page["next"]
    assert found == ["A1", "A13", "A14", "A15", "A16", "B1"]
