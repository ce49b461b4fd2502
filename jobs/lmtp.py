"""`headwater mail-in --lmtp`: a mail server delivers by LMTP (RFC 2033), one process for many mails.

An answer of 250 comes after the COMMIT and not before; while the database is away it is 451, and the mail
server keeps the mail. Each recipient of a mail gets the answer; the mail counts once.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from core.errors import SettingsError
from core.settings import Settings
from core.supervise import Supervisor
from jobs import mail_in
from notify import inbound

log = structlog.get_logger(__name__)
AT_ONCE = 4
_LONGEST_LINE = 2**16
"""A mail with longer lines than RFC 5321 allows is a customer's all the same."""
_REPLIES = {
    mail_in.OK: "250 2.0.0",
    mail_in.BAD_DATA: "554 5.6.0",
    mail_in.TRY_AGAIN: "451 4.3.0",
    mail_in.WRONG_SETTINGS: "451 4.3.5",
}


class _Lmtp(LMTP):
    line_length_limit = _LONGEST_LINE


class Inbox:
    """Takes mails in as aiosmtpd hands them over."""

    def __init__(self, settings: Settings, threads: ThreadPoolExecutor) -> None:
        self._settings = settings
        self._threads = threads
        self.busy = 0

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail in; return the answers to its recipients, a line each."""
        sender = re.sub(r"[\r\n<>]", "", envelope.mail_from or "")
        raw = f"Return-Path: <{sender}>\r\n".encode() + _content(envelope)
        loop = asyncio.get_running_loop()
        self.busy += 1
        try:
            code, words = await loop.run_in_executor(self._threads, mail_in.take, raw, self._settings)
        finally:
            self.busy -= 1
        said = re.sub(r"[^ -~]+", " ", words)[:400]
        if code != mail_in.OK:
            log.warning("mail not taken", code=code, why=words)
        return "\r\n".join([f"{_REPLIES[code]} {said}"] * len(envelope.rcpt_tos))


def _content(envelope: Envelope) -> bytes:
    content = envelope.content
    return content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content or b""


def address(text: str) -> tuple[str, int]:
    """Read `host:port`; SettingsError for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise SettingsError(f"{text!r} is no address to listen on.", cure="Write --lmtp 127.0.0.1:8024.")
    return host.strip("[]"), int(port)


def start(supervisor: Supervisor, settings: Settings, where: tuple[str, int]) -> None:
    """Listen until the supervisor stops; SettingsError where the address can't be had."""
    loop = asyncio.new_event_loop()
    threads = ThreadPoolExecutor(AT_ONCE, "mail-in")
    inbox = Inbox(settings, threads)

    def protocol() -> LMTP:
        most = inbound.LONGEST_BYTES
        return _Lmtp(inbox, hostname="headwater", data_size_limit=most, enable_SMTPUTF8=True, loop=loop)

    try:
        server = loop.run_until_complete(loop.create_server(protocol, *where))
    except OSError as problem:
        loop.close()
        cure = "Name a free port of this machine."
        raise SettingsError(f"Can't listen on {where[0]}:{where[1]}: {problem}.", cure=cure) from problem

    async def serve() -> None:
        while not supervisor.stopping.is_set():
            await asyncio.sleep(0.2)
        server.close()
        while inbox.busy:  # what has been handed over is stored and answered
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        for task in (rest := asyncio.all_tasks() - {asyncio.current_task()}):
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def work() -> None:
        with threads:
            loop.run_until_complete(serve())
        loop.close()

    supervisor.spawn("mail-in", work)
    log.info("listening", host=where[0], port=where[1])
