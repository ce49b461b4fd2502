"""A Chinese reader meets no English sentence of ours: on no page, and whatever is refused."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from detection.catalogue import DETECTORS
from jobs.schedule import JOBS
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert
from tests.web.conftest import SignedIn
from web import console

ENGLISH = re.compile(r"[A-Za-z][a-z'’]*(?: [A-Za-z][a-z'’]*){2,}")
TO_ENGLISH_READERS = re.compile(r'<details[^>]*lang="en">.*?</details>', re.DOTALL)
SHOWN = ("title", "placeholder", "aria-label", "alt", "data-name")
LEFT_ALONE = ("/logout", "/login", "/language", "/preferences", "/password")


class Texts(HTMLParser):
    """What a page says, and what it says of its parts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._quiet = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quiet += tag in ("script", "style")
        self.said += [value for name, value in attrs if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.said.append(" ".join(data.split()))


def english(page: str) -> list[str]:
    """Return the texts with three English words in a row; commands to type and English letters aside."""
    said = Texts(TO_ENGLISH_READERS.sub("", page)).said
    return [text for text in said if ENGLISH.search(re.sub("`[^`]*`", "", text))]


def test_no_page_holds_an_english_sentence(
    signed_in: SignedIn, addresses: list[str], owner: Connection
) -> None:
    details = {
        "malformed": "3 of 9 readings refused. Number 4: The payload is null, not an object or a list.",
        "unknown_meter": "Meter 'M-X' is not registered. Register it, then requeue.",
        "unsupported": "No codec is configured for this topic."
        " Add it to HEADWATER_INGEST_TOPICS, then requeue.",
    }
    for reason, detail in details.items():
        given = {"topic": "meters/M-X/readings", "meter": "M-X", "payload": b"null", "detail": detail}
        insert(owner, "quarantine", received_at=NOW, reason=reason, **given)
    run = {"started_at": NOW, "finished_at": NOW, "ok": True, "attempts": 1, "worker": "ops-1:7"}
    for job, detail in (("retention", "2 chunks dropped"), ("surveys", "3 tickets confirmed")):
        insert(owner, "job_run", job=job, due_at=NOW - timedelta(hours=6), detail=detail, **run)
    ada = signed_in("ada", "zh")
    pages = [*addresses, *(f"/settings/policies/new?detector={name}" for name in DETECTORS)]
    pages += [f"/health/jobs/{job.name}" for job in JOBS]
    opened, found = 0, list[tuple[str, str]]()
    for address in pages:
        answer = ada.get(address)
        if "text/html" in answer.headers.get("content-type", ""):
            opened += answer.status_code == 200
            found += [(address, text) for text in english(answer.text)]
    assert found == []
    assert opened >= 60


def _posts(town: Town) -> Iterator[str]:
    """Yield the address of every form, for things that are there and for things that are not."""
    there = {"serial": town.anna.serial, "account_no": "A1", "code": "D1", "dma": "D1", "login": "bo"}
    for router in console.ROUTERS:
        for route in router.routes:
            if (
                isinstance(route, APIRoute)
                and "POST" in route.methods
                and not route.path.startswith(LEFT_ALONE)
            ):
                for values in (there | {"id": str(town.anna.ticket_id)}, dict[str, str]()):
                    yield re.sub(r"{(\w+?)_?(:\w+)?}", lambda m, v=values: v.get(m[1], "9999"), route.path)


@pytest.mark.parametrize(
    "form", [{}, {"why": "", "version": "99", "until": "soon", "day": "soon", "days": "x"}]
)
def test_no_refusal_is_in_english(signed_in: SignedIn, town: Town, form: dict[str, str]) -> None:
    refused, found = 0, list[tuple[str, str, str]]()
    for who in ("ada", "rita"):
        browser: TestClient = signed_in(who, "zh")
        for address in dict.fromkeys(_posts(town)):
            answer = browser.post(address, data=form, headers={"HX-Request": "true"})
            if answer.status_code >= 400:
                refused += 1
                found += [(who, address, text) for text in english(answer.text)]
    assert found == []
    assert refused > 40
