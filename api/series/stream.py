"""How a long answer leaves: as many at once as memory is set aside for, and only while the client reads."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from api.problem import RETRY_AFTER_S, RefusedError

AT_ONCE = 16
"""Answers that stream at once; each holds a part in memory, some 10 MB."""
A_KEY = 4
READING = 3
"""Parts that are read at once: the other connections of the pool are for everybody else."""
STALL_S = 60.0
_PIECE = 262_144


class Streams:
    """Who streams, and whose turn it is to read; one a process."""

    def __init__(self, at_once: int = AT_ONCE, a_key: int = A_KEY, reading: int = READING) -> None:
        self.turn = threading.BoundedSemaphore(reading)
        self._at_once, self._a_key = at_once, a_key
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """How many answers stream now."""
        return self._running.total()

    @contextmanager
    def place(self, actor: str) -> Iterator[None]:
        """Hold one of the places; 503 where they, or those of one caller, are taken."""
        with self._lock:
            if self.running >= self._at_once or self._running[actor] >= self._a_key:
                raise RefusedError(
                    503,
                    "busy",
                    f"At most {self._at_once} series are streamed at a time, {self._a_key} to a caller.",
                    cure="Read those that are on their way to their end, then ask again.",
                    headers={"Retry-After": str(RETRY_AFTER_S)},
                )
            self._running[actor] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[actor] -= 1


class Streamed(StreamingResponse):
    """An answer that is broken off where it can't be ended well, or its reader takes nothing for STALL_S."""

    def __init__(
        self, chunks: Iterable[bytes], media_type: str, headers: dict[str, str], streams: Streams, actor: str
    ) -> None:
        super().__init__(_pieces(chunks), media_type=media_type, headers=headers)
        self._streams, self._actor = streams, actor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream it."""

        async def patiently(message: Message) -> None:
            await asyncio.wait_for(send(message), STALL_S)

        with self._streams.place(self._actor):
            await super().__call__(scope, receive, patiently)


def _pieces(chunks: Iterable[bytes]) -> Iterator[memoryview]:
    """Cut what goes out, so that little waits in the socket of a client that reads no more."""
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), _PIECE):
            yield view[start : start + _PIECE]
