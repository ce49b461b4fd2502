"""A mail lands once, on the ticket it is about; the mail server is told in its own codes."""

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from jobs import mail_in
from service import attachments, handling, inbox, merging, tickets
from service.attachments import File
from service.cases import Case, open_case
from service.tickets import Act, Actor
from sql.pool import Connection
from tests import factories, samples
from tests.notify.test_inbound import raw, read
from tests.samples import NOW

CLERK = Actor("clerk")


@pytest.fixture
def town(conn: Connection) -> samples.Town:
    return samples.town(conn)


def take(desk_conn: Connection, given_mail: bytes) -> inbox.Taken:
    return inbox.take(desk_conn, read(given_mail), at=NOW)


def opened_s(conn: Connection, ticket_id: int) -> str:
    ((at,),) = conn.execute("select opened_at from ticket where id = %s", [ticket_id]).fetchall()
    return f"{int(at.timestamp()):x}"


def test_a_customers_mail_is_a_ticket_of_the_customer_once(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    mail = raw("家里没水了", subject="停水了吗？", sender="Customer@Example.org")
    taken = take(desk_conn, mail)
    assert taken.outcome == "opened"
    assert take(desk_conn, mail) == inbox.Taken("again", taken.ticket_id)
    row = conn.execute(
        "select source, topic, subject, said, account_no, assignee_id, reporter ->> 'email' from ticket"
    ).fetchall()
    assert row == [
        ("mail", "no_water", "停水了吗？", "家里没水了", "A-1001", town.manager_id, "customer@example.org")
    ]


def test_an_answer_goes_on_with_its_ticket_ends_its_waiting_and_is_told(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    ticket_id = open_case(
        desk_conn, Case("hotline", "bill", "账单", account_no="A-1001"), actor=CLERK, at=NOW
    )
    handling.pause(desk_conn, ticket_id, Act(CLERK, NOW, "waits for the invoice"))
    thread = f"<ticket.{ticket_id}.{opened_s(conn, ticket_id)}@utility.example>"
    taken = take(
        desk_conn,
        raw("发票在此\n\n> 请寄发票", sender="wife@elsewhere.example", In_Reply_To=thread, References=thread),
    )
    assert taken == inbox.Taken("continued", ticket_id)
    entry = conn.execute("select actor, why from ticket_entry where kind = 'mail'").fetchall()
    assert entry == [("wife@elsewhere.example", "发票在此")]
    assert conn.execute("select waiting_since from ticket").fetchall() == [(None,)]
    told = conn.execute("select recipient from outbox where step = 'replied'").fetchall()
    assert told == [("wangli@utility.example",)]


def test_a_number_in_the_subject_counts_only_from_who_may_know_it(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    ticket_id = open_case(
        desk_conn, Case("hotline", "bill", "账单", account_no="A-1001"), actor=CLERK, at=NOW
    )
    named = f"Re: 账单 [#{ticket_id}]"
    assert take(desk_conn, raw("mine", subject=named)) == inbox.Taken("continued", ticket_id)
    assert take(desk_conn, raw("staff", subject=named, sender="chen@utility.example")).ticket_id == ticket_id
    stranger = take(desk_conn, raw("give me that", subject=named, sender="stranger@example.net"))
    assert stranger.outcome == "opened"
    assert stranger.ticket_id != ticket_id
    forged = f"<ticket.{ticket_id}.1@utility.example>"
    guessed = take(desk_conn, raw("guess", sender="stranger@example.net", References=forged))
    assert guessed.ticket_id != ticket_id


def test_an_answer_to_a_merged_ticket_goes_to_the_one_that_goes_on(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    a, b = (
        open_case(desk_conn, Case("hotline", topic, topic, account_no="A-1001"), actor=CLERK, at=NOW)
        for topic in ("bill", "quality")
    )
    merging.merge(desk_conn, a, b, Act(CLERK, NOW, "same"))
    assert take(desk_conn, raw("still there", subject=f"Re: x [#{a}]")) == inbox.Taken("continued", b)


def test_what_a_machine_wrote_is_on_record_and_makes_no_ticket(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    assert take(desk_conn, raw("I am away", Auto_Submitted="auto-replied")).outcome == "automatic"
    assert conn.execute("select count(*) from ticket").fetchall() == [(0,)]
    assert conn.execute("select outcome from mail_in").fetchall() == [("automatic",)]


def test_of_several_customers_with_an_address_the_one_named_is_meant(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    factories.customer(conn, "A-2002", email="customer@example.org")
    first = take(desk_conn, raw("水费不对", subject="水费"))
    second = take(desk_conn, raw("水费不对，户号 A-2002", subject="水费"))
    accounts = dict(conn.execute("select id, account_no from ticket").fetchall())
    assert (accounts[first.ticket_id], accounts[second.ticket_id]) == (None, "A-2002")


def test_the_mail_servers_pipe_answers_in_its_own_codes(
    conn: Connection, database_url: str, town: samples.Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    assert mail_in.run(raw()) == 0
    assert conn.execute("select source, topic from ticket").fetchall() == [("mail", "leak")]
    assert mail_in.run(b"no mail") == 65
    monkeypatch.setenv("HEADWATER_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    assert mail_in.run(raw()) == 75
    monkeypatch.setenv("HEADWATER_API_PORT", "many")
    assert mail_in.run(raw()) == 78


def test_an_answer_to_a_settled_ticket_is_told_and_opens_nothing(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    ticket_id = open_case(
        desk_conn, Case("hotline", "bill", "账单", account_no="A-1001"), actor=CLERK, at=NOW
    )
    tickets.resolve(desk_conn, ticket_id, actor=CLERK, at=NOW, cause="x")
    taken = take(desk_conn, raw("谢谢！", subject=f"Re: [#{ticket_id}]"))
    assert taken == inbox.Taken("continued", ticket_id)
    assert conn.execute("select state from ticket").fetchall() == [("resolved",)]
    assert conn.execute("select count(*) from outbox where step = 'replied'").fetchall() == [(1,)]


JPEG, PNG = b"\xff\xd8\xff\xe0" + b"j" * 900, b"\x89PNG\r\n\x1a\n" + b"p" * 900


def with_files(*files: tuple[str, bytes], **headers: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    given = {"From": "customer@example.org", "To": "s@utility.example", "Subject": "Meter", **headers}
    for name, value in given.items():
        mail[name] = value
    mail.set_content("see the photo")
    for name, content in files:
        mail.add_attachment(
            content, "image", "jpeg", filename=name
        )  # whatever it is, the mail says: a picture
    return mail.as_bytes()


def kept(conn: Connection) -> list[tuple[str, str, int]]:
    return conn.execute("select name, media_type, size_bytes from ticket_attachment order by id").fetchall()


def test_a_photo_of_the_meter_is_kept_with_the_entry_and_goes_with_the_ticket(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    taken = take(desk_conn, with_files(("水表.jpg", JPEG), ("水表.jpg", PNG)))
    assert kept(conn) == [("水表.jpg", "image/jpeg", len(JPEG)), ("水表.jpg", "image/png", len(PNG))]
    entries = (
        "select e.kind, e.detail -> 'attachments' from ticket_attachment a"
        " join ticket_entry e on e.id = a.entry_id"
    )
    assert conn.execute(entries).fetchall() == [("attached", ["水表.jpg", "水表.jpg"])] * 2
    again = with_files(("late.jpg", JPEG), Subject=f"Re: Meter [#{taken.ticket_id}]")
    assert take(desk_conn, again) == inbox.Taken("continued", taken.ticket_id)
    assert conn.execute(entries + " where a.name = 'late.jpg'").fetchall() == [("mail", ["late.jpg"])]
    assert take(desk_conn, again).outcome == "again"
    assert len(kept(conn)) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.jpg", b"MZ\x90\x00 an executable"),
        ("meter.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("bill.html", b"<script>alert(1)</script>"),
        ("run.sh", b"#!/bin/sh\n"),
        ("data.zip", b"PK\x03\x04"),
        ("empty.jpg", b""),
        ("big.jpg", JPEG + bytes(attachments.LARGEST_BYTES)),
    ],
)
def test_what_could_run_or_is_too_large_is_named_and_not_kept(
    conn: Connection, desk_conn: Connection, town: samples.Town, name: str, content: bytes
) -> None:
    take(desk_conn, with_files((name, content)))
    assert kept(conn) == []
    ((left_out,),) = conn.execute(
        "select detail -> 'left_out' from ticket_entry where kind = 'attached'"
    ).fetchall()
    assert [one["name"] for one in left_out] == [name]
    assert left_out[0]["why"]


def test_there_is_a_limit_to_how_many_and_how_much_of_a_mail_is_kept() -> None:
    many = attachments.sort([File(f"{n}.jpg", JPEG) for n in range(attachments.MOST + 2)])
    assert (len(many.kept), len(many.left_out)) == (attachments.MOST, 2)
    large = [File(f"{n}.jpg", JPEG + bytes(9 * 2**20)) for n in range(3)]
    assert [file.name for file, _ in attachments.sort(large).kept] == ["0.jpg", "1.jpg"]
