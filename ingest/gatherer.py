"""The decoding thread: it fills the next batch while the writer stores the one before."""

import queue
import time
from dataclasses import dataclass

import structlog

from core.supervise import Supervisor
from ingest.inbox import Inbox
from ingest.intake import Gathering, Registry, Rules
from ingest.store import DATA_ERRORS

log = structlog.get_logger(__name__)

THREAD = "decode"
MAX_BATCH_BYTES = 32 * 1024 * 1024
_CHUNK = 500
_IDLE_S = 0.25
_BUSY_S = 0.01


@dataclass(frozen=True)
class BatchSize:
    """When a batch is complete: at so many readings, or so long after its first message."""

    readings: int
    wait_s: float


class Gatherer:
    """Takes messages from the inbox and hands over batches, one ahead of the writer.

    While the writer is busy a batch goes on growing: the more there is to do, the larger the transactions.
    """

    def __init__(
        self, supervisor: Supervisor, inbox: Inbox, rules: Rules, registry: Registry, size: BatchSize
    ) -> None:
        self._supervisor = supervisor
        self._inbox = inbox
        self._rules = rules
        self._registry = registry
        self._size = size
        self._ready: queue.Queue[Gathering] = queue.Queue(maxsize=1)

    def take(self, timeout_s: float) -> Gathering | None:
        """Return the next batch, None if there is none within `timeout_s`."""
        try:
            return self._ready.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def run(self) -> None:
        """Gather until asked to stop; what is not handed over then stays unacknowledged."""
        while not self._supervisor.stopping.is_set():
            gathering = self._gather()
            if gathering.messages:
                self._decode(gathering)
                self._hand_over(gathering)

    def _gather(self) -> Gathering:
        """Take messages until the batch is full, or its first one has waited long enough."""
        gathering = Gathering(self._rules)
        deadline = 0.0
        while not self._full(gathering) and not self._supervisor.stopping.is_set():
            self._supervisor.beat(THREAD)
            wait_s = deadline - time.monotonic() if deadline else _IDLE_S
            if wait_s < 0 and self._ready.empty():
                break
            taken = self._inbox.take(_CHUNK, max(wait_s, _BUSY_S))
            if taken and not deadline:
                deadline = time.monotonic() + self._size.wait_s
            for i, message in enumerate(taken, 1):
                gathering.add(message)
                if self._full(gathering):
                    self._inbox.put_back(taken[i:])
                    break
        return gathering

    def _full(self, gathering: Gathering) -> bool:
        return (
            gathering.readings >= self._size.readings
            or len(gathering.messages) >= self._size.readings
            or gathering.size_bytes >= MAX_BATCH_BYTES
        )

    def _decode(self, gathering: Gathering) -> None:
        """Do ahead of time what needs no database."""
        try:
            _ = gathering.finish(self._registry).stream
        except DATA_ERRORS as problem:
            # The writer meets it again, and looks for the message.
            log.warning("a batch can't be decoded as a whole", error=str(problem))

    def _hand_over(self, gathering: Gathering) -> None:
        while not self._supervisor.stopping.is_set():
            self._supervisor.beat(THREAD)
            try:
                self._ready.put(gathering, timeout=_IDLE_S)
            except queue.Full:
                continue
            return
