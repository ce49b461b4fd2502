"""A real Chromium that looks at the console: pages are opened signed in, and checked as a person would."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Request, sync_playwright

from jobs.stack.browser import environment, installed_browser
from jobs.stack.paths import PROJECT

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = (1280, 900), (390, 844)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser that `make browser` unpacked."""
    program = installed_browser()
    assert program is not None, "run `make browser`"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(program),
            args=FLAGS,
            env={**os.environ, **environment(program)},
            timeout=60_000,
        )
        yield browser
        browser.close()


@dataclass
class Surfer:
    """A page of somebody, and what went wrong on it."""

    page: Page
    base: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(20_000)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(f"console: {m.text}"))
        self.page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if not request.url.endswith("/live"):  # which a page that is left breaks off
            self.wrong.append(f"request: {request.url} {request.failure}")

    def open(self, path: str) -> Page:
        """Go to a page of the console, and wait until it is interactive."""
        self.page.goto(self.base + path, wait_until="load")
        return self.page

    def check(self) -> None:
        """Hold the page that is open against WCAG AA, its width, and everything that went wrong so far."""
        assert self.wrong == []
        assert barriers(self.page) == []
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{wide} px wider than the window"
        assert not self.page.evaluate("[...document.querySelectorAll('script:not([src])')].length")


def barriers(page: Page) -> list[str]:
    """Return what axe finds on the page at WCAG 2.2 AA: rule and element."""
    axe = (PROJECT / "web/node_modules/axe-core/axe.min.js").read_text()
    page.evaluate(axe)  # past the page's own policy, which lets no stranger's script in
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})",
        RULES,
    )
    return [
        f"{violation['id']}: {node['target']} {json.dumps(node['any'][:1])[:300]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def shot(page: Page, path: Path) -> None:
    """Take a picture of the whole page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(path), full_page=True)
