"""An SMTP server that keeps a book and takes all it can get: pipelining, DSN, no parsing of mails."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_MESSAGE_ID = re.compile(rb"(?im)^Message-ID:\s*<([^>]+)>")


@dataclass
class Sink:
    """`book` has every Message-ID that was accepted, as often as it was; `content` is the last mail."""

    port: int = 0
    mute: int = 0
    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN")
    book: list[str] = field(default_factory=list)
    commands: list[bytes] = field(default_factory=list)
    content: bytes = b""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until it goes."""
        try:
            writer.write(b"220 sink\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                if verb == b"EHLO":
                    writer.write("".join(f"250-{name}\r\n" for name in ("sink", *self.extensions)).encode())
                    writer.write(b"250 HELP\r\n")
                elif verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await writer.drain()
                    await self._take(await reader.readuntil(b"\r\n.\r\n"), writer)
                else:
                    if verb in (b"MAIL", b"RCPT"):
                        self.commands[:] = [*self.commands[-1:], line]
                    writer.write(b"250 OK\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _take(self, content: bytes, writer: asyncio.StreamWriter) -> None:
        found = _MESSAGE_ID.search(content)
        assert found is not None
        self.book.append(found[1].decode())
        self.content = content
        if self.mute:  # accepted, but the connection ends before the answer
            self.mute -= 1
            raise ConnectionError
        writer.write(b"250 2.0.0 queued as %d\r\n" % len(self.book))


@contextmanager
def open_sink(sink: Sink | None = None) -> Iterator[Sink]:
    """Serve on loopback, in a thread."""
    sink = sink or Sink()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(sink.serve, "127.0.0.1", sink.port, limit=2**24))
    sink.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:

        async def close() -> None:
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
