"""A ticket that no event opened: routed, with deadlines, on record, told."""

from datetime import timedelta
from email.message import EmailMessage

import pytest

from core.clock import SetClock
from notify.channels import Message
from notify.mail import Composer
from notify.words import Words
from notify.writer import Writer
from service.cases import Case, open_case
from service.findings import Desk
from service.sweep import sweep
from service.tickets import Actor
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW

CLERK = Actor("chen.jie")


def mail_of(conn: Connection, outbox_id: int) -> EmailMessage:
    row = conn.execute(
        "select id, ticket_id, event_id, step, recipient, language, message, 1, created_at, kind from outbox"
        " where id = %s",
        [outbox_id],
    ).fetchall()[0]
    composer = Composer("s@utility.example", SetClock(NOW), Writer(Words("https://water.example")))
    return composer.compose(conn, Message(*row))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_complaint_reaches_the_account_manager_by_mail(
    conn: Connection, desk_conn: Connection, language: str
) -> None:
    samples.town(conn)
    manager = factories.staff(conn, "zhao", language=language)
    conn.execute("update customer set manager_id = %s", [manager])
    ((account_no,),) = conn.execute("select account_no from customer limit 1").fetchall()
    case = Case(
        "hotline", "no_water", "No water since <6>", "It's dry.\nSince six.", account_no, level="high"
    )
    ticket_id = open_case(desk_conn, case, actor=CLERK, at=NOW)
    row = conn.execute(
        "select source, topic, subject, said, opened_by, assignee_id, priority, sla"
        " from ticket where id = %s",
        [ticket_id],
    ).fetchone()
    wanted = ("hotline", "no_water", "No water since <6>", "It's dry.\nSince six.", "chen.jie", manager)
    assert row == (*wanted, "high", "high")
    ((outbox_id, kind, state),) = conn.execute("select id, kind, state from outbox").fetchall()
    assert (kind, state) == ("case", "pending")
    mail = mail_of(conn, outbox_id)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "No water since <6>" in mail["Subject"]
    assert "It's dry.\nSince six." in text.get_content().replace("\r", "")
    assert "No water since &lt;6&gt;" in html.get_content()
    assert ("热线" if language == "zh" else "hotline") in text.get_content()
    assert "None" not in text.get_content() + html.get_content()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_reminders_of_a_case_reach_the_manager_and_the_one_above(
    conn: Connection, desk_conn: Connection, language: str
) -> None:
    town = samples.town(conn, language=language)
    above = factories.staff(conn, "zhao", name="Zhao", language=language)
    conn.execute("update staff set superior_id = %s where id = %s", [above, town.manager_id])
    case = Case("hotline", "bill", "Bill too high", account_no="A-1001")
    open_case(desk_conn, case, actor=CLERK, at=NOW)
    said = []
    for hours in (60, 73, 100):
        with desk_conn.transaction():
            sweep(desk_conn, at=NOW + timedelta(hours=hours), desk=Desk())
        ((outbox_id,),) = conn.execute("select max(id) from outbox").fetchall()
        mail = mail_of(conn, outbox_id)
        text = mail.get_body(("plain",))
        assert text is not None
        assert "None" not in text.get_content()
        said.append((mail["Subject"], mail["To"], mail["Importance"]))
    wangli, zhao = "王丽 <wangli@utility.example>", "Zhao <zhao@utility.example>"
    whom, to = samples.NAMES[language], [wangli, wangli, zhao]
    wanted = {
        "zh": [
            f"【时限预警】Bill too high：{whom}（A-1001），请于 11月24日（周二）09:30 前响应 [#1]",
            f"【催办】Bill too high：{whom}（A-1001），响应时限已到 [#1]",
            f"【超时督办】Bill too high：{whom}（A-1001），响应已超时，责任人 王丽 [#1]",
        ],
        "en": [
            f"[Due soon] Bill too high: {whom} (A-1001), respond by Tue 24 Nov, 09:30 [#1]",
            f"[Due now] Bill too high: {whom} (A-1001), first response is due [#1]",
            f"[Overdue] Bill too high: {whom} (A-1001), first response is overdue, assigned to 王丽 [#1]",
        ],
    }
    assert said == list(zip(wanted[language], to, [None, "high", "high"], strict=True))


def test_what_is_enqueued_twice_is_one_message(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    ticket_id = open_case(desk_conn, Case("counter", "bill", "Bill"), actor=CLERK, at=NOW)
    states = conn.execute("select state, last_error from outbox where ticket_id = %s", [ticket_id]).fetchall()
    assert states  # nobody answers for it: that is seen
