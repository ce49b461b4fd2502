"""What one way refuses goes by the person's next one, once, and never where it may have arrived."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from core.clock import SetClock
from notify import pauses
from notify.channels.bots import DingTalk, Feishu, WeCom
from notify.channels.guard import Guard
from notify.channels.sms import SmsChannel
from notify.role import ways
from notify.sender import LEASE_S, Sender
from notify.words import Words
from notify.writer import Writer
from service import bundles, failures, messages, opening, outbox, passing
from service.failures import Which
from service.messages import Step
from service.outbox import Outgoing
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import factories, samples
from tests.notify.conftest import settings
from tests.post_office import PostOffice, Receiver
from tests.samples import NOW
from tests.waiting import until

OPEN = Guard(private_too=True)
WRITER = Writer(Words("https://water.example"))
SHUT = {
    "wecom": {"errcode": 93000, "errmsg": "invalid webhook url"},
    "dingtalk": {"errcode": 310000, "errmsg": "sign not match"},
    "feishu": {"code": 19021, "msg": "sign match fail"},
    "sms": {"code": 21, "message": "number is barred"},
}
OK = {"errcode": 0, "errmsg": "ok"}
MAIL = "wangli@utility.example"


class Desk:
    """One person with robots, a clock, and senders with the notifier's rights."""

    def __init__(self, conn: Connection, own: Connection, office: PostOffice, receiver: Receiver) -> None:
        self.conn, self.own, self.office, self.receiver = conn, own, office, receiver
        self.town = samples.town(conn)
        self.clock = SetClock(NOW)
        self.event = samples.event(conn)
        self.ticket = opening.open_from_event(conn, self.event, at=NOW).ticket_id

    def way(self, channel: str, **values: Any) -> str:
        address = "13900000000" if channel == "sms" else f"{self.receiver.url}/{channel}"
        given = {"staff_id": self.town.manager_id, "channel": channel, "address": address} | values
        factories.insert(self.conn, "staff_channel", **given)
        return address

    def tell(self, key: str = "k") -> None:
        messages.tell(self.conn, self.ticket, Step("worse", key, self.event), at=self.clock.now())

    def answers(self, *given: dict[str, Any]) -> None:
        self.receiver.answers = [(200, json.dumps(one), {}) for one in given]

    def drain(self, *channels: str) -> None:
        made = {
            "wecom": lambda: WeCom(self.clock, WRITER, OPEN),
            "dingtalk": lambda: DingTalk(self.clock, WRITER, OPEN),
            "feishu": lambda: Feishu(self.clock, WRITER, OPEN),
            "sms": lambda: SmsChannel(f"{self.receiver.url}/gateway", "key", self.clock, WRITER),
        }
        mail = {way.name: way.make for way in ways(settings(smtp_url=self.office.url), self.clock)}["email"]
        for channel in channels:
            Sender(made.get(channel, mail)(), self.clock).drain(self.own)

    def rows(self) -> list[Any]:
        return self.conn.execute(
            "select channel, state from outbox where step <> 'opened' order by id"
        ).fetchall()

    def log(self, kind: str = "passed_on") -> list[Any]:
        query = "select receipt from delivery where kind = %s order by id"
        return [row[0] for row in self.conn.execute(query, [kind])]


@contextmanager
def opened(conn: Connection, url: str, office: PostOffice, receiver: Receiver) -> Iterator[Desk]:
    with connect(url, "notify", autocommit=True) as own:
        desk = Desk(conn, own, office, receiver)
        desk.conn.execute("update outbox set state = 'sent'")  # what the opening told
        yield desk


@pytest.fixture
def desk(conn: Connection, database_url: str, office: PostOffice, receiver: Receiver) -> Iterator[Desk]:
    with opened(conn, database_url, office, receiver) as made:
        yield made


@pytest.mark.parametrize("channel", SHUT)
def test_what_a_robot_or_gateway_refuses_goes_by_mail_and_both_logs_say_so(desk: Desk, channel: str) -> None:
    desk.way(channel)
    desk.tell()
    desk.answers(SHUT[channel])
    desk.drain(channel, "email", channel, "email")
    assert desk.rows() == [(channel, "dead"), ("email", "sent")]
    assert [mail["To"] for mail in desk.office.mails] == [f"王丽 <{MAIL}>"]
    (first, second) = desk.conn.execute("select id, passed_to from outbox where step = 'worse' order by id")
    assert first[1] == second[0]
    assert desk.log() == [f"passed on by email to {MAIL} as message {second[0]}"]
    ((refused,),) = desk.conn.execute(
        "select receipt from delivery where outbox_id = %s and not ok", [first[0]]
    )
    assert str(next(iter(SHUT[channel].values()))) in refused


def test_nobody_is_told_twice_while_another_way_has_it_and_the_last_to_fail_passes_on(desk: Desk) -> None:
    for channel in ("wecom", "dingtalk"):
        desk.way(channel)
    desk.tell("one")
    desk.answers(SHUT["wecom"], OK)
    desk.drain("wecom", "dingtalk", "email")
    assert desk.rows() == [("wecom", "dead"), ("dingtalk", "sent")]
    desk.tell("two")
    desk.answers(SHUT["wecom"], SHUT["dingtalk"])
    desk.drain("wecom")
    assert len(desk.rows()) == 4  # the other way may still carry it
    desk.drain("dingtalk", "email")
    assert desk.rows()[2:] == [("wecom", "dead"), ("dingtalk", "dead"), ("email", "sent")]


def test_two_ways_that_die_at_the_same_instant_make_one_mail(desk: Desk, database_url: str) -> None:
    for channel in ("wecom", "dingtalk"):
        desk.way(channel)
    desk.tell()
    told = "update outbox set state = 'dead' where step = 'worse' and channel = %s returning id"
    made: list[int | None] = []

    def die(channel: str, meanwhile: threading.Thread | None = None) -> None:
        with connect(database_url, "notify", autocommit=True) as conn, conn.transaction():
            ((id_,),) = conn.execute(told, [channel]).fetchall()
            made.append(passing.pass_on(conn, id_, at=NOW))
            if meanwhile is not None:
                meanwhile.start()
                waiting = (
                    "select 1 from pg_locks l join pg_database d on d.oid = l.database"
                    " where l.locktype = 'advisory' and not l.granted and d.datname = current_database()"
                )
                until(lambda: desk.conn.execute(waiting).fetchone() is not None)

    other = threading.Thread(target=die, args=["dingtalk"])
    die("wecom", other)
    other.join(30)
    assert made[0] is None
    assert made[1] is not None
    assert desk.rows() == [("wecom", "dead"), ("dingtalk", "dead"), ("email", "pending")]


def test_what_may_have_arrived_is_not_sent_by_another_way_and_the_log_says_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.way("wecom")
    desk.tell()
    desk.receiver.cut = 1  # taken, and the connection ends before the answer
    desk.drain("wecom")
    desk.clock.advance(timedelta(seconds=LEASE_S + pauses.LONGEST_PAUSE_S * 2))
    desk.answers(SHUT["wecom"])
    desk.drain("wecom", "email")
    assert desk.rows() == [("wecom", "dead")]
    assert desk.log() == ["not passed on: an attempt without an answer may have arrived"]
    assert desk.office.mails == []
    assert failures.tell_daily(desk.conn, at=desk.clock.now()) == 1  # seen, not lost


def test_killed_after_the_robot_had_it_nothing_goes_by_another_way(desk: Desk) -> None:
    desk.way("wecom")
    desk.tell()
    desk.conn.execute("update outbox set attempts = 1, begun_at = not_before where step = 'worse'")
    desk.answers(SHUT["wecom"])
    desk.drain("wecom", "email")
    assert desk.rows() == [("wecom", "dead")]


def test_a_digest_that_is_refused_goes_by_mail_whole(desk: Desk) -> None:
    desk.conn.execute("update staff set digest_at = '17:00'")
    desk.way("wecom")
    for number in range(3):
        desk.tell(f"k{number}")
    desk.clock.advance(timedelta(hours=9))
    assert bundles.gather(desk.conn, at=desk.clock.now()) == 1
    desk.answers(SHUT["wecom"])
    desk.drain("wecom", "email")
    (mail,) = desk.office.mails
    assert mail["Subject"] == "每日摘要：3 条消息"
    assert mail.get_body(("plain",)).get_content().count(f"/tickets/{desk.ticket}") == 3  # type: ignore[union-attr]


def test_mail_is_the_last_way_and_without_one_the_message_is_seen_as_dead(desk: Desk) -> None:
    desk.tell()
    desk.office.refusals["RCPT"] = ["550 5.1.1 no such user"]
    desk.drain("email")
    desk.conn.execute("update staff set email = null")
    desk.way("feishu")
    desk.tell("two")
    desk.answers(SHUT["feishu"])
    desk.drain("feishu", "email")
    assert desk.rows() == [("email", "dead"), ("feishu", "dead")]


def test_a_customer_whose_text_is_refused_gets_the_mail(desk: Desk) -> None:
    desk.conn.execute("update customer set phone = '000', email = 'c@home.example', channel = 'sms'")
    facts = {
        "month": "2026-11-01",
        "stage": "80",
        "customer": "x",
        "account_no": "A-1001",
        "plan_m3": 10.0,
        "used_m3": 8.0,
        "forecast_m3": None,
        "low_m3": None,
        "high_m3": None,
        "manager": None,
        "manager_phone": None,
        "manager_email": None,
    }
    out = Outgoing("plan", "customer", "sms", "000", "zh", "plan:A-1001:x", facts, account_no="A-1001")
    outbox.enqueue(desk.conn, out, at=NOW)
    desk.answers(SHUT["sms"])
    desk.drain("sms", "email")
    assert desk.rows() == [("sms", "dead"), ("email", "sent")]
    assert [mail["To"] for mail in desk.office.mails] == ["x <c@home.example>"]


def test_what_went_by_another_way_is_listed_so_and_not_sent_again_with_the_rest(desk: Desk) -> None:
    desk.way("wecom")
    desk.tell()
    desk.answers(SHUT["wecom"])
    desk.drain("wecom", "email")
    who = Actor("li")
    assert failures.retry_all(desk.conn, Which(), actor=who, why="", at=NOW) == 0
    assert failures.tell_daily(desk.conn, at=NOW) == 1
    ((items,),) = desk.conn.execute(
        "select message -> 'items' from outbox where kind = 'failures'"
    ).fetchall()
    assert [item["state"] for item in items] == ["passed_on"]
    failures.retry(
        desk.conn,
        desk.conn.execute("select min(id) from outbox where step = 'worse'").fetchall()[0][0],
        actor=who,
        why="the robot is back",
        at=NOW,
    )
    assert desk.rows()[0] == ("wecom", "pending")
