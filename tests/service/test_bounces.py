"""Reports on mails that were accepted and then failed, as Postfix and Exchange write them."""

from email import message_from_string
from email.message import Message

import pytest

from service import bounces, messages, opening
from service.messages import Step
from service.outbox import Outgoing, enqueue
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: service@utility.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1.mx.example.org"
Message-Id: <20261121013001.B1@mx.example.org>

This is a MIME-encapsulated message.

--B1.mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org. I'm sorry to have to inform you that your message
could not be delivered to one or more recipients.

--B1.mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F00C2A0C3
X-Postfix-Sender: rfc822; service@utility.example
Arrival-Date: Sat, 21 Nov 2026 01:30:00 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.net
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected:
    User unknown in virtual mailbox table

--B1.mx.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Received: from notifier (localhost [127.0.0.1])
From: Water <service@utility.example>
To: {recipient}
Subject: =?utf-8?b?5ryP5rC0?=
Message-ID: <{message_id}>

--B1.mx.example.org--
"""

EXCHANGE = """\
From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example>
To: <service@utility.example>
Subject: Undeliverable: leak
In-Reply-To: <{message_id}>
References: <{message_id}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="_abc_"

--_abc_
Content-Type: multipart/alternative; differences=Content-Type; boundary="_def_"

--_def_
Content-Type: text/plain; charset="us-ascii"

Delivery has failed to these recipients or groups: {recipient}

--_def_
Content-Type: text/html; charset="us-ascii"

<html><body>Delivery has failed</body></html>

--_def_--

--_abc_
Content-Type: message/delivery-status

Reporting-MTA: dns;corp.example
Received-From-MTA: dns;mx.utility.example
Arrival-Date: Sat, 21 Nov 2026 01:30:00 +0000

Final-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup

--_abc_
Content-Type: message/rfc822

From: Water <service@utility.example>
To: {recipient}
Subject: leak
Message-ID: <{message_id}>
Content-Type: text/plain

There is a leak.

--_abc_--
"""


def message_id(conn: Connection, outbox_id: int) -> str:
    ((created_at,),) = conn.execute("select created_at from outbox where id = %s", [outbox_id]).fetchall()
    return f"outbox.{outbox_id}.{int(created_at.timestamp() * 1e6):x}@utility.example"


def report(
    form: str,
    conn: Connection,
    outbox_id: int,
    *,
    recipient: str = "customer@example.org",
    action: str = "failed",
    status: str = "5.1.1",
) -> Message:
    named = message_id(conn, outbox_id)
    return message_from_string(
        form.format(message_id=named, recipient=recipient, action=action, status=status)
    )


@pytest.fixture
def notice(conn: Connection) -> int:
    """A notice to the customer A-1001 that the mail server accepted."""
    samples.town(conn)
    out = Outgoing("outage", "announced", "email", "customer@example.org", "zh", "k", {}, account_no="A-1001")
    outbox_id = enqueue(conn, out, at=NOW)
    assert outbox_id is not None
    conn.execute("update outbox set state = 'sent', attempts = 1")
    return outbox_id


@pytest.mark.parametrize("form", [POSTFIX, EXCHANGE])
def test_a_notice_that_bounces_is_marked_and_the_address_is_to_be_verified(
    conn: Connection, notice: int, form: str
) -> None:
    mail = report(form, conn, notice)
    assert bounces.take(conn, mail, at=NOW) == f"message {notice}: bounced"
    assert bounces.take(conn, mail, at=NOW) == f"message {notice}: bounced already"
    ((state, error),) = conn.execute("select state, last_error from outbox").fetchall()
    assert state == "bounced"
    assert error.startswith("5.1.1 550 5.1.1")
    log = conn.execute("select kind, ok, receipt from delivery").fetchall()
    assert log == [("bounced", False, error)]
    tasks = conn.execute("select account_no, kind, why from contact_check").fetchall()
    assert tasks == [("A-1001", "bounced", error)]


def test_a_delay_is_only_noted(conn: Connection, notice: int) -> None:
    mail = report(POSTFIX, conn, notice, action="delayed", status="4.4.1")
    assert bounces.take(conn, mail, at=NOW) == f"message {notice}: delayed"
    assert conn.execute("select state from outbox").fetchall() == [("sent",)]
    assert conn.execute("select kind from delivery").fetchall() == [("delayed",)]
    assert conn.execute("select count(*) from contact_check").fetchall() == [(0,)]
    failed = report(POSTFIX, conn, notice)
    assert bounces.take(conn, failed, at=NOW) == f"message {notice}: bounced"


@pytest.mark.parametrize("status", ["5.7.1", "4.4.7"])
def test_refused_by_policy_or_given_up_says_nothing_of_the_address(
    conn: Connection, notice: int, status: str
) -> None:
    bounces.take(conn, report(EXCHANGE, conn, notice, status=status), at=NOW)
    assert conn.execute("select state from outbox").fetchall() == [("bounced",)]
    assert conn.execute("select count(*) from contact_check").fetchall() == [(0,)]


def test_a_report_on_another_s_mail_or_with_a_made_up_id_changes_nothing(
    conn: Connection, notice: int
) -> None:
    forged = POSTFIX.format(
        message_id=f"outbox.{notice}.1234@utility.example", recipient="x@y", action="failed", status="5.1.1"
    )
    said = bounces.take(conn, message_from_string(forged), at=NOW)
    assert said == f"message {notice}: not known"
    other = POSTFIX.format(message_id="abc@elsewhere", recipient="x@y", action="failed", status="5.1.1")
    assert bounces.take(conn, message_from_string(other), at=NOW) == "a report on a mail that is none of ours"
    assert bounces.take(conn, message_from_string("From: a@b\n\nhello"), at=NOW) is None
    assert conn.execute("select state from outbox").fetchall() == [("sent",)]


def test_the_envelope_s_id_is_enough(conn: Connection, notice: int) -> None:
    token = message_id(conn, notice).removeprefix("outbox.").partition("@")[0]
    text = POSTFIX.format(message_id="gone@x", recipient="c@example.org", action="failed", status="5.0.0")
    text = text.replace("Reporting-MTA: dns; mx", f"Original-Envelope-Id: {token}\nReporting-MTA: dns; mx")
    assert bounces.take(conn, message_from_string(text), at=NOW) == f"message {notice}: bounced"


def test_of_a_colleague_s_address_the_duty_desk_is_told_and_the_ticket_says_so(conn: Connection) -> None:
    town = samples.town(conn)
    event = samples.event(conn)
    ticket = opening.open_from_event(conn, event, at=NOW).ticket_id
    (told,) = messages.tell(conn, ticket, Step("opened", "k", event), at=NOW)
    conn.execute("update outbox set state = 'sent', attempts = 1")
    bounces.take(conn, report(EXCHANGE, conn, told, recipient="wangli@utility.example"), at=NOW)
    rows = conn.execute(
        "select kind, step, staff_id, recipient, rank, state from outbox where id > %s", [told]
    ).fetchall()
    assert rows == [("failures", "bounced", town.desk_id, "desk@utility.example", 0, "pending")]
    entries = conn.execute("select kind, why from ticket_entry where kind = 'undeliverable'").fetchall()
    assert len(entries) == 1
    assert entries[0][1].startswith("bounced: 5.1.1")


def test_when_the_duty_desk_s_own_address_bounces_it_is_told_by_another_way(conn: Connection) -> None:
    town = samples.town(conn)
    factories.insert(
        conn, "staff_channel", staff_id=town.desk_id, channel="wecom", address="http://robot/x", uses="urgent"
    )
    out = Outgoing(
        "case", "opened", "email", "desk@utility.example", "zh", "k", {}, staff_id=town.desk_id, rank=0
    )
    told = enqueue(conn, out, at=NOW)
    assert told is not None
    conn.execute("update outbox set state = 'sent', attempts = 1")
    bounces.take(conn, report(POSTFIX, conn, told, recipient="desk@utility.example"), at=NOW)
    rows = conn.execute("select channel, recipient from outbox where kind = 'failures'").fetchall()
    assert rows == [("wecom", "http://robot/x")]
