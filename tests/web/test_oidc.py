"""Signing in by the utility's OpenID provider, which runs over HTTP beside the console."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from api.app import create_app
from core.clock import SetClock
from core.settings import load
from jobs.letters import LiveLetters
from jobs.preview import LiveRules
from jobs.report import LivePress
from service import accounts
from sql.pool import Connection, open_pool
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.web.conftest import SAME_SITE
from tests.web.provider import CLIENT, SECRET, FakeProvider, provider
from web import console, oidc
from web.pages.login import TRIP
from web.view import COOKIE

BACK = "http://testserver/login/oidc/back"


@pytest.fixture
def at_home(owner: Connection, town: Town) -> Iterator[FakeProvider]:
    owner.execute("update staff set email = login || '@Example.com', oidc_subject = null, active = true")
    with provider(BACK, int(NOW.timestamp())) as made:
        yield made


def _browser(database: str, settings: dict[str, Any]) -> Iterator[TestClient]:
    known = load(public_url="http://testserver", oidc_client_id=CLIENT, **settings)
    with open_pool(database, "api", size=2) as pool:
        made = create_app(
            known, SetClock(NOW), pool, LiveRules(database, 36), LiveLetters(known), LivePress("")
        )
        console.add(made)
        yield TestClient(made, headers=SAME_SITE | {"Accept-Language": "en"}, follow_redirects=False)


@pytest.fixture
def browser(at_home: FakeProvider, database: str) -> Iterator[TestClient]:
    yield from _browser(database, {"oidc_issuer": at_home.issuer, "oidc_client_secret": SECRET})


def _away(browser: TestClient, next_: str = "/customers?q=1") -> str:
    """Leave for the provider, sign in there, and return the address it sends back to."""
    left = browser.get("/login/oidc", params={"next": next_})
    assert left.status_code == 303, left.text
    cookie = left.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Path=/login" in cookie
    answer = httpx2.get(left.headers["location"], follow_redirects=False)
    assert answer.status_code == 302, "it did not know our request"
    return answer.headers["location"]


def test_who_comes_first_is_known_by_a_verified_email_and_then_by_the_subject(
    browser: TestClient, at_home: FakeProvider, owner: Connection
) -> None:
    back = browser.get(_away(browser))
    assert (back.status_code, back.headers["location"]) == (303, "/customers?q=1")
    assert browser.get("/").status_code == 200
    assert TRIP not in browser.cookies
    at_home.email, at_home.verified = "somebody@else.example", False
    owner.execute("update staff set email = 'anna@example.com' where login = 'bo'")
    del browser.cookies[COOKIE]
    assert browser.get(_away(browser)).headers["location"] == "/customers?q=1"
    assert ">Anna<" in browser.get("/").text.replace("anna", "Anna"), "still Anna, whatever the e-mails say"
    assert at_home.asked.count("/.well-known/openid-configuration") == 1, "what it says of itself is kept"


UNKNOWN = (
    "update staff set email = null where login = 'anna'",
    "update staff set email = 'anna@example.com', active = false where login = 'anna'",
    "update staff set active = true, oidc_subject = 'u-1' where login = 'anna'",
    "update staff set oidc_subject = null, email = 'anna@example.com' where login in ('anna', 'bo')",
)


def test_nobody_registers_by_coming(browser: TestClient, owner: Connection, at_home: FakeProvider) -> None:
    for sql in UNKNOWN:
        owner.execute(sql)
        page = browser.get(_away(browser))
        assert page.status_code == 403, sql
        assert "anna@example.com" in page.text
        assert "ask one to enter your e-mail address" in page.text
        assert COOKIE not in browser.cookies


def test_who_has_another_account_at_the_provider_is_let_in_when_the_old_one_is_forgotten(
    browser: TestClient, owner: Connection, at_home: FakeProvider
) -> None:
    owner.execute("update staff set oidc_subject = 'of the provider before' where login = 'anna'")
    assert browser.get(_away(browser)).status_code == 403
    accounts.forget_identity(owner, "anna")
    assert browser.get(_away(browser)).status_code == 303
    accounts.forget_identity(owner, "anna")
    assert browser.get("/").status_code == 303, "the sessions ended with it"


def test_an_email_that_is_not_verified_names_nobody(browser: TestClient, at_home: FakeProvider) -> None:
    at_home.verified = False
    page = browser.get(_away(browser))
    assert page.status_code == 403
    assert "no verified e-mail" in page.text


BENT: tuple[dict[str, Any], ...] = (
    {"iss": "https://evil.example"},
    {"aud": "another"},
    {"aud": [CLIENT, "another"]},
    {"azp": "another"},
    {"exp": int(NOW.timestamp()) - 61},
    {"exp": None},
    {"iat": int(NOW.timestamp()) + 3600},
    {"nonce": "of another trip"},
    {"sub": ""},
)


def test_a_token_that_is_not_for_this_trip_is_refused(browser: TestClient, at_home: FakeProvider) -> None:
    for bend in BENT:
        at_home.bend = bend
        page = browser.get(_away(browser))
        assert page.status_code == 403, bend
        assert "did not work" in page.text
        assert COOKIE not in browser.cookies


def test_a_strangers_signature_is_refused_and_a_new_key_of_the_provider_is_taken(
    browser: TestClient, at_home: FakeProvider
) -> None:
    assert browser.get(_away(browser)).status_code == 303
    at_home.signer = RSAKey.generate_key(2048, {"kid": "a"})
    assert browser.get(_away(browser)).status_code == 403
    at_home.key = at_home.signer = RSAKey.generate_key(2048, {"kid": "b"})
    assert browser.get(_away(browser)).status_code == 303


def test_an_answer_to_another_trip_or_without_one_is_refused(
    browser: TestClient, at_home: FakeProvider
) -> None:
    place = _away(browser)
    _away(browser)
    assert browser.get(place).status_code == 403, "the state is of the trip before"
    place = _away(browser)
    assert browser.get(place.replace("iss=", "iss=x")).status_code == 403
    assert browser.get(place).status_code == 403, "a trip is made once"
    browser.cookies.set(TRIP, "garbage")
    assert browser.get(place).status_code == 403
    refused = browser.get("/login/oidc/back?error=access_denied")
    assert refused.status_code == 403
    assert COOKIE not in browser.cookies


def test_a_stolen_code_is_worth_nothing_in_another_browser(
    browser: TestClient, at_home: FakeProvider, database: str
) -> None:
    place = _away(browser)
    for thief in _browser(database, {"oidc_issuer": at_home.issuer, "oidc_client_secret": SECRET}):
        _away(thief)
        (state,), (code,) = (parse_qs(urlsplit(place).query)[name] for name in ("state", "code"))
        own = oidc.unpacked(thief.cookies[TRIP])
        assert own is not None
        forged = oidc.Trip(
            state, own.nonce, own.verifier, "/"
        )  # the state can be read off; the verifier can't
        thief.cookies.clear()
        thief.cookies.set(TRIP, forged.packed())
        assert thief.get(place).status_code == 403
        assert code not in at_home.codes, "the provider was asked, and refused the verifier"
        assert COOKIE not in thief.cookies


def test_nobody_is_sent_to_another_site_after_it(browser: TestClient, at_home: FakeProvider) -> None:
    assert browser.get(_away(browser, "//evil.example")).headers["location"] == "/"


def test_passwords_can_be_switched_off_and_a_public_client_needs_no_secret(
    at_home: FakeProvider, database: str
) -> None:
    at_home.public = True
    settings = {"oidc_issuer": at_home.issuer, "local_accounts": False, "oidc_label": "江城统一认证"}
    for browser in _browser(database, settings):
        page = browser.get("/login?next=/network").text
        assert "江城统一认证" in page
        assert 'href="/login/oidc?next=/network"' in page
        assert 'name="password"' not in page
        assert browser.post("/login", data={"login": "anna", "password": "x"}).status_code == 403
        assert browser.post("/password/old-link", data={"new": "x", "again": "x"}).status_code == 403
        assert browser.get(_away(browser)).status_code == 303


def test_a_provider_that_is_away_is_said_and_the_password_still_asked_for(database: str, town: Town) -> None:
    for browser in _browser(database, {"oidc_issuer": "http://127.0.0.1:9"}):
        page = browser.get("/login/oidc")
        assert page.status_code == 503
        assert 'name="password"' in page.text
    for browser in _browser(database, {}):
        assert "/login/oidc" not in browser.get("/login").text
        assert browser.get("/login/oidc").status_code == 404
