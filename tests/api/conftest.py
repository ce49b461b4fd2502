"""The API on a real database, a small town in it, and keys to ask with."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import keys
from api.app import create_app
from core import logs
from core.clock import SetClock
from core.settings import load
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from jobs.stack import StackUrls
from service import changes
from sql.pool import Connection, Pool, connect, open_pool
from tests.api.elsewhere import programs
from tests.api.serving import Served, serving
from tests.api.town import Town, build
from tests.databases import fresh_database

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

Ask = Callable[..., TestClient]


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure("ERROR", json=True)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with open_pool(database_url, "api", size=4) as opened:
        yield opened


@pytest.fixture
def app(pool: Pool, clock: SetClock, database_url: str) -> FastAPI:
    return create_app(load(), clock, pool, LiveRules(database_url, 36), LiveLetters(load()), LivePress(""))


@pytest.fixture
def nobody(app: FastAPI) -> TestClient:
    """A client without a key."""
    return TestClient(app)


@pytest.fixture
def ask(app: FastAPI, conn: Connection) -> Ask:
    """Make a client with a key: `ask("events:read", login="anna")`."""

    def made(*scopes: str, login: str | None = None, expires_at: datetime | None = None) -> TestClient:
        name = login or "test"
        key = keys.create(conn, name, list(scopes or keys.SCOPES), NOW, login=login, expires_at=expires_at)
        return TestClient(app, headers={"Authorization": f"Bearer {key}"})

    return made


@pytest.fixture
def town(conn: Connection) -> Town:
    return build(conn, NOW)


@pytest.fixture
def all_seeing(ask: Ask, town: Town) -> TestClient:
    """A client that may do everything and sees everybody."""
    return ask()


@pytest.fixture
def anna(ask: Ask, town: Town) -> TestClient:
    """A client of account manager Anna, who answers for customer A1 alone."""
    return ask(login="anna")


@pytest.fixture
def served(database_url: str, conn: Connection, town: Town, clock: SetClock) -> Iterator[Served]:
    """The API on a real socket, with a client that may do everything; the town is old news."""
    changes.order(conn)
    with serving(database_url, conn, load(), clock) as up:
        yield up


@pytest.fixture(scope="session")
def standing(stack: StackUrls, template_database: str) -> Iterator[TestClient]:
    """A client that may do everything, in a town that all tests share: only for what changes nothing."""
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "owner", autocommit=True) as conn,
        open_pool(url, "api", size=4) as pool,
    ):
        build(conn, NOW)
        key = keys.create(conn, "test", list(keys.SCOPES), NOW)
        app = create_app(load(), SetClock(NOW), pool, LiveRules(url, 36), LiveLetters(load()), LivePress(""))
        yield TestClient(app, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture(scope="session")
def elsewhere() -> Path:
    """Where the programs are of an environment with what strangers need, no more."""
    return programs()
