"""A message as a mail: text, HTML and the chart in one, with the headers that mailers expect."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from zoneinfo import ZoneInfo

import structlog

from core.clock import Clock
from core.errors import SettingsError
from notify import series
from notify.channels import Message
from notify.chart import Charts
from notify.figures import figures
from notify.render import Renderer, one_line
from service.facts import Facts, facts
from sql.pool import Connection

log = structlog.get_logger(__name__)
_QUIET = ("cleared", "withdrawn")


class Composer:
    """Makes mails of claimed messages."""

    def __init__(self, mail_from: str, clock: Clock, renderer: Renderer, charts: Charts) -> None:
        self._name, self.sender = parseaddr(mail_from)
        if "@" not in self.sender:
            raise SettingsError(
                f"HEADWATER_MAIL_FROM: {mail_from!r} is no address.",
                cure="Write name@domain, or Name <name@domain>.",
            )
        self._domain = self.sender.rpartition("@")[2]
        self._clock = clock
        self._renderer = renderer
        self._charts = charts

    def compose(self, conn: Connection, message: Message) -> EmailMessage:
        """Return the mail; the same message gets the same Message-ID every time."""
        about = facts(message.message)
        picture = self._picture(conn, message, about)
        said = self._renderer.render(message, with_chart=picture is not None)
        mail = EmailMessage(policy=SMTP)
        mail["From"] = _address(self._name or about.utility.name or "Headwater", self.sender)
        mail["To"] = _address(about.addressee.name, message.recipient)
        mail["Subject"] = said.subject
        mail["Date"] = self._date(about)
        mail["Message-ID"] = f"<outbox.{message.token}@{self._domain}>"
        thread = f"<ticket.{about.ticket.id}.{int(about.ticket.opened_at.timestamp()):x}@{self._domain}>"
        mail["References"] = thread
        mail["In-Reply-To"] = thread
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["List-ID"] = f"Headwater tickets <tickets.{self._domain}>"
        mail["Content-Language"] = message.language
        if about.ticket.urgent and about.step not in _QUIET:
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"
        mail.set_content(said.text, cte="quoted-printable" if message.language == "en" else "base64")
        mail.add_alternative(said.html, subtype="html", cte="base64")
        if picture is not None:
            html = mail.get_payload()[1]  # type: ignore[index]
            html.add_related(  # type: ignore[union-attr]
                picture, "image", "png", cid="<chart>", filename="chart.png", disposition="inline"
            )
        return mail

    def _picture(self, conn: Connection, message: Message, about: Facts) -> bytes | None:
        """Draw the chart; a mail without one is better than no mail."""
        zone = ZoneInfo(about.utility.timezone or "UTC")
        evidence = series.load(conn, about)
        if evidence is None:
            return None
        shown = figures(about, message.language)
        title = about.customer.name if about.customer else shown.place or shown.subject
        try:
            return self._charts.png(evidence, title=title, language=message.language, zone=zone)
        except (ValueError, RuntimeError):
            log.exception("chart could not be drawn", outbox=message.id)
            return None

    def _date(self, about: Facts) -> str:
        now: datetime = self._clock.now()
        return format_datetime(now.astimezone(ZoneInfo(about.utility.timezone or "UTC")))


def _address(name: str, address: str) -> Address:
    """Return a mailbox; given in its two halves, a local part may be in any script."""
    local, _, domain = address.rpartition("@")
    return Address(one_line(name), local, domain)
