"""A letter as a mail: text, HTML and pictures in one, with the headers that mailers expect."""

from email import message_from_bytes
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, compat32
from email.utils import format_datetime, formataddr, parseaddr

from core.clock import Clock
from core.errors import SettingsError
from notify.channels import Message
from notify.letter import Attachment, Letter
from notify.words import one_line
from notify.writer import Writer
from sql.pool import Connection

_POLICY = compat32.clone(linesep="\r\n")
_LONGEST = 76
_READABLE = Charset("utf-8")
_READABLE.body_encoding = QP


class Composer:
    """Makes mails of claimed messages.

    The parts are made by the older half of the standard library, the headers are written out here: a third of
    the time that `EmailMessage` takes for the same mail (docs/decisions/0037).
    """

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
        """Return the mail as its reader's program sees it."""
        return message_from_bytes(self.content(conn, message), policy=SMTP)

    def content(self, conn: Connection, message: Message) -> bytes:
        """Return the mail; the same message gets the same Message-ID every time.

        Header fields are ASCII, but for the address of a recipient that isn't.
        """
        letter = self._writer.letter(conn, message, pictures=True)
        headers = [
            ("From", _mailbox(self._name or letter.from_name or "Headwater", self.sender)),
            ("To", _mailbox(letter.to_name, message.recipient)),
            ("Subject", one_line(letter.subject)),
            ("Date", format_datetime(self._clock.now().astimezone(letter.zone))),
            ("Message-ID", f"<outbox.{message.token}@{self._domain}>"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Language", message.language),
        ]
        if letter.thread:
            thread = f"<{letter.thread}@{self._domain}>"
            headers += [("References", thread), ("In-Reply-To", thread)]
        if message.kind in ("ticket", "case"):
            headers.append(("List-ID", f"Headwater tickets <tickets.{self._domain}>"))
        if letter.urgent:
            headers += [("Importance", "high"), ("X-Priority", "1")]
        fields = "".join(_field(name, value) for name, value in headers)
        return fields.encode() + _body(letter, message).as_bytes()


def _body(letter: Letter, message: Message) -> MIMEBase:
    charset = _READABLE if message.language == "en" else None
    plain = _text(letter.text, "plain", charset)
    boundary = f"=_{message.token}"  # in no part: base64 and quoted-printable write no `=_`
    whole: MIMEBase = plain
    if letter.html:
        html: MIMEBase = _text(letter.html, "html", None)
        if letter.pictures:
            pictures = [_picture(name, png) for name, png in letter.pictures.items()]
            html = MIMEMultipart("related", f"{boundary}.r", [html, *pictures], policy=_POLICY)
        whole = MIMEMultipart("alternative", f"{boundary}.a", [plain, html], policy=_POLICY)
    if letter.attachments:
        files = [_file(attachment) for attachment in letter.attachments]
        whole = MIMEMultipart("mixed", f"{boundary}.m", [whole, *files], policy=_POLICY)
    return whole


def _text(text: str, kind: str, charset: Charset | None) -> MIMEText:
    return MIMEText(text, kind, charset or "utf-8", policy=_POLICY)  # type: ignore[arg-type]


def _picture(name: str, png: bytes) -> MIMEImage:
    part = MIMEImage(png, "png", policy=_POLICY)
    part["Content-ID"] = f"<{name}>"
    part.add_header("Content-Disposition", "inline", filename=f"{name}.png")
    return part


def _file(attachment: Attachment) -> MIMEBase:
    main, _, sub = attachment.media_type.partition("/")
    part = MIMEBase(main, sub, policy=_POLICY)
    part.set_payload(attachment.content)
    encode_base64(part)
    name: object = attachment.name if attachment.name.isascii() else ("utf-8", "", attachment.name)
    part.add_header("Content-Disposition", "attachment", filename=name)  # type: ignore[arg-type]
    return part


def _mailbox(name: str, address: str) -> str:
    """Return a mailbox; its address may be in any script, its name is encoded."""
    name = one_line(name)
    return f"{formataddr((name, 'a@b')).removesuffix(' <a@b>')} <{address}>" if name else address


def _field(name: str, value: str) -> str:
    """Return a header field; long or foreign text is encoded and folded, a mailbox is fit as it is."""
    if name in ("From", "To") or (value.isascii() and len(name) + len(value) < _LONGEST):
        return f"{name}: {value}\r\n"
    return f"{name}: {Header(value, 'utf-8', header_name=name).encode(linesep=chr(13) + chr(10))}\r\n"
