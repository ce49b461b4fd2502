"""Signed posts against a real web server; the receiver's example of docs/webhooks.md is the judge."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import SetClock, SystemClock
from core.errors import SettingsError
from core.supervise import Supervisor
from notify.channels import Message, Result
from notify.channels.guard import Guard
from notify.channels.webhook import WebhookChannel
from notify.role import start
from notify.words import Words
from notify.writer import Writer
from sql.pool import Connection
from tests import samples
from tests.notify.conftest import Run, settings
from tests.notify.making import document, message
from tests.post_office import Receiver, free_port
from tests.samples import NOW
from tests.waiting import until

SECRET = "correct horse battery staple"
DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"
Verify = Callable[[dict[str, str], bytes, str, float], bool]


@pytest.fixture(scope="module")
def verify() -> Verify:
    """The function that the documentation gives to receivers."""
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)
    assert code is not None
    names: dict[str, Verify] = {}
    exec(code[1], names)  # noqa: S102 - our own documentation
    return names["verify"]


def channel() -> WebhookChannel:
    guard = Guard(private_too=True)
    return WebhookChannel(SECRET, SetClock(NOW), Writer(Words("https://water.example")), guard)


def claimed(url: str) -> Message:
    return dataclasses.replace(message(document(), channel="webhook"), recipient=url)


def test_a_post_is_signed_and_a_change_of_it_is_seen(
    bare: Connection, receiver: Receiver, verify: Verify
) -> None:
    receipt = channel().prepare(bare, claimed(receiver.url))()
    assert (receipt.result, receipt.text) == (Result.SENT, "HTTP 200 OK: thanks")
    (post,) = receiver.posts
    now = NOW.timestamp()
    assert verify(post.headers, post.body, SECRET, now)
    assert not verify(post.headers, post.body + b" ", SECRET, now)
    assert not verify(post.headers, post.body, "another", now)
    assert not verify(post.headers | {"Headwater-Timestamp": str(int(now) + 1)}, post.body, SECRET, now)
    assert not verify(post.headers, post.body, SECRET, now + 301)
    body = json.loads(post.body)
    assert body["type"] == "ticket.opened"
    assert body["delivery"] == post.headers["Headwater-Delivery"]
    assert body["ticket"]["id"] == 12
    assert body["event"]["evidence"]["continuous_flow"]["rate_lph"] == 42.3
    assert "42.3 升/小时" in body["text"]


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.SENT),
        (204, Result.SENT),
        (301, Result.REFUSED),
        (400, Result.REFUSED),
        (404, Result.REFUSED),
        (408, Result.RETRY),
        (429, Result.RETRY),
        (500, Result.RETRY),
        (503, Result.RETRY),
    ],
)
def test_answers(bare: Connection, receiver: Receiver, status: int, result: Result) -> None:
    receiver.answers = [(status, "" if status == 204 else "why " * 500, {"Retry-After": "7"})]
    receipt = channel().prepare(bare, claimed(receiver.url))()
    assert receipt.result is result
    assert receipt.text.startswith(f"HTTP {status}")
    assert len(receipt.text) < 600
    assert receipt.retry_after_s == (7.0 if result is Result.RETRY else None)


def test_nobody_there_is_away_and_no_address_is_refused(bare: Connection) -> None:
    sending = channel()
    assert sending.prepare(bare, claimed(f"http://127.0.0.1:{free_port()}/"))().result is Result.AWAY
    assert sending.prepare(bare, claimed("ftp://127.0.0.1/"))().result is Result.REFUSED


def test_an_event_is_posted_again_after_a_500_under_the_same_delivery_id(
    conn: Connection, run: Run, receiver: Receiver, verify: Verify
) -> None:
    samples.town(conn)
    receiver.answers = [(500, "not now", {"Retry-After": "1"})]
    run(settings(webhook_url=receiver.url, webhook_secret=SECRET))
    samples.event(conn)
    query = "select attempt, ok, receipt from delivery order by attempt"
    attempts = until(lambda: (rows := conn.execute(query).fetchall()) and len(rows) == 2 and rows)
    assert attempts == [
        (1, False, "HTTP 500 Internal Server Error: not now"),
        (2, True, "HTTP 200 OK: thanks"),
    ]
    first, second = receiver.posts
    assert first.headers["Headwater-Delivery"] == second.headers["Headwater-Delivery"]
    assert first.body == second.body
    assert verify(second.headers, second.body, SECRET, float(second.headers["Headwater-Timestamp"]))


def test_a_url_without_a_secret_is_refused_at_start(database_url: str) -> None:
    with pytest.raises(SettingsError, match="HEADWATER_WEBHOOK_SECRET is not"):
        start(Supervisor(), settings(webhook_url="http://127.0.0.1/"), SystemClock(), database_url)
