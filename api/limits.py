"""How much one caller may ask for: token buckets in memory, of this process alone.

Nothing is looked up or written for them, so with several API processes each admits the whole quota.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from api.problem import RefusedError

WINDOW_S = 60.0
FAILURES_A_MINUTE = 60
MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Left:
    """What is left of a quota: whole requests, seconds until it is full, and until the next if none is."""

    quota: int
    remaining: int
    full_in_s: float
    wait_s: float = 0.0

    def headers(self, policy: str) -> dict[str, str]:
        """Return the headers of the IETF draft `ratelimit-headers` (its revision 10)."""
        return {
            "RateLimit-Policy": f'"{policy}";q={self.quota};w={WINDOW_S:.0f}',
            "RateLimit": f'"{policy}";r={self.remaining};t={math.ceil(self.full_in_s)}',
        }


class Buckets:
    """A bucket of `quota` a minute for each name, refilled steadily (the generic cell rate algorithm)."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, name: str, quota: int) -> Left:
        """Take one; where there is none, `wait_s` says for how long."""
        return self._look(name, quota, 1)

    def look(self, name: str, quota: int) -> Left:
        """Take none, but say as if."""
        return self._look(name, quota, 0)

    def _look(self, name: str, quota: int, taken: int) -> Left:
        step = WINDOW_S / quota
        with self._lock:
            now = self._ticks()
            full_at = max(self._full_at.get(name, now), now)
            over = full_at + step - now - WINDOW_S
            if over > 1e-9:
                return Left(quota, 0, full_at - now, over)
            full_at += step * taken
            if taken:
                if len(self._full_at) >= MOST_REMEMBERED:
                    self._full_at = {k: at for k, at in self._full_at.items() if at > now}
                self._full_at[name] = full_at
        return Left(quota, int((WINDOW_S - (full_at - now)) / step + 1e-9), full_at - now)


class Doors:
    """The limits of one process: requests by caller, failed log-ins by address."""

    def __init__(self, quota: int, ticks: Callable[[], float] = time.monotonic) -> None:
        self.quota = quota
        self._requests, self._failures = Buckets(ticks), Buckets(ticks)
        self._good: dict[bytes, None] = {}

    def admit(self, who: str, quota: int | None) -> dict[str, str]:
        """Count a request and return its headers; RefusedError 429 for one too many."""
        left = self._requests.take(who, quota or self.quota)
        headers = left.headers("key")
        if left.wait_s:
            said = f"This key has used up its {left.quota} requests in {WINDOW_S:.0f} s."
            raise _too_many(said, "`headwater key limit` gives a key more.", left, headers)
        return headers

    def knock(self, address: str, sha256: bytes) -> None:
        """Refuse an address that has guessed too often; not a key that was good: others may be behind it."""
        left = self._failures.look(address, FAILURES_A_MINUTE)
        if left.wait_s and sha256 not in self._good:
            raise _too_many(f"Too many wrong keys from {address}.", "Send a good one.", left, {})

    def tell(self, address: str, sha256: bytes, *, good: bool) -> None:
        """Remember how it went."""
        if good:
            if len(self._good) >= MOST_REMEMBERED:
                self._good.clear()
            self._good[sha256] = None
        else:
            self._good.pop(sha256, None)
            self._failures.take(address, FAILURES_A_MINUTE)


def _too_many(said: str, cure: str, left: Left, headers: dict[str, str]) -> RefusedError:
    wait_s = math.ceil(left.wait_s)
    return RefusedError(
        429,
        "too_many_requests",
        said,
        cure=f"Wait {wait_s} s. {cure}",
        headers={"Retry-After": str(wait_s), **headers},
    )
