"""Real servers at the other end: an SMTP server that can be told to misbehave, and a web server."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class PostOffice:
    """Keeps the mails it accepted; `refusals` are given out first, by SMTP verb."""

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    port: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def _refusal(self, verb: str) -> str | None:
        waiting = self.refusals.get(verb, [])
        return waiting.pop(0) if waiting else None

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal("MAIL")
        if refusal:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal("RCPT")
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self._refusal("DATA")
        if refusal:
            return refusal
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.sessions.add(str(session.peer))
        return f"250 2.0.0 Ok: queued as Q{len(self.mails):05d}"


class _Controller(Controller):
    """Hangs up on its clients before it goes, as a server's operating system would."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.served: list[SMTP] = []

    def factory(self) -> SMTP:
        self.served.append(super().factory())  # type: ignore[no-untyped-call]
        return self.served[-1]

    async def hang_up(self) -> None:
        for server in self.served:
            if isinstance(server.transport, asyncio.WriteTransport):
                server.transport.abort()
        await asyncio.sleep(0)  # let the transports close
        await asyncio.sleep(0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def open_post_office(office: PostOffice | None = None, **options: Any) -> Iterator[PostOffice]:
    """Serve SMTP on loopback; on the port the office had before, if it had one."""
    office = office or PostOffice()
    office.port = office.port or free_port()
    controller = _Controller(office, hostname="127.0.0.1", port=office.port, **options)
    controller.start()
    try:
        yield office
    finally:
        asyncio.run_coroutine_threadsafe(controller.hang_up(), controller.loop).result(5)
        controller.stop()


@dataclass
class Post:
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, str, dict[str, str]]


@dataclass
class Receiver:
    """A web server that keeps what was posted; `answers` are given first, then 200.

    So many posts as `cut` says are taken without an answer.
    """

    posts: list[Post] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    cut: int = 0
    url: str = ""


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    """Serve HTTP on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.paths.append(self.path)
            receiver.posts.append(Post(dict(self.headers.items()), body))
            if receiver.cut:
                receiver.cut -= 1
                self.close_connection = True
                return
            status, text, headers = receiver.answers.pop(0) if receiver.answers else (200, "thanks", {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Condition = Callable[[], bool]
