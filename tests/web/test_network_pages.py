"""The network: who loses most stands first, one district whole, and a map that hand, key and eye can use."""

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW
from tests.api.town import Town, event
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE
from tests.web.test_charts import read_chart

AREA = ["p3", "p1", "p-lost"]


@pytest.fixture(scope="module")
def burst(owner: Connection, town: Town) -> int:
    """Make a grid of pipes, D1 with months, an inlet, sensors and a burst, and D2 with nothing."""
    for i in range(16):
        insert(owner, "node", node=f"n{i}", x=100.0 * (i % 4), y=100.0 * (i // 4))
    for i in range(12):
        insert(owner, "pipe", pipe=f"p{i}", node1=f"n{i}", node2=f"n{i + 4}", length_m=100, diameter_mm=150)
    factories.dma(owner, "D2", name="<script>alert(1)</script>")
    owner.execute("update dma set min_pressure_kpa = 140, connections = 1200 where code = 'D1'")
    for month, lost, night in ((date(2026, 10, 1), 50.0, 100.0), (date(2026, 11, 1), 80.0, 150.0)):
        figures: dict[str, Any] = {
            "hours": 480,
            "inflow_hours": 480,
            "use_hours": 480,
            "customers": 2,
            "grade": "above",
            "ili": 4.2,
        }
        volumes: dict[str, Any] = {
            "inflow_m3": 400.0,
            "used_m3": 400 - lost,
            "lost_m3": lost,
            "lost_share": lost / 400,
        }
        insert(
            owner,
            "dma_month",
            dma_id=town.dma_id,
            month=month,
            night_lph=night,
            made_at=NOW,
            **figures,
            **volumes,
        )
    inlet = factories.meter(owner, "IN", kind="dma_inlet", dma_id=town.dma_id, node="n0")
    owner.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select %s, t, 500, 0"
        " from generate_series(%s - interval '20 days', %s, interval '1 hour') t",
        [inlet, NOW, NOW],
    )
    for i in range(5):
        sensor = factories.meter(owner, f"S{i}", kind="pressure", dma_id=town.dma_id, node=f"n{3 * i}")
        at = NOW - timedelta(hours=1)
        kpa = 120.0 + 100 * i
        insert(owner, "reading", meter_id=sensor, ts=at, pressure_kpa=kpa, flags=1, received_at=at)
    evidence = Jsonb({"main_burst": {"area": AREA, "sensors": ["S0"], "flow_lph": 9000.0}})
    shape: dict[str, Any] = {
        "subject_kind": "dma",
        "grp": "network",
        "dma_id": town.dma_id,
        "detectors": ["main_burst"],
    }
    return event(owner, "D1", NOW, evidence=evidence, **shape)


def test_districts_stand_by_loss_and_a_month_is_chosen(signed_in: SignedIn, burst: int) -> None:
    olga = signed_in("olga")
    page = olga.get("/network").text
    assert "November 2026" in page
    assert page.index('href="/network/D1"') < page.index('href="/network/D2"'), "unknown stands last"
    for shown in ("80 m³", "20.0%", "4.2", "Above grade 2", "+50%", "no figures of this month"):
        assert shown in page, shown
    assert "<script>alert" not in page
    assert "+month" not in page
    by_name = olga.get("/network?sort=code").text
    assert by_name.index('href="/network/D2"') < by_name.index('href="/network/D1"')
    october = olga.get("/network?month=2026-10").text
    assert "50 m³" in october
    assert "80 m³" not in october
    assert "No district has figures" in olga.get("/network?month=2025-01").text
    assert "2026年11月" in signed_in("olga", "zh").get("/network").text
    for wrong in ("2026-13", "0000-01", "9999-12"):
        assert olga.get("/network", params={"month": wrong}).status_code == 422


def test_a_district_names_the_likely_places_and_who_may_announce_it(signed_in: SignedIn, burst: int) -> None:
    page = signed_in("olga").get("/network/D1").text
    assert page.index("n3 – n7") < page.index("n1 – n5")
    assert "DN150" in page
    assert "p-lost" in page
    assert f"/outages/new?event={burst}" in page
    assert "/outages/new" not in signed_in("rita").get("/network/D1").text
    assert signed_in("olga").get("/network/none").status_code == 404


def test_a_manager_sees_the_districts_of_own_customers(signed_in: SignedIn, burst: int) -> None:
    anna = signed_in("anna")
    assert "/network/D2" not in anna.get("/network").text
    assert anna.get("/network/D2").status_code == 404
    page = anna.get("/network/D1")
    assert page.status_code == 200
    assert "p-lost" not in page.text, "the event is another's"
    assert anna.get("/charts/network?dma=D1").json()["events"] == []
    assert [m["name"] for m in anna.get("/charts/network?dma=D2").json()["meters"]] == []


def test_the_charts_of_a_district(signed_in: SignedIn, burst: int) -> None:
    olga = signed_in("olga")
    head, (at, inflow, used, lost) = read_chart(olga.get("/charts/dmas/D1/balance").content)
    assert [line["label"] for line in head["lines"]] == ["Inflow", "Metered use", "Loss"]
    assert np.allclose(inflow - used, lost)
    assert lost.tolist() == [50, 80]
    head, (at, flow, high, _) = read_chart(olga.get("/charts/dmas/D1/nights").content)
    assert (len(at), set(flow), head["bands"]) == (20, {500.0}, [[1, 2]])
    assert np.isnan(high[:7]).all()
    assert (high[7:] == 500).all()
    head, (_, highest, middle, lowest) = read_chart(olga.get("/charts/dmas/D1/pressure").content)
    assert (highest[0], middle[0], lowest[0]) == (520, 320, 120)
    assert [(limit["value"], limit["unit"]) for limit in head["limits"]] == [(140, "kPa")]


def test_the_map_has_what_lies_in_the_network(signed_in: SignedIn, burst: int) -> None:
    olga = signed_in("olga")
    found = olga.get("/charts/network?dma=D1").json()
    assert found["seats"] == {"p1": [100, 0, 100, 100], "p3": [300, 0, 300, 100]}
    packed = olga.get("/charts/network/pipes")
    assert packed.headers["cache-control"] == "private, max-age=600", "a browser keeps them a while"
    length = int.from_bytes(packed.content[:4], "little")
    head = json.loads(packed.content[4 : 4 + length])
    assert head == {"n": 12, "left": 0, "bottom": 0}
    ends = np.frombuffer(packed.content, "<i4", 48, 4 + length).reshape(4, 12).T
    assert sorted(ends.tolist())[:2] == [[0, 0, 0, 1000], [0, 1000, 0, 2000]], "decimetres"
    assert {m["name"]: m["kpa"] for m in found["meters"]} == {"IN": None} | {
        f"S{i}": 120 + 100 * i for i in range(5)
    }
    assert [e["places"] for e in found["events"] if e["id"] == burst] == [AREA]


def test_a_districts_own_pipes_are_those_with_both_ends_in_it(
    signed_in: SignedIn, owner: Connection, burst: int, town: Town
) -> None:
    """The sensors lie at n0, n3, n6, n9 and n12: beside them only p5, from n5 to n9, has both ends in D1."""
    anna = signed_in("anna")
    ((other,),) = owner.execute("select id from dma where code = 'D2'").fetchall()
    for node, zone in (("n5", town.dma_id), ("n2", town.dma_id), ("n2", other), ("n10", other)):
        insert(owner, "service_point", code=f"sp-{node}-{zone}", dma_id=zone, node=node)
    assert anna.get("/charts/network?dma=D1").json()["own"] == [[100, 100, 100, 200]]
    assert anna.get("/charts/network?dma=D2").json()["own"] == [], "not hers to see"
    assert anna.get("/charts/network").json()["own"] == []


@pytest.mark.parametrize(("language", "size"), [("zh", WIDE), ("en", PHONE)])
def test_the_network_has_no_barriers(surf: Surf, burst: int, language: str, size: tuple[int, int]) -> None:
    olga = surf("olga", language, size=size, dark=size == WIDE)
    page = olga.open("/network")
    page.wait_for_selector(".map[data-drawn]")
    olga.check()
    page.locator("a.open").first.click()
    page.wait_for_selector(".map[data-drawn]")
    page.wait_for_selector("#balance-chart[data-drawn]")
    olga.check()


def test_the_map_is_moved_by_hand_and_key_and_shows_where_it_may_be(surf: Surf, burst: int) -> None:
    olga = surf("olga")
    page = olga.open("/network/D1")
    figure = page.locator(".map[data-drawn]")
    figure.wait_for()

    def told(name: str) -> str:
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return figure.get_attribute(f"data-{name}") or ""

    canvas = page.locator(".map canvas")
    canvas.focus()
    scale, middle = float(told("scale")), told("middle")
    page.keyboard.press("+")
    assert float(told("scale")) > scale
    page.keyboard.press("ArrowLeft")
    assert told("middle") != middle
    page.keyboard.press("0")
    whole = float(told("scale"))
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.wheel(0, -600)
    page.wait_for_function(f"document.querySelector('.map').dataset.scale > {whole}")
    middle = told("middle")
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 160, steps=3)
    page.mouse.up()
    assert told("middle") != middle
    scale, hand = float(told("scale")), page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 60), ("touchEnd", 0)):
        fingers = [{"x": box["x"] + 200 + way * apart, "y": box["y"] + 150, "id": way} for way in (0, 1)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers if apart else []})
    assert float(told("scale")) > 2 * scale, "two fingers pinch"
    page.locator("[data-map-place=p3]").click()
    assert told("marked") == str(burst)
    assert told("middle").split() == ["300.000", "50.0000"], "the middle of p3"
    assert page.locator("#map-said").inner_text() == "Likely place 1: p3"
    page.locator("[data-map-by=event]").click()
    assert str(burst) in told("marked").split()
    page.emulate_media(media="print")
    assert page.locator("[data-map-place=p3]").is_visible(), "a print names the places"
    olga.check()
