"""What every test may ask for: the servers, and a database of its own."""

from collections.abc import Iterator

import pytest

from jobs.stack import StackUrls, stack_session
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests.databases import close_for_cloning, fresh_database


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUrls]:
    """The real TimescaleDB and Mosquitto: those of the environment, else the private ones.

    Databases are made and dropped by the thousand, so the private TimescaleDB is one in memory.
    """
    with stack_session(scratch=True) as urls:
        yield urls


@pytest.fixture
def empty_database_url(stack: StackUrls) -> Iterator[str]:
    """A new database without our schema."""
    with fresh_database(stack.database_url) as url:
        yield url


@pytest.fixture(scope="session")
def template_database(stack: StackUrls) -> Iterator[str]:
    """The name of a database with our schema, to be cloned; nobody can connect to it."""
    with fresh_database(stack.database_url) as url:
        migrate(url)
        yield close_for_cloning(stack.database_url, url)


@pytest.fixture
def database_url(stack: StackUrls, template_database: str) -> Iterator[str]:
    """A new database with our schema, dropped after the test."""
    with fresh_database(stack.database_url, template_database) as url:
        yield url


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """A connection of the owner to the test's database, in autocommit."""
    with connect(database_url, "owner", autocommit=True) as connection:
        yield connection
