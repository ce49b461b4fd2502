"""Who is meant is chosen from who works here, and a district from those there are: nobody types a login."""

import re

import pytest

from sql.pool import Connection
from tests.api.town import Town
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE

FORMS = {
    "/?desk=team": ["to"],
    "/tickets": ["to"],
    "/account": ["deputy", "deputy"],
    "/customers/A1": ["manager"],
    "/reports": ["staff"],
    "/settings/staff": ["superior", "deputy"],
    "/settings/staff/bo": ["superior", "deputy", "to", "to"],
    "/settings/shifts": ["login", "login", "deputy"],
    "/settings/keys": ["staff"],
}
DISTRICTS = {
    "/tickets": "dma",
    "/tickets/new": "dma",
    "/visits": "dma",
    "/settings/exemptions": "scope_key",
    "/settings/policies/new?detector=burst": "scope_key",
}


@pytest.fixture(scope="module")
def left(owner: Connection, town: Town) -> None:
    """Somebody who has left, and was Bo's deputy; and a name that is long."""
    gone = insert(owner, "staff", "id", login="gone", name="Gone", roles=["manager"], active=False)
    owner.execute("update staff set deputy_id = %s where login = 'bo'", [gone])
    insert(owner, "staff", login="long", name="<b>" + "名" * 2000, roles=["manager", "operations"])


@pytest.mark.parametrize("place", FORMS)
def test_people_are_chosen_by_name_and_role_and_who_has_left_is_not_offered(
    place: str, signed_in: SignedIn, left: None
) -> None:
    page = signed_in("ada", "zh").get(place).text
    found = re.findall(r'<select class="person" name="(\w+)"[^>]*>(.*?)</select>', page, re.S)
    assert [name for name, _ in found] == FORMS[place]
    for _, options in found:
        assert re.search(r'<option value="anna"( selected)?>anna · Anna \(客户经理\)</option>', options)
        assert "<b>" not in options
        assert len(options) < 2000, "a long name is cut"
        assert 'value="gone"' not in options


def test_the_choice_stands_as_it_is_and_leaves_out_oneself(
    signed_in: SignedIn, left: None, town: Town
) -> None:
    page = signed_in("ada").get("/settings/staff/bo").text
    superior, deputy = re.findall(r'name="(?:superior|deputy)"[^>]*>(.*?)</select>', page, re.S)
    assert "<option selected>gone</option>" in deputy, "saved unchanged, it stays"
    assert 'value="bo"' not in superior + deputy
    page = signed_in("anna").get(f"/tickets/{town.anna.ticket_id}").text
    (to,) = re.findall(r'name="to" required>(.*?)</select>', page, re.S)
    assert 'value="anna"' not in to, "it is with her already"
    assert 'value="bo"' in to


def test_a_crew_is_chosen_by_name(signed_in: SignedIn, owner: Connection, left: None, town: Town) -> None:
    for code, active in (("n1", True), ("old", False)):
        insert(owner, "crew", code=code, name=f"<b>Crew {code}", active=active)
    page = signed_in("anna").get(f"/tickets/{town.anna.ticket_id}").text
    (crews,) = re.findall(r'name="crew">(.*?)</select>', page, re.S)
    assert '<option value="n1">&lt;b&gt;Crew n1 (Open tickets: 0)</option>' in crews
    assert 'value="old"' not in crews


@pytest.mark.parametrize("place", DISTRICTS)
def test_districts_are_offered_by_code_and_name(place: str, signed_in: SignedIn, left: None) -> None:
    page = signed_in("ada").get(place).text
    (listed,) = re.findall(rf'name="{DISTRICTS[place]}" list="([\w-]+)"', page)
    (options,) = re.findall(rf'<datalist id="{listed}">(.*?)</datalist>', page, re.S)
    assert re.search(r'<option value="D1">[^<]+</option>', options)


def test_a_colleague_is_found_by_keyboard_and_a_phone_is_wide_enough(surf: Surf, left: None) -> None:
    olga = surf("olga", "zh", size=PHONE)
    page = olga.open("/settings/shifts")
    who = page.locator("select[name=login]").first
    who.focus()
    page.keyboard.type("bo")
    assert who.input_value() == "bo"
    olga.check()
