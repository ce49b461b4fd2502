"""Asking at a fixed pace, by as lean a client as there is: what is timed is who answers."""

import http.client
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count


def paced(ask: Callable[[int], None], per_s: int, numbers: Iterable[int]) -> list[float]:
    """Ask with each number in turn, whatever the answers take; return ms from each planned start."""
    began = time.perf_counter() + 0.1

    def one(place: int, number: int) -> float:
        planned = began + place / per_s
        time.sleep(max(0.0, planned - time.perf_counter()))
        ask(number)
        return (time.perf_counter() - planned) * 1000

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, count(), numbers))


class Client:
    """Gets addresses of the API with a key, on a connection for each thread that asks."""

    def __init__(self, address: str, key: str, encoding: str = "identity") -> None:
        self._netloc = address.removeprefix("http://")
        self._headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": encoding}
        self._own = threading.local()

    def get(self, path: str) -> bytes:
        """Return the body as it came; AssertionError unless it is a 200."""
        if not hasattr(self._own, "conn"):
            self._own.conn = http.client.HTTPConnection(self._netloc)
        self._own.conn.request("GET", path, headers=self._headers)
        answer = self._own.conn.getresponse()
        body: bytes = answer.read()
        assert answer.status == 200, body
        return body
