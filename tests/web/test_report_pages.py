"""Reports: every figure readable, and every number that is made of tickets leads to them."""

import re
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from jobs.stack import font_path
from notify import fonts
from service import figures
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import ZONE, Town, ticket
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE
from web.figures import GROUPS

NOVEMBER = "2026-11"


@pytest.fixture(scope="module")
def month(owner: Connection, town: Town) -> Town:
    """November as it stands: a ticket of each customer and of a district, a cause that came back."""
    region = insert(owner, "region", "id", code="north", name="江北片区")
    owner.execute("update dma set region_id = %s", [region])
    insert(owner, "cause_code", code="worn_seal", zh="密封圈老化", en="Worn seal")
    for day in (2, 12):
        opened = NOW.replace(day=day)
        times = {"opened_at": opened, "response_due": opened, "resolution_due": opened}
        done = {
            "responded_at": NOW,
            "resolved_at": NOW,
            "resolved_by": town.anna.staff_id,
            "state": "resolved",
        }
        about = {"account_no": "A1", "assignee_id": town.anna.staff_id, "cause_code": "worn_seal"}
        ticket(owner, None, NOW, **times, **done, **about)
    owner.execute("update customer set segment = 'large', manager_id = null where account_no = 'B1'")
    figures.make(owner, date(2026, 11, 1), ZoneInfo(ZONE), at=NOW)
    return town


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_of_the_month_has_a_name(signed_in: SignedIn, month: Town, language: str) -> None:
    page = signed_in("olga", language).get(f"/reports?month={NOVEMBER}").text
    names = {name for _, group in GROUPS for name in group}
    assert names == {
        name
        for name in figures.Figures.__dataclass_fields__
        if name not in ("month", "dimension", "key", "name", "made_at")
    } | set(figures.SHARES)
    assert not [name for name in names if f">{name}<" in page]
    assert ("首次响应及时率" if language == "zh" else "Responded in time") in page
    assert ("密封圈老化" if language == "zh" else "Worn seal") in page


def test_a_number_leads_to_the_tickets_that_it_counts(signed_in: SignedIn, month: Town) -> None:
    olga = signed_in("olga")
    for by in ("utility", "region", "manager", "segment"):
        page = olga.get(f"/reports?month={NOVEMBER}&by={by}").text
        links = re.findall(r'href="(/reports/tickets[^"]+)"[^>]*>([\d,]+)</a>', page)
        assert links, by
        for address, count in links:
            behind = olga.get(address.replace("&amp;", "&")).text
            assert str(len(re.findall(r'class="open" href="/tickets/\d+"', behind))) == count, address
    assert "/reports/tickets?month=2026-11&amp;figure=response_missed" in page


def test_nobody_looks_after_a_large_customer_until_seen(signed_in: SignedIn, month: Town) -> None:
    assert 'href="/customers/B1"' in signed_in("olga").get("/reports").text
    assert "B1" in signed_in("olga").get("/reports/unmanaged.csv").text


def test_a_manager_sees_own_figures_only(signed_in: SignedIn, month: Town) -> None:
    anna = signed_in("anna")
    for address in (
        "",
        "&by=utility",
        "&by=manager&key=bo",
        "&by=manager_segment&key=bo/general",
        "&by=region",
    ):
        page = anna.get(f"/reports?month={NOVEMBER}{address}")
        assert page.status_code == 200
        assert 'href="/customers/B1"' not in page.text
        assert ">Bo<" not in page.text
        assert "key=bo" not in page.text
    listed = anna.get(f"/reports/figures.csv?month={NOVEMBER}").text
    assert "manager,anna" in listed
    assert "bo" not in listed
    assert anna.get(f"/reports/report.pdf?month={NOVEMBER}&scope=utility").status_code == 422


@pytest.mark.skipif(fonts.chinese(font_path()) is None, reason="no font with Chinese")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_comes_as_pdf(signed_in: SignedIn, month: Town, language: str) -> None:
    made = signed_in("anna").get(f"/reports/report.pdf?month={NOVEMBER}&language={language}")
    assert made.content.startswith(b"%PDF")
    assert "attachment" in made.headers["content-disposition"]


def test_the_report_is_subscribed_to_and_ended(signed_in: SignedIn, month: Town) -> None:
    anna = signed_in("anna")
    own = {"staff": "anna", "about": "manager:anna", "language": "zh"}
    assert anna.post("/reports/subscriptions", data=own).status_code == 303
    page = anna.get("/reports").text
    address = re.findall(r"/reports/subscriptions/\d+/remove", page)[0]
    assert anna.post("/reports/subscriptions", data=own | {"about": "utility:"}).status_code == 422
    assert signed_in("rita").post(address).status_code == 403
    assert "subscriptions" not in signed_in("rita").get("/reports").text
    assert anna.post(address).status_code == 303
    assert address not in anna.get("/reports").text


@pytest.mark.parametrize(("language", "size"), [("zh", WIDE), ("en", PHONE)])
def test_reports_have_no_barriers(surf: Surf, month: Town, language: str, size: tuple[int, int]) -> None:
    olga = surf("olga", language, size=size, dark=size == PHONE)
    page = olga.open(f"/reports?month={NOVEMBER}")
    for _ in range(2):
        page.wait_for_selector("#trend-tickets[data-drawn]")
    olga.check()
    olga.open(f"/reports?month={NOVEMBER}&by=manager")
    olga.check()
    page.locator("a[href*='/reports/tickets']").first.click()
    page.wait_for_url("**/reports/tickets**")
    olga.check()
