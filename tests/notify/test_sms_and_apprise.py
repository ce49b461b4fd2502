"""Text messages by the utility's gateway, and the long tail by apprise, against a real web server."""

import dataclasses
import json

import pytest

from core.clock import SetClock
from notify.channels import Message, Result
from notify.channels.apprise import AppriseChannel
from notify.channels.sms import SmsChannel
from notify.channels.webhook import signature
from notify.words import Words
from notify.writer import Writer
from sql.pool import Connection
from tests.notify.making import document, message
from tests.post_office import Receiver, free_port
from tests.samples import NOW

WRITER = Writer(Words("https://water.example"))
SECRET = "gateway-secret"


def to(recipient: str) -> Message:
    return dataclasses.replace(message(document(), channel="webhook"), recipient=recipient)


def test_a_text_message_is_short_signed_and_named(bare: Connection, receiver: Receiver) -> None:
    receiver.answers = [(200, '{"code": 0, "message": "queued"}', {})]
    receipt = SmsChannel(receiver.url, SECRET, SetClock(NOW), WRITER).prepare(bare, to("13900001111"))()
    assert (receipt.result, receipt.text) == (Result.SENT, "0 queued")
    (post,) = receiver.posts
    body = json.loads(post.body)
    assert body["to"] == "13900001111"
    assert body["id"] == post.headers["Headwater-Delivery"]
    assert body["text"].endswith("https://water.example/tickets/12")
    assert len(body["text"]) < 200
    stamp = post.headers["Headwater-Timestamp"]
    assert post.headers["Headwater-Signature"] == signature(SECRET, stamp, post.body)


@pytest.mark.parametrize(
    ("status", "answer", "result"),
    [
        (200, '{"code": 4001, "message": "number on the block list"}', Result.REFUSED),
        (200, '{"code": 429, "message": "slow down"}', Result.RETRY),
        (200, '{"code": 503}', Result.RETRY),
        (200, "ok", Result.REFUSED),
        (502, "bad gateway", Result.RETRY),
        (401, "who are you", Result.REFUSED),
        (500, '{"code": 0}', Result.RETRY),
    ],
)
def test_the_gateway_s_own_code_is_read(
    bare: Connection, receiver: Receiver, status: int, answer: str, result: Result
) -> None:
    receiver.answers = [(status, answer, {})]
    sending = SmsChannel(receiver.url, SECRET, SetClock(NOW), WRITER)
    assert sending.prepare(bare, to("13900001111"))().result is result


def test_apprise_carries_the_letter(bare: Connection, receiver: Receiver) -> None:
    address = receiver.url.replace("http://", "json://")
    receipt = AppriseChannel(WRITER).prepare(bare, to(address))()
    assert receipt.result is Result.SENT
    body = json.loads(receiver.posts[0].body)
    assert "42.3 升/小时" in body["message"]
    assert body["title"]


def test_apprise_s_refusals_are_read_and_its_secrets_are_not_told(
    bare: Connection, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answers = [(403, "no", {})]
    address = receiver.url.replace("http://", "json://user:hush-hush@") + "/very-secret-token"
    receipt = AppriseChannel(WRITER).prepare(bare, to(address))()
    assert receipt.result is Result.RETRY
    assert "403" in receipt.text
    away = AppriseChannel(WRITER).prepare(bare, to(f"json://user:hush-hush@127.0.0.1:{free_port()}/x"))()
    assert away.result is Result.RETRY
    said = receipt.text + away.text + "".join(capsys.readouterr())
    assert "hush" not in said
    assert "very-secret" not in said


@pytest.mark.parametrize("address", ["nonsense://x", "dingtalk://abc", "feishu://abc", "wecombot://abc", "x"])
def test_what_apprise_does_not_know_or_would_take_for_success_is_refused(
    bare: Connection, address: str
) -> None:
    assert AppriseChannel(WRITER).prepare(bare, to(address))().result is Result.REFUSED
