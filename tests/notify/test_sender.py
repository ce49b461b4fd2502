"""The outbox under trouble: servers away, notifiers killed, two at once."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import SetClock, SystemClock
from notify import pauses, sender
from notify.channels import Message, Receipt, Result
from notify.role import ways
from notify.sender import UNKNOWN, Sender, retry_s
from service import messages, opening
from service.messages import Step
from sql.pool import Connection, connect
from tests import samples
from tests.notify.conftest import Run, settings
from tests.post_office import PostOffice, open_post_office
from tests.samples import NOW
from tests.waiting import until


def states(conn: Connection) -> list[Any]:
    return conn.execute("select state, attempts from outbox order by id").fetchall()


def deliveries(conn: Connection) -> list[Any]:
    return conn.execute("select attempt, ok, receipt from delivery order by outbox_id, attempt").fetchall()


def test_server_away_for_a_while_the_mail_arrives_once(conn: Connection, run: Run) -> None:
    samples.town(conn)
    office = PostOffice()
    with open_post_office(office):
        pass  # it has had its port, and is gone
    run(settings(smtp_url=office.url))
    samples.event(conn)
    until(lambda: deliveries(conn), what="an attempt that failed")
    assert "ConnectionRefusedError" in deliveries(conn)[0][2]
    with open_post_office(office):
        until(lambda: states(conn)[0][0] == "sent")
        samples.event(conn, "off_shift")
        until(lambda: [state for state, _ in states(conn)] == ["sent", "sent"])
    assert len(office.mails) == 2
    assert len({mail["Message-ID"] for mail in office.mails}) == 2


def test_recipient_refused_for_good_is_dead_at_once_with_the_server_s_reason(
    conn: Connection, run: Run, office: PostOffice
) -> None:
    samples.town(conn)
    office.refusals["RCPT"] = ["550 5.1.1 no such user here"]
    run(settings(smtp_url=office.url))
    samples.event(conn)
    until(lambda: states(conn) and states(conn)[0] == ("dead", 1))
    error = conn.execute("select last_error from outbox").fetchall()
    assert error == [("550 5.1.1 no such user here",)]
    assert deliveries(conn) == [(1, False, "550 5.1.1 no such user here")]
    assert office.mails == []


def test_refused_for_now_is_tried_again(
    conn: Connection, run: Run, office: PostOffice, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sender, "FIRST_RETRY_S", 0.1)
    samples.town(conn)
    office.refusals["RCPT"] = ["451 4.7.1 greylisted"]
    run(settings(smtp_url=office.url))
    samples.event(conn)
    until(lambda: states(conn) and states(conn)[0] == ("sent", 2))
    assert [ok for _, ok, _ in deliveries(conn)] == [False, True]
    assert len(office.mails) == 1


def test_two_notifiers_open_one_ticket_an_event_and_send_each_mail_once(
    conn: Connection, run: Run, office: PostOffice
) -> None:
    samples.town(conn)
    for _ in range(2):
        run(settings(smtp_url=office.url))
    for number in range(30):
        samples.event(conn, subject=f"other-{number}", account_no=None, dma_id=None, meter_id=None)
    until(lambda: len(states(conn)) == 30 and all(state == "sent" for state, _ in states(conn)), 60)
    assert conn.execute("select count(*) from ticket").fetchall() == [(30,)]
    assert Counter(mail["Message-ID"] for mail in office.mails).most_common(1)[0][1] == 1
    assert len(office.mails) == 30
    assert all(attempts == 1 for _, attempts in states(conn))


def test_without_a_mail_server_mails_wait(conn: Connection, run: Run, office: PostOffice) -> None:
    samples.town(conn)
    run(settings())
    samples.event(conn)
    until(lambda: states(conn) == [("pending", 0)])
    run(settings(smtp_url=office.url))
    until(lambda: states(conn) == [("sent", 1)])


def test_database_sessions_ended_and_the_notifier_goes_on(
    conn: Connection, run: Run, office: PostOffice
) -> None:
    samples.town(conn)
    supervisor = run(settings(smtp_url=office.url))
    samples.event(conn)
    until(lambda: len(office.mails) == 1)
    ended = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where application_name = 'headwater notify' and datname = current_database()"
    )
    assert conn.execute(ended).fetchall()[0][0] >= 2
    samples.event(conn, "off_shift")
    until(lambda: len(office.mails) == 2)
    assert supervisor.problems() == {}


class Killer(PostOffice):
    """Accepts a mail, then kills who brought it before it can hear the answer."""

    victim: int = 0

    async def handle_DATA(self, *args: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(*args)
        if self.victim:
            os.kill(self.victim, signal.SIGKILL)
            self.victim = 0
        return answer


def test_killed_between_the_server_s_acceptance_and_the_receipt_the_mail_is_marked_and_can_be_told(
    conn: Connection, database_url: str
) -> None:
    samples.town(conn)
    samples.event(conn)
    office = Killer()
    with open_post_office(office):
        environment = os.environ | {
            "HEADWATER_DATABASE_URL": database_url,
            "HEADWATER_SMTP_URL": office.url,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        command = [sys.executable, "-c", NOTIFIER]
        with subprocess.Popen(command, env=environment) as notifier:
            office.victim = notifier.pid
            assert notifier.wait(60) == -signal.SIGKILL
        assert states(conn) == [("pending", 1)]
        assert deliveries(conn) == []
        later = SetClock(SystemClock().now() + timedelta(seconds=sender.LEASE_S + 1))
        with connect(database_url, "notify", autocommit=True) as own:
            (mail,) = [way for way in ways(settings(smtp_url=office.url), later) if way.name == "email"]
            assert Sender(mail.make(), later).drain(own) == 1
    assert states(conn) == [("sent", 2)]
    assert deliveries(conn)[0] == (1, False, f"{UNKNOWN}; sent again with the same id")
    assert deliveries(conn)[1][:2] == (2, True)
    first, second = office.mails
    assert first["Message-ID"] == second["Message-ID"]


NOTIFIER = """
from core.clock import SystemClock
from core.settings import load
from core.supervise import Supervisor
from notify.role import start
settings = load(notify_every_s=0.1, mail_from="service@utility.example")
supervisor = Supervisor()
start(supervisor, settings, SystemClock(), settings.database_url)
supervisor.wait()
"""


class Scripted:
    """A channel whose other end says what the test wants."""

    name = "email"
    per_minute: int | None = None

    def __init__(self, *receipts: Receipt, shared: bool = True) -> None:
        self.receipts = list(receipts)
        self.shared = shared
        self.sent: list[int] = []
        self.before_answer: Any = lambda: None

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        def hand_over() -> Receipt:
            self.sent.append(message.id)
            self.before_answer()
            return self.receipts.pop(0) if self.receipts else Receipt(Result.SENT, "ok")

        return hand_over

    def idle(self) -> None:
        pass


AWAY, LATER = Receipt(Result.AWAY, "nobody there"), Receipt(Result.RETRY, "451 later")


@pytest.fixture
def waiting(conn: Connection) -> list[int]:
    """Three mails that are due now."""
    samples.town(conn)
    event = samples.event(conn)
    ticket = opening.open_from_event(conn, event, at=NOW).ticket_id
    return [messages.tell(conn, ticket, Step("opened", f"k{n}", event), at=NOW)[0] for n in range(3)]


def next_try(conn: Connection, outbox_id: int) -> datetime:
    at = conn.execute("select not_before from outbox where id = %s", (outbox_id,)).fetchall()[0][0]
    assert isinstance(at, datetime)
    return at


def test_a_server_that_is_away_is_not_asked_for_every_mail_and_asked_again_soon(
    conn: Connection, waiting: list[int]
) -> None:
    clock, channel = SetClock(NOW), Scripted(*[AWAY] * 20)
    drain = Sender(channel, clock).drain
    for _ in range(20):
        drain(conn)
        drain(conn)
        clock.advance(timedelta(seconds=pauses.LONGEST_PAUSE_S * 1.3))
    assert len(channel.sent) == 20
    drain(conn)
    assert sorted(channel.sent[20:]) == waiting
    assert [state for state, _ in states(conn)] == ["sent"] * 3


def test_three_days_of_not_now_are_the_end_with_the_last_reason(conn: Connection, waiting: list[int]) -> None:
    clock, channel = SetClock(NOW), Scripted(*[LATER] * 1_000)
    drain = Sender(channel, clock).drain
    while clock.now() < NOW + timedelta(days=3, hours=1):
        drain(conn)
        clock.advance(timedelta(minutes=30))
    assert {state for state, _ in states(conn)} == {"dead"}
    attempts = {attempts for _, attempts in states(conn)}
    assert all(50 < count < 150 for count in attempts)
    assert conn.execute("select distinct last_error from outbox").fetchall() == [("451 later",)]


def test_retries_double_up_to_half_an_hour_with_jitter() -> None:
    jitter = random.Random(7)  # noqa: S311
    for attempt, wait in [(1, 5), (2, 10), (5, 80), (9, 1280), (10, 1800), (500, 1800)]:
        drawn = [retry_s(attempt, jitter) for _ in range(200)]
        assert wait * 0.8 <= min(drawn) < max(drawn) <= wait * 1.2


def test_the_server_s_own_time_is_kept_to(conn: Connection, waiting: list[int]) -> None:
    channel = Scripted(Receipt(Result.RETRY, "503", retry_after_s=77.0))
    Sender(channel, SetClock(NOW)).drain(conn)
    assert next_try(conn, waiting[0]) == NOW + timedelta(seconds=77)


def test_a_database_that_goes_while_the_server_accepts_does_not_cost_a_second_mail(
    conn: Connection, waiting: list[int], database_url: str
) -> None:
    clock, channel = SetClock(NOW), Scripted()
    sending = Sender(channel, clock)
    with connect(database_url, "notify", autocommit=True) as own:
        channel.before_answer = own.close
        with pytest.raises(Exception, match="closed"):
            sending.drain(own)
    channel.before_answer = lambda: None
    clock.advance(timedelta(seconds=sender.LEASE_S + 1))
    with connect(database_url, "notify", autocommit=True) as own:
        sending.drain(own)
    assert channel.sent == waiting
    assert all(attempts == 1 for _, attempts in states(conn))


def test_a_message_that_can_not_be_made_is_dead_and_does_not_block(
    conn: Connection, waiting: list[int], run: Run, office: PostOffice
) -> None:
    conn.execute("update outbox set message = '{}' where id = %s", (waiting[0],))
    run(settings(smtp_url=office.url))
    until(lambda: [state for state, _ in states(conn)] == ["dead", "sent", "sent"])
    (error,) = conn.execute("select last_error from outbox where state = 'dead'").fetchall()[0]
    assert error.startswith("could not be made: ValidationError")
