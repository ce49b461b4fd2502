"""Today, a ticket and a customer in Chromium: ms until interactive, kB of a second visit; a year drawn."""

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from bench.bigtown import bigtown
from bench.measure import Result
from bench.served import served
from service import accounts
from sql.pool import Connection, connect
from tests.web.surf import chromium
from web.assets import asset
from web.view import COOKIE

NAME = "api_console"
TIMES = 15
BAR_MS, BAR_KB = 500.0, 200.0
YEAR = Path(__file__).parents[1] / "tests" / "web" / "year.js"
# Until the scripts have run and everything that the page asks for at once is there; its charts follow.
INTERACTIVE = "performance.getEntriesByType('navigation')[0].loadEventEnd"
TRANSFERRED = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def run() -> Iterator[Result]:
    """Yield ms until interactive and kB of a second visit for each page, and ms for 105,120 points."""
    with bigtown() as town, connect(town.url, "owner", autocommit=True) as conn:
        login, ticket, account = _somebody(conn)
        with served(town.url) as api, chromium() as browser:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_cookies([{"name": COOKIE, "value": _session(conn, login), "url": api.address}])
            pages = {"today": "/", "ticket": f"/tickets/{ticket}", "customer": f"/customers/{account}"}
            for name, path in pages.items():
                yield from _page(context, f"{NAME}_{name}", api.address + path, town.note)
            took = sorted(_chart(context, api.address) for _ in range(5))
            ms = round(took[2])
            yield Result(
                f"{NAME}_chart", ms, "ms to paint 105,120 points", None, None, 5, BAR_MS, ms < BAR_MS
            )


def _page(context: BrowserContext, name: str, url: str, note: str) -> Iterator[Result]:
    page = context.new_page()
    page.goto(url, wait_until="load")
    times, kilobytes = [], 0.0
    for _ in range(TIMES):
        page.goto(url, wait_until="load")
        if page.locator("figure[data-chart]").count():  # what follows of itself belongs to the transfer
            page.wait_for_selector("figure[data-drawn], figure[data-empty]")
        times.append(float(page.evaluate(INTERACTIVE)))
        kilobytes = float(page.evaluate(TRANSFERRED)) / 1000
    page.close()
    ms = round(statistics.median(times))
    yield Result(name, ms, f"ms until interactive{note}", None, None, TIMES, BAR_MS, ms < BAR_MS)
    kb = round(kilobytes, 1)
    yield Result(f"{name}_again", kb, "kB on a second visit", None, None, 1, BAR_KB, kb < BAR_KB)


def _chart(context: BrowserContext, address: str) -> float:
    page: Page = context.new_page()
    page.goto(f"{address}/", wait_until="load")
    script = YEAR.read_text()
    took = page.evaluate(
        f"""async (assets) => {{
            const begun = performance.now();
            await ({script})(assets);
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return performance.now() - begun;
        }}""",
        [asset("vendor/uplot.js"), asset("chart.js")],
    )
    page.close()
    return float(took)


def _somebody(conn: Connection) -> tuple[str, int, str]:
    """Return a manager with open tickets, one of those, and its customer."""
    row = conn.execute(
        "select s.login, t.id, t.account_no from ticket t join staff s on s.id = t.assignee_id"
        " where t.account_no is not null and t.state = 'open' and s.active limit 1"
    ).fetchone()
    assert row is not None, "the town has no open ticket"
    return row[0], row[1], row[2]


def _session(conn: Connection, login: str) -> str:
    ((staff_id,),) = conn.execute("select id from staff where login = %s", [login]).fetchall()
    return accounts.open_session(conn, staff_id, at=datetime.now(UTC))
