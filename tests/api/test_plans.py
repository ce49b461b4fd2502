"""Water plans through the API: how they stand, what is set by whom, proposals and files."""

from datetime import date
from typing import Any

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert


@pytest.fixture
def plans(conn: Connection, town: Town) -> None:
    """Both customers' plan of November is 10 m3; A1 has used 9, B1 11."""
    for account, used in (("A1", 9), ("B1", 11)):
        insert(
            conn, "plan_forecast", account_no=account, month=date(2026, 11, 1), used_m3=used, forecast_m3=12,
            low_m3=9.5, high_m3=14, made_at=NOW,
        )  # fmt: skip
        insert(
            conn, "plan_proposal", account_no=account, month=date(2026, 12, 1), plan_m3=13, low_m3=11,
            high_m3=15, basis="median", facts='{"months": 12}', made_at=NOW,
        )  # fmt: skip


def standing(client: TestClient, query: str = "") -> list[tuple[str, str]]:
    items = client.get(f"/v1/plans?{query}").json()["items"]
    return [(item["account_no"], item["standing"]) for item in items]


def test_plans_are_listed_by_how_they_stand(
    anna: TestClient, all_seeing: TestClient, plans: None, conn: Connection
) -> None:
    assert standing(all_seeing) == [("A1", "near"), ("B1", "over")]
    assert standing(all_seeing, "standing=over") == [("B1", "over")]
    assert standing(all_seeing, "manager=anna&month=2026-11") == [("A1", "near")]
    assert standing(anna) == [("A1", "near")]
    assert standing(anna, "account_no=B1") == []
    conn.execute("update plan_forecast set low_m3 = 10.5 where account_no = 'A1'")
    assert standing(anna) == [("A1", "overrun")]
    assert standing(anna, "month=2026-12") == []
    first = all_seeing.get("/v1/plans?limit=1").json()
    assert [i["account_no"] for i in all_seeing.get(first["next"]).json()["items"]] == ["B1"]


def test_a_plan_is_set_by_who_saw_the_last_one(anna: TestClient, plans: None) -> None:
    address = "/v1/plans/2026-11/A1"
    answer = anna.put(address, json={"plan_m3": 20, "why": "new line", "version": 1}).json()
    assert (answer["plan_m3"], answer["decided_by"], answer["version"]) == (20, "anna", 2)
    assert (answer["standing"], answer["noticed"]) == ("within", [])
    stale = anna.put(address, json={"plan_m3": 30, "why": "x", "version": 1})
    assert stale.status_code == 409 and "anna" in stale.json()["detail"]
    assert anna.put("/v1/plans/2027-02/A1", json={"plan_m3": 5, "why": "x", "version": 0}).status_code == 200
    assert anna.put("/v1/plans/2026-11/B1", json={"plan_m3": 5, "why": "x"}).status_code == 404
    for month, body in (
        ("2026-13", {"plan_m3": 5, "why": "x"}),
        ("2026-11", {"plan_m3": -1, "why": "x"}),
        ("2026-11", {"plan_m3": 5}),
        ("2026-11", {"plan_m3": "5", "why": "x"}),
    ):
        assert anna.put(f"/v1/plans/{month}/A1", json=body).status_code == 422


def test_a_manager_agrees_to_own_customers_proposals_only(
    anna: TestClient, all_seeing: TestClient, plans: None
) -> None:
    (proposal,) = anna.get("/v1/plans/proposals").json()["items"]
    assert proposal["account_no"] == "A1" and proposal["zh"].startswith("取最近 12 个完整月份")
    december: dict[str, Any] = {"month": "2026-12"}
    assert anna.post("/v1/plans/proposals/accept", json=december).json() == {"count": 1}
    assert standing(anna, "month=2026-12") == [("A1", "unknown")]
    assert [p["state"] for p in all_seeing.get("/v1/plans/proposals").json()["items"]] == [
        "agreed",
        "proposed",
    ]
    declined = all_seeing.post("/v1/plans/proposals/decline", json=december | {"accounts": ["A1", "B1"]})
    assert declined.json() == {"count": 1}
    assert standing(all_seeing, "month=2026-12") == [("A1", "unknown")]


def test_a_file_goes_out_and_comes_in(anna: TestClient, all_seeing: TestClient, plans: None) -> None:
    file = all_seeing.get("/v1/plans/export?month=2026-11")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text == "account_no,month,plan_m3\r\nA1,2026-11,10.0\r\nB1,2026-11,10.0\r\n"
    assert anna.get("/v1/plans/export").text.count("\r\n") == 2
    changed = file.text.replace("A1,2026-11,10.0", "A1,2026-11,12.5")
    taken = all_seeing.post("/v1/plans/import", json={"csv": changed, "why": "corrected"})
    assert taken.json() == {"lines": 2, "changed": 1}
    refused = anna.post("/v1/plans/import", json={"csv": file.text, "why": "x"})
    assert refused.status_code == 422 and "line 3: there is no customer 'B1'" in refused.json()["detail"]
