"""A thread that dies is seen and ends its role."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from core.supervise import Supervisor
from jobs import health
from tests.waiting import until


def steady(supervisor: Supervisor) -> Callable[[], None]:
    def work() -> None:
        supervisor.wait()

    return work


def test_a_dead_thread_stops_the_others_and_turns_health_red() -> None:
    supervisor, go = Supervisor(), threading.Event()

    def die() -> None:
        go.wait()
        raise RuntimeError("disk on fire")

    supervisor.spawn("steady", steady(supervisor))
    supervisor.spawn("writer", die)
    server = health.serve(0, "ingest", supervisor)
    url = f"http://127.0.0.1:{server.server_port}/healthz"
    with urllib.request.urlopen(url) as answer:
        assert answer.status == 200
    go.set()
    assert supervisor.wait(5)
    with pytest.raises(urllib.error.HTTPError) as red:
        urllib.request.urlopen(url)
    assert red.value.code == 503
    with red.value as answer:
        assert json.load(answer)["problems"] == {"writer": "RuntimeError: disk on fire"}
    assert supervisor.stop() == {"writer": "RuntimeError: disk on fire"}
    server.shutdown()
    server.server_close()


def test_a_thread_that_ends_unasked_is_a_problem() -> None:
    supervisor = Supervisor()
    supervisor.spawn("writer", lambda: None)
    assert supervisor.wait(5)
    assert supervisor.problems() == {"writer": "ended before it was asked to"}


def test_a_thread_without_a_sign_of_life_is_a_problem_until_it_beats() -> None:
    supervisor = Supervisor()
    supervisor.spawn("writer", steady(supervisor), patience_s=0.05)
    until(lambda: "no sign of life" in supervisor.problems().get("writer", ""))
    supervisor.beat("writer")
    assert supervisor.problems() == {}
    assert supervisor.stop() == {}


def test_all_is_well_when_threads_end_on_request() -> None:
    supervisor = Supervisor()
    supervisor.spawn("writer", steady(supervisor))
    assert supervisor.stop() == {}
