"""The bounded queue between the network thread and the writer."""

import threading
from collections import deque
from collections.abc import Sequence

from ingest.intake import Message

MAX_BYTES = 256 * 1024 * 1024
"""Above this the network thread reads no more, whatever the number of messages."""


class Inbox:
    """Messages that are received and not yet taken by the writer.

    `max_messages` is a bound above which `has_room` is false; the receive maximum makes the broker stop well
    before it, unless reconnections add up while the database is away.
    """

    def __init__(self, max_messages: int, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._queue: deque[Message] = deque()
        self._bytes = 0
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._queue)

    def has_room(self) -> bool:
        """Say whether more may be read from the broker."""
        return len(self._queue) < self._max_messages and self._bytes < self._max_bytes

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages in their order."""
        with self._changed:
            self._queue.extend(messages)
            self._bytes += sum(len(m.payload) for m in messages)
            self._changed.notify()

    def take(self, limit: int, timeout_s: float) -> list[Message]:
        """Return up to `limit` messages, the oldest first; none if nothing comes within `timeout_s`."""
        with self._changed:
            if not self._queue:
                self._changed.wait(timeout_s)
            taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
            self._bytes -= sum(len(m.payload) for m in taken)
            return taken

    def put_back(self, messages: Sequence[Message]) -> None:
        """Return messages that were taken, to the front."""
        with self._changed:
            self._queue.extendleft(reversed(messages))
            self._bytes += sum(len(m.payload) for m in messages)
