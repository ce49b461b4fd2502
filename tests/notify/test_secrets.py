"""A code or link is kept in its message only until it is sent: afterwards nobody can read it there."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.clock import SetClock
from core.errors import ConflictError
from core.settings import load
from jobs.job import Run
from jobs.schedule import housekeeping
from notify.channels import Result
from notify.channels.bots import WeCom
from notify.channels.guard import Guard
from notify.channels.sms import SmsChannel
from notify.channels.webhook import WebhookChannel
from notify.role import ways
from notify.sender import Sender
from notify.words import Words
from notify.writer import Writer
from service import contact_claims, failures, invitations
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import samples
from tests.notify.conftest import settings
from tests.notify.test_webhook import claimed
from tests.post_office import PostOffice, Receiver
from tests.samples import NOW

WRITER = Writer(Words("https://water.example"))
ADA = Actor("ada", None)


@pytest.fixture
def town(conn: Connection) -> samples.Town:
    return samples.town(conn)


@pytest.fixture
def own(database_url: str) -> Iterator[Connection]:
    with connect(database_url, "notify", autocommit=True) as notify:
        yield notify


def kept(conn: Connection) -> str:
    """Return everything that the outbox and its log hold, as text."""
    rows = conn.execute("select to_jsonb(o)::text from outbox o").fetchall()
    return str(rows + conn.execute("select to_jsonb(d)::text from delivery d").fetchall())


def mail(own: Connection, office: PostOffice) -> str:
    """Send the mails that wait; return the last one's words."""
    way = next(way for way in ways(settings(smtp_url=office.url), SetClock(NOW)) if way.name == "email")
    Sender(way.make(), SetClock(NOW)).drain(own)
    return str(office.mails[-1].get_body(("plain",)).get_content())  # type: ignore[union-attr]


def test_a_code_and_a_link_arrive_and_are_in_no_message_any_more(
    conn: Connection, own: Connection, office: PostOffice, town: samples.Town
) -> None:
    contact_claims.make(conn, "A-1001", "email", "new@home.example", at=NOW)
    (code,) = re.findall(r"\b\d{6}\b", mail(own, office))
    assert f'"{code}"' not in kept(conn)
    token = invitations.invite(conn, town.manager_id, actor=ADA, at=NOW).token
    assert token in kept(conn)
    assert token in mail(own, office)
    assert token not in kept(conn)
    states = conn.execute("select distinct state from outbox where kind in ('contact_code', 'password')")
    assert states.fetchall() == [("sent",)]


def test_a_code_that_was_refused_goes_to_no_other_address_and_can_not_be_sent_again(
    conn: Connection, own: Connection, office: PostOffice, receiver: Receiver, town: samples.Town
) -> None:
    conn.execute("update customer set email = 'old@home.example'")
    contact_claims.make(conn, "A-1001", "phone", "13900000000", at=NOW)
    ((code,),) = conn.execute("select message->>'code' from outbox").fetchall()
    receiver.answers = [(200, f'{{"code": 21, "message": "number is barred: {code}"}}', {})]
    Sender(SmsChannel(f"{receiver.url}/gateway", "key", SetClock(NOW), WRITER), SetClock(NOW)).drain(own)
    ((id_, state, message),) = conn.execute("select id, state, message from outbox").fetchall()
    assert state == "dead"
    assert "code" not in message
    assert "number is barred: …" in kept(conn)
    assert code not in kept(conn), "the gateway repeats it"
    with pytest.raises(ConflictError, match="kept nowhere"):
        failures.retry(conn, id_, actor=ADA, why="", at=NOW)


def test_what_was_never_sent_is_forgotten_when_it_is_over(conn: Connection, town: samples.Town) -> None:
    token = invitations.invite(conn, town.manager_id, actor=ADA, at=NOW).token
    over = NOW + invitations.LIFE
    early, late = (housekeeping(Run(conn, load(), at, at)) for at in (over - timedelta(seconds=1), over))
    assert "0 codes and links" in early
    assert "1 codes and links" in late
    assert token not in kept(conn)


@pytest.mark.parametrize("channel", ["webhook", "wecom"])
def test_a_person_s_channel_that_leads_into_our_network_is_not_posted_to(
    bare: Connection, receiver: Receiver, channel: str
) -> None:
    """What the settings name themselves may be anywhere; a name may lead inside only when it is posted to."""
    guard = Guard(private_too=False, look_up=lambda host, port: ["10.0.0.7"])
    clock = SetClock(NOW)
    sending = (
        WebhookChannel("secret", clock, WRITER, guard, receiver.url)
        if channel == "webhook"
        else WeCom(clock, WRITER, guard)
    )
    for address in (f"{receiver.url}/other", "https://erp.example.org/x"):
        refused = sending.prepare(bare, claimed(address))()
        assert refused.result is Result.REFUSED, address
    assert receiver.posts == []
    if channel == "webhook":
        assert sending.prepare(bare, claimed(receiver.url))().result is Result.SENT
