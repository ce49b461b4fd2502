"""The console on a real database: a small town in it, and people who are signed in."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, BrowserContext
from starlette.testclient import TestClient

from api.app import create_app
from api.serve import listen, serve_on
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
from tests.web.surf import WIDE, Surfer, chromium
from web import console
from web.view import COOKIE

SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form on one of our own pages."""

SignedIn = Callable[..., TestClient]
Surf = Callable[..., Surfer]


def enter(owner: Connection, clock: SetClock, login: str, language: str) -> str:
    """Sign somebody in who reads in a language; return what the cookie holds."""
    owner.execute("update staff set language = %s where login = %s", [language, login])
    ((staff_id,),) = owner.execute("select id from staff where login = %s", [login]).fetchall()
    return accounts.open_session(owner, staff_id, at=clock.now())


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
def addresses(app: FastAPI, owner: Connection, town: Town) -> list[str]:
    """Every GET page of the console, with what it names filled in from the town."""
    given: dict[str, Any] = {"kind": "planned", "state": "announced", "starts_at": "2026-11-21T10:00Z"}
    ends: dict[str, Any] = {"expected_end": "2026-11-21T14:00Z", "announced_at": "2026-11-20T10:00Z"}
    outage = insert(owner, "outage", "id", code="O-1", reason="x", **given, **ends)
    insert(owner, "outage_dma", outage_id=outage, dma_id=town.dma_id)
    insert(owner, "outage_entry", outage_id=outage, actor="anna", kind="note", at="2026-11-20T10:00Z")
    change: dict[str, Any] = {"account_no": "A1", "version": 1, "actor": "anna", "why": "x"}
    insert(owner, "customer_change", **change, at="2026-11-20T10:00Z", before="{}", after="{}")
    insert(owner, "survey", ticket_id=town.anna.ticket_id, account_no="A1", expires_at="2026-12-20T10:00Z")
    meters = {"serial": town.anna.serial, "account_no": "A1", "code": "D1", "dma": "D1", "token": "x"}
    ids = {"tickets": town.anna.ticket_id, "events": town.anna.event_id, "outages": outage}
    paths = []
    for router in console.ROUTERS:
        for route in router.routes:
            path = route.path if isinstance(route, APIRoute) and "GET" in route.methods else ""
            if path and not path.startswith(("/static", "/live", "/favicon", "/login/oidc")):
                found = re.search(r"/(\w+)/{id", path)
                values = meters | {"id": ids.get(found[1], 1) if found else 1}
                values["id_"] = values["id"]
                paths.append(re.sub(r"{(\w+)(:\w+)?}", lambda m, v=values: str(v.get(m[1], "1")), path))
    return paths


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


@pytest.fixture(scope="module")
def address(app: FastAPI, database: str) -> Iterator[str]:
    """The console served on loopback."""
    stopping = threading.Event()
    with listen("127.0.0.1", 0) as door:
        server = threading.Thread(target=serve_on, args=(door, database, lambda _: app, stopping))
        server.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        stopping.set()
        server.join(15)
        assert not server.is_alive()


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """A real browser."""
    with chromium() as started:
        yield started


@pytest.fixture
def surf(chrome: Browser, address: str, owner: Connection, clock: SetClock) -> Iterator[Surf]:
    """Open the console in the browser: `surf("anna", "zh", size=PHONE).open("/")`."""
    opened: list[BrowserContext] = []

    def made(login: str, language: str = "en", *, size: tuple[int, int] = WIDE, dark: bool = False) -> Surfer:
        token = enter(owner, clock, login, language)
        context = chrome.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN" if language == "zh" else "en-GB",
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        opened.append(context)
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        return Surfer(context.new_page(), address)

    yield made
    for context in opened:
        context.close()


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    """Somebody who is not signed in."""
    return TestClient(app, headers=SAME_SITE, follow_redirects=False)


@pytest.fixture
def signed_in(app: FastAPI, owner: Connection, clock: SetClock) -> SignedIn:
    """Sign somebody in: `signed_in("anna", "zh")`; redirects are not followed."""

    def made(login: str, language: str = "en") -> TestClient:
        token = enter(owner, clock, login, language)
        client = TestClient(app, headers=SAME_SITE, follow_redirects=False)
        client.cookies.set(COOKIE, token)
        return client

    return made
