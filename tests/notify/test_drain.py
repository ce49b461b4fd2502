"""The outbox drained: the most pressing first, and what a sender that dies leaves behind."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from core.clock import SetClock
from notify import sender
from notify.channels import Message, Receipt, Result
from notify.channels.email import EmailChannel, parse
from notify.mail import Composer
from notify.sender import UNKNOWN, Sender
from notify.words import Words
from notify.writer import Writer
from service import failures
from service.tickets import Actor
from sql.pool import Connection
from tests import factories, samples
from tests.notify.making import document
from tests.notify.test_sender import NOTIFIER
from tests.samples import NOW
from tests.smtp_sink import Sink, open_sink
from tests.waiting import until

CLERK = Actor("chen.jie")


class Killed(BaseException):
    """Ends a sender as kill -9 does: nothing after it is done."""


class Scripted:
    """A channel that does what the test wants with the n-th message."""

    name = "email"
    shared = True
    per_minute: int | None = None

    def __init__(self, at: dict[int, BaseException | Receipt] | None = None) -> None:
        self.at = at or {}
        self.sent: list[int] = []

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        def hand_over() -> Receipt:
            self.sent.append(message.id)
            planned = self.at.get(len(self.sent), Receipt(Result.SENT, "ok"))
            if isinstance(planned, BaseException):
                raise planned
            return planned

        return hand_over

    def idle(self) -> None:
        pass


def notices(conn: Connection, count: int, *, rank: int = 2, name: str = "n", **values: Any) -> list[int]:
    """Insert notices to the customer A-1001."""
    given = {
        "account_no": "A-1001",
        "step": "opened",
        "channel": "email",
        "not_before": NOW,
        "created_at": NOW,
    }
    given |= {"message": Jsonb(document()), "rank": rank} | values
    return [
        int(
            factories.insert(
                conn, "outbox", "id", recipient=f"{name}{n}@example.org", dedupe_key=f"{name}{n}", **given
            )
        )
        for n in range(count)
    ]


def states(conn: Connection) -> Counter[str]:
    return Counter(state for (state,) in conn.execute("select state from outbox"))


def test_the_most_pressing_goes_first_even_past_what_was_claimed(conn: Connection) -> None:
    samples.town(conn)
    bulk = notices(conn, 3, rank=2, name="b")
    normal = notices(conn, 2, rank=1, name="n")
    urgent = notices(conn, 2, rank=0, name="u")
    channel = Scripted()
    Sender(channel, SetClock(NOW)).drain(conn)
    assert channel.sent == [*urgent, *normal, *bulk]


def test_of_a_batch_whose_sender_is_killed_only_the_one_on_the_wire_is_unknown(conn: Connection) -> None:
    samples.town(conn)
    ids = notices(conn, 20)
    clock = SetClock(NOW)
    first = Scripted({8: Killed()})
    with pytest.raises(Killed):
        Sender(first, clock).drain(conn)
    assert states(conn) == {"sent": 7, "pending": 13}
    clock.advance(timedelta(seconds=sender.CLAIM_S + 1))
    second = Scripted()
    Sender(second, clock).drain(conn)
    assert second.sent == ids[8:]
    clock.advance(timedelta(seconds=sender.LEASE_S))
    assert Sender(second, clock).drain(conn) == 0
    assert states(conn) == {"sent": 19, "unknown": 1}
    rows = conn.execute(
        "select o.id, d.ok, d.receipt from outbox o join delivery d on d.outbox_id = o.id"
        " where state = 'unknown'"
    ).fetchall()
    assert rows == [(ids[7], False, UNKNOWN)]
    failures.retry(conn, ids[7], actor=CLERK, why="asked the customer", at=clock.now())
    Sender(second, clock).drain(conn)
    assert second.sent[-1] == ids[7]
    assert states(conn) == {"sent": 20}
    log = conn.execute(
        "select kind, attempt, ok, actor from delivery where outbox_id = %s order by id", [ids[7]]
    ).fetchall()
    assert log == [
        ("attempt", 1, False, "system"),
        ("retried", 1, True, "chen.jie"),
        ("attempt", 2, True, "system"),
    ]


def test_an_answer_that_is_not_heard_leaves_a_notice_unknown_and_a_colleague_s_message_is_sent_again(
    conn: Connection,
) -> None:
    town = samples.town(conn)
    notices(conn, 1)
    mine = notices(conn, 1, name="s", rank=0, staff_id=town.manager_id)
    lost = Receipt(Result.UNANSWERED, "no answer to the mail's content")
    channel = Scripted({1: lost, 3: lost})
    clock = SetClock(NOW)
    sending = Sender(channel, clock)
    sending.drain(conn)
    clock.advance(timedelta(seconds=5))
    sending.drain(conn)
    clock.advance(timedelta(seconds=10))
    sending.drain(conn)
    assert states(conn) == {"sent": 1, "unknown": 1}
    assert channel.sent.count(mine[0]) == 2


def test_a_message_made_too_slowly_is_not_sent_by_two(conn: Connection) -> None:
    samples.town(conn)
    notices(conn, 1)
    clock = SetClock(NOW)
    other = Scripted()

    class Slow(Scripted):
        def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
            clock.advance(timedelta(seconds=sender.CLAIM_S + 1))
            Sender(other, clock).drain(conn)
            return super().prepare(conn, message)

    slow = Slow()
    Sender(slow, clock).drain(conn)
    assert (len(other.sent), len(slow.sent)) == (1, 0)


def mailing(sink: Sink) -> EmailChannel:
    composer = Composer("s@utility.example", SetClock(NOW), Writer(Words("https://water.example")))
    return EmailChannel(parse(sink.url), composer)


def test_a_server_that_pipelines_is_asked_in_one_go_and_told_how_to_name_the_mail_in_a_bounce(
    conn: Connection,
) -> None:
    samples.town(conn)
    notices(conn, 5)
    with open_sink() as sink:
        Sender(mailing(sink), SetClock(NOW)).drain(conn)
        assert len(set(sink.book)) == len(sink.book) == 5
        token = sink.book[-1].removeprefix("outbox.").partition("@")[0]
        assert sink.commands == [
            f"MAIL FROM:<s@utility.example> RET=HDRS ENVID={token}\r\n".encode(),
            b"RCPT TO:<n4@example.org> NOTIFY=FAILURE,DELAY\r\n",
        ]
    assert states(conn) == {"sent": 5}


def test_a_server_that_goes_after_the_content_has_perhaps_accepted(conn: Connection) -> None:
    samples.town(conn)
    notices(conn, 1)
    with open_sink(Sink(mute=1)) as sink:
        Sender(mailing(sink), SetClock(NOW)).drain(conn)
        assert len(sink.book) == 1
    assert states(conn) == {"unknown": 1}


def test_kill_9_in_the_middle_of_a_notice_each_is_sent_once_or_marked_unknown(
    conn: Connection, database_url: str
) -> None:
    """The server's own book is the judge."""
    samples.town(conn)
    notices(conn, 300)
    with open_sink() as sink:
        environment = os.environ | {
            "HEADWATER_DATABASE_URL": database_url,
            "HEADWATER_SMTP_URL": sink.url,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

        def started() -> "subprocess.Popen[bytes]":
            return subprocess.Popen([sys.executable, "-c", NOTIFIER], env=environment)

        with started() as notifier:
            until(lambda: len(sink.book) > 50, 60)
            notifier.send_signal(signal.SIGKILL)
        conn.execute("update outbox set not_before = now() where state = 'pending'")  # the leases run out
        with started() as notifier:
            until(lambda: states(conn)["pending"] == 0, 60)
            notifier.terminate()
    assert set(states(conn)) <= {"sent", "unknown"}
    assert states(conn)["unknown"] <= 4
    book = Counter(int(name.removeprefix("outbox.").partition(".")[0]) for name in sink.book)
    assert max(book.values()) == 1
    sent = {id_ for (id_,) in conn.execute("select id from outbox where state = 'sent'")}
    assert sent <= set(book)
