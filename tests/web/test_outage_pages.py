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


def _draft(olga: TestClient) -> str:
    """Draft an outage, and return the address of its page."""
    made = olga.post("/outages", data=FORM)
    assert made.status_code == 303
    return str(made.headers["location"])


def _announced(olga: TestClient) -> str:
    url = _draft(olga)
    version = olga.get(url).text.split('name="version" value="')[1].split('"')[0]
    assert olga.post(f"{url}/announce", data={"version": version}).status_code == 303
    return url


def test_it_is_drafted_in_local_time_and_nobody_is_told(signed_in: SignedIn, town: Town) -> None:
    olga = signed_in("olga")
    page = olga.get(_draft(olga)).text
    assert "24 Nov 2026 09:00" in page
    assert "2 customers will be told." in page
    assert "What they will read" in page
    assert "江南大道阀门更换" in page


def test_the_public_reads_why_and_until_when_once_it_is_announced(
    signed_in: SignedIn, town: Town, browser: TestClient
) -> None:
    olga = signed_in("olga")
    _draft(olga)
    before = browser.get("/status").text.count("江南大道阀门更换")
    _announced(olga)
    zh = browser.get("/status/D1", headers={"Accept-Language": "zh-CN"}).text
    assert zh.count("江南大道阀门更换") == before + 1, "a draft is nobody's business"
    assert "2026年11月24日 17:00" in zh
    assert "School gate" in zh
    assert "Customer" not in zh
    assert "a new valve" in browser.get("/status", headers={"Accept-Language": "en"}).text
    assert browser.get("/status/nowhere").status_code == 404


def test_extended_begun_and_restored(signed_in: SignedIn, town: Town) -> None:
    olga = signed_in("olga")
    url = _announced(olga)
    later = {"expected_end": "2026-11-24T20:00", "why": "Rock."}
    assert olga.post(f"{url}/extend", data=later).status_code == 303
    assert "24 Nov 2026 20:00" in olga.get(url).text
    assert olga.post(f"{url}/start", data={"started_at": "2026-11-21T16:00"}).status_code == 303
    stale = olga.post(f"{url}/restore", data={"version": "1"}, headers={"HX-Request": "true"})
    assert stale.status_code == 409
    assert "olga changed this at" in stale.text
    assert olga.post(f"{url}/restore").status_code == 303
    assert "Restored" in olga.get("/outages?when=past").text


def test_a_manager_and_a_reader_look_and_do_not_plan(signed_in: SignedIn, town: Town) -> None:
    url = _draft(signed_in("olga"))
    for login in ("anna", "rita"):
        who = signed_in(login)
        assert "/outages/new" not in who.get("/outages").text
        assert who.get(url).status_code == 200
        assert who.post("/outages", data=FORM).status_code == 403


@pytest.mark.parametrize(("language", "size"), [("zh", PHONE), ("en", WIDE)])
def test_they_have_no_barriers(
    surf: Surf, signed_in: SignedIn, town: Town, language: str, size: tuple[int, int]
) -> None:
    url = _announced(signed_in("olga"))
    olga = surf("olga", language, size=size, dark=size == WIDE)
    for path in ("/outages", "/outages/new", url, "/status"):
        olga.open(path)
        olga.check()
