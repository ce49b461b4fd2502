"""Threads that may not die in silence.

A role's work runs in threads of a `Supervisor`. When one ends with an error, or ends at all before it was
asked to, the supervisor turns unhealthy and asks the others to stop; the role's process then exits with
a non-zero code. A thread that stops calling `beat` for longer than its patience is unhealthy as well.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)


@dataclass
class _Watched:
    thread: threading.Thread
    patience_s: float
    last_beat: float = field(default_factory=time.monotonic)
    error: str = ""


class Supervisor:
    """Starts, watches and stops the threads of one role; `stopping` may be somebody else's wish as well."""

    def __init__(self, stopping: threading.Event | None = None) -> None:
        self.stopping = stopping or threading.Event()
        self._watched: dict[str, _Watched] = {}
        self._changed = threading.Condition()

    def spawn(self, name: str, work: Callable[[], None], *, patience_s: float = float("inf")) -> None:
        """Run `work` in a thread; it must return soon after `stopping` is set.

        With a finite `patience_s`, `work` calls `beat(name)` at least that often.
        """

        def run() -> None:
            error = ""
            try:
                work()
                if not self.stopping.is_set():
                    error = "ended before it was asked to"
            except BaseException as problem:
                error = f"{type(problem).__name__}: {problem}"
                log.critical("thread died", thread=name, exc_info=problem)
            with self._changed:
                if error:
                    self._watched[name].error = error
                    self.stopping.set()
                self._changed.notify_all()

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._changed:
            self._watched[name] = _Watched(thread, patience_s)
        thread.start()

    def beat(self, name: str) -> None:
        """Say that thread `name` is alive and getting on."""
        self._watched[name].last_beat = time.monotonic()

    def problems(self) -> dict[str, str]:
        """Return what is wrong now, by thread; empty when all is well."""
        now = time.monotonic()
        with self._changed:
            found = {}
            for name, watched in self._watched.items():
                if watched.error:
                    found[name] = watched.error
                elif not self.stopping.is_set() and now - watched.last_beat > watched.patience_s:
                    found[name] = f"no sign of life for {now - watched.last_beat:.0f} s"
            return found

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until asked to stop or a thread died; return whether that has happened."""
        return self.stopping.wait(timeout_s)

    def stop(self, timeout_s: float = 30.0) -> dict[str, str]:
        """Ask every thread to end, wait for them together, and return what went wrong."""
        self.stopping.set()
        deadline = time.monotonic() + timeout_s
        for name, watched in self._watched.items():
            watched.thread.join(max(0.0, deadline - time.monotonic()))
            if watched.thread.is_alive() and not watched.error:
                watched.error = f"did not end within {timeout_s:g} s"
                log.error("thread did not end", thread=name)
        return self.problems()
