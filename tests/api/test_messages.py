"""Messages that did not arrive are seen, sent again or dismissed; how a person is reached is set."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from api.trail import Trail
from core.clock import SetClock
from core.settings import load
from notify.channels import Message
from notify.words import Words
from notify.writer import Writer
from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.town import Town
from tests.factories import insert

ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2f1fa5aaa"


def failed(conn: Connection, town: Town, state: str = "dead", **values: Any) -> int:
    given = {
        "ticket_id": town.anna.ticket_id,
        "account_no": "A1",
        "staff_id": town.anna.staff_id,
        "step": "opened",
        "channel": "wecom",
        "recipient": ROBOT,
        "message": Jsonb({}),
        "state": state,
        "attempts": 1,
        "last_error": "93000 invalid webhook url",
        "created_at": NOW,
    } | values
    count = conn.execute("select count(*) from outbox").fetchall()[0][0]
    made = int(insert(conn, "outbox", "id", dedupe_key=f"m{count}", **given))
    insert(conn, "delivery", outbox_id=made, attempt=1, at=NOW, ok=False, receipt="93000 invalid", took_s=0.1)
    return made


def test_what_failed_is_listed_with_the_provider_s_words_and_no_key(
    ask: Ask, conn: Connection, town: Town
) -> None:
    made = failed(conn, town)
    client = ask("messages:read")
    listed = client.get("/v1/messages", params={"state": ["dead", "bounced"], "kind": "ticket"}).json()[
        "items"
    ]
    assert [(m["id"], m["state"], m["last_error"]) for m in listed] == [
        (made, "dead", "93000 invalid webhook url")
    ]
    answer = client.get(f"/v1/messages/{made}")
    assert "693a91f6" not in answer.text
    assert answer.json()["recipient"] == "https://qyapi.weixin.qq.com/…5aaa"
    assert [line["receipt"] for line in answer.json()["log"]] == ["93000 invalid"]
    of_ticket = client.get("/v1/messages", params={"ticket": town.anna.ticket_id, "channel": "wecom"})
    assert [m["id"] for m in of_ticket.json()["items"]] == [made]
    assert client.get("/v1/messages?mine=true").status_code == 422, "the key is nobody's"
    ticket = ask("tickets:read").get(f"/v1/tickets/{town.anna.ticket_id}")
    assert "693a91f6" not in ticket.text


def test_a_message_is_sent_again_to_the_address_on_record_now_and_the_log_says_by_whom(
    ask: Ask, conn: Connection, town: Town
) -> None:
    made = failed(conn, town, "bounced", channel="email", recipient="old@utility.example")
    conn.execute("update staff set email = 'new@utility.example' where login = 'anna'")
    client = ask("messages:write", "messages:read")
    answer = client.post(f"/v1/messages/{made}/retry", json={"why": "corrected"})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["state"], said["recipient"]) == ("pending", "new@utility.example")
    assert (said["log"][-1]["kind"], said["log"][-1]["receipt"]) == ("retried", "corrected")
    assert said["log"][-1]["actor"].startswith("key:")
    again = client.post(f"/v1/messages/{made}/retry")
    assert again.status_code == 409
    assert "pending" in again.json()["detail"]


def test_one_without_an_addressee_can_not_be_sent_again_but_dismissed(
    ask: Ask, conn: Connection, town: Town
) -> None:
    made = failed(conn, town, channel="email", recipient="nobody", staff_id=None)
    client = ask("messages:write", "messages:read")
    answer = client.post(f"/v1/messages/{made}/retry")
    assert (answer.status_code, answer.json()["cure"][:22]) == (409, "Give its addressee an ")
    assert (
        client.post(f"/v1/messages/{made}/dismiss", json={"why": "told by phone"}).json()["state"]
        == "dismissed"
    )
    assert client.post(f"/v1/messages/{made}/dismiss").status_code == 409


def test_many_are_sent_again_by_what_they_have_in_common(ask: Ask, conn: Connection, town: Town) -> None:
    ours = [failed(conn, town) for _ in range(3)]
    other = failed(conn, town, channel="email", recipient="anna@utility.example")
    client = ask("messages:write")
    answer = client.post("/v1/messages/retry", json={"state": ["dead"], "channel": "wecom", "why": "back"})
    assert answer.json() == {"retried": 3}
    pending = conn.execute("select id from outbox where state = 'pending' and id >= %s", [ours[0]]).fetchall()
    assert [id_ for (id_,) in pending] == ours
    assert conn.execute("select state from outbox where id = %s", [other]).fetchall() == [("dead",)]


def test_a_manager_sees_and_sends_again_only_own_messages(ask: Ask, conn: Connection, town: Town) -> None:
    made = failed(conn, town)
    bo = ask("messages:read", "messages:write", login="bo")
    assert bo.get(f"/v1/messages/{made}").status_code == 404
    assert bo.post(f"/v1/messages/{made}/retry").status_code == 404
    assert bo.post("/v1/messages/retry", json={"kind": "ticket"}).json() == {"retried": 0}
    anna = ask("messages:read", login="anna")
    assert anna.get(f"/v1/messages/{made}").status_code == 200


def test_how_a_person_is_reached_is_set_and_shown_without_keys(
    ask: Ask, conn: Connection, town: Town
) -> None:
    client = ask("staff:read", "staff:write")
    wanted = {
        "channels": [
            {"channel": "wecom", "address": ROBOT, "uses": "all"},
            {
                "channel": "dingtalk",
                "address": "https://oapi.dingtalk.com/robot/send?access_token=0123abcd",
                "secret": "SEC99",
                "uses": "urgent",
            },
        ],
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "digest_at": "08:30",
    }
    answer = client.put("/v1/staff/anna/reach", json=wanted)
    assert answer.status_code == 200
    assert answer.text == client.get("/v1/staff/anna/reach").text
    assert "693a91f6" not in answer.text
    assert "SEC99" not in answer.text
    assert [(w["channel"], w["signed"]) for w in answer.json()["channels"]] == [
        ("wecom", False),
        ("dingtalk", True),
    ]
    assert answer.json()["quiet_from"] == "22:00:00"
    assert client.put("/v1/staff/anna/reach", json={}).json()["channels"] == []
    assert client.get("/v1/staff/nobody/reach").status_code == 404


def test_what_can_not_work_or_leads_into_our_network_is_refused(ask: Ask, app: FastAPI, town: Town) -> None:
    client = ask("staff:read", "staff:write")
    for wrong in (
        {"quiet_from": "22:00"},
        {"digest_at": "8 o'clock"},
        {"channels": [{"channel": "wecom", "address": "https://qyapi.weixin.qq.com/…5aaa"}]},
        {"channels": [{"channel": "sms", "address": "call me"}]},
        {"channels": [{"channel": "pigeon", "address": "x"}]},
        {"channels": [{"channel": "sms", "address": "13900001111"}] * 2},
        {"channels": [{"channel": "webhook", "address": "http://erp.example.org/x"}]},
        {"channels": [{"channel": "webhook", "address": "https://10.0.0.7/x"}]},
        {"channels": [{"channel": "webhook", "address": "https://[::1]/x"}]},
        {"channels": [{"channel": "wecom", "address": "https://localhost/x"}]},
    ):
        assert client.put("/v1/staff/anna/reach", json=wrong).status_code == 422, wrong
    app.state.settings = load(webhook_private=True)
    inside = {"channels": [{"channel": "webhook", "address": "http://10.0.0.7/x"}]}
    assert client.put("/v1/staff/anna/reach", json=inside).status_code == 200


def test_a_manager_sets_the_own_way_only(ask: Ask, town: Town) -> None:
    anna = ask("staff:read", "staff:write", login="anna")
    assert anna.put("/v1/staff/anna/reach", json={"digest_at": "08:00"}).status_code == 200
    assert anna.get("/v1/staff/bo/reach").status_code == 404
    assert anna.put("/v1/staff/bo/reach", json={}).status_code == 404


@pytest.mark.parametrize("role", ["admin", "operations"])
def test_an_admin_and_operations_set_and_try_the_ways_of_others_which_is_on_record(
    role: str, ask: Ask, app: FastAPI, conn: Connection, town: Town
) -> None:
    insert(conn, "staff", login="ada", name="Ada", roles=[role])
    insert(conn, "staff", login="rita", name="Rita", roles=["reader"])
    ada, rita = ask(login="ada"), ask(login="rita")
    wanted = {"channels": [{"channel": "sms", "address": "139 0000 0000"}], "quiet_from": "22:00"}
    assert ada.put("/v1/staff/bo/reach", json=wanted).status_code == 422
    wanted["quiet_until"] = "07:00"
    assert ada.put("/v1/staff/bo/reach", json=wanted).json()["quiet_until"] == "07:00:00"
    (sent,) = ada.post("/v1/staff/bo/reach/test").json()["items"]
    assert (sent["state"], sent["address"]) == ("pending", "139 0000 0000")
    conn.execute(
        "update outbox set state = 'dead', last_error = 'no such number' where id = %s", [sent["id"]]
    )
    (tried,) = ada.get("/v1/staff/bo/reach/test").json()["items"]
    assert (tried["id"], tried["state"], tried["last_error"]) == (sent["id"], "dead", "no such number")
    assert rita.put("/v1/staff/bo/reach", json={}).status_code == 403
    assert rita.post("/v1/staff/bo/reach/test").status_code == 403
    assert ask(login="anna").get("/v1/staff/bo/reach/test").status_code == 404
    trail: Trail = app.state.trail
    trail.flush()
    kept = conn.execute(
        "select actor, method, route, subject, status from audit"
        " where subject_kind = 'staff' and method <> 'GET' and status = 200 order by id"
    ).fetchall()
    assert kept == [
        ("ada", "PUT", "/v1/staff/{login}/reach", "bo", 200),
        ("ada", "POST", "/v1/staff/{login}/reach/test", "bo", 200),
    ]


def test_a_test_message_goes_to_the_own_addresses_by_the_outbox_and_five_times_an_hour(
    anna: TestClient, ask: Ask, clock: SetClock, database_url: str
) -> None:
    ways = {
        "channels": [{"channel": "wecom", "address": ROBOT}],
        "quiet_from": "00:00",
        "quiet_until": "23:59",
    }
    assert anna.put("/v1/staff/anna/reach", json=ways).status_code == 200
    assert ask(login="bo").post("/v1/staff/anna/reach/test").status_code == 404
    (sent,) = anna.post("/v1/staff/anna/reach/test", json={"channels": ["wecom"]}).json()["items"]
    assert sent["address"] == "https://qyapi.weixin.qq.com/…5aaa"
    written = anna.get(f"/v1/messages/{sent['id']}").json()
    assert (written["kind"], written["state"], written["staff"]) == ("test", "pending", "anna")
    assert written["not_before"] == "2026-11-21T09:00:00Z"  # whatever the quiet hours
    assert anna.post("/v1/staff/anna/reach/test", json={"channels": ["sms"]}).status_code == 409
    for _ in range(4):
        clock.advance(timedelta(minutes=1))
        assert anna.post("/v1/staff/anna/reach/test").status_code == 200
    refused = anna.post("/v1/staff/anna/reach/test")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(56 * 60))
    clock.advance(timedelta(minutes=57))
    assert anna.post("/v1/staff/anna/reach/test").status_code == 200


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_test_message_says_by_which_channel_it_came(language: str, conn: Connection) -> None:
    about = {"name": "李伟", "by": "li.wei", "at": "2026-11-21T09:00:00+00:00", "channel": "wecom"}
    message = {**about, "utility": "Jiangcheng Water", "timezone": "Asia/Shanghai"}
    said = Writer(Words("")).letter(
        conn, Message(1, None, None, "test", ROBOT, language, message, 1, NOW, "test")
    )
    assert (
        said.subject
        == {
            "zh": "【测试】Jiangcheng Water可通过企业微信联系到您",
            "en": "[Test] Jiangcheng Water reaches you by WeCom",
        }[language]
    )
    assert "17:00" in said.text  # in Shanghai
    assert said.html
