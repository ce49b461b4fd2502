"""Hand mails to an SMTP server; its own words are the receipt."""

import re
import smtplib
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from core.errors import SettingsError
from notify.channels import Message, Receipt, Result
from notify.mail import Composer
from sql.pool import Connection

TIMEOUT_S = 20.0
_FRESH_S = 5.0  # a connection used so lately is not asked whether it is still there
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
    per_minute: int | None = None

    def __init__(self, server: Server, composer: Composer, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._composer = composer
        self._context = context or ssl.create_default_context()
        self._smtp: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._lost = ""

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Compose one mail; return what hands it in."""
        content = self._composer.content(conn, message)
        return lambda: self._send(content, message)

    def _send(self, content: bytes, message: Message) -> Receipt:
        kept = self._smtp is not None
        receipt = self._attempt(content, message)
        if receipt is None and kept:  # the server had ended the connection after the mail before
            receipt = self._attempt(content, message)
        return receipt or Receipt(Result.AWAY, f"connection lost: {self._lost}")

    def _attempt(self, content: bytes, message: Message) -> Receipt | None:
        """Connect and hand in; None where the connection was lost before the content was handed over."""
        try:
            smtp = self._connected()
        except smtplib.SMTPResponseException as problem:
            self._drop()
            return Receipt(Result.AWAY, _words(problem.smtp_code, problem.smtp_error))
        except (OSError, smtplib.SMTPException) as problem:
            self._drop()
            return Receipt(Result.AWAY, f"{self._server.host}:{self._server.port}: {_reason(problem)}")
        try:
            return self._hand_in(smtp, content, message)
        except smtplib.SMTPResponseException as problem:
            return self._answer(smtp, problem.smtp_code, problem.smtp_error)
        except (OSError, smtplib.SMTPException) as problem:
            self._lost = _reason(problem)
            self._drop()
            return None

    def idle(self) -> None:
        """Say goodbye: the burst is over."""
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def _hand_in(self, smtp: smtplib.SMTP, content: bytes, message: Message) -> Receipt:
        sender, recipient = self._composer.sender, message.recipient
        international = not recipient.isascii()
        if international and not smtp.has_extn("smtputf8"):
            return Receipt(
                Result.REFUSED, f"{self._server.host} takes no address like {recipient} (SMTPUTF8)"
            )
        of_sender = ["SMTPUTF8", "BODY=8BITMIME"] if international else []
        of_recipient: list[str] = []
        if smtp.has_extn("dsn"):  # a bounce then names the message, whatever else it returns
            of_sender += ["RET=HDRS", f"ENVID={message.token}"]
            of_recipient = ["NOTIFY=FAILURE,DELAY"]
        commands = [
            " ".join([f"MAIL FROM:{smtplib.quoteaddr(sender)}", *of_sender]),
            " ".join([f"RCPT TO:{smtplib.quoteaddr(recipient)}", *of_recipient]),
            "DATA",
        ]
        smtp.command_encoding = "utf-8" if international else "ascii"
        at_mail, at_rcpt, at_data = _replies(smtp, commands)
        if at_mail[0] != 250:
            if 500 <= at_mail[0] < 600:
                # The server won't have our sender, whoever is written to: settings are wrong, not this mail.
                self._drop()
                return Receipt(Result.AWAY, f"sender {sender} refused: {_words(*at_mail)}")
            return self._answer(smtp, *at_mail)
        if at_rcpt[0] not in (250, 251) or at_data[0] != 354:
            return self._answer(smtp, *(at_data if at_rcpt[0] in (250, 251) else at_rcpt))
        try:
            smtp.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
            code, words = smtp.getreply()
        except (OSError, smtplib.SMTPServerDisconnected) as problem:
            self._drop()
            return Receipt(Result.UNANSWERED, f"no answer to the mail's content: {_reason(problem)}")
        self._used_at = time.monotonic()
        return Receipt(Result.SENT, _words(code, words)) if code == 250 else self._answer(smtp, code, words)

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
            if time.monotonic() - self._used_at < _FRESH_S:
                return self._smtp
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


_Reply = tuple[int, bytes]


def _replies(smtp: smtplib.SMTP, commands: list[str]) -> list[_Reply]:
    """Return the answers to MAIL, RCPT and DATA: asked in one go where it offers pipelining (RFC 2920).

    What follows a refusal is answered by the refusal; content that the server asks for even so is left empty.
    """
    replies: list[_Reply] = []
    if smtp.has_extn("pipelining"):
        smtp.send("".join(f"{command}\r\n" for command in commands))
        replies = [smtp.getreply() for _ in commands]
        if replies[2][0] == 354 and not (replies[0][0] == 250 and replies[1][0] in (250, 251)):
            smtp.send(b".\r\n")
            smtp.getreply()
        return replies
    for command in commands:
        replies.append(smtp.docmd(command))
        if replies[-1][0] not in (250, 251, 354):
            return replies + replies[-1:] * (len(commands) - len(replies))
    return replies


def _words(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}"


def _reason(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
