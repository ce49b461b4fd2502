"""A ticket that no event opened: routed, with deadlines, on record, told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from core.clock import SetClock
from notify.channels import Message
from notify.mail import Composer
from notify.words import Words
from notify.writer import Writer
from service import findings, handling
from service.cases import Case, open_case, report
from service.findings import Desk, Turn
from service.messages import Step, tell
from service.opening import Opened
from service.sweep import sweep
from service.tickets import Act, Actor
from sql.pool import Connection, connect
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


def found(conn: Connection, detector: str, number: int = 0, **values: object) -> int:
    """An event that the notifier has taken in; return its ticket."""
    event_id = samples.event(conn, detector, epoch=number, **values)
    with conn.transaction():
        ticket_id = findings.take(conn, Turn(event_id, event_id, "opened"), Desk(), at=NOW)
    assert ticket_id is not None
    return ticket_id


def complain(conn: Connection, topic: str, account_no: str | None = "A-1001", **values: Any) -> Opened:
    return report(conn, Case("hotline", topic, topic, "说明", account_no, **values), actor=CLERK, at=NOW)


def steps(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute("select step from outbox order by id")]


def test_a_complaint_about_what_the_meter_saw_goes_to_that_ticket(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    ticket_id = found(conn, "continuous_flow")
    assert complain(desk_conn, "leak", reporter={"phone": "138"}) == Opened(ticket_id, "joined")
    row = conn.execute("select source, topic, subject, said from ticket").fetchall()
    assert row == [("meter", "leak", "leak", "说明")]
    entry = conn.execute("select actor, detail ->> 'source' from ticket_entry where kind = 'complaint'")
    assert entry.fetchall() == [("chen.jie", "hotline")]
    assert steps(conn) == ["opened", "complaint"]
    assert complain(desk_conn, "bill").how == "opened"  # another matter


def test_one_complaint_on_several_findings_makes_one_ticket_of_them(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    flow = found(conn, "low_pressure", subject_kind="customer", subject="A-1001", account_no="A-1001")
    burst = found(conn, "main_burst", subject_kind="customer", subject="A-1001", account_no="A-1001")
    assert flow != burst
    assert complain(desk_conn, "no_water") == Opened(burst, "joined")  # the urgent one goes on
    assert conn.execute("select state, merged_into from ticket where id = %s", [flow]).fetchone() == (
        "merged",
        burst,
    )


def test_a_finding_after_a_complaint_joins_it(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    opened = complain(desk_conn, "leak")
    assert opened.how == "opened"
    assert found(conn, "continuous_flow") == opened.ticket_id


def test_a_second_complaint_of_the_topic_joins_the_first_and_service_ones_do_not(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    first = complain(desk_conn, "quality")
    assert complain(desk_conn, "quality") == Opened(first.ticket_id, "joined")
    assert complain(desk_conn, "service").how == "opened"
    assert complain(desk_conn, "service").how == "opened"


def test_a_complaint_ends_the_waiting_for_the_customer(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    ticket_id = complain(desk_conn, "leak").ticket_id
    handling.pause(desk_conn, ticket_id, Act(CLERK, NOW, "for a photograph"))
    complain(desk_conn, "leak")
    assert conn.execute("select waiting_since from ticket").fetchall() == [(None,)]


def test_a_district_with_a_burst_is_related_to_its_customers_complaints(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    district = found(conn, "main_burst")
    opened = complain(desk_conn, "no_water")
    assert opened.how == "opened"
    related = conn.execute("select related_id, why from ticket_relation where ticket_id = %s", [district])
    assert related.fetchall() == [(opened.ticket_id, "same district")]


@pytest.mark.parametrize(
    ("topic", "segment", "priority"),
    [("no_water", "special", "urgent"), ("bill", "special", "normal"), ("no_water", "general", "normal")],
)
def test_whose_supply_it_is_decides_how_pressing_a_complaint_is(
    conn: Connection, desk_conn: Connection, topic: str, segment: str, priority: str
) -> None:
    samples.town(conn, segment=segment)
    complain(desk_conn, topic)
    assert conn.execute("select priority from ticket").fetchall() == [(priority,)]


def test_two_complaints_at_once_are_one_ticket(conn: Connection, database_url: str) -> None:
    samples.town(conn)
    with ThreadPoolExecutor(4) as pool:

        def one(_: int) -> Opened:
            with connect(database_url, "notify") as own:
                return complain(own, "leak")

        made = list(pool.map(one, range(4)))
    assert sorted(opened.how for opened in made) == ["joined"] * 3 + ["opened"]
    assert len({opened.ticket_id for opened in made}) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("step", ["complaint", "replied", "merged_in", "merged", "opened"])
@pytest.mark.parametrize("of_event", [True, False])
def test_every_step_is_told_in_both_languages(
    conn: Connection, desk_conn: Connection, language: str, step: str, of_event: bool
) -> None:
    samples.town(conn, language=language)
    reporter = {"name": "Wang", "phone": "138 0000"}
    ticket_id = found(conn, "continuous_flow") if of_event else 0
    values: dict[str, Any] = {"level": "urgent", "reasons": ("dialysis at home",), "reporter": reporter}
    ticket_id = ticket_id or complain(desk_conn, "quality", **values).ticket_id
    told = Step(step, f"{step}:test", reasons=("dialysis at home",), why="Line one.\nLine two.")
    (outbox_id,) = tell(desk_conn, ticket_id, told, at=NOW)
    mail = mail_of(conn, outbox_id)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for said in (text.get_content(), html.get_content()):
        assert "None" not in said
        assert of_event or "138 0000" in said
        assert step in ("merged_in", "merged", "opened") or "Line two." in said
        assert "dialysis at home" in said or of_event
    assert f"[#{ticket_id}]" in mail["Subject"]


def test_two_hundred_meters_of_one_customer_are_one_ticket_and_two_messages(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    for number in range(200):
        found(conn, "continuous_flow", subject=f"M-{number}", magnitude=float(number + 1))
    assert conn.execute("select count(*), count(distinct ticket_id) from ticket_event").fetchall() == [
        (200, 1)
    ]
    assert steps(conn) == ["opened", "joined"]
    ((outbox_id,),) = conn.execute("select id from outbox where step = 'joined'").fetchall()
    text = mail_of(conn, outbox_id).get_body(("plain",))
    assert text is not None
    assert "200" in text.get_content()
    assert "M-199、M-198" in text.get_content()
    assert "等" in text.get_content()
