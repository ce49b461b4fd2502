"""Settings: policies and exemptions, staff and shifts, calendars and service levels, keys and webhooks."""

import re
from datetime import timedelta

import pytest

from core.clock import SetClock
from sql.pool import Connection
from tests.api.town import Town
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE

POLICY = {"detector": "continuous_flow", "scope": "customer", "scope_key": "A1", "enabled": "yes"}


def test_a_policy_is_tried_saved_and_ended(signed_in: SignedIn, town: Town, clock: SetClock) -> None:
    olga = signed_in("olga")
    form = olga.get("/settings/policies/new?detector=continuous_flow").text
    assert 'name="p_threshold_lph"' in form
    assert "L/h" in form
    given = POLICY | {"p_threshold_lph": "33", "why": "<script>A fountain</script>", "days": "14"}
    tried = olga.post("/settings/policies/try", data=given)
    assert tried.status_code == 200
    assert 'value="33"' in tried.text, "what was typed stays"
    assert "Findings without the policy" in tried.text
    assert "<script>A fountain" not in tried.text
    assert olga.post("/settings/policies/try", data=given | {"p_threshold_lph": "x"}).status_code == 422
    assert olga.post("/settings/policies", data=given | {"p_threshold_lph": "-1"}).status_code == 422
    assert olga.post("/settings/policies", data=given).status_code == 303
    page = olga.get("/settings").text
    (number,) = re.findall(r"/settings/policies/(\d+)/end", page)
    assert "Flows from: <b>33</b>" in page
    assert olga.post(f"/settings/policies/{number}/end", data={"why": ""}).status_code == 422
    assert olga.post(f"/settings/policies/{number}/end", data={"why": "Turned off."}).status_code == 303
    clock.advance(timedelta(minutes=1))
    assert "Flows from" not in olga.get("/settings").text
    assert "Turned off." in olga.get("/settings?ended=true").text


def test_an_exemption_is_made_and_ended(signed_in: SignedIn, town: Town) -> None:
    olga = signed_in("olga", "zh")
    given = POLICY | {"exemption": "expected_flow", "why": "喷泉", "valid_until": "2027-03-01"}
    assert olga.post("/settings/policies", data=given).headers["location"] == "/settings/exemptions"
    page = olga.get("/settings/exemptions").text
    assert "喷泉" in page
    assert "属预期用水" in page
    assert "喷泉" not in olga.get("/settings").text
    (number,) = re.findall(r"/settings/policies/(\d+)/end", page)
    ended = olga.post(f"/settings/policies/{number}/end", data={"why": "已拆除"})
    assert ended.headers["location"] == "/settings/exemptions"


def test_who_only_reads_is_shown_no_forms_and_refused(signed_in: SignedIn) -> None:
    for login in ("rita", "anna"):
        browser = signed_in(login)
        for place in ("/settings", "/settings/exemptions"):
            assert 'method="post" action="/settings' not in browser.get(place).text
        assert browser.get("/settings/policies/new").status_code == 403
        assert browser.post("/settings/policies", data=POLICY | {"why": "x"}).status_code == 403


@pytest.mark.parametrize(("language", "size"), [("en", WIDE), ("zh", PHONE)])
def test_the_settings_have_no_barriers(
    surf: Surf, language: str, size: tuple[int, int], owner: Connection
) -> None:
    ada = surf("ada", language, size=size, dark=size == PHONE)
    for place in ("", "/exemptions", "/policies/new?detector=burst"):
        ada.open(f"/settings{place}")
        ada.check()


def test_a_preview_comes_in_place_and_the_form_stays(surf: Surf, town: Town) -> None:
    olga = surf("olga")
    page = olga.open("/settings/policies/new?detector=continuous_flow")
    page.get_by_label("Flows from").fill("21")
    page.get_by_text("What would it have raised?").click()
    page.locator("#tried").get_by_text("Findings without the policy").wait_for()
    assert page.get_by_label("Flows from").input_value() == "21"
    assert page.url.endswith("detector=continuous_flow")
    olga.check()
