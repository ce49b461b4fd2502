"""Segments through the API: proposed, applied, said, explained; whom nobody looks after."""

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.town import Town


@pytest.fixture
def used(conn: Connection, town: Town) -> None:
    """A1 used 9,000 m3 in the last year, B1 100."""
    conn.execute(
        "insert into customer_month (account_no, month, volume_l, hours, made_at)"
        " select a, date '2026-11-01' - n * interval '1 month', m3 * 1000 / 12, 730, %s"
        " from (values ('A1', 9000.0), ('B1', 100.0)) v (a, m3), generate_series(1, 12) n",
        [NOW],
    )


@pytest.mark.usefixtures("used")
def test_who_changes_is_proposed_listed_applied_and_reported(all_seeing: TestClient) -> None:
    proposed = all_seeing.post("/v1/segments/propose").json()
    assert proposed == {
        "month": "2026-11-01",
        "customers": 1,
        "moved": [{"was": "general", "becomes": "large", "customers": 1}],
    }
    assert all_seeing.get("/v1/customers/A1").json()["segment"] == "general"
    (change,) = all_seeing.get("/v1/segments/changes", params={"applied": False}).json()["items"]
    assert change["why"] == "large: 9,000 m3 in 12 months, rank 1 of 2, together 98.9 %"
    assert all_seeing.post("/v1/segments/apply").json()["customers"] == 1
    profile = all_seeing.get("/v1/customers/A1").json()
    assert (profile["segment"], profile["segment_by"]) == ("large", "rule")
    (change,) = all_seeing.get("/v1/segments/changes").json()["items"]
    assert (change["applied_by"], change["account_no"]) == ("key:test", "A1")
    csv = all_seeing.get("/v1/segments/changes", params={"format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert "9,000 m3 in 12 months" in csv.text.splitlines()[1]
    sums = all_seeing.get("/v1/segments").json()
    assert [(s["segment"], s["customers"], s["unmanaged"]) for s in sums["items"]] == [
        ("general", 1, 0),
        ("large", 1, 0),
    ]


@pytest.mark.usefixtures("used")
def test_high_value_customers_whom_nobody_looks_after(
    all_seeing: TestClient, anna: TestClient, conn: Connection
) -> None:
    conn.execute("update customer set segment = 'special' where account_no = 'B1'")
    all_seeing.post("/v1/segments/propose")
    all_seeing.post("/v1/segments/apply")
    assert all_seeing.get("/v1/segments/unmanaged").json()["items"] == []
    conn.execute("update customer set manager_id = null where account_no = 'B1'")
    conn.execute("update staff set active = false where login = 'anna'")
    first = all_seeing.get("/v1/segments/unmanaged", params={"limit": 1}).json()
    assert [(c["account_no"], c["left_by"]) for c in first["items"]] == [("A1", "anna")]
    second = all_seeing.get(first["next"]).json()
    assert [(c["account_no"], c["left_by"], c["volume_m3"]) for c in second["items"]] == [("B1", None, 100)]
    assert second["next"] is None
    lines = all_seeing.get("/v1/segments/unmanaged?format=csv").text.splitlines()
    assert [line.split(",")[0] for line in lines] == ["account_no", "A1", "B1"]
    only = all_seeing.get("/v1/segments/unmanaged?segment=special").json()["items"]
    assert [c["account_no"] for c in only] == ["B1"]


def test_a_person_s_word_and_handing_it_back(anna: TestClient, ask: Ask) -> None:
    said = anna.put("/v1/customers/A1/segment", json={"segment": "special", "why": "Dialysis."})
    assert said.json() == {"account_no": "A1", "segment": "special", "segment_by": "anna", "version": 2}
    stale = anna.put("/v1/customers/A1/segment", json={"segment": "general", "why": "x", "version": 1})
    assert stale.status_code == 409
    back = anna.put("/v1/customers/A1/segment", json={"segment": None, "why": "Moved."}).json()
    assert (back["segment_by"], back["version"]) == ("rule", 3)
    assert anna.put("/v1/customers/A1/segment", json={"segment": "royal", "why": "x"}).status_code == 422
    bo = ask(login="bo")
    assert bo.put("/v1/customers/A1/segment", json={"segment": "large", "why": "x"}).status_code == 404


def test_policy_and_rules_are_operations_to_change(all_seeing: TestClient, anna: TestClient) -> None:
    assert anna.get("/v1/segments/policy").json()["large_share"] == 0.4
    assert anna.patch("/v1/segments/policy", json={"large_share": 0.3}).status_code == 403
    changed = all_seeing.patch("/v1/segments/policy", json={"large_share": 0.3, "version": 1}).json()
    assert (changed["large_share"], changed["version"], changed["updated_by"]) == (0.3, 2, "key:test")
    assert all_seeing.patch("/v1/segments/policy", json={"large_share": 0.2, "version": 1}).status_code == 409
    path = "/v1/segments/rules/general/commercial"
    assert anna.patch(path, json={"lift": 1}).status_code == 403
    rule = all_seeing.patch(path, json={"visit_every_months": None}).json()
    assert (rule["visit_every_months"], rule["version"]) == (None, 2)
    listed = anna.get("/v1/segments/rules").json()["items"]
    assert len(listed) == 16
    assert rule in listed
    for get in ("/v1/segments",):
        assert anna.get(get).status_code == 403
    for post in ("/v1/segments/propose", "/v1/segments/apply"):
        assert anna.post(post).status_code == 403
