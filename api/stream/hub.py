"""Fans the log of changes out to all live streams of this process, which has one reader of it.

A stream first reads what it has missed from the log, in pages, then takes what the reader hands to all. It is
registered before it reads, and skips numbers that it has sent: nothing is lost between the two, nothing comes
twice. No stream holds a connection of the database.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import psycopg
import structlog
from anyio import to_thread
from psycopg_pool import PoolTimeout
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from api import metrics
from api.auth import Caller
from api.problem import RefusedError
from service import changes
from service.changes import Change, Range

log = structlog.get_logger(__name__)

Again = Callable[[], Caller | None]
"""Proves the caller once more: None, or with other rights, and the stream ends."""
STALLED_S = 60.0
CATCHING_UP = 2
"""So many streams read what they have missed at once; the others wait."""


@dataclass(frozen=True)
class Line:
    """One change, put into bytes once for everybody."""

    seq: int
    topic: str
    text: bytes


@dataclass(frozen=True)
class Batch:
    """What the reader found up to `upto`; `seen` holds whose eyes may see which numbers.

    Without `lines` each stream is to look itself.
    """

    upto: int
    lines: Sequence[Line] | None = None
    seen: Mapping[int, frozenset[int]] = field(default_factory=dict)


@dataclass(eq=False)
class Client:
    """One stream: who reads it, what of, and what waits for it. Touched by its own event loop only."""

    caller: Caller
    topics: frozenset[str]
    waiting: int
    again: Again
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    seq: int = 0
    queue: asyncio.Queue[Batch | None] = field(init=False)
    dropped: bool = False

    def __post_init__(self) -> None:
        self.queue = asyncio.Queue(self.waiting)

    @property
    def eyes(self) -> int | None:
        """The member of staff by whose customers sight is bounded; None where it isn't."""
        return None if self.caller.key.sees_all else self.caller.key.staff_id

    def take(self, batch: Batch | None) -> None:
        """Keep what comes next, or None for the end; a reader that is too far behind is given up."""
        if self.dropped:
            return
        try:
            self.queue.put_nowait(batch)
        except asyncio.QueueFull:
            self.dropped = True


class Hub:
    """The live streams of a process."""

    def __init__(self, most: int, heartbeat_s: float, waiting: int = 32) -> None:
        """Allow `most` streams; after `heartbeat_s` of silence a comment says that one is alive.

        Callers are proved again at every second heartbeat. A slow stream may leave `waiting` batches of up to
        `changes.SPAN` changes unread; all streams share the same bytes.
        """
        self._most, self._heartbeat_s, self._waiting = most, heartbeat_s, waiting
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._turn = asyncio.Semaphore(CATCHING_UP)
        self.following = False
        """Whether there is a reader; without one a stream ends after what is there already."""
        self._closed = False

    def eyes(self) -> set[int]:
        """Return by whose sight the streams are bounded now."""
        with self._lock:
            return {client.eyes for client in self._clients if client.eyes is not None}

    def publish(self, batch: Batch) -> None:
        """Hand a batch to every stream; from any thread."""
        self._tell(batch)

    def close(self) -> None:
        """Let every stream end in good order, and admit no other."""
        if not self._closed:
            self._closed = True
            self._tell(None)

    def _tell(self, batch: Batch | None) -> None:
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with suppress(RuntimeError):  # its loop has ended
                client.loop.call_soon_threadsafe(client.take, batch)

    async def open(
        self, caller: Caller, topics: Sequence[str], after: int | None, again: Again
    ) -> StreamingResponse:
        """Return the stream of what the caller may see of `topics`, after a position or from now on.

        RefusedError (503) where this process has as many as it may.
        """
        client = Client(caller, frozenset(topics), self._waiting, again)
        with self._lock:
            if len(self._clients) >= self._most:
                raise RefusedError(
                    503,
                    "unavailable",
                    f"There are {self._most} streams open already.",
                    cure="Close one, or try again in a minute.",
                    headers={"Retry-After": "60"},
                )
            self._clients.add(client)
            metrics.STREAMS.set(len(self._clients))
        try:
            extent = await to_thread.run_sync(_extent, caller)
        except BaseException:
            self._leave(client)
            raise
        return _Stream(self._lines(client, after, extent), lambda: self._leave(client))

    def _leave(self, client: Client) -> None:
        with self._lock:
            self._clients.discard(client)
            metrics.STREAMS.set(len(self._clients))

    async def _lines(self, client: Client, after: int | None, extent: Range) -> AsyncIterator[bytes]:
        client.seq = extent.newest if after is None else after
        if not extent.reaches(client.seq):
            client.seq = extent.newest
            yield _message("reset", client.seq, {"why": "the position is not in the log any more"})
        yield b"retry: 3000\n" + _message("ready", client.seq, {"topics": sorted(client.topics)})
        try:
            async for text in self._missed(client):
                yield text
            if not self.following:
                return
            if self._closed:
                client.take(None)
            async for text in self._coming(client):
                yield text
        except (psycopg.Error, PoolTimeout) as problem:
            log.warning("stream ended", error=str(problem).strip())
            yield _message("closing", client.seq, {"why": "the database is away or busy"})

    async def _missed(self, client: Client) -> AsyncIterator[bytes]:
        """Yield from the log what comes after the client's position, page by page."""
        newest = client.seq + 1
        while client.seq < newest:
            async with self._turn:
                newest, upto, found = await to_thread.run_sync(_page, client)
            for line in found:
                client.seq = line.seq
                yield line.text
            client.seq = max(client.seq, upto)

    async def _coming(self, client: Client) -> AsyncIterator[bytes]:
        clock = client.loop.time
        proved = clock()
        while True:
            try:
                batch = await asyncio.wait_for(client.queue.get(), self._heartbeat_s)
            except TimeoutError:
                yield b": alive\n\n"
            else:
                if batch is None:
                    yield _message("closing", client.seq, {"why": "this server is going down"})
                    return
                async for text in self._of(client, batch):
                    yield text
                if client.dropped and client.queue.empty():
                    why = "read too slowly: come again with this id and nothing is missed"
                    yield _message("dropped", client.seq, {"why": why})
                    return
            if clock() - proved >= 2 * self._heartbeat_s:
                proved = clock()
                if not await _holds(client):
                    yield _message("closing", client.seq, {"why": "the key or session has ended or changed"})
                    return

    async def _of(self, client: Client, batch: Batch) -> AsyncIterator[bytes]:
        """Yield what the client may see of a batch and hasn't had."""
        unknown = client.eyes is not None and client.eyes not in batch.seen  # it came while the reader looked
        if batch.lines is None or unknown:
            async for text in self._missed(client):
                yield text
            return
        may_see = None if client.eyes is None else batch.seen[client.eyes]
        for line in batch.lines:
            if line.seq > client.seq:
                client.seq = line.seq
                if line.topic in client.topics and (may_see is None or line.seq in may_see):
                    yield line.text
        client.seq = max(client.seq, batch.upto)


class _Stream(StreamingResponse):
    """Server-sent events; a reader that takes nothing for a minute is let go of."""

    def __init__(self, lines: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        super().__init__(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def patiently(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        try:
            await super().__call__(scope, receive, patiently)
        except TimeoutError:
            log.info("a stream's reader stalled")
        finally:
            self._leave()


def lines_of(found: Sequence[Change]) -> list[Line]:
    """Put changes into the form of server-sent events."""
    return [Line(c.seq, c.topic, _message(c.type, c.seq, c.document())) for c in found]


def _message(event: str, seq: int, data: object) -> bytes:
    return f"event: {event}\nid: {seq}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def _extent(caller: Caller) -> Range:
    with caller.transaction() as conn:
        return changes.extent(conn)


def _page(client: Client) -> tuple[int, int, list[Line]]:
    with client.caller.transaction() as conn:
        newest = changes.extent(conn).newest
        upto = min(newest, client.seq + changes.SPAN)
        return newest, upto, lines_of(changes.read(conn, client.seq, upto, sorted(client.topics)))


async def _holds(client: Client) -> bool:
    """Whether the caller is who it was and may what it might; what can't be asked holds until it can."""
    try:
        now = await to_thread.run_sync(client.again)
    except (psycopg.Error, PoolTimeout):
        return True
    return now is not None and now.key == client.caller.key
