"""GET /v1/dmas/{code}/months."""

from datetime import date
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
