"""An outage from draft to restoration on its pages, and what anybody may read of it without a log-in."""

import pytest
from starlette.testclient import TestClient

from tests.api.town import Town
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE

FORM = {
    "kind": "planned",
    "cause": "valve_work",
    "reason": "江南大道阀门更换",
    "reason_en": "a new valve",
    "starts_at": "2026-11-24T09:00",
    "expected_end": "2026-11-24T17:00",
    "dmas": "D1",
    "supply": "School gate",
    "contact": "96390",
}


@pytest.fixture(scope="module")
def drafted() -> list[str]:
    """The address of the outage that the tests of this file take through its steps, in their order."""
    return []


def test_it_is_drafted_in_local_time_and_nobody_is_told(
    signed_in: SignedIn, town: Town, browser: TestClient, drafted: list[str]
) -> None:
    olga = signed_in("olga")
    made = olga.post("/outages", data=FORM)
    assert made.status_code == 303
    drafted.append(made.headers["location"])
    page = olga.get(drafted[0]).text
    assert "24 Nov 2026 09:00" in page
    assert "2 customers will be told." in page
    assert "What they will read" in page
    assert "a new valve" in page or "江南大道阀门更换" in page
    assert "江南大道" not in browser.get("/status").text


def test_announced_the_public_reads_why_and_until_when(
    signed_in: SignedIn, town: Town, browser: TestClient, drafted: list[str]
) -> None:
    olga = signed_in("olga")
    version = olga.get(drafted[0]).text.split('name="version" value="')[1].split('"')[0]
    assert olga.post(f"{drafted[0]}/announce", data={"version": version}).status_code == 303
    zh = browser.get("/status/D1", headers={"Accept-Language": "zh-CN"}).text
    assert "江南大道阀门更换" in zh
    assert "2026年11月24日 17:00" in zh
    assert "School gate" in zh
    assert "Customer" not in zh
    assert "a new valve" in browser.get("/status", headers={"Accept-Language": "en"}).text
    assert browser.get("/status/nowhere").status_code == 404


def test_extended_begun_and_restored(signed_in: SignedIn, town: Town, drafted: list[str]) -> None:
    olga = signed_in("olga")
    later = {"expected_end": "2026-11-24T20:00", "why": "Rock."}
    assert olga.post(f"{drafted[0]}/extend", data=later).status_code == 303
    assert "24 Nov 2026 20:00" in olga.get(drafted[0]).text
    assert olga.post(f"{drafted[0]}/start", data={"started_at": "2026-11-21T16:00"}).status_code == 303
    stale = olga.post(f"{drafted[0]}/restore", data={"version": "1"}, headers={"HX-Request": "true"})
    assert stale.status_code == 409
    assert "olga changed this at" in stale.text
    assert olga.post(f"{drafted[0]}/restore").status_code == 303
    assert "Restored" in olga.get("/outages?when=past").text


def test_a_manager_looks_and_a_reader_looks_but_neither_plans(
    signed_in: SignedIn, drafted: list[str]
) -> None:
    for login in ("anna", "rita"):
        who = signed_in(login)
        assert "/outages/new" not in who.get("/outages").text
        assert who.get(drafted[0]).status_code == 200
        assert who.post("/outages", data=FORM).status_code == 403


@pytest.mark.parametrize(("language", "size"), [("zh", PHONE), ("en", WIDE)])
def test_they_have_no_barriers(surf: Surf, drafted: list[str], language: str, size: tuple[int, int]) -> None:
    olga = surf("olga", language, size=size, dark=size == WIDE)
    for path in ("/outages", "/outages/new", drafted[0], "/status"):
        olga.open(path)
        olga.check()
