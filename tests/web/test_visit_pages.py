"""Visits by day, and one visit from its agenda to its outcome."""

from datetime import timedelta

import pytest

from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE


@pytest.fixture
def made(owner: Connection, town: Town) -> int:
    """A visit of Anna's, in a week."""
    due = (NOW + timedelta(days=7)).date()
    given = {"account_no": "A1", "manager_id": town.anna.staff_id, "due_on": due}
    return int(insert(owner, "visit", "id", **given))


def test_visits_stand_by_day_and_a_manager_sees_own_ones_only(
    signed_in: SignedIn, made: int, owner: Connection
) -> None:
    anna = signed_in("anna", "zh")
    page = anna.get("/visits").text
    assert f'href="/visits/{made}"' in page
    assert "11月28日" in page
    assert "Customer B1" not in page
    assert "Customer B1" in signed_in("olga").get("/visits").text
    assert f'href="/visits/{made}"' not in anna.get("/visits?to=2026-11-22&form=&segment=&dma=").text
    assert f'href="/visits/{made}"' not in anna.get("/visits?show=done").text
    ((other,),) = owner.execute("select min(id) from visit where account_no = 'B1'").fetchall()
    assert anna.get(f"/visits/{other}").status_code == 404


def test_the_outcome_changes_the_record_and_opens_a_ticket(signed_in: SignedIn, made: int) -> None:
    anna, url = signed_in("anna"), f"/visits/{made}"
    assert 'name="learned.phone"' in anna.get(url).text
    form = {
        "version": "1",
        "discussed": "The cellar <b>valve</b>.",
        "learned.phone": "+86 27 5550 1234",
        "learned.household_size": "3",
        "learned.lives_alone": "no",
        "learned.email": "",
        "open_questions": "When is the pump due?\n\n",
        "follow_up.subject": "Sub-meter",
        "follow_up.priority": "high",
    }
    done = anna.post(f"{url}/finish", data=form)
    assert done.status_code == 303, done.text
    page = anna.get(url).text
    assert "The outcome is on record." in page
    assert "The cellar &lt;b&gt;valve&lt;/b&gt;." in page
    assert "When is the pump due?" in page
    assert "follows from it" in page
    assert "+86 27 5550 1234" in anna.get("/customers/A1").text
    assert f'action="{url}/finish"' not in page
    assert anna.post(f"{url}/reopen", data={"why": "One thing more."}).status_code == 303
    assert f'action="{url}/finish"' in anna.get(url).text


def test_a_visit_is_put_off_and_a_stale_form_says_who_was_quicker(signed_in: SignedIn, made: int) -> None:
    olga, anna, url = signed_in("olga"), signed_in("anna"), f"/visits/{made}"
    form = {"version": "1", "until": "2026-12-11", "why": "Stocktaking."}
    assert olga.post(f"{url}/postpone", data=form).status_code == 303
    stale = anna.post(f"{url}/cancel", data={"version": "1", "why": "x"}, headers={"HX-Request": "true"})
    assert stale.status_code == 409
    assert "olga changed this" in stale.text
    assert "Stocktaking." in anna.get(url).text
    assert anna.post(f"{url}/cancel", data={"version": "2", "why": "Closed."}).status_code == 303
    assert f'href="{url}"' in anna.get("/visits?show=cancelled").text


def test_a_visit_is_arranged_beside_the_cadence(signed_in: SignedIn) -> None:
    anna = signed_in("anna")
    form = {"account_no": "A1", "due_on": "2026-12-04", "form": "call", "why": "New line."}
    made = anna.post("/visits/new", data=form)
    assert "The visit is arranged." in anna.get(made.headers["location"]).text
    assert anna.post("/visits/new", data=form | {"account_no": "B1"}).status_code in {404, 422}


def test_a_reader_reads_and_is_refused(signed_in: SignedIn, made: int) -> None:
    rita, url = signed_in("rita"), f"/visits/{made}"
    assert f'action="{url}' not in rita.get(url).text
    assert 'action="/visits/new"' not in rita.get("/visits").text
    assert rita.post(f"{url}/cancel", data={"why": "x"}).status_code == 403
    assert rita.post(f"{url}/finish", data={"discussed": "x"}).status_code == 403


@pytest.mark.parametrize(("language", "size"), [("en", WIDE), ("zh", PHONE)])
def test_visits_have_no_barriers(surf: Surf, made: int, language: str, size: tuple[int, int]) -> None:
    anna = surf("anna", language, size=size, dark=size == PHONE)
    anna.open("/visits")
    anna.check()
    page = anna.open(f"/visits/{made}")
    for summary in page.locator("main details > summary").all():
        summary.click()
    anna.check()
