"""The mail as a mailer sees it."""

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest

from core.clock import SetClock
from core.errors import SettingsError
from notify.mail import Composer
from notify.words import Words
from notify.writer import Writer
from sql.pool import Connection
from tests import samples
from tests.notify.making import document, message
from tests.notify.test_chart import font, opened
from tests.samples import NOW

__all__ = ["font"]


def composer(clock: SetClock, mail_from: str = "service@utility.example") -> Composer:
    return Composer(mail_from, clock, Writer(Words("https://water.example")))


def parsed(mail: EmailMessage) -> EmailMessage:
    """Read the mail as it goes over the wire."""
    wire = mail.as_bytes()
    wire.decode("ascii")  # fit for any server
    assert all(len(line) <= 998 for line in wire.split(b"\r\n"))
    return message_from_bytes(wire, policy=policy.default)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_mail_is_text_and_html_with_the_chart_inside(conn: Connection, language: str) -> None:
    town = samples.town(conn)
    samples.usage(conn, town.meter_id)
    about = document(theirs=language)
    about["meter"]["id"] = town.meter_id
    mail = parsed(composer(SetClock(NOW)).compose(conn, message(about, language=language)))
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert not [part.defects for part in mail.walk() if part.defects]
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    said = "42.3 升/小时" if language == "zh" else "42.3 L/h"
    assert said in text.get_content()
    assert said in html.get_content()
    assert 'src="cid:chart"' in html.get_content()
    picture = next(part for part in mail.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<chart>"
    assert picture.get_content_disposition() == "inline"
    assert opened(picture.get_content()).size == (900, 362)


def test_headers_are_well_formed_and_the_message_id_stays_the_same(bare: Connection) -> None:
    clock = SetClock(NOW)
    made = composer(clock)
    mail = parsed(made.compose(bare, message(document(urgent=True))))
    assert mail["From"].addresses[0].display_name == "江城水务"
    assert mail["From"].addresses[0].addr_spec == "service@utility.example"
    assert mail["To"].addresses[0].display_name == "陈静"
    assert mail["Subject"].startswith("【紧急】疑似漏水")
    assert parsedate_to_datetime(mail["Date"]) == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-ID"] == "Headwater tickets <tickets.utility.example>"
    assert mail["Importance"] == "high"
    assert mail["Message-ID"].endswith("@utility.example>")
    assert mail["References"] == mail["In-Reply-To"]
    clock.advance(timedelta(hours=3))
    again = made.compose(bare, message(document(urgent=True), attempt=7))
    assert again["Message-ID"] == mail["Message-ID"]


def test_mails_of_one_ticket_are_one_thread(bare: Connection) -> None:
    made = composer(SetClock(NOW))
    first = made.compose(bare, message(document()))
    second = made.compose(bare, message(document(step="cleared")))
    assert first["References"] == second["References"]
    assert second["Importance"] is None


def test_a_mail_without_evidence_in_the_store_goes_without_a_chart(bare: Connection) -> None:
    mail = composer(SetClock(NOW)).compose(bare, message(document()))
    html = mail.get_body(("html",))
    assert html is not None
    assert "cid:" not in html.get_content()
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]


def test_line_breaks_in_names_do_not_reach_the_headers(bare: Connection) -> None:
    about = document()
    about["customer"]["name"] = "Eve\r\nBcc: all@utility.example"
    mail = parsed(composer(SetClock(NOW)).compose(bare, message(about)))
    assert mail["Bcc"] is None
    assert "Eve Bcc: all@utility.example" in mail["Subject"]


def test_a_sender_that_is_no_address_is_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="HEADWATER_MAIL_FROM"):
        composer(SetClock(NOW), "nobody")
