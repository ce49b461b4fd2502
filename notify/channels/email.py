"""Hand mails to an SMTP server; its own words are the receipt."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal
from urllib.parse import unquote, urlsplit

from core.errors import SettingsError
from notify.channels import Message, Receipt, Result
from notify.mail import Composer
from sql.pool import Connection

TIMEOUT_S = 20.0
_TLS: dict[str, tuple[Literal["none", "starttls", "tls"], int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}


@dataclass(frozen=True)
class Server:
    """Where mails are handed in, and how."""

    tls: Literal["none", "starttls", "tls"]
    host: str
    port: int
    user: str = ""
    password: str = ""


def parse(smtp_url: str) -> Server:
    """Read `smtp://`, `smtp+starttls://` or `smtps://[user:password@]host[:port]`."""
    cure = "Write smtp://host:port, smtp+starttls://user:password@host:587 or smtps://user:password@host."
    try:
        url = urlsplit(smtp_url)
        tls, port = _TLS[url.scheme]
        host, given = url.hostname, url.port
    except (KeyError, ValueError):
        raise SettingsError("HEADWATER_SMTP_URL can't be read.", cure=cure) from None
    if not host or url.path not in ("", "/"):
        raise SettingsError("HEADWATER_SMTP_URL names no host, or more than one.", cure=cure)
    return Server(tls, host, given or port, unquote(url.username or ""), unquote(url.password or ""))


class EmailChannel:
    """SMTP; one connection for a burst of mails."""

    name = "email"
    shared = True

    def __init__(self, server: Server, composer: Composer, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._composer = composer
        self._context = context or ssl.create_default_context()
        self._smtp: smtplib.SMTP | None = None

    def send(self, conn: Connection, message: Message) -> Receipt:
        """Hand in one mail."""
        mail = self._composer.compose(conn, message)
        try:
            smtp = self._connected()
        except smtplib.SMTPResponseException as problem:
            self._drop()
            return Receipt(Result.AWAY, _words(problem.smtp_code, problem.smtp_error))
        except (OSError, smtplib.SMTPException) as problem:
            self._drop()
            return Receipt(Result.AWAY, f"{self._server.host}:{self._server.port}: {_reason(problem)}")
        try:
            return self._hand_in(smtp, mail, message.recipient)
        except smtplib.SMTPResponseException as problem:
            return self._answer(smtp, problem.smtp_code, problem.smtp_error)
        except (OSError, smtplib.SMTPException) as problem:
            self._drop()
            return Receipt(Result.AWAY, f"connection lost: {_reason(problem)}")

    def idle(self) -> None:
        """Say goodbye: the burst is over."""
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def _hand_in(self, smtp: smtplib.SMTP, mail: EmailMessage, recipient: str) -> Receipt:
        sender, international = self._composer.sender, not recipient.isascii()
        if international and not smtp.has_extn("smtputf8"):
            return Receipt(
                Result.REFUSED, f"{self._server.host} takes no address like {recipient} (SMTPUTF8)"
            )
        options = ["SMTPUTF8", "BODY=8BITMIME"] if international else []
        content = mail.as_bytes(policy=SMTP.clone(utf8=international))
        code, words = smtp.mail(sender, options)
        if code == 250:
            code, words = smtp.rcpt(recipient)
            if code in (250, 251):
                code, words = smtp.data(content)
                if code == 250:
                    return Receipt(Result.SENT, _words(code, words))
        elif 500 <= code < 600:
            # The server won't have our sender, whoever is written to: a matter of settings, not of this mail.
            self._drop()
            return Receipt(Result.AWAY, f"sender {sender} refused: {_words(code, words)}")
        return self._answer(smtp, code, words)

    def _answer(self, smtp: smtplib.SMTP, code: int, words: bytes | str) -> Receipt:
        """Read an answer that isn't yes: 421 ends the connection, 4xx is for now, 5xx for good."""
        if code == 421:
            self._drop()
            return Receipt(Result.AWAY, _words(code, words))
        with suppress(smtplib.SMTPServerDisconnected):
            smtp.rset()
        return Receipt(Result.REFUSED if 500 <= code < 600 else Result.RETRY, _words(code, words))

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            self._drop()  # the server ended the connection after the mail before
        server = self._server
        if server.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=self._context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        self._smtp = smtp
        if server.tls == "starttls":
            smtp.starttls(context=self._context)
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
        return smtp

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _words(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}"


def _reason(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
