"""Pictures of every page, to be looked at: `make screenshots` after a demo, into .local/screenshots.

The pages are those of the demo's town as the demo left it, wide and light in Chinese, on a telephone and dark
in English.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
from playwright.sync_api import Browser, Page
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.serve import listen, serve_on
from core import logs
from core.clock import SetClock
from core.settings import load
from jobs.demo.run import Demo
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from jobs.stack import stack_session
from jobs.stack.paths import local_dir
from service import accounts
from sql.migrate import migrate
from sql.pool import Connection, Pool, connect
from tests.web.surf import PHONE, WIDE, chromium, shot
from web import console
from web.view import COOKIE

Looks = tuple[str, tuple[int, int], bool]
LOOKS: tuple[Looks, ...] = (("zh", WIDE, False), ("en", PHONE, True))


def main() -> int:
    """Take the pictures; return the exit code."""
    logs.configure("ERROR", json=True)
    folder = local_dir() / "screenshots"
    with stack_session() as stack:
        url = make_conninfo(stack.database_url, dbname=Demo.name)
        try:
            migrate(url)
            with connect(url, "owner", autocommit=True) as conn, chromium() as browser:
                taken = list(_all(conn, url, browser, folder))
        except (psycopg.OperationalError, OperationalError) as problem:
            sys.stderr.write(f"There is no demo to take pictures of: run `make demo` first.\n{problem}\n")
            return 1
    sys.stdout.write(f"{len(taken)} pictures in {folder}\n")
    return 0


def _all(conn: Connection, url: str, browser: Browser, folder: Path) -> Iterator[Path]:
    ((now,),) = conn.execute("select max(at) from ticket_entry").fetchall()
    clock = SetClock(now or datetime.now(UTC))
    with _served(url, clock) as base:
        for language, size, dark in LOOKS:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
            )
            page = context.new_page()
            for name, login, path in _pages(conn):
                if login:
                    value = _signed_in(conn, login, language, clock)
                    context.add_cookies([{"name": COOKIE, "value": value, "url": base}])
                _open(page, base + path)
                file = folder / f"{name}-{language}-{'phone' if size == PHONE else 'wide'}.png"
                shot(page, file)
                yield file
            context.close()


def _pages(conn: Connection) -> Iterator[tuple[str, str, str]]:
    """Yield name, login and address of every page; nobody's come first."""
    ((ticket, account, manager),) = conn.execute(
        "select t.id, t.account_no, s.login from ticket t join staff s on s.id = t.assignee_id"
        " where t.account_no is not null order by t.urgent desc, t.id limit 1"
    ).fetchall()
    ((dma,),) = conn.execute("select code from dma order by (select count(*) from meter m where m.dma_id"
                             " = dma.id) desc limit 1").fetchall()  # fmt: skip
    ((head,),) = conn.execute(
        "select login from staff where roles && '{operations,admin}'"
        " order by 'admin' = any (roles) desc limit 1"
    ).fetchall()
    yield "login", "", "/login"
    yield "status", "", "/status"
    yield "today", manager, "/"
    yield "ticket", manager, f"/tickets/{ticket}"
    yield "customer", manager, f"/customers/{quote(account)}"
    yield "network-district", head, f"/network/{quote(dma)}"
    ((calendar,),) = conn.execute("select code from calendar order by code limit 1").fetchall()
    rooms = (
        *(
            "account",
            "tickets",
            "tickets/new",
            "customers",
            f"customers/{account}/history",
            "visits",
            "network",
        ),
        *("outages", "outages/new", "reports", "health", "health/quarantine", "health/silent"),
        *("health/messages", "health/audit", "settings", "settings/policies/new?detector=continuous_flow"),
        *("settings/exemptions", "settings/staff", f"settings/staff/{manager}", "settings/shifts"),
        *("settings/calendars", f"settings/calendars/{calendar}", "settings/sla", "settings/sla/new"),
        *("settings/keys", "settings/webhooks"),
    )
    for room in rooms:
        name = room.partition("?")[0].replace(f"/{account}", "").replace(f"/{manager}", "-one")
        yield name.replace("/", "-"), head, f"/{quote(room, safe='/?=')}"


def _open(page: Page, url: str) -> None:
    page.goto(url, wait_until="load")
    if page.locator("figure[data-chart]").count():
        page.wait_for_selector("figure[data-drawn], figure[data-failed], figure[data-empty]", timeout=20_000)
    if page.locator(".map[data-map]").count():
        page.wait_for_selector(".map[data-drawn], .map[data-failed]", timeout=20_000)


def _signed_in(conn: Connection, login: str, language: str, clock: SetClock) -> str:
    conn.execute("update staff set language = %s, theme = 'auto' where login = %s", [language, login])
    ((staff_id,),) = conn.execute("select id from staff where login = %s", [login]).fetchall()
    return accounts.open_session(conn, staff_id, at=clock.now())


@contextmanager
def _served(url: str, clock: SetClock) -> Iterator[str]:
    settings, stopping = load(database_url=url), threading.Event()

    def make(pool: Pool) -> object:
        app = create_app(settings, clock, pool, LiveRules(url, 36), LiveLetters(settings), LivePress(""))
        console.add(app)
        return app

    with listen("127.0.0.1", 0) as door:
        server = threading.Thread(target=serve_on, args=(door, url, make, stopping))
        server.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        stopping.set()
        server.join(15)


if __name__ == "__main__":
    sys.exit(main())
