"""Mail that comes in is read whatever its make, and lands once, on the ticket it is about."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import BadDataError
from notify import inbound
from service.attachments import File
from service.inbox import Mail
from service.tickets import Actor

OURS = "Jiangcheng Water <service@utility.example>"
CLERK = Actor("clerk")


def raw(
    text: str = "It drips.", *, subject: str = "Leak", sender: str = "customer@example.org", **headers: str
) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, "service@utility.example", subject
    for name, value in ({"Message_ID": f"<{abs(hash((text, subject)))}@x.example>"} | headers).items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def read(given: bytes) -> Mail:
    return inbound.read(given, OURS)


@pytest.mark.parametrize(
    ("charset", "header"),
    [("gb18030", b"gb2312"), ("gbk", b"GBK"), ("utf-8", b"utf-8"), ("utf-8", b"x-unknown"), ("gbk", b"")],
)
def test_chinese_mail_is_read_in_any_coding_even_without_one(charset: str, header: bytes) -> None:
    said = "水表井里一直在漏水，麻烦来看看。"
    coding = b"Content-Type: text/plain" + (b"; charset=" + header if header else b"")
    subject = "漏水报修".encode(charset)
    mail = read(
        b"From: a@b.example\r\nSubject: " + subject + b"\r\n" + coding + b"\r\n\r\n" + said.encode(charset)
    )
    assert (mail.subject, mail.text) == ("漏水报修", said)


def test_of_html_alone_the_words_remain_and_of_an_answer_what_is_new() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "王五 <a@b.example>", "回复：漏水 [#12]"
    mail.set_content(
        "<style>p{}</style><p>修好了，&nbsp;谢谢</p><div>王五</div><p>发件人：江城水务</p><p>旧文</p>",
        subtype="html",
    )
    got = read(mail.as_bytes())
    assert (got.name, got.named, got.text) == ("王五", (12,), "修好了， 谢谢\n王五")


def test_attachments_are_handed_on_beside_the_text() -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "a@b.example", "photo"
    mail.set_content("see picture")
    mail.add_attachment(b"\x89PNG", "image", "png", filename="漏水.png")
    got = read(mail.as_bytes())
    assert (got.text, got.attachments) == ("see picture", ("漏水.png",))
    assert got.files == (File("漏水.png", b"\x89PNG"),)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto_Submitted": "auto-replied"}, "automatic"),
        ({"Precedence": "bulk"}, "automatic"),
        ({"List_Id": "<news.example>"}, "automatic"),
        ({"Return_Path": "<>"}, "automatic"),
        ({"Auto_Submitted": "no"}, "person"),
        ({"Message_ID": "<outbox.7.abc@utility.example>"}, "own"),
        ({}, "person"),
    ],
)
def test_what_machines_write_is_told_from_what_people_write(headers: dict[str, str], kind: str) -> None:
    assert read(raw(**headers)).kind == kind


def test_a_bounce_is_one() -> None:
    kind = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
    report = kind + b"\r\n--b\r\n\r\nfailed\r\n--b--\r\n"
    assert read(b"From: MAILER-DAEMON@mx.example\r\n" + report).kind == "bounce"
    assert read(raw(sender="service@utility.example")).kind == "own"


def test_what_is_no_mail_or_too_long_is_refused() -> None:
    for bad in (b"", b"\x00" * 100, b"hello", b"Subject: x\r\n\r\n"):
        with pytest.raises(BadDataError, match="no sender"):
            read(bad)
    with pytest.raises(BadDataError, match="bytes"):
        read(b"x" * (inbound.LONGEST_BYTES + 1))


def test_parts_within_parts_and_endless_quotes_are_survived() -> None:
    head = b"From: a@b.example\r\nSubject: deep\r\n"
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000)
    )
    assert read(head + deep + b"\r\nhello").subject == "deep"
    wide = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(20_000))
    assert read(head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + wide).text.startswith("x")
    assert len(read(head + b"\r\n" + b">" * 1_000_000).text) <= inbound.LONGEST_TEXT


_PIECES = st.sampled_from(
    [
        b"From: a@b.example\r\n",
        b"From: =?utf-8?b?////?= <\xff@b>\r\n",
        b"Subject: =?gb2312?q?=D0=?= =?x?y?z?=\r\n",
        b"References: <ticket.1.65@x> <ticket.99999999999999999999.zz@x>\r\n",
        b'Content-Type: text/plain; charset*0*=a\'b; charset="\x00"\r\n',
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        b"Content-Type: multipart/report; boundary=\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"Content-Disposition: attachment; filename*=utf-8''%FF\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"\r\n",
        b"\xd2\xbb=?=\x00\r\n",
        b"<html><p &#0; <![CDATA[ <!-- \r\n",
    ]
)


@settings(max_examples=400, deadline=None)
@example([b"\t\x01"])  # the header From goes on in a line of control characters
@example([b" ", b"From: a@b.example\r\n"])  # or of anything
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=40)), max_size=14))
def test_hostile_mail_is_read_or_refused_and_never_breaks_anything(pieces: list[bytes]) -> None:
    given_mail = b"".join([b"From: a@b.example\r\n", *pieces])
    mail = read(given_mail)
    for text in (mail.message_id, mail.subject, mail.text, mail.name, mail.sender, *mail.attachments):
        text.encode("utf-8")
        assert "\x00" not in text
    assert read(given_mail) == mail


def test_a_mail_cut_anywhere_is_read_or_refused() -> None:
    whole = raw("水表坏了" * 20, subject="漏水 leak")
    for length in range(0, len(whole), 7):
        cut = whole[:length]
        try:
            read(cut)
        except BadDataError:
            assert b"@example.org" not in cut
