"""Waits between attempts."""

import random


class Backoff:
    """Doubles from `first_s` to `longest_s`, each time with jitter, so that many don't come back together."""

    def __init__(self, first_s: float = 0.1, longest_s: float = 3.0) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def reset(self) -> None:
        """Start anew after a success."""
        self._next_s = self._first_s

    def next_s(self) -> float:
        """Return how long to wait now, in seconds."""
        wait = self._next_s
        self._next_s = min(self._longest_s, wait * 2)
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
