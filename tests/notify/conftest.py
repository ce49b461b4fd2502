"""A notifier running for the length of a test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from core.clock import SystemClock
from core.settings import Settings, load
from core.supervise import Supervisor
from jobs.stack import StackUrls
from notify.role import start
from sql.pool import Connection, connect
from tests.databases import fresh_database
from tests.post_office import PostOffice, Receiver, open_post_office, open_receiver

Run = Callable[[Settings], Supervisor]


@pytest.fixture(scope="module")
def bare(stack: StackUrls, template_database: str) -> Iterator[Connection]:
    """A connection to a database that nobody writes to: one for all tests of a module."""
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "notify", autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with open_post_office() as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with open_receiver() as opened:
        yield opened


@contextmanager
def running(settings: Settings, database_url: str) -> Iterator[Supervisor]:
    supervisor = Supervisor()
    start(supervisor, settings, SystemClock(), database_url)
    try:
        yield supervisor
        assert supervisor.problems() == {}
    finally:
        problems = supervisor.stop(timeout_s=15)
    assert problems == {}


@pytest.fixture
def run(database_url: str) -> Iterator[Run]:
    """Start notifiers; they are stopped after the test and must have stayed well."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(running(settings, database_url))


def settings(**given: object) -> Settings:
    """Return settings with short waits."""
    return load(**({"notify_every_s": 0.1, "mail_from": "service@utility.example"} | given))
