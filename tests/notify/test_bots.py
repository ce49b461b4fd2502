"""Robots against a real web server that answers as the providers do: HTTP 200, and a code inside."""

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.clock import SetClock
from notify.channels import Message, Result
from notify.channels.bots import BOTS, Bot, DingTalk, Feishu, WeCom
from notify.channels.fitting import fit
from notify.channels.guard import Guard
from notify.sender import Sender
from notify.words import Words
from notify.writer import Writer
from service.outbox import NORMAL, Outgoing, enqueue
from sql.pool import Connection
from tests import factories, samples
from tests.notify.making import document, message
from tests.post_office import Receiver
from tests.samples import NOW

SECRET = "SEC-of-the-robot"
OPEN = Guard(private_too=True)
WRITER = Writer(Words("https://water.example"))


def claimed(url: str, **values: Any) -> Message:
    return dataclasses.replace(message(document(), channel="webhook"), recipient=url, **values)


def answering(receiver: Receiver, answer: dict[str, Any], status: int = 200) -> None:
    receiver.answers = [(status, json.dumps(answer), {"Content-Type": "application/json"})]


@pytest.mark.parametrize(
    ("bot", "answer", "result", "wait_s"),
    [
        (WeCom, {"errcode": 0, "errmsg": "ok"}, Result.SENT, None),
        (WeCom, {"errcode": 45009, "errmsg": "api freq out of limit"}, Result.RETRY, 60),
        (WeCom, {"errcode": -1, "errmsg": "system busy"}, Result.RETRY, None),
        (WeCom, {"errcode": 93000, "errmsg": "invalid webhook url"}, Result.REFUSED, None),
        (WeCom, {"errcode": 40058, "errmsg": "content exceed max length"}, Result.REFUSED, None),
        (DingTalk, {"errcode": 0, "errmsg": "ok"}, Result.SENT, None),
        (DingTalk, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times"}, Result.RETRY, 600),
        (DingTalk, {"errcode": 310000, "errmsg": "sign not match"}, Result.REFUSED, None),
        (DingTalk, {"errcode": 310000, "errmsg": "keywords not in content"}, Result.REFUSED, None),
        (DingTalk, {"errcode": 300001, "errmsg": "token is not exist"}, Result.REFUSED, None),
        (Feishu, {"code": 0, "msg": "success", "data": {}}, Result.SENT, None),
        (Feishu, {"StatusCode": 0, "StatusMessage": "success"}, Result.SENT, None),
        (Feishu, {"code": 11232, "msg": "frequency limited psm"}, Result.RETRY, 60),
        (Feishu, {"code": 9499, "msg": "too many request", "data": {}}, Result.RETRY, 60),
        (Feishu, {"code": 9499, "msg": "Bad Request", "data": {}}, Result.REFUSED, None),
        (
            Feishu,
            {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"},
            Result.REFUSED,
            None,
        ),
        (Feishu, {"code": 19024, "msg": "Key Words Not Found"}, Result.REFUSED, None),
    ],
)
def test_the_code_inside_a_200_decides(
    bare: Connection,
    receiver: Receiver,
    bot: type[Bot],
    answer: dict[str, Any],
    result: Result,
    wait_s: float | None,
) -> None:
    answering(receiver, answer)
    receipt = bot(SetClock(NOW), WRITER, OPEN).prepare(bare, claimed(receiver.url))()
    assert (receipt.result, receipt.retry_after_s) == (result, wait_s)
    assert str(answer.get("msg", answer.get("errmsg", ""))) in receipt.text


def test_limits_that_come_as_an_http_error_are_read_as_well(bare: Connection, receiver: Receiver) -> None:
    sending = Feishu(SetClock(NOW), WRITER, OPEN)
    answering(receiver, {"code": 9499, "msg": "too many request"}, 400)
    assert sending.prepare(bare, claimed(receiver.url))().result is Result.RETRY
    receiver.answers = [(429, '{"code": 99991400, "msg": "frequency"}', {"x-ogw-ratelimit-reset": "52"})]
    assert sending.prepare(bare, claimed(receiver.url))().retry_after_s == 52
    receiver.answers = [(502, "<html>bad gateway</html>", {})]
    assert sending.prepare(bare, claimed(receiver.url))().result is Result.RETRY


@pytest.mark.parametrize("bot", BOTS)
def test_an_answer_without_a_code_is_not_taken_for_success(
    bare: Connection, receiver: Receiver, bot: type[Bot]
) -> None:
    receiver.answers = [(200, "<html>please log in</html>", {})]
    receipt = bot(SetClock(NOW), WRITER, OPEN).prepare(bare, claimed(receiver.url))()
    assert receipt.result is Result.REFUSED
    assert "please log in" in receipt.text


def robot(conn: Connection, channel: str, url: str, secret: str = SECRET) -> int:
    town = samples.town(conn)
    factories.insert(
        conn, "staff_channel", staff_id=town.manager_id, channel=channel, address=url, secret=secret
    )
    return town.manager_id


def test_dingtalk_signs_in_the_address(conn: Connection, receiver: Receiver) -> None:
    url = receiver.url + "?access_token=abc"
    robot(conn, "dingtalk", url)
    DingTalk(SetClock(NOW), WRITER, OPEN).prepare(conn, claimed(url))()
    given = parse_qs(urlsplit(receiver.paths[0]).query)
    stamp = str(int(NOW.timestamp()) * 1000)
    wanted = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert given == {
        "access_token": ["abc"],
        "timestamp": [stamp],
        "sign": [base64.b64encode(wanted).decode()],
    }
    body = json.loads(receiver.posts[0].body)
    assert body["msgtype"] == "text"
    assert "42.3 升/小时" in body["text"]["content"]


def test_feishu_signs_in_the_body(conn: Connection, receiver: Receiver) -> None:
    robot(conn, "feishu", receiver.url)
    Feishu(SetClock(NOW), WRITER, OPEN).prepare(conn, claimed(receiver.url))()
    body = json.loads(receiver.posts[0].body)
    stamp = str(int(NOW.timestamp()))
    wanted = hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], body["sign"]) == (stamp, base64.b64encode(wanted).decode())
    assert body["msg_type"] == "text"


def test_a_robot_that_does_not_sign_and_a_repeat_that_says_so(bare: Connection, receiver: Receiver) -> None:
    WeCom(SetClock(NOW), WRITER, OPEN).prepare(bare, claimed(receiver.url, repeated=True))()
    body = json.loads(receiver.posts[0].body)
    words = body[body["msgtype"]]["content"]
    assert words.removeprefix("**").startswith("（可能重复）")
    assert "sign" not in body


def test_wecom_gets_text_while_it_fits_and_markdown_up_to_its_limit() -> None:
    bot = WeCom(SetClock(NOW), WRITER, OPEN)
    assert bot.request("u", "", "短", "文")[1]["msgtype"] == "text"
    middle = bot.request("u", "", "标题", "水" * 800)[1]
    assert middle["msgtype"] == "markdown"
    assert middle["markdown"]["content"].count("水") == 800
    long = bot.request("u", "", "标题", "水" * 3_000 + "\nhttps://water.example/v1/tickets/7\n尾")[1]
    content = long["markdown"]["content"]
    assert 4_000 < len(content.encode()) <= 4_096
    assert content.endswith("…\nhttps://water.example/v1/tickets/7")


@pytest.mark.parametrize("limit", range(0, 40))
def test_a_cut_breaks_no_character(limit: int) -> None:
    cut = fit("水表🚰用水量异常，请尽快检查", limit)
    assert len(cut.encode()) <= limit
    assert "�" not in cut


def test_a_robot_is_sent_twenty_messages_a_minute_by_all_notifiers_together(
    conn: Connection, receiver: Receiver
) -> None:
    staff = robot(conn, "wecom", receiver.url)
    ok = (200, '{"errcode": 0, "errmsg": "ok"}', {})
    receiver.answers = [ok] * 100
    clock = SetClock(NOW)
    for number in range(45):
        facts = document()
        out = Outgoing(
            "ticket", "opened", "wecom", receiver.url, "zh", f"k{number}", facts, NORMAL, staff_id=staff
        )
        enqueue(conn, out, at=NOW)
    one, other = (Sender(WeCom(clock, WRITER, OPEN), clock) for _ in range(2))
    assert one.drain(conn) == 20
    assert other.drain(conn) == 0
    clock.advance(timedelta(seconds=59))
    assert other.drain(conn) == 0
    clock.advance(timedelta(seconds=2))
    assert other.drain(conn) == 20
    assert one.drain(conn) == 0
    clock.advance(timedelta(seconds=61))
    assert one.drain(conn) == 5
    assert len(receiver.posts) == 45


def test_a_robot_that_is_shut_for_ten_minutes_is_left_alone_for_them(
    conn: Connection, receiver: Receiver
) -> None:
    staff = robot(conn, "dingtalk", receiver.url)
    slow = (200, '{"errcode": 130101, "errmsg": "send too fast"}', {})
    receiver.answers = [slow] + [(200, '{"errcode": 0, "errmsg": "ok"}', {})] * 9
    for number in range(3):
        out = Outgoing(
            "ticket", "opened", "dingtalk", receiver.url, "zh", f"k{number}", document(), staff_id=staff
        )
        enqueue(conn, out, at=NOW)
    clock = SetClock(NOW)
    sending = Sender(DingTalk(clock, WRITER, OPEN), clock)
    assert sending.drain(conn) == 1
    clock.advance(timedelta(seconds=595))
    assert sending.drain(conn) == 0
    clock.advance(timedelta(seconds=10))
    assert sending.drain(conn) == 3
    assert conn.execute("select distinct state from outbox").fetchall() == [("sent",)]
