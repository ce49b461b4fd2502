"""My account: my password, my sessions, my ways, who stands in; and the link that sets a password."""

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from core.clock import SetClock
from notify.channels import Message
from notify.words import Words
from notify.writer import Writer
from service import accounts, invitations, staff
from service.tickets import Actor
from sql.pool import Connection
from tests.api.town import Town
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE
from web.view import COOKIE

OLD, NEW = "seven quiet meters", "eight loud pumps"
ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=7a2c3f1a"


def _change(browser: TestClient, current: str, new: str, again: str = "") -> int:
    given = {"current": current, "new": new, "again": again or new}
    return browser.post("/account/password", data=given).status_code


def test_the_present_password_is_asked_for_and_other_sessions_end(
    signed_in: SignedIn, owner: Connection, clock: SetClock
) -> None:
    accounts.set_password(owner, "anna", OLD, at=clock.now())
    mine, other = signed_in("anna"), signed_in("anna")
    assert _change(mine, "wrong", NEW) == 422
    assert _change(mine, OLD, NEW, "another one") == 422
    assert _change(mine, OLD, "short") == 422
    assert other.get("/account").status_code == 200
    assert _change(mine, OLD, NEW) == 303
    assert mine.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert accounts.check_password(owner, "anna", NEW, at=clock.now()).staff_id is not None
    for _ in range(accounts.MOST_FAILURES):
        assert _change(mine, "wrong", OLD) == 422
    assert _change(mine, NEW, OLD) == 422, "failures lock here, too"
    owner.execute("update staff set failed_logins = 0, locked_until = null")


def test_own_sessions_are_listed_and_ended_and_no_others(signed_in: SignedIn) -> None:
    mine, other, bo = signed_in("anna"), signed_in("anna"), signed_in("bo")
    page = other.get("/account").text
    found = set(re.findall(r'name="session" value="([0-9a-f]+)"', page))
    theirs = set(re.findall(r'name="session" value="([0-9a-f]+)"', bo.get("/account").text))
    assert found
    assert not found & theirs
    (bos,) = set(re.findall(r'name="session" value="([0-9a-f]+)"', signed_in("bo").get("/account").text))
    assert mine.post("/account/sessions/end", data={"session": bos}).status_code == 404
    assert bo.get("/account").status_code == 200
    assert mine.post("/account/sessions/end", data={}).status_code == 303
    assert other.get("/account").status_code == 303
    assert mine.get("/account").status_code == 200


def test_ways_are_added_masked_tried_and_removed_and_a_secret_stays(
    signed_in: SignedIn, owner: Connection
) -> None:
    anna = signed_in("anna", "zh")
    way = {"channel": "wecom", "address": ROBOT, "secret": "s3cret", "uses": "all"}
    assert anna.post("/account/ways", data=way).status_code == 303
    assert (
        anna.post("/account/ways", data=way | {"channel": "sms", "address": "139 0000 0000"}).status_code
        == 303
    )
    for wrong in (
        {"channel": "sms", "address": "<script>"},
        {"channel": "webhook", "address": "https://10.0.0.7/"},
    ):
        assert anna.post("/account/ways", data=way | wrong).status_code == 422
    assert (
        anna.post("/account/times", data={"quiet_from": "22:00", "quiet_until": "07:00"}).status_code == 303
    )
    assert anna.post("/account/times", data={"quiet_from": "22:00"}).status_code == 422
    page = anna.get("/account").text
    assert "7a2c3f1a" not in page
    assert "https://qyapi.weixin.qq.com/…3f1a" in page
    assert 'value="22:00"' in page
    assert anna.post("/account/test").status_code == 303
    wrong = anna.post("/account/ways/1/remove", data={"shown": "https://qyapi.weixin.qq.com/…3f1a"})
    assert wrong.status_code == 422, "not the way that was seen"
    assert anna.post("/account/ways/1/remove", data={"shown": "139 0000 0000"}).status_code == 303
    rows = owner.execute("select channel, secret from staff_channel").fetchall()
    assert rows == [("wecom", "s3cret")]
    assert owner.execute("select count(*) from outbox where kind = 'test'").fetchone() == (2,)


def test_deputy_and_absences_are_ones_own_to_set_and_a_readers_page_has_no_such_forms(
    signed_in: SignedIn, owner: Connection
) -> None:
    anna = signed_in("anna")
    assert anna.post("/account/deputy", data={"deputy": "bo"}).status_code == 303
    given = {"starts_at": "2026-12-24", "ends_at": "2026-12-31", "why": "<script>leave</script>"}
    assert anna.post("/account/absences", data=given).status_code == 303
    page = anna.get("/account").text
    assert "<script>leave" not in page
    (number,) = re.findall(r"/account/absences/(\d+)/end", page)
    assert signed_in("bo").post(f"/account/absences/{number}/end").status_code == 404
    assert anna.post(f"/account/absences/{number}/end").status_code == 303
    rita = signed_in("rita")
    page = rita.get("/account").text
    for place in ("ways", "times", "test", "deputy", "absences"):
        assert f'action="/account/{place}"' not in page
        assert rita.post(f"/account/{place}").status_code == 403


def _link(owner: Connection, login: str, clock: SetClock) -> invitations.Link:
    return invitations.invite(owner, staff.id_of(owner, login), actor=Actor("ada", None), at=clock.now())


def test_a_link_sets_a_password_once_within_a_day_and_signs_in(
    browser: TestClient, owner: Connection, clock: SetClock, town: Town
) -> None:
    owner.execute("update staff set email = 'bo@example.com' where login = 'bo'")
    before = _link(owner, "bo", clock)
    link = _link(owner, "bo", clock)
    assert link.mailed_to == "bo@example.com"
    assert browser.get(f"/password/{before.token}").status_code == 404, "a later link voids it"
    place = f"/password/{link.token}"
    assert "bo" in browser.get(place).text
    assert browser.post(place, data={"new": NEW, "again": OLD}).status_code == 422
    assert browser.post(place, data={"new": "short", "again": "short"}).status_code == 422
    entered = browser.post(place, data={"new": NEW, "again": NEW})
    assert entered.status_code == 303
    assert browser.get("/account").status_code == 200
    del browser.cookies[COOKIE]
    assert browser.post(place, data={"new": OLD, "again": OLD}).status_code == 404, "used up"
    late = _link(owner, "bo", clock)
    clock.advance(invitations.LIFE + timedelta(seconds=1))
    assert browser.get(f"/password/{late.token}").status_code == 404


def test_the_link_is_mailed_in_the_readers_language(owner: Connection, clock: SetClock, town: Town) -> None:
    writer = Writer(Words("https://water.example"))
    for language, said in (("en", "good once"), ("zh", "仅可使用一次")):
        owner.execute(
            "update staff set email = 'bo@example.com', language = %s where login = 'bo'", [language]
        )
        link = _link(owner, "bo", clock)
        row = owner.execute(
            "select id, message from outbox where kind = 'password' and channel = 'email' order by id desc"
        ).fetchone()
        assert row is not None
        message = Message(
            id=row[0], ticket_id=None, event_id=None, step="password", recipient="bo@example.com",
            language=language, message=row[1], attempt=1, created_at=clock.now(), kind="password",
        )  # fmt: skip
        letter = writer.letter(owner, message)
        assert said in letter.text
        assert f"https://water.example/password/{link.token}" in letter.text
        assert link.token in letter.html


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_the_account_has_no_barriers(surf: Surf, language: str, size: tuple[int, int]) -> None:
    anna = surf("anna", language, size=size, dark=size == PHONE)
    page = anna.open("/account")
    page.locator("details.step summary").first.click()
    anna.check()
