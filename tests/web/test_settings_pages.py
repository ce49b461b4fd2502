"""Settings: policies and exemptions, staff and shifts, calendars and service levels, keys and webhooks."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

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


def test_an_admin_takes_somebody_in_changes_them_and_makes_a_link(
    signed_in: SignedIn, browser: TestClient, owner: Connection
) -> None:
    ada = signed_in("ada")
    wu = {"login": "wu.fang", "name": "<script>吴芳", "language": "zh", "roles": ["manager", "reader"]}
    assert ada.post("/settings/staff", data=wu).headers["location"] == "/settings/staff/wu.fang"
    assert ada.post("/settings/staff", data=wu).status_code == 409
    changed = {
        "name": "吴芳",
        "superior": "olga",
        "roles_shown": "1",
        "roles": ["manager"],
        "desk_shown": "1",
    }
    assert ada.post("/settings/staff/wu.fang", data=changed).status_code == 303
    page = ada.get("/settings/staff/wu.fang").text
    assert 'value="olga"' in page
    row = owner.execute("select name, roles from staff where login = 'wu.fang'").fetchone()
    assert row == ("吴芳", ["manager"])
    page = ada.post("/settings/staff/wu.fang/link").text
    (link,) = re.findall(r'value="(https?://[^"]+/password/[^"]+)"', page)
    assert "/password/" not in ada.get("/settings/staff/wu.fang").text, "shown once"
    assert browser.get(urlsplit(link).path).status_code == 200
    gone = {"to": "anna", "note": "Has moved."}
    assert ada.post("/settings/staff/wu.fang/leave", data=gone).status_code == 303
    assert "wu.fang" in ada.get("/settings/staff?left=true").text
    assert browser.get(urlsplit(link).path).status_code == 404


def test_accounts_are_for_admins_and_the_rest_of_it_for_operations(signed_in: SignedIn) -> None:
    olga, anna = signed_in("olga"), signed_in("anna")
    page = olga.get("/settings/staff/bo").text
    assert 'name="superior"' in page
    assert 'name="roles"' not in page
    assert "/settings/staff/bo/link" not in page
    assert olga.post("/settings/staff/bo/link").status_code == 403
    assert olga.post("/settings/staff/bo", data={"roles_shown": "1", "roles": ["admin"]}).status_code == 403
    assert olga.post("/settings/staff/bo", data={"deputy": "anna"}).status_code == 303
    page = anna.get("/settings/staff/bo").text
    assert 'action="/settings/' not in page
    assert anna.post("/settings/staff/bo", data={"deputy": "rita"}).status_code == 403
    assert anna.post("/settings/staff/bo/link").status_code == 403
    assert anna.post("/settings/staff/bo/leave", data={"note": "x"}).status_code == 403


def test_operations_set_and_try_the_ways_of_others_and_see_what_became_of_it(
    signed_in: SignedIn, owner: Connection, app: FastAPI
) -> None:
    olga, place = signed_in("olga"), "/settings/staff/bo"
    way = {"channel": "wecom", "address": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=7a2c3f1a"}
    assert olga.post(f"{place}/ways", data=way).headers["location"] == f"{place}#ways"
    assert (
        olga.post(f"{place}/times", data={"quiet_from": "22:00", "quiet_until": "07:00"}).status_code == 303
    )
    assert olga.post(f"{place}/test").status_code == 303
    page = olga.get(place).text
    assert "7a2c3f1a" not in page
    assert 'value="22:00"' in page
    assert f'hx-get="{place}"' in page, "it waits, and the page asks again"
    owner.execute("update outbox set state = 'dead', last_error = '<b>no robot' where kind = 'test'")
    page = olga.get(place).text
    assert "&lt;b&gt;no robot" in page
    assert f'hx-get="{place}"' not in page
    anna = signed_in("anna")
    assert "no robot" not in anna.get(place).text
    for form in ("ways", "times", "test", "ways/0/remove"):
        assert anna.post(f"{place}/{form}", data=way).status_code == 404
        assert signed_in("rita").post(f"{place}/{form}", data=way).status_code == 403
    gone = {"shown": "https://qyapi.weixin.qq.com/…3f1a"}
    assert olga.post(f"{place}/ways/0/remove", data=gone).status_code == 303
    assert owner.execute("select count(*) from staff_channel").fetchone() == (0,)
    app.state.trail.flush()
    kept = owner.execute(
        "select route from audit where actor = 'olga' and subject = 'bo' and status = 303"
        " and route like '%/{login}/%'"
        " order by id"
    ).fetchall()
    assert [route.removeprefix("/settings/staff/{login}/") for (route,) in kept] == [
        "ways",
        "times",
        "test",
        "ways/{number}/remove",
    ]


def test_the_roster_of_a_week_shows_turns_and_who_is_away(signed_in: SignedIn) -> None:
    olga = signed_in("olga")
    turn = {"login": "bo", "starts_at": "2026-11-24T08:00", "ends_at": "2026-11-24T20:00", "note": "Desk 2"}
    assert olga.post("/settings/shifts", data=turn).headers["location"] == "/settings/shifts?week=2026-11-24"
    assert olga.post("/settings/shifts", data=turn).status_code == 409
    leave = {"login": "anna", "starts_at": "2026-11-26", "ends_at": "2026-11-28"}
    assert olga.post("/settings/absences", data=leave).status_code == 303
    page = olga.get("/settings/shifts?week=2026-11-27").text
    assert "08:00–20:00" in page
    assert page.count('class="turn away"') == 2, "two days, the first day back is none"
    anna = signed_in("anna")
    assert 'action="/settings/shifts' not in anna.get("/settings/shifts?week=2026-11-27").text
    (number,) = re.findall(r"/settings/shifts/(\d+)/drop", page)
    assert anna.post(f"/settings/shifts/{number}/drop").status_code == 403
    assert olga.post(f"/settings/shifts/{number}/drop", data={"week": "2026-11-24"}).status_code == 303
    assert "08:00–20:00" not in olga.get("/settings/shifts?week=2026-11-24").text


def _fields(page: str, action: str) -> dict[str, str]:
    """Return what a form of a page holds, as a browser would send it."""
    (form,) = re.findall(rf'<form method="post" action="{action}".*?</form>', page, re.S)
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    fields |= dict.fromkeys(re.findall(r'<input type="checkbox" name="([^"]+)" checked', form), "on")
    selects = re.findall(r'<select name="([^"]+)">(.*?)</select>', form, re.S)
    for name, options in selects:
        fields.update((name, one) for one in re.findall(r'value="([^"]*)" selected', options))
    return fields | dict(re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S))


def test_a_calendar_is_changed_with_a_reason_and_a_stale_form_says_who_was_faster(
    signed_in: SignedIn, owner: Connection
) -> None:
    olga = signed_in("olga")
    place = "/settings/calendars/office"
    form = _fields(olga.get(place).text, place)
    changed = form | {"closed_days": "2026-12-24", "sa": "09:00-12:00", "why": "Saturday mornings."}
    assert olga.post(place, data=changed | {"fr": "later"}).status_code == 422
    assert olga.post(place, data=changed).status_code == 303
    page = olga.get(f"{place}?opened=2026-11-21T08:00&hours=3").text
    assert "21 Nov 2026 12:00" in page, "worked out by the new hours"
    assert "Saturday mornings." in page
    assert "Days off of our own: – → 2026-12-24<" in page
    assert "Monday–Friday 08:30" in page
    stale = signed_in("ada").post(place, data=changed | {"sa": "", "why": "No."})
    assert stale.status_code == 409
    assert "olga changed this" in stale.text
    row = owner.execute("select closed_days, holidays from calendar where code = 'office'").fetchone()
    assert row is not None
    assert [str(day) for day in row[0]] == ["2026-12-24"]
    assert row[1] is True, "what was left as it stood stays"
    new = form | {"code": "nights", "mo": "22:00-06:00", "why": "Control room."}
    assert olga.post("/settings/calendars", data=new).headers["location"] == "/settings/calendars/nights"


def test_a_service_level_is_made_changed_and_shows_what_it_promises(signed_in: SignedIn) -> None:
    olga = signed_in("olga")
    made = {"code": "hospitals", "priority": "normal", "segment": "special", "calendar": "round_the_clock",
            "response_h": "12", "resolution_h": "36", "why": "Agreed."}  # fmt: skip
    assert olga.post("/settings/sla", data=made).headers["location"] == "/settings/sla/hospitals"
    assert olga.post("/settings/sla", data=made).status_code == 409
    page = olga.get("/settings/sla?opened=2026-11-21T08:00").text
    assert "21 Nov 2026 20:00" in page
    place = "/settings/sla/hospitals"
    form = _fields(olga.get(place).text, place)
    changed = form | {"response_h": "6", "response_warn_share": "50", "why": "Faster."}
    assert olga.post(place, data=changed).status_code == 303
    assert olga.post(place, data=changed).status_code == 409, "the form is stale"
    assert "21 Nov 2026 14:00" in olga.get("/settings/sla?opened=2026-11-21T08:00").text
    assert _fields(olga.get(place).text, place)["response_warn_share"] == "50"
    page = olga.get(place).text
    assert "Response within, h: 12 → 6<" in page, "the history speaks as the form does"
    assert "Reminder of the response, with so much left: 25% → 50%<" in page


def test_who_only_reads_sees_the_terms_and_changes_none(signed_in: SignedIn) -> None:
    anna = signed_in("anna", "zh")
    for place in (
        "/settings/calendars",
        "/settings/calendars/office",
        "/settings/sla",
        "/settings/sla/normal",
    ):
        page = anna.get(place)
        assert page.status_code == 200, place
        assert 'method="post" action="/settings' not in page.text
        assert anna.post(place, data={"why": "x"}).status_code == 403
    assert anna.get("/settings/sla/new").status_code == 403


def test_a_key_is_made_shown_once_rotated_and_revoked(signed_in: SignedIn) -> None:
    ada = signed_in("ada")
    given = {"name": "billing <b>", "scopes": ["customers:read"], "expires_at": "2027-11-21"}
    assert ada.post("/settings/keys", data={"name": "no scope"}).status_code == 422
    (key,) = re.findall(r"hw_[0-9a-f]{8}_[0-9a-f]{64}", ada.post("/settings/keys", data=given).text)
    page = ada.get("/settings/keys").text
    assert key not in page
    assert "billing &lt;b&gt;" in page
    prefix = key.split("_")[1]
    assert re.search(rf"hw_{prefix}_", ada.post(f"/settings/keys/{prefix}/rotate").text)
    anna = signed_in("anna")
    assert prefix not in anna.get("/settings/keys").text
    assert anna.post(f"/settings/keys/{prefix}/revoke").status_code == 403
    assert ada.post(f"/settings/keys/{prefix}/revoke").status_code == 303
    assert f"/settings/keys/{prefix}/revoke" not in ada.get("/settings/keys").text


def test_a_program_is_subscribed_tried_stopped_and_ended(signed_in: SignedIn) -> None:
    olga = signed_in("olga", "zh")
    given = {"url": "https://93.184.215.14/headwater", "description": "ERP", "topics": ["tickets"]}
    assert olga.post("/settings/webhooks", data=given | {"url": "http://127.0.0.1/"}).status_code == 422
    (secret,) = re.findall(r"whs_[0-9a-f]+", olga.post("/settings/webhooks", data=given).text)
    page = olga.get("/settings/webhooks").text
    assert secret not in page
    (number,) = re.findall(r"/settings/webhooks/(\d+)/stop", page)
    assert signed_in("rita").post(f"/settings/webhooks/{number}/stop").status_code == 403
    for step in ("test", "stop", "resume"):
        assert olga.post(f"/settings/webhooks/{number}/{step}").status_code == 303, step
    assert olga.post(f"/settings/webhooks/{number}/other").status_code == 404
    assert "whs_" in olga.post(f"/settings/webhooks/{number}/rotate").text
    assert olga.post(f"/settings/webhooks/{number}/end").status_code == 303
    assert f"/settings/webhooks/{number}/" not in olga.get("/settings/webhooks").text


@pytest.mark.parametrize(("language", "size"), [("en", WIDE), ("zh", PHONE)])
def test_the_settings_have_no_barriers(
    surf: Surf, language: str, size: tuple[int, int], owner: Connection
) -> None:
    ada = surf("ada", language, size=size, dark=size == PHONE)
    for place in (
        "",
        "/exemptions",
        "/policies/new?detector=burst",
        "/staff",
        "/staff/bo",
        "/shifts",
        "/calendars",
        "/calendars/office",
        "/sla",
        "/sla/new",
        "/sla/normal",
        "/keys",
        "/webhooks",
    ):
        page = ada.open(f"/settings{place}")
        page.evaluate("document.querySelectorAll('details.step').forEach(form => form.open = true)")
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
