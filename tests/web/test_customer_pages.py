"""Customers: found by what is known of them, whole on one page, changed with who and why."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE
from tests.web.test_charts import read_chart


def test_who_is_meant_is_found_or_nobody_is(signed_in: SignedIn, town: Town) -> None:
    olga = signed_in("olga")
    exact = olga.get("/customers?q=A1")
    assert (exact.status_code, exact.headers["location"]) == (303, "/customers/A1")
    several = olga.get("/customers?q=customer").text
    assert "/customers/A1" in several
    assert "/customers/B1" in several
    assert "Nobody fits." in olga.get("/customers?q=zzzzqqq").text
    listed = olga.get("/customers?segment=general").text
    assert "/customers/A1" in listed
    own = signed_in("anna").get("/customers").text
    assert "/customers/A1" in own
    assert "/customers/B1" not in own
    assert signed_in("anna").get("/customers/B1").status_code == 404


def test_the_record_is_changed_with_a_reason_and_put_back(signed_in: SignedIn, town: Town) -> None:
    anna = signed_in("anna")
    page = anna.get("/customers/A1").text
    version = page.split('name="version" value="')[1].split('"')[0]
    form = {
        "name": "Customer A1",
        "phone": "13800001111",
        "email": "",
        "version": version,
        "why": "She called.",
    }
    saved = anna.post("/customers/A1/edit", data=form)
    assert saved.status_code == 303
    page = anna.get("/customers/A1").text
    assert "13800001111" in page
    assert "She called." in page
    late = signed_in("olga").post(
        "/customers/A1/edit", data=form | {"phone": "13800002222", "why": "x"}, headers={"HX-Request": "true"}
    )
    assert late.status_code == 409
    assert "anna changed this at" in late.text
    assert anna.post(f"/customers/A1/changes/{int(version) + 1}/undo").status_code == 303
    assert 'value="13800001111"' not in anna.get("/customers/A1").text
    assert "13800001111" in anna.get("/customers/A1/history").text


def test_a_change_without_a_reason_is_refused(signed_in: SignedIn, town: Town) -> None:
    refused = signed_in("bo").post("/customers/B1/edit", data={"phone": "1", "why": ""})
    assert refused.status_code == 422


def test_a_reader_changes_nothing(signed_in: SignedIn, town: Town) -> None:
    rita = signed_in("rita")
    assert "/edit" not in rita.get("/customers/B1").text
    assert rita.post("/customers/B1/edit", data={"phone": "1", "why": "x"}).status_code == 403


def test_use_stands_beside_that_of_the_year_before(
    signed_in: SignedIn, town: Town, owner: Connection
) -> None:
    today = NOW.date()
    owner.execute("update meter_installation set installed_at = '-infinity'")
    owner.execute("insert into usage_daily_made (zone, until) values ('Asia/Shanghai', %s)", [today])
    for back, litres in ((3, 2400), (3 + 364, 1600), (40 + 364, 800)):
        day = today - timedelta(days=back)
        insert(owner, "usage_daily", meter_id=town.anna.meter_id, day=day, volume_l=litres, hours=24)
    for month, litres in (("2026-10-01", 60_000), ("2025-10-01", 50_000), ("2026-11-01", 9_000)):
        values = (month, litres, NOW)
        owner.execute("insert into customer_month values ('A1', %s, %s, 700, %s)", values)
    anna = signed_in("anna", "zh")
    head, (at, this, before) = read_chart(anna.get("/charts/customers/A1?by=day").content)
    assert [line["look"] for line in head["lines"]] == ["bars", "before"]
    shown = {
        datetime.fromtimestamp(t, ZoneInfo("Asia/Shanghai")).date(): pair
        for t, *pair in zip(at, this, before, strict=True)
    }
    assert shown[today - timedelta(days=3)] == pytest.approx([2.4, 1.6])
    assert shown[today - timedelta(days=40)] == pytest.approx([np.nan, 0.8], nan_ok=True)
    _, (_, this, before) = read_chart(anna.get("/charts/customers/A1?by=month").content)
    assert [list(this), list(before)] == [[60, 9], pytest.approx([50, np.nan], nan_ok=True)]
    page = anna.get("/customers/A1").text
    assert re.search(r'class="used" width="[1-9]', page), "the gauge says what the figure beside it does"
    table = re.sub(r"<[^>]+>", " ", page.split("各月数据")[1].split("</table>")[0])
    assert re.search(r"2026年11月\s+9 m³\s+–\s+截至目前", table)
    assert re.search(r"2026年10月\s+60 m³\s+50 m³\s+\+20%", table)


@pytest.mark.parametrize("by", ["hour", "day", "year", "month"])
def test_use_is_charted_for_who_may_see_it(signed_in: SignedIn, town: Town, by: str) -> None:
    assert signed_in("anna").get(f"/charts/customers/A1?by={by}").status_code == 200
    assert signed_in("anna").get(f"/charts/customers/B1?by={by}").status_code == 404


@pytest.mark.parametrize(("language", "size"), [("zh", WIDE), ("en", PHONE)])
def test_a_customer_has_no_barriers(surf: Surf, town: Town, language: str, size: tuple[int, int]) -> None:
    bo = surf("bo", language, size=size, dark=size == WIDE)
    page = bo.open("/customers/B1")
    page.wait_for_selector("figure[data-drawn]")
    bo.check()
    page.locator("button[data-shows]").nth(1).click()
    page.wait_for_selector('figure[data-shown*="by=day"]')
    bo.open("/customers")
    bo.check()
