"""The map of a network of 100,000 nodes in Chromium: what is sent, and how long until it is drawn."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
from playwright.sync_api import Browser

from bench.measure import Result
from bench.served import served
from jobs.stack import stack_session
from service import accounts
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests import factories
from tests.databases import fresh_database
from tests.web.surf import chromium
from web.view import COOKIE

NAME = "console_map"
SIDE = 316  # 99,856 nodes, 80 m apart
TIMES = 5
BAR_MB, BAR_MS, BAR_MOVE_MS = 2.0, 1000.0, 50.0
MOVED = """async () => {
    const canvas = document.querySelector(".map canvas"), begun = performance.now();
    canvas.focus();
    for (let n = 0; n < 10; n++) {
        canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
        await new Promise((done) => requestAnimationFrame(done));
    }
    return (performance.now() - begun) / 10;
}"""


def run() -> Iterator[Result]:
    """Yield MB of the pipes; ms until the map is drawn, first and again; ms a move takes."""
    with stack_session(scratch=True) as stack, fresh_database(stack.database_url) as url:
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn:
            staff_id = fill(conn)
            session = accounts.open_session(conn, staff_id, at=datetime.now(UTC))
        with served(url) as api, chromium() as browser:
            client = httpx2.Client(cookies={COOKIE: session}, headers={"Accept-Encoding": "gzip"})
            with client.stream("GET", f"{api.address}/charts/network/pipes", timeout=60) as answer:
                mb = sum(map(len, answer.iter_raw())) / 1e6
            yield Result(
                f"{NAME}_sent", round(mb, 2), "MB of 110,000 pipes", None, None, 1, BAR_MB, mb < BAR_MB
            )
            visits = [_visits(browser, api.address, session) for _ in range(TIMES)]
            parts = (("drawn", BAR_MS), ("drawn_again", BAR_MS), ("move", BAR_MOVE_MS))
            for (part, bar), times in zip(parts, zip(*visits, strict=True), strict=True):
                ms = round(statistics.median(times))
                yield Result(f"{NAME}_{part}", ms, "ms", None, None, TIMES, bar, ms < bar)


def fill(conn: Connection) -> int:
    """Make the network in 100 districts, with a customer's meter at each node; return who looks at it."""
    conn.execute("insert into utility (name, timezone, currency) values ('S', 'Asia/Shanghai', 'CNY')")
    conn.execute("insert into dma (code, name) select 'D' || n, 'D' || n from generate_series(1, 100) n")
    given = {"side": SIDE, "last": SIDE * SIDE - 1}
    conn.execute(
        "insert into node (node, x, y) select 'J' || n, 4401234 + 80 * (n %% %(side)s) + random() * 40,"
        " 3372345 + 80 * (n / %(side)s) + random() * 40 from generate_series(0, %(last)s) n",
        given,
    )
    conn.execute(
        "insert into pipe (pipe, node1, node2, diameter_mm)"
        " select 'P' || n || '-' || step, 'J' || n, 'J' || n + step, 100 + 100 * floor(random() * 5)"
        " from generate_series(0, %(last)s) n, unnest(array[1, %(side)s]) step"
        " where n + step <= %(last)s and case when step = 1 then n %% %(side)s < %(side)s - 1 and n %% 9 <> 0"
        " else random() < 0.25 end",
        given,
    )
    conn.execute(
        "insert into service_point (code, node, dma_id)"
        " select n::text, 'J' || n, 1 + n %% %(side)s / 32 * 10 + n / %(side)s / 32"
        " from generate_series(0, %(last)s) n",
        given,
    )
    conn.execute(
        "insert into meter (serial, kind, node, dma_id) select 'M' || n, 'customer', 'J' || n, 1 + n %% 100"
        " from generate_series(0, %(last)s) n union all"
        " select 'S' || n, 'pressure', 'J' || n * 199, 1 + n %% 100 from generate_series(0, 499) n",
        given,
    )
    conn.execute("analyze")
    return factories.staff(conn, "olga", roles=["operations"])


def _visits(browser: Browser, address: str, session: str) -> tuple[float, float, float]:
    """Return ms until a district's map is drawn, again with its pipes at hand, and for a move of it all."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": COOKIE, "value": session, "url": address}])
    page, times = context.new_page(), []
    page.goto(f"{address}/", wait_until="load")  # styles and scripts are at hand, as they are in a day's work
    for _ in range(2):
        begun = time.perf_counter()
        page.goto(f"{address}/network/D55", wait_until="commit")
        page.wait_for_selector(".map[data-drawn]", timeout=60_000)
        times.append((time.perf_counter() - begun) * 1000)
    page.locator("[data-map-does=whole]").click()
    moved = float(page.evaluate(MOVED))
    context.close()
    return times[0], times[1], moved
