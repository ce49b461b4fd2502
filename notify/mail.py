"""A letter as a mail: text, HTML and pictures in one, with the headers that mailers expect."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from core.clock import Clock
from core.errors import SettingsError
from notify.channels import Message
from notify.letter import Letter
from notify.words import one_line
from notify.writer import Writer
from sql.pool import Connection


class Composer:
    """Makes mails of claimed messages."""

    def __init__(self, mail_from: str, clock: Clock, writer: Writer) -> None:
        self._name, self.sender = parseaddr(mail_from)
        if "@" not in self.sender:
            raise SettingsError(
                f"HEADWATER_MAIL_FROM: {mail_from!r} is no address.",
                cure="Write name@domain, or Name <name@domain>.",
            )
        self._domain = self.sender.rpartition("@")[2]
        self._clock = clock
        self._writer = writer

    def compose(self, conn: Connection, message: Message) -> EmailMessage:
        """Return the mail; the same message gets the same Message-ID every time."""
        letter = self._writer.letter(conn, message, pictures=True)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = _address(self._name or letter.from_name or "Headwater", self.sender)
        mail["To"] = _address(letter.to_name, message.recipient)
        mail["Subject"] = letter.subject
        mail["Date"] = self._date(letter)
        mail["Message-ID"] = f"<outbox.{message.token}@{self._domain}>"
        if letter.thread:
            thread = f"<{letter.thread}@{self._domain}>"
            mail["References"], mail["In-Reply-To"] = thread, thread
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if message.kind in ("ticket", "case"):
            mail["List-ID"] = f"Headwater tickets <tickets.{self._domain}>"
        mail["Content-Language"] = message.language
        if letter.urgent:
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"
        mail.set_content(letter.text, cte="quoted-printable" if message.language == "en" else "base64")
        if letter.html:
            mail.add_alternative(letter.html, subtype="html", cte="base64")
        for name, picture in letter.pictures.items():
            html = mail.get_payload()[1]  # type: ignore[index]
            html.add_related(  # type: ignore[union-attr]
                picture, "image", "png", cid=f"<{name}>", filename=f"{name}.png", disposition="inline"
            )
        for attachment in letter.attachments:
            main, _, sub = attachment.media_type.partition("/")
            mail.add_attachment(attachment.content, main, sub, filename=attachment.name)
        return mail

    def _date(self, letter: Letter) -> str:
        now: datetime = self._clock.now()
        return format_datetime(now.astimezone(letter.zone))


def _address(name: str, address: str) -> Address:
    """Return a mailbox; given in its two halves, a local part may be in any script."""
    local, _, domain = address.rpartition("@")
    return Address(one_line(name), local, domain)
