"""The ingester as a process, also one that dies at a chosen place: `python -m tests.ingest.drivers X`."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from core import logs
from core.clock import SystemClock
from core.settings import load
from core.supervise import Supervisor
from ingest import role, store, writer
from ingest.intake import Intake
from ingest.store import Stored
from tests.waiting import until


def run() -> int:
    """Run as `headwater ingest` does."""
    settings = load()
    logs.configure(settings.log_level)
    supervisor = Supervisor()
    signal.signal(signal.SIGTERM, lambda *_: supervisor.stopping.set())
    role.start(supervisor, settings, SystemClock(), settings.database_url)
    supervisor.wait()
    return 70 if supervisor.stop(20) else 0


def broken() -> int:
    """Run with a fault in the writer."""

    def commit(*args: Any, **options: Any) -> Stored:
        raise RuntimeError("a bug")

    vars(writer)["commit"] = commit
    return run()


def die_after_commit(batches: int = 3) -> int:
    """Die with SIGKILL between COMMIT and PUBACK, at the third batch."""
    commit, count = store.commit, 0

    def commit_and_die(*args: Any, **options: Any) -> Stored:
        nonlocal count
        stored = commit(*args, **options)
        count += 1
        if count == batches:
            os.kill(os.getpid(), signal.SIGKILL)
        return stored

    vars(writer)["commit"] = commit_and_die
    return run()


def die_at_second_batch() -> int:
    """Die with SIGKILL when the second batch is about to be stored and every acknowledgement given is out."""
    attempt, count = writer.Writer._attempt, 0

    def attempt_or_die(self: writer.Writer, *args: Any, **options: Any) -> tuple[Intake, Stored]:
        nonlocal count
        count += 1
        if count == 2:
            until(lambda: not self._broker._settled and not self._broker._session.want_write())
            os.kill(os.getpid(), signal.SIGKILL)
        return attempt(self, *args, **options)

    writer.Writer._attempt = attempt_or_die  # type: ignore[method-assign]
    return run()


if __name__ == "__main__":
    drivers: dict[str, Callable[[], int]] = {
        "run": run,
        "broken": broken,
        "die_after_commit": die_after_commit,
        "die_at_second_batch": die_at_second_batch,
        "die_after_first_commit": partial(die_after_commit, 1),
    }
    sys.exit(drivers[sys.argv[1]]())
