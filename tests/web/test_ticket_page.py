"""A ticket on its page: the one next step, the verdict, the letter to the customer, and who was quicker."""

import pytest

from sql.pool import Connection
from tests.api.town import Town
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE


def test_the_next_step_is_one_button_all_the_way_to_confirmed(signed_in: SignedIn, town: Town) -> None:
    anna, url = signed_in("anna"), f"/tickets/{town.anna.ticket_id}"
    for step, form in [
        ("acknowledge", {}),
        ("respond", {"why": "Somebody comes at two."}),
        ("resolve", {"cause_code": "toilet_leak", "why": "Seal replaced."}),
        ("confirm", {}),
    ]:
        page = anna.get(url).text
        assert page.count('class="main"') == 1
        assert f'action="{url}/{step}"' in page.split('class="main"')[0].rsplit("<form", 1)[1]
        answer = anna.post(f"{url}/{step}", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, url)
    page = anna.get(url).text
    assert "Settled. Nothing is left to do." in page
    assert "Seal replaced." in page


def test_a_stale_form_says_who_changed_it_and_does_nothing(signed_in: SignedIn, town: Town) -> None:
    olga, url = signed_in("olga"), f"/tickets/{town.bo.ticket_id}"
    assert (
        olga.post(f"{url}/priority", data={"priority": "low", "why": "A drip.", "version": "1"}).status_code
        == 303
    )
    bo = signed_in("bo", "zh")
    refused = bo.post(
        f"{url}/respond", data={"why": "马上去", "version": "1"}, headers={"HX-Request": "true"}
    )
    assert (refused.status_code, refused.headers["hx-retarget"]) == (409, "#notices")
    assert "olga 在您打开之后于" in refused.text
    assert "A drip." in refused.text
    assert "在您查看之后已有变更（原为第 1 版，现为第 2 版）。最近一次变更：" in refused.text
    assert "Last change" not in refused.text
    assert "马上去" not in bo.get(url).text


def test_that_is_normal_is_said_with_its_reach_and_taken_back(signed_in: SignedIn, town: Town) -> None:
    bo, url = signed_in("bo"), f"/tickets/{town.bo.ticket_id}"
    event = f"{url}/verdict/{town.bo.event_id}"
    form = {"verdict": "normal", "scope": "meter", "until": "2026-12-31", "why": "The pool."}
    assert bo.post(event, data=form).status_code == 303
    page = bo.get(url).text
    assert "That is normal" in page
    assert "The pool." in page
    assert f'action="{event}/undo"' in page
    assert bo.post(f"{event}/undo").status_code == 303
    assert "Was it a fault, or is that normal?" in bo.get(url).text


def test_advice_is_sent_to_the_customer_once_and_stands_on_record(
    signed_in: SignedIn, town: Town, owner: Connection
) -> None:
    owner.execute("update customer set email = 'b1@example.org' where account_no = 'B1'")
    bo, url = signed_in("bo"), f"/tickets/{town.bo.ticket_id}"
    form = {"subject": "Your meter", "text": "Please look at the cistern <first>."}
    assert bo.post(f"{url}/letters", data=form).status_code == 303
    again = bo.post(f"{url}/letters", data=form)
    assert again.status_code == 409
    ((kind, recipient, text),) = owner.execute(
        "select kind, recipient, message ->> 'text' from outbox where step = 'written'"
    ).fetchall()
    assert (kind, recipient, text) == ("customer", "b1@example.org", form["text"])
    page = bo.get(url).text
    assert "Please look at the cistern &lt;first&gt;." in page
    assert "Written to the customer" in page


def test_a_reader_sees_no_button_and_is_refused(signed_in: SignedIn, town: Town) -> None:
    rita, url = signed_in("rita"), f"/tickets/{town.bo.ticket_id}"
    page = rita.get(url).text
    assert f'action="{url}' not in page
    assert rita.post(f"{url}/acknowledge").status_code == 403
    assert signed_in("anna").get(url).status_code == 404, "another manager's"


def test_what_people_type_stays_text(signed_in: SignedIn, town: Town) -> None:
    bo, url = signed_in("bo"), f"/tickets/{town.bo.ticket_id}"
    nasty = "<script>alert(1)</script>" + "\u202e" + "💧" + "x" * 9_000
    assert bo.post(f"{url}/notes", data={"why": nasty}).status_code == 303
    page = bo.get(url).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(("language", "size"), [("en", WIDE), ("zh", PHONE)])
def test_a_ticket_draws_its_evidence_without_barriers(
    surf: Surf, town: Town, language: str, size: tuple[int, int]
) -> None:
    bo = surf("bo", language, size=size, dark=size == PHONE)
    page = bo.open(f"/tickets/{town.bo.ticket_id}")
    page.wait_for_selector("figure[data-drawn]")
    bo.check()
    page.locator("button[data-shows]").nth(1).click()
    page.wait_for_selector('figure[data-shown*="show=use"]')
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("a")
    page.wait_for_load_state()
    assert bo.wrong == []
