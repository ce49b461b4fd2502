"""Whom to leave alone for a while: shared by the senders of one channel."""

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_PAUSE_S = 120.0


@dataclass(frozen=True)
class _Pause:
    until: datetime
    times: int


class Pauses:
    """Who is away, and until when; safe in several threads."""

    def __init__(self) -> None:
        self._paused: dict[str, _Pause] = {}
        self._lock = threading.Lock()
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing

    def now(self, at: datetime) -> list[str]:
        """Return who is to be left alone at `at`."""
        with self._lock:
            return [whom for whom, pause in self._paused.items() if pause.until > at]

    def away(self, whom: str, at: datetime) -> float:
        """Leave somebody alone, longer each time in a row; return for how many seconds."""
        with self._lock:
            known = self._paused.get(whom)
            if known is not None and known.until > at:  # another thread was told the same
                return (known.until - at).total_seconds()
            times = known.times + 1 if known else 1
            seconds = min(LONGEST_PAUSE_S, 0.5 * 2.0 ** min(times, 10)) * self._jitter.uniform(0.8, 1.2)
            self._paused[whom] = _Pause(at + timedelta(seconds=seconds), times)
            return seconds

    def rest(self, whom: str, at: datetime, seconds: float) -> None:
        """Leave somebody alone for as long as they asked."""
        with self._lock:
            self._paused[whom] = _Pause(at + timedelta(seconds=seconds), 0)

    def back(self, whom: str) -> None:
        """Somebody answered."""
        with self._lock:
            self._paused.pop(whom, None)
