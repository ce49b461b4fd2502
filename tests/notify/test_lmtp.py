"""A mail server delivers by LMTP: what is answered with 250 is stored, what can't be stored is kept there."""

import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from core.errors import SettingsError
from core.supervise import Supervisor
from jobs import lmtp
from sql.pool import Connection
from tests import samples
from tests.notify.conftest import settings
from tests.notify.test_inbound import raw
from tests.post_office import free_port
from tests.waiting import until

Open = Callable[[str], smtplib.LMTP]


@contextmanager
def serving(database_url: str) -> Iterator[smtplib.LMTP]:
    supervisor, port = Supervisor(), free_port()
    lmtp.start(supervisor, settings(database_url=database_url), ("127.0.0.1", port))
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=60) as client:
            yield client
    finally:
        assert supervisor.stop() == {}


@pytest.fixture
def serve(database_url: str) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(serving(url or database_url))


def deliver(client: smtplib.LMTP, mail: bytes, *to: str, sender: str = "customer@example.org") -> list[Any]:
    """Hand a mail over as Postfix does; return the answer to each recipient."""
    client.ehlo_or_helo_if_needed()
    assert client.docmd("MAIL", f"FROM:<{sender}>")[0] == 250
    for one in to:
        assert client.docmd("RCPT", f"TO:<{one}>")[0] == 250
    assert client.docmd("DATA")[0] == 354
    client.send(mail.replace(b"\n.", b"\n..") + b"\r\n.\r\n")
    return [client.getreply() for _ in to]


def tickets(conn: Connection) -> list[Any]:
    return conn.execute("select said, account_no from ticket order by id").fetchall()


def test_each_recipient_is_answered_and_the_mail_counts_once(conn: Connection, serve: Open) -> None:
    samples.town(conn)
    client = serve("")
    answers = deliver(client, raw("家里没水了"), "service@utility.example", "desk@utility.example")
    assert [code for code, _ in answers] == [250, 250]
    assert deliver(client, raw("家里没水了"), "service@utility.example")[0][1].startswith(b"2.0.0 again")
    assert tickets(conn) == [("家里没水了", "A-1001")]
    long = "x" * 5_000
    assert deliver(client, raw(long, subject="long", sender="a@b.example"), "s@utility.example")[0][0] == 250
    assert tickets(conn)[1][0] == long


def test_the_yes_comes_after_the_commit_and_not_before(conn: Connection, serve: Open) -> None:
    samples.town(conn)
    client, answers = serve(""), []
    with conn.transaction():
        conn.execute("lock table mail_in in exclusive mode")
        waiting = threading.Thread(target=lambda: answers.extend(deliver(client, raw(), "s@utility.example")))
        waiting.start()
        blocked = "select 1 from pg_locks where relation = 'mail_in'::regclass and not granted"
        until(lambda: conn.execute(blocked).fetchone() is not None)
        assert answers == []
    waiting.join(60)
    assert [code for code, _ in answers] == [250]
    assert len(tickets(conn)) == 1


def test_while_the_database_is_away_the_mail_server_keeps_the_mail(conn: Connection, serve: Open) -> None:
    samples.town(conn)
    away = serve(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    answers = deliver(away, raw(), "a@utility.example", "b@utility.example")
    assert [code for code, _ in answers] == [451, 451]
    assert answers[0][1].startswith(b"4.3.0 ")
    assert deliver(serve(""), raw(), "a@utility.example")[0][0] == 250
    assert len(tickets(conn)) == 1


def test_what_is_no_mail_is_sent_back_and_what_a_machine_sent_makes_no_ticket(
    conn: Connection, serve: Open
) -> None:
    samples.town(conn)
    client = serve("")
    assert deliver(client, b"no mail", "s@utility.example")[0][0] == 554
    assert deliver(client, raw(), "s@utility.example", sender="")[0][1] == b"2.0.0 automatic"
    assert tickets(conn) == []


def test_where_it_can_not_listen_it_says_so_at_once() -> None:
    with pytest.raises(SettingsError, match="no address"):
        lmtp.address("8024")
    assert lmtp.address("[::1]:8024") == ("::1", 8024)
    with (
        serving("postgresql://nobody@127.0.0.1:1/none") as client,
        pytest.raises(SettingsError, match="free port"),
    ):
        assert client.sock is not None
        lmtp.start(Supervisor(), settings(), client.sock.getpeername())
