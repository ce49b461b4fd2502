"""A customer's token shows and changes what is that customer's, and opens nothing else."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from psycopg import sql
from starlette.testclient import TestClient

from api import keys, tokens
from core.clock import SetClock
from notify.channels import Message
from notify.words import Words
from notify.writer import Writer
from service import surveys, tickets
from service.tickets import Actor, Entry
from sql.pool import Connection, Pool
from tests.api.conftest import NOW, Ask
from tests.api.town import Town
from tests.factories import insert

BILLING = {"items": [{"account_no": "A1", "balance": -86.4, "as_of": "2026-11-20"}]}
FAULT = {"topic": "no_water", "subject": "没水", "text": "三楼没水", "source": "message"}
READS = ("", "/use?step=hour", "/use?step=day", "/use?step=month", "/plan", "/tickets", "/outages")


def bearer(app: FastAPI, token: str) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def issuer(ask: Ask, town: Town) -> TestClient:
    """The app's backend."""
    return ask("self:issue")


@pytest.fixture
def customers(app: FastAPI, issuer: TestClient) -> tuple[TestClient, TestClient]:
    """A1 and B1, as the app asks for them."""
    a, b = (issuer.post("/v1/me/tokens", json={"account_no": n}).json()["token"] for n in ("A1", "B1"))
    return bearer(app, a), bearer(app, b)


def outage(conn: Connection, account_no: str, code: str) -> None:
    """An outage at one customer's place alone."""
    given: dict[str, Any] = {"code": code, "kind": "planned", "reason": f"valve {code}", "state": "announced"}
    when = {"starts_at": NOW, "expected_end": NOW + timedelta(hours=2), "announced_at": NOW}
    id_ = insert(conn, "outage", "id", **given, **when)
    conn.execute(
        "insert into outage_subject (outage_id, service_point_id)"
        " select %s, id from service_point where account_no = %s",
        [id_, account_no],
    )


def resolved(conn: Connection, ticket_id: int, account_no: str) -> None:
    """Let the desk settle a ticket, and the customer be asked about it."""
    conn.execute("update customer set email = 'x@home.example' where account_no = %s", [account_no])
    tickets.note(conn, ticket_id, Entry("note", f"secret of the desk {account_no}"), at=NOW)
    tickets.resolve(conn, ticket_id, actor=Actor("anna"), at=NOW, why="mended", cause="seal")
    surveys.on_resolved(conn, ticket_id, at=NOW)


def test_each_of_two_customers_sees_the_own_alone(
    conn: Connection, town: Town, customers: tuple[TestClient, TestClient], all_seeing: TestClient
) -> None:
    """Walks every answer of /v1/me: what is the other's, and what is the desk's, is in none."""
    items = [{**BILLING["items"][0], "account_no": n, "balance": b} for n, b in [("A1", -86.4), ("B1", 12.5)]]
    assert all_seeing.put("/v1/balances", json={"items": items}).json()["taken"] == 2
    for account, side in [("A1", town.anna), ("B1", town.bo)]:
        outage(conn, account, f"O-{account}")
        resolved(conn, side.ticket_id, account)
    conn.execute("update usage_hourly set volume_l = 7 where meter_id = %s", [town.bo.meter_id])
    said = {}
    for client, own, other in [(customers[0], town.anna, town.bo), (customers[1], town.bo, town.anna)]:
        answers = [client.get(f"/v1/me{path}") for path in READS]
        answers.append(client.post("/v1/me/tickets", json=FAULT))
        reported = answers[-1].json()["ticket"]["id"]
        answers.append(client.post("/v1/me/contacts", json={"field": "phone", "value": "139 0000 5678"}))
        survey = {"satisfied": True, "score": 5}
        answers.append(client.post(f"/v1/me/tickets/{own.ticket_id}/survey", json=survey))
        answers.append(client.get("/v1/me/tickets"))
        for answer in answers:
            assert answer.status_code == 200, (answer.url, answer.text)
            for foreign in (other.account_no, other.login.title(), other.serial, "secret", "mended", "seal"):
                assert foreign not in answer.text, (answer.url, answer.text)
        listed = {item["id"]: item for item in answers[-1].json()["items"]}
        assert set(listed) == {own.ticket_id, reported}
        assert listed[own.ticket_id]["state"] == "confirmed"
        refused = client.post(f"/v1/me/tickets/{other.ticket_id}/survey", json=survey)
        assert refused.status_code == 404
        said[own.account_no] = [answer.json() for answer in answers]
    me, hours, days, months, plan, _, outages = said["A1"][: len(READS)]
    assert me["manager"]["name"] == "Anna"
    assert me["balance"] == {"balance": -86.4, "as_of": "2026-11-20"}
    assert (me["price_m3"], me["currency"]) == (4.1, "CNY")
    assert {item["volume_l"] for item in hours["items"]} == {100}
    assert {item["volume_l"] for item in said["B1"][1]["items"]} == {7}
    assert len(hours["items"]) == 48
    assert sum(item["volume_l"] for item in days["items"]) == 4800
    assert [(item["start"], item["volume_l"]) for item in months["items"]] == [("2026-11-01", 4800)]
    assert (plan["month"], plan["plan_m3"]) == ("2026-11-01", 10)
    assert [item["code"] for item in outages["items"]] == ["O-A1"]


def test_the_database_itself_shows_a_customer_nothing_of_another(
    conn: Connection, town: Town, pool: Pool, customers: tuple[TestClient, TestClient]
) -> None:
    """Whatever table or view the API may read: of guarded rows only what hangs on the own record."""
    own = {
        "customer",
        "service_point",
        "meter_installation",
        "ticket",
        "survey",
        "water_plan",
        "plan_forecast",
    }
    own |= {"outage_subject", "staff", "customer_balance", "contact_claim", "outage_account"}
    outage(conn, "A1", "O-A1")
    outage(conn, "B1", "O-B1")
    guarded = conn.execute(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and (c.relrowsecurity"
        " or c.relkind = 'v') and exists (select from pg_attribute a where a.attrelid = c.oid"
        " and a.attnum > 0 and has_column_privilege('headwater_api', c.oid, a.attnum, 'select'))"
    ).fetchall()
    seen: dict[str, set[str]] = {}
    for account in ("A1", "B1"):
        for (table,) in guarded:
            with pool.connection() as reader:
                reader.execute("select set_config('headwater.sees', 'self', true)")
                reader.execute("select set_config('headwater.account', %s, true)", [account])
                found = reader.execute(
                    sql.SQL("select count(*), count(*) = 0 from {}").format(sql.Identifier(table))
                ).fetchall()
                if found[0][0]:
                    seen.setdefault(table, set()).add(account)
                    assert table in own, table
                    if table in {"customer", "staff", "ticket"}:
                        assert found[0][0] == 1, (table, account)
    assert seen["customer"] == seen["ticket"] == seen["outage_subject"] == {"A1", "B1"}
    unguarded = conn.execute(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where a.attname = 'account_no' and c.relnamespace = 'public'::regnamespace"
        " and c.relkind = 'r' and not c.relrowsecurity"
        " and has_table_privilege('headwater_api', c.oid, 'select')"
    ).fetchall()
    assert unguarded == []


def test_a_customers_token_is_refused_wherever_it_is_not_for(
    app: FastAPI,
    customers: tuple[TestClient, TestClient],
    all_seeing: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Loops over the document; and a key, however much it may do, is no customer."""
    assert "q=120" in customers[0].get("/v1/me").headers["RateLimit-Policy"]
    monkeypatch.setattr(tokens, "REQUESTS_A_MINUTE", 10_000)
    values = dict.fromkeys(re.findall(r"{(\w+)}", " ".join(app.openapi()["paths"])), "1")
    own = 0
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            if "security" not in operation:
                continue
            address = path.format(**values)
            if operation["security"] == [{"key": [tokens.SCOPE]}]:
                own += 1
                assert all_seeing.request(method, address, json={}).status_code == 403, path
                continue
            answer = customers[0].request(method, address, json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
    assert own == 9


def test_a_token_ends_with_its_hour_with_its_key_and_by_any_change_to_it(
    app: FastAPI, conn: Connection, issuer: TestClient, clock: SetClock, ask: Ask
) -> None:
    prefix = issuer.headers["Authorization"].split("_")[1]

    def fresh() -> str:
        made: str = issuer.post("/v1/me/tokens", json={"account_no": "A1"}).json()["token"]
        return made

    def status(token: str) -> int:
        return bearer(app, token).get("/v1/me").status_code

    token = fresh()
    assert status(token) == 200
    other = issuer.post("/v1/me/tokens", json={"account_no": "B1"}).json()["token"]
    said, _ = token.split(".")
    for forged in (token[:-2], said + "." + other.split(".")[1], said, said + ".", tokens.MARK, f"x{token}"):
        assert status(forged) == 401, forged
    clock.advance(timedelta(seconds=900))
    assert status(token) == 401
    token = fresh()
    new, _ = keys.rotate(conn, prefix, timedelta(minutes=5), clock.now())
    assert status(token) == 200  # within the grace of the old secret
    clock.advance(timedelta(minutes=5))
    assert status(token) == 401
    issuer.headers["Authorization"] = f"Bearer {new}"
    token = fresh()
    keys.revoke(conn, new.split("_")[1], clock.now())
    assert status(token) == 401
    assert (
        ask("self:issue").post("/v1/me/tokens", json={"account_no": "A1", "life_s": 3_601}).status_code == 422
    )
    assert ask("self:issue", login="anna").post("/v1/me/tokens", json={"account_no": "B1"}).status_code == 422


def test_a_fault_goes_to_the_matter_that_is_open_and_is_told_as_the_desk_does(
    conn: Connection, town: Town, customers: tuple[TestClient, TestClient]
) -> None:
    leak = FAULT | {"topic": "leak"}
    joined = customers[0].post("/v1/me/tickets", json=leak, headers={"Idempotency-Key": "k1"})
    assert (joined.json()["how"], joined.json()["ticket"]["id"]) == ("joined", town.anna.ticket_id)
    again = customers[0].post("/v1/me/tickets", json=leak, headers={"Idempotency-Key": "k1"})
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", joined.json())
    theirs = customers[1].post("/v1/me/tickets", json=leak, headers={"Idempotency-Key": "k1"})
    assert theirs.json()["ticket"]["id"] == town.bo.ticket_id
    opened = customers[0].post("/v1/me/tickets", json=FAULT).json()
    assert (opened["how"], opened["ticket"]["source"]) == ("opened", "message")
    ((kind, actor, assignee),) = conn.execute(
        "select e.kind, e.actor, t.assignee_id from ticket t join ticket_entry e on e.ticket_id = t.id"
        " where t.id = %s and e.kind = 'opened'",
        [opened["ticket"]["id"]],
    ).fetchall()
    assert (kind, actor, assignee) == ("opened", "customer", town.anna.staff_id)
    for _ in range(18):
        customers[0].post("/v1/me/tickets", json=FAULT | {"topic": "other"})
    late = customers[0].post("/v1/me/tickets", json=FAULT)
    assert (late.status_code, late.json()["code"]) == (429, "too_many_requests")
    ((lines,),) = conn.execute("select count(*) from audit where actor = 'customer:A1'").fetchall()
    assert lines == 20


def test_contacts_change_when_the_code_comes_back_and_not_before(
    conn: Connection, ask: Ask, customers: tuple[TestClient, TestClient], clock: SetClock
) -> None:
    ours, theirs = customers
    made = ours.post("/v1/me/contacts", json={"field": "email", "value": "new@home.example"}).json()
    (message,) = conn.execute(
        "select channel, recipient, message, language, kind from outbox where dedupe_key = %s",
        [f"contact_code:{made['id']}"],
    ).fetchall()
    code = message[2]["code"]
    assert message[:2] == ("email", "new@home.example")
    seen = ask("messages:read").get("/v1/messages", params={"kind": "contact_code"})
    assert seen.json()["items"][0]["recipient"] == "new@home.example"
    assert code not in seen.text
    assert code not in ask("messages:read").get(f"/v1/messages/{seen.json()['items'][0]['id']}").text
    assert ours.get("/v1/me").json()["email"] is None
    wrong = f"{(int(code) + 1) % 10**6:06}"
    path = f"/v1/me/contacts/{made['id']}/confirm"
    assert theirs.post(path, json={"code": code}).status_code == 409
    for number in range(4):  # also where it would be a deed that leaves no trace
        refused = ours.post(path, json={"code": wrong}, headers={"Idempotency-Key": f"try {number}"})
        assert refused.status_code == 422
    assert ours.post(path, json={"code": code}).json()["email"] == "new@home.example"
    assert ours.post(path, json={"code": code}).status_code == 409
    change = conn.execute("select actor, after from customer_change where account_no = 'A1'").fetchall()
    assert change == [("customer:A1", {"email": "new@home.example"})]
    other = ours.post("/v1/me/contacts", json={"field": "phone", "value": "139 0000 5678"}).json()
    spent = f"/v1/me/contacts/{other['id']}/confirm"
    tried = [ours.post(spent, json={"code": "x" * 6}).status_code for _ in range(2)]
    assert tried == [422, 422]  # no code at all: not a try
    clock.advance(timedelta(minutes=15))
    assert ours.post(spent, json={"code": "000000"}).status_code in {401, 409}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_code_is_in_the_letter_and_in_the_text_message(conn: Connection, language: str) -> None:
    about = {
        "name": "王芳",
        "code": "042917",
        "minutes": 15,
        "utility": "江城水务",
        "timezone": "Asia/Shanghai",
    }
    message = Message(1, None, None, "code", "139", language, about, 1, NOW, kind="contact_code")
    letter = Writer(Words("https://x.example")).letter(conn, message)
    assert all("042917" in said for said in (letter.text, letter.html, letter.brief))
    assert "042917" not in letter.subject


def test_a_guess_is_counted_whatever_comes_of_it(customers: tuple[TestClient, TestClient]) -> None:
    ours = customers[0]
    made = ours.post("/v1/me/contacts", json={"field": "phone", "value": "139 0000 5678"}).json()
    path = f"/v1/me/contacts/{made['id']}/confirm"
    guesses = [f"{n:06}" for n in range(6)]
    statuses = [
        ours.post(path, json={"code": g}, headers={"Idempotency-Key": g}).status_code for g in guesses
    ]
    assert statuses[5] == 409
    assert statuses[:5].count(422) >= 4


def test_billing_is_taken_by_date_and_only_of_customers_there(all_seeing: TestClient, ask: Ask) -> None:
    def put(client: TestClient, account_no: str, as_of: date) -> dict[str, Any]:
        items = [{"account_no": account_no, "balance": 5, "as_of": as_of.isoformat()}]
        found: dict[str, Any] = client.put("/v1/balances", json={"items": items}).json()
        return found

    day = date(2026, 11, 20)
    assert put(all_seeing, "A1", day) == {"taken": 1, "older": 0, "unknown": []}
    assert put(all_seeing, "A1", day - timedelta(days=1)) == {"taken": 0, "older": 1, "unknown": []}
    assert put(all_seeing, "Z9", day) == {"taken": 0, "older": 0, "unknown": ["Z9"]}
    assert put(ask("customers:write", login="bo"), "A1", day)["unknown"] == ["A1"]
