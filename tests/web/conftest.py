"""The console on a real database: a small town in it, and people who are signed in."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from core import logs
from core.clock import SetClock
from core.settings import load
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from jobs.stack import StackUrls
from service import accounts
from sql.pool import Connection, connect, open_pool
from tests.api.conftest import NOW
from tests.api.town import Town, build
from tests.databases import fresh_database
from tests.factories import insert
from web import console
from web.view import COOKIE

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form on one of our own pages."""

SignedIn = Callable[..., TestClient]


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    logs.configure("ERROR", json=True)


@pytest.fixture(scope="module")
def database(stack: StackUrls, template_database: str) -> Iterator[str]:
    """A database that the tests of a file share."""
    with fresh_database(stack.database_url, template_database) as url:
        yield url


@pytest.fixture(scope="module")
def owner(database: str) -> Iterator[Connection]:
    with connect(database, "owner", autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="module")
def town(owner: Connection) -> Town:
    """Anna answers for A1 and Bo for B1; beside them Olga of operations, Rita who only reads, and Ada."""
    made = build(owner, NOW)
    for login, role in (("olga", "operations"), ("rita", "reader"), ("ada", "admin")):
        insert(owner, "staff", login=login, name=login.title(), language="en", roles=[role])
    owner.execute("update staff set language = 'en'")
    return made


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture(scope="module")
def app(database: str, town: Town, clock: SetClock) -> Iterator[FastAPI]:
    with open_pool(database, "api", size=4) as pool:
        rules = LiveRules(database, 36)
        made = create_app(load(), clock, pool, rules, LiveLetters(load()), LivePress(""))
        console.add(made)
        yield made


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    """Somebody who is not signed in."""
    return TestClient(app, headers=SAME_SITE, follow_redirects=False)


@pytest.fixture
def signed_in(app: FastAPI, owner: Connection, clock: SetClock) -> SignedIn:
    """Sign somebody in: `signed_in("anna", "zh")`; redirects are not followed."""

    def made(login: str, language: str = "en") -> TestClient:
        owner.execute("update staff set language = %s where login = %s", [language, login])
        ((staff_id,),) = owner.execute("select id from staff where login = %s", [login]).fetchall()
        token = accounts.open_session(owner, staff_id, at=clock.now())
        client = TestClient(app, headers=SAME_SITE, follow_redirects=False)
        client.cookies.set(COOKIE, token)
        return client

    return made
