"""The list of tickets: what fits is shown, what comes to the desk is taken in."""

import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town, ticket
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE


def shown(client: TestClient, query: str = "") -> list[int]:
    """The tickets of the list, in their order."""
    page = client.get(f"/tickets{query}")
    assert page.status_code == 200, page.text
    return [int(id_) for id_ in re.findall(r'class="open" href="/tickets/(\d+)"', page.text)]


def test_filters_narrow_the_list_and_a_manager_sees_own_ones_only(
    signed_in: SignedIn, town: Town, owner: Connection
) -> None:
    late = ticket(
        owner, None, NOW, account_no="A1", dma_id=town.dma_id, assignee_id=town.anna.staff_id,
        grp="device", urgent=False, priority="normal", response_due=NOW - timedelta(hours=1), subject="Meter",
    )  # fmt: skip
    anna, olga = signed_in("anna"), signed_in("olga")
    assert shown(anna) == [town.anna.ticket_id, late]
    everything = {town.anna.ticket_id, town.bo.ticket_id, town.dma_ticket_id, late}
    assert set(shown(olga)) == everything
    assert shown(olga, "?whose=unassigned&q=&dma=") == [town.dma_ticket_id], "empty filters are none"
    assert shown(olga, "?whose=mine") == []
    assert shown(olga, "?overdue=true") == [late]
    assert shown(olga, "?group=device&segment=&q=Meter") == [late]
    assert shown(olga, "?state=resolved") == []
    owner.execute(
        "update staff set superior_id = (select id from staff where login = 'olga') where login = 'bo'"
    )
    assert shown(olga, "?whose=team") == [town.bo.ticket_id]


def test_more_goes_on_where_the_page_ended(signed_in: SignedIn, town: Town, owner: Connection) -> None:
    for n in range(60):
        ticket(owner, None, NOW - timedelta(minutes=n), grp="welfare", subject=f"Number {n}")
    olga = signed_in("olga")
    page = olga.get("/tickets?group=welfare&sort=newest").text
    (more,) = re.findall(r'class="button" href="(/tickets\?[^"]*cursor=[^"]*)"', page)
    both = shown(olga, "?group=welfare&sort=newest") + shown(
        olga, more.replace("&amp;", "&").removeprefix("/tickets")
    )
    assert len(both) == len(set(both)) == 60


def test_a_call_opens_a_ticket_and_the_next_one_joins_it(signed_in: SignedIn, town: Town) -> None:
    anna = signed_in("anna", "zh")
    call = {
        "source": "hotline", "topic": "quality", "subject": "水发黄 <b>", "account_no": "A1", "meter": "",
        "reporter_name": "王女士", "reporter_phone": "13800001234",
    }  # fmt: skip
    made = anna.post("/tickets/new", data=call)
    assert made.status_code == 303, made.text
    page = anna.get(made.headers["location"]).text
    assert "已建单" in page
    assert "水发黄 &lt;b&gt;" in page
    assert "王女士" in page
    again = anna.post("/tickets/new", data=call | {"subject": "还是黄"})
    assert again.headers["location"] == made.headers["location"]
    assert "已并入此单" in anna.get(again.headers["location"]).text
    assert anna.post("/tickets/new", data=call | {"account_no": "B1"}).status_code == 422, "not known to her"
    wrong = anna.post("/tickets/new", data=call | {"topic": ""}, headers={"HX-Request": "true"})
    assert (wrong.status_code, wrong.headers["hx-retarget"]) == (422, "#notices")


def test_a_reader_sees_the_list_and_no_deeds(signed_in: SignedIn) -> None:
    rita = signed_in("rita")
    assert "/tickets/new" not in rita.get("/tickets").text
    assert rita.get("/tickets/new").status_code == 403
    assert rita.post("/tickets/new", data={"subject": "x"}).status_code == 403


@pytest.mark.parametrize(("language", "size"), [("en", WIDE), ("zh", PHONE)])
def test_list_and_form_have_no_barriers(surf: Surf, language: str, size: tuple[int, int]) -> None:
    olga = surf("olga", language, size=size, dark=size == PHONE)
    olga.open("/tickets")
    olga.check()
    olga.open("/tickets/new")
    olga.check()
