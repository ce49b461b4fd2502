"""Programs that subscribe get what they may see, signed, until they have it; never our own network."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.webhooks.fill import fill_all
from core.clock import SetClock
from core.settings import load
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from notify.channels import Message
from notify.channels.guard import Guard
from notify.channels.subscription import SubscriptionChannel
from notify.sender import Sender
from notify.words import Words
from notify.writer import Writer
from service import addresses, changes, webhooks
from sql.pool import Connection, Pool, connect
from tests.api.conftest import NOW, Ask
from tests.api.town import Town
from tests.factories import insert
from tests.post_office import Post, Receiver, open_receiver

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
Pump = Callable[[], None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@pytest.fixture
def app(pool: Pool, clock: SetClock, database_url: str) -> FastAPI:
    settings = load(webhook_private=True)
    parts = (LiveRules(database_url, 36), LiveLetters(settings), LivePress(""))
    return create_app(settings, clock, pool, *parts)


@pytest.fixture
def pump(database_url: str, clock: SetClock, town: Town) -> Iterator[Pump]:
    """What the API and the notifier do by themselves: order, write, send."""
    with (
        connect(database_url, "api", autocommit=True) as api,
        connect(database_url, "notify", autocommit=True) as notify,
    ):

        def run() -> None:
            changes.order(api)
            fill_all(api, clock.now())
            clock.advance(timedelta(seconds=1))
            Sender(SubscriptionChannel(clock, Guard(private_too=True)), clock).drain(notify)

        run()
        yield run


@pytest.fixture(scope="module")
def accept() -> Callable[..., dict[str, Any] | None]:
    """The receiver that the documentation gives, as it stands there."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    for code in blocks:
        exec(code, names)  # noqa: S102 - our own documentation
    return names["accept"]  # type: ignore[no-any-return]


def subscribed(client: TestClient, receiver: Receiver, *topics: str) -> tuple[str, str]:
    said = {"url": receiver.url, "topics": list(topics or ("tickets", "events"))}
    made = client.post("/v1/webhooks", json=said)
    assert made.status_code == 200, made.text
    return f"/v1/webhooks/{made.json()['id']}", made.json()["secret"]


def entry(conn: Connection, ticket_id: int, why: str) -> None:
    insert(conn, "ticket_entry", ticket_id=ticket_id, at=NOW, actor="test", kind="noted", why=why)


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(post.body) for post in receiver.posts]


def test_what_changes_is_posted_once_and_signed_as_the_page_verifies(
    all_seeing: TestClient,
    receiver: Receiver,
    conn: Connection,
    town: Town,
    pump: Pump,
    clock: SetClock,
    accept: Callable[..., dict[str, Any] | None],
) -> None:
    address, secret = subscribed(all_seeing, receiver, "tickets")
    entry(conn, town.anna.ticket_id, "a")
    insert(conn, "event_entry", event_id=town.bo.event_id, kind="cleared")  # not of its topics
    entry(conn, town.bo.ticket_id, "b")
    pump()
    pump()
    first, second = bodies(receiver)
    assert [first["why"], second["why"]] == ["a", "b"]
    assert first["type"] == "ticket.noted"
    assert first["ticket"]["id"] == town.anna.ticket_id
    assert first["sequence"] < second["sequence"]
    assert secret not in all_seeing.get(address).text
    post, seen, now = receiver.posts[0], set[str](), clock.now().timestamp()
    for wrong in (
        Post(post.headers, post.body + b" "),
        Post(post.headers | {"Headwater-Timestamp": str(int(now) + 2)}, post.body),
    ):
        assert accept(wrong.headers, wrong.body, [secret], now, seen) is None
    assert accept(post.headers, post.body, ["whs_other"], now, seen) is None
    assert accept(post.headers, post.body, [secret], now + 301, seen) is None
    assert accept(post.headers, post.body, ["whs_other", secret], now, seen) == first
    assert accept(post.headers, post.body, [secret], now, seen) is None, "a replay"


def test_a_new_secret_signs_beside_the_old_one_for_a_while(
    all_seeing: TestClient, receiver: Receiver, pump: Pump, clock: SetClock, accept: Callable[..., Any]
) -> None:
    address, old = subscribed(all_seeing, receiver)
    new = all_seeing.post(f"{address}/rotate", json={"overlap_h": 1}).json()["secret"]

    def verified() -> list[bool]:
        all_seeing.post(f"{address}/ping").raise_for_status()
        pump()
        post, now = receiver.posts[-1], clock.now().timestamp()
        assert json.loads(post.body)["type"] == "ping"
        return [accept(post.headers, post.body, [secret], now, set()) is not None for secret in (old, new)]

    assert verified() == [True, True]
    clock.advance(timedelta(hours=1))
    assert verified() == [False, True]


def test_dead_letters_are_listed_and_sent_again_under_the_same_id(
    all_seeing: TestClient, receiver: Receiver, conn: Connection, town: Town, pump: Pump, clock: SetClock
) -> None:
    address, _ = subscribed(all_seeing, receiver)
    receiver.answers = [(410, "gone", {}), (410, "gone", {}), (503, "busy", {})]
    for why in "abc":
        entry(conn, town.anna.ticket_id, why)
    pump()
    dead = all_seeing.get(f"{address}/deliveries?state=dead").json()["items"]
    assert [(d["state"], d["last_error"]) for d in dead] == [("dead", "HTTP 410 Gone: gone")] * 2
    assert (all_seeing.get(address).json()["dead"], all_seeing.get(address).json()["waiting"]) == (2, 1)
    again = all_seeing.post(f"{address}/redeliver", json={"since": "2026-11-21T00:00:00Z"})
    assert again.json() == {"redelivered": 2}
    clock.advance(timedelta(minutes=1))
    pump()
    assert sorted(body["why"] for body in bodies(receiver)) == ["a", "a", "b", "b", "c", "c"]
    ids = [(body["why"], body["delivery"]) for body in bodies(receiver)]
    assert len(set(ids)) == 3
    one = dead[0]["id"]
    assert all_seeing.post(f"{address}/redeliver", json={"delivery": one}).json() == {"redelivered": 1}
    assert all_seeing.post(f"{address}/redeliver", json={"delivery": 10**9}).status_code == 404
    assert all_seeing.post(f"{address}/redeliver").json() == {"redelivered": 0}


def test_a_managers_subscription_gets_own_customers_only(
    anna: TestClient, ask: Ask, receiver: Receiver, conn: Connection, town: Town, pump: Pump
) -> None:
    address, _ = subscribed(anna, receiver)
    for side in (town.bo, town.anna):
        entry(conn, side.ticket_id, side.login)
        insert(conn, "event_entry", event_id=side.event_id, kind="cleared")
    pump()
    assert sorted(body["type"] for body in bodies(receiver)) == ["event.cleared", "ticket.noted"]
    assert {str(body) for body in bodies(receiver) if "M-B" in str(body) or "B1" in str(body)} == set()
    bo = ask(login="bo")
    assert bo.get(address).status_code == bo.get(f"{address}/deliveries").status_code == 404
    assert bo.post(f"{address}/rotate").status_code == bo.delete(address).status_code == 404
    assert bo.get("/v1/webhooks").json()["items"] == []
    refused = ask("webhooks:write", "events:read", login="bo").post(
        "/v1/webhooks", json={"url": receiver.url, "topics": ["tickets"]}
    )
    assert refused.status_code == 403


def test_a_stopped_subscription_goes_on_where_it_stopped_and_a_deleted_one_not_at_all(
    all_seeing: TestClient, receiver: Receiver, conn: Connection, town: Town, pump: Pump
) -> None:
    address, _ = subscribed(all_seeing, receiver)
    all_seeing.patch(address, json={"active": False}).raise_for_status()
    entry(conn, town.anna.ticket_id, "meanwhile")
    pump()
    assert receiver.posts == []
    assert all_seeing.post(f"{address}/redeliver").status_code == 409
    changed = all_seeing.patch(address, json={"active": True, "description": "ERP"}).json()
    assert (changed["active"], changed["description"], changed["version"]) == (True, "ERP", 3)
    pump()
    assert [body["why"] for body in bodies(receiver)] == ["meanwhile"]
    all_seeing.delete(address).raise_for_status()
    entry(conn, town.anna.ticket_id, "after")
    pump()
    assert len(receiver.posts) == 1
    assert all_seeing.get(address).status_code == 404


def test_what_fails_for_days_is_paused_and_its_owner_told_in_both_languages(
    anna: TestClient, receiver: Receiver, conn: Connection, town: Town, pump: Pump, clock: SetClock
) -> None:
    address, _ = subscribed(anna, receiver)
    for day in range(6):
        receiver.answers = [(500, "no", {}) for _ in range(20)]
        entry(conn, town.anna.ticket_id, str(day))
        pump()
        paused = webhooks.pause_failing(conn, 5, at=clock.now())
        assert paused == (1 if day == 5 else 0)
        clock.advance(timedelta(days=1, seconds=5))
    shown = anna.get(address).json()
    assert (shown["active"], shown["waiting"]) == (False, 0)
    assert shown["dead"] == 6
    query = "select recipient, language, message from outbox where kind = 'webhook'"
    ((recipient, _, about),) = conn.execute(query).fetchall()
    assert recipient == "anna@utility.example"
    writer = Writer(Words("https://water.example"))
    for language, said in (("zh", "已暂停"), ("en", "is paused")):
        paused_one = Message(1, None, None, "paused", recipient, language, about, 1, NOW, kind="webhook")
        letter = writer.letter(conn, paused_one)
        assert said in letter.subject
        assert "{" not in letter.text
    receiver.answers = []
    anna.patch(address, json={"active": True}).raise_for_status()
    assert anna.post(f"{address}/redeliver").json() == {"redelivered": 6}
    pump()
    assert {body["why"] for body in bodies(receiver)[-6:]} == set("012345")


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example.org/",
        "https://127.0.0.1/",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://localhost/",
        "https://user:word@erp.example.org/",
        "https://erp.example.org/#x",
        "ftp://erp.example.org/",
        "https:///x",
        "https://erp.example.org:99999/",
    ],
)
def test_an_address_of_our_own_network_is_refused(standing: TestClient, url: str) -> None:
    refused = standing.post("/v1/webhooks", json={"url": url, "topics": ["tickets"]})
    assert refused.status_code == 422, refused.text


def test_a_name_that_leads_into_our_network_is_not_posted_to(receiver: Receiver) -> None:
    """The number is looked at, not the name; and the connection goes to the number that was looked at."""
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14", "127.0.0.1"]

    careful = Guard(private_too=False, look_up=look_up)
    with pytest.raises(Exception, match="private network"):
        careful.pinned("https://erp.example.org/x")
    open_ = Guard(private_too=True, look_up=lambda host, port: ["127.0.0.1"])
    url, host, name = open_.pinned("https://erp.example.org:8443/x?y=1")
    assert (url, host, name) == (
        "https://127.0.0.1:8443/x?y=1",
        "erp.example.org:8443",
        "erp.example.org",
    )
    assert asked == ["erp.example.org"]


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("192.168.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1%eth0", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("2001:0:a00:1::", False),
    ],
)
def test_which_numbers_are_public(address: str, is_public: bool) -> None:
    assert addresses.public(address) is is_public
