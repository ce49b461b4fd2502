"""What every test may ask for: the servers, and a database of its own."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from jobs.stack import StackUrls, stack_session
from sql.migrate import migrate
from sql.pool import Connection, connect


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUrls]:
    """The real TimescaleDB and Mosquitto: those of the environment, else the private ones."""
    with stack_session() as urls:
        yield urls


def _create(admin_url: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return make_conninfo(admin_url, dbname=name)


def _drop(admin_url: str, name: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def empty_database_url(stack: StackUrls) -> Iterator[str]:
    """A new database without our schema."""
    name = f"hw_empty_{uuid.uuid4().hex[:12]}"
    yield _create(stack.database_url, name)
    _drop(stack.database_url, name)


@pytest.fixture(scope="session")
def template_database(stack: StackUrls) -> Iterator[str]:
    """The name of a database with our schema, to be cloned; nobody stays connected to it."""
    name = f"hw_template_{uuid.uuid4().hex[:12]}"
    migrate(_create(stack.database_url, name))
    yield name
    _drop(stack.database_url, name)


@pytest.fixture
def database_url(stack: StackUrls, template_database: str) -> Iterator[str]:
    """A new database with our schema, dropped after the test."""
    name = f"hw_test_{uuid.uuid4().hex[:12]}"
    yield _create(stack.database_url, name, template_database)
    _drop(stack.database_url, name)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """A connection of the owner to the test's database, in autocommit."""
    with connect(database_url, "owner", autocommit=True) as connection:
        yield connection
