"""DMAs: how each stands, its months and nights, and the map around them."""

from datetime import date, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW, Ask
from tests.api.town import Town


@pytest.fixture
def october(conn: Connection, town: Town) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "hours": 744,
        "inflow_hours": 740,
        "use_hours": 730,
        "inflow_m3": 400.0,
        "lost_share": 0.1,
        "customers": 2,
    }
    for month in (date(2026, 10, 1), date(2025, 10, 1)):
        factories.insert(conn, "dma_month", dma_id=town.dma_id, month=month, made_at=NOW, **figures)
    sensor = factories.meter(conn, "p-1", kind="pressure", dma_id=town.dma_id)
    pressure: dict[str, Any] = {"minutes_known": 44_640, "minutes_below": 15, "mean_kpa": 300.0}
    factories.insert(
        conn,
        "pressure_month",
        meter_id=sensor,
        dma_id=town.dma_id,
        month=date(2026, 10, 1),
        made_at=NOW,
        lowest_kpa=100.0,
        peak_valley_kpa=42.0,
        **pressure,
    )
    return figures


def test_the_months_of_a_dma_with_its_sensors(ask: Ask, october: dict[str, Any]) -> None:
    answer = ask().get("/v1/dmas/D1/months")
    assert answer.status_code == 200
    (month,) = answer.json()["items"]
    assert {k: month[k] for k in october} == october
    assert (month["dma"], month["month"], month["ili"]) == ("D1", "2026-10-01", None)
    assert [(s["meter"], s["minutes_below"]) for s in month["sensors"]] == [("p-1", 15)]


def test_since_says_from_when(ask: Ask, october: dict[str, Any]) -> None:
    items = ask().get("/v1/dmas/D1/months", params={"since": "2025-10-15"}).json()["items"]
    assert [m["month"] for m in items] == ["2026-10-01", "2025-10-01"]


def test_a_dma_that_is_not_there(ask: Ask, town: Town) -> None:
    assert ask().get("/v1/dmas/D9/months").status_code == 404


def test_a_manager_sees_the_dmas_of_own_customers(
    anna: TestClient, october: dict[str, Any], conn: Connection
) -> None:
    assert len(anna.get("/v1/dmas/D1/months").json()["items"]) == 1
    conn.execute("update customer set dma_id = null")
    assert anna.get("/v1/dmas/D1/months").json()["items"] == []


def test_every_dma_stands_with_its_month_and_open_events(
    ask: Ask, october: dict[str, Any], conn: Connection
) -> None:
    factories.dma(conn, "D0")
    conn.execute("update dma_month set night_lph = case when month < '2026-10-01' then 100 else 150 end")
    page = ask().get("/v1/dmas", params={"limit": 1}).json()
    assert [(d["code"], d["figures"]) for d in page["items"]] == [("D0", None)]
    (found,) = ask().get(page["next"]).json()["items"]
    assert (found["code"], found["figures"]["month"], found["figures"]["lost_share"]) == (
        "D1",
        "2026-10-01",
        0.1,
    )
    assert (found["network_events"], found["pressure_events"], found["seen_customers"]) == (0, 1, 2)
    assert (found["figures"]["night_lph"], found["usual_night_lph"]) == (150, 100)
    assert ask().get("/v1/dmas/D1").json() == found
    earlier = ask().get("/v1/dmas", params={"month": "2025-10-07"}).json()["items"]
    assert [d["figures"] and d["figures"]["month"] for d in earlier] == [None, "2025-10-01"]
    assert ask().get("/v1/dmas", params={"region": "north"}).json()["items"] == []


def test_a_manager_lists_the_dmas_that_concern_own_customers(
    anna: TestClient, october: dict[str, Any], conn: Connection
) -> None:
    factories.dma(conn, "D0")
    assert [(d["code"], d["seen_customers"]) for d in anna.get("/v1/dmas").json()["items"]] == [("D1", 1)]
    assert anna.get("/v1/dmas/D0").status_code == 404
    conn.execute("update customer set dma_id = null")
    assert anna.get("/v1/dmas").json()["items"] == []


@pytest.fixture
def mapped(conn: Connection, town: Town) -> None:
    """Two nodes and a pipe; D1 has an inlet with 40 nights and a sensor; D9 has a sensor too."""
    for node, x in (("n1", 0.0), ("n2", 100.0), ("nowhere", None)):
        factories.insert(conn, "node", node=node, x=x, y=x)
    factories.insert(conn, "pipe", pipe="p1", node1="n1", node2="n2", length_m=141.0)
    far = factories.dma(conn, "D9")
    factories.meter(conn, "far", kind="pressure", dma_id=far, node="n1")
    inlet = factories.meter(conn, "in", kind="dma_inlet", dma_id=town.dma_id, node="n1")
    sensor = factories.meter(conn, "p", kind="pressure", dma_id=town.dma_id, node="n2")
    for ago, kpa in ((1, 300.0), (2, 200.0)):
        at = NOW - timedelta(hours=ago)
        factories.insert(conn, "reading", meter_id=sensor, ts=at, pressure_kpa=kpa, flags=1, received_at=at)
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select %s, t, case"
        " when t at time zone 'Asia/Shanghai' >= '2026-11-20' then 900 else 500 end, 0"
        " from generate_series(%s - interval '40 days', %s, interval '1 hour') t",
        [inlet, NOW, NOW],
    )


def test_nights_stand_beside_what_was_usual(ask: Ask, mapped: None) -> None:
    nights = ask().get("/v1/dmas/D1/nights", params={"since": "2026-11-18"}).json()["items"]
    assert [(n["night"], n["lph"], n["usual_high_lph"]) for n in nights] == [
        ("2026-11-18", 500, 500),
        ("2026-11-19", 500, 500),
        ("2026-11-20", 900, 500),
        ("2026-11-21", 900, 500),
    ]
    whole = ask().get("/v1/dmas/D1/nights", params={"since": "2026-10-01"}).json()["items"]
    assert [n["usual_low_lph"] is None for n in whole[:8]] == [True] * 7 + [False]
    assert ask().get("/v1/dmas/D1/nights", params={"since": "2020-10-01"}).status_code == 422
    assert ask().get("/v1/dmas/none/nights").status_code == 404


def test_the_map_has_the_latest_pressure_of_who_is_seen(ask: Ask, anna: TestClient, mapped: None) -> None:
    whole = ask().get("/v1/network").json()
    assert [n["node"] for n in whole["nodes"]] == ["n1", "n2"]
    assert [p["pipe"] for p in whole["pipes"]] == ["p1"]
    assert {m["meter"]: m["pressure_kpa"] for m in whole["meters"]} == {"far": None, "in": None, "p": 300.0}
    own = anna.get("/v1/network", params={"dma": "D1"}).json()
    assert [m["meter"] for m in own["meters"]] == ["in", "p"]
    assert own["extent"] == {"left": 0, "bottom": 0, "right": 100, "top": 100}
    assert [m["meter"] for m in anna.get("/v1/network").json()["meters"]] == ["in", "p"]
    assert anna.get("/v1/dmas/D1/nights").json()["items"][-1]["lph"] == 900
    nowhere = ask().get("/v1/network", params={"dma": "none"}).json()
    assert (nowhere["meters"], nowhere["extent"]) == ([], None)
