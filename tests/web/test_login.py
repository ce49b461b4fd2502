"""Signing in: who gets in, who doesn't, and what a session is worth."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from structlog.testing import CapturingLogger

from core.clock import SetClock
from core.errors import BadDataError
from service import accounts
from sql.pool import Connection
from tests.api.town import Town
from tests.web.conftest import SignedIn
from web.pages.login import local
from web.view import COOKIE

PASSWORD = "seven quiet meters"


@pytest.fixture
def anna(owner: Connection, clock: SetClock, browser: TestClient) -> TestClient:
    accounts.set_password(owner, "anna", PASSWORD, at=clock.now())
    return browser


def _enter(browser: TestClient, password: str = PASSWORD, login: str = "anna", **more: str) -> int:
    return browser.post("/login", data={"login": login, "password": password, **more}).status_code


def test_a_page_asks_a_stranger_to_sign_in_and_comes_back(anna: TestClient) -> None:
    first = anna.get("/?day=2")
    assert (first.status_code, first.headers["location"]) == (303, "/login?next=%2F%3Fday%3D2")
    form = anna.get(first.headers["location"])
    assert 'value="/?day=2"' in form.text
    entered = anna.post("/login", data={"login": "anna", "password": PASSWORD, "next": "/?day=2"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/?day=2")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert anna.get("/").status_code == 200


def test_htmx_is_sent_to_the_log_in_as_a_whole(browser: TestClient) -> None:
    answer = browser.get("/", headers={"HX-Request": "true", "HX-Current-URL": "http://x/tickets?a=1"})
    assert answer.headers["hx-redirect"] == "/login?next=%2Ftickets%3Fa%3D1"


@pytest.mark.parametrize(
    "url", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb"]
)
def test_nobody_is_sent_to_another_site_after_a_log_in(url: str) -> None:
    assert local(url) == "/"


def test_wrong_pairs_look_alike_and_lock_the_account(
    anna: TestClient, owner: Connection, clock: SetClock
) -> None:
    unknown = anna.post("/login", data={"login": "nobody", "password": PASSWORD})
    wrong = anna.post("/login", data={"login": "anna", "password": "wrong"})
    assert (unknown.status_code, wrong.status_code) == (401, 401)
    assert unknown.text.replace("nobody", "anna") == wrong.text
    for _ in range(accounts.MOST_FAILURES - 1):
        assert _enter(anna, "wrong") == 401
    assert _enter(anna) == 401, "locked, although the password is right"
    clock.advance(accounts.LOCKED + timedelta(seconds=1))
    assert _enter(anna, "wrong") == 401, "counting begins anew"
    assert _enter(anna) == 303


def test_a_session_ends_when_idle_when_old_when_left_and_with_a_new_password(
    signed_in: SignedIn, owner: Connection, clock: SetClock
) -> None:
    browser = signed_in("anna")
    assert browser.get("/").status_code == 200
    clock.advance(accounts.IDLE - timedelta(minutes=1))
    assert browser.get("/").status_code == 200
    clock.advance(accounts.IDLE + timedelta(minutes=1))
    assert browser.get("/").status_code == 303
    browser = signed_in("anna")
    for _ in range(int(accounts.LIFE / timedelta(hours=10)) + 2):
        last = browser.get("/").status_code
        clock.advance(timedelta(hours=10))
    assert last == 303, "used all the time, and still over after a week"
    browser = signed_in("anna")
    accounts.set_password(owner, "anna", PASSWORD + " more", at=clock.now())
    assert browser.get("/").status_code == 303
    browser = signed_in("anna")
    token = browser.cookies[COOKIE]
    assert browser.post("/logout").headers["location"] == "/login"
    browser.cookies.set(COOKIE, token)
    assert browser.get("/").status_code == 303, "the cookie alone is worth nothing"


def test_a_leaver_is_out_at_once(signed_in: SignedIn, owner: Connection) -> None:
    browser = signed_in("rita")
    owner.execute("update staff set active = false where login = 'rita'")
    assert browser.get("/").status_code == 303
    owner.execute("update staff set active = true where login = 'rita'")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_another_site_can_not_act_with_the_readers_cookies(
    signed_in: SignedIn, headers: dict[str, str]
) -> None:
    browser = signed_in("anna")
    refused = browser.post("/preferences", data={"language": "zh"}, headers=headers)
    assert refused.status_code == 403
    del browser.headers["Sec-Fetch-Site"]
    assert browser.post("/preferences", data={}).status_code == 403, "no word of where it comes from"
    assert browser.post("/preferences", data={}, headers={"Origin": "http://evil"}).status_code == 403
    assert browser.post("/preferences", data={}, headers={"Origin": "http://testserver"}).status_code == 303


@pytest.mark.parametrize("password", ["short", "anna" * 2, "aaaaaaaaaaaa", "x" * 201])
def test_a_weak_password_is_refused(town: Town, owner: Connection, clock: SetClock, password: str) -> None:
    with pytest.raises(BadDataError):
        accounts.set_password(owner, "anna", password, at=clock.now())


def test_every_page_forbids_what_it_does_not_need(signed_in: SignedIn) -> None:
    page = signed_in("anna").get("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "private, no-store"


def test_the_reader_chooses_language_and_light(signed_in: SignedIn) -> None:
    browser = signed_in("anna", "en")
    assert '<html lang="en" data-theme="auto">' in browser.get("/").text
    browser.post("/preferences", data={"language": "zh"})
    browser.post("/preferences", data={"theme": "dark"})
    page = browser.get("/").text
    assert '<html lang="zh-CN" data-theme="dark">' in page
    assert "今天" in page


def test_the_link_that_sets_a_password_is_not_logged(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = CapturingLogger()
    monkeypatch.setattr("api.middleware.log", lines)
    for answer in (browser.get("/password/of-anna"), browser.post("/password/of-anna", data={})):
        assert answer.status_code < 500
    assert len(lines.calls) >= 2
    assert "of-anna" not in str(lines.calls)
