"""Profiles are found, changed and put back; doubts about contact data are listed and settled."""

from typing import Any

from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.town import Town


def test_search_says_what_fits_and_shows_a_manager_own_customers_only(
    all_seeing: TestClient, anna: TestClient, ask: Ask, town: Town
) -> None:
    hits = all_seeing.get("/v1/search", params={"q": "customer"}).json()["items"]
    assert [(h["account_no"], h["matched"], h["value"]) for h in hits] == [
        ("A1", "name", "Customer A1"),
        ("B1", "name", "Customer B1"),
    ]
    for q in ["customer", "custmer", "M-A", "A1", "B1", "M-B", "Customer B1"]:
        seen = anna.get("/v1/search", params={"q": q}).json()["items"]
        assert {h["account_no"] for h in seen} <= {"A1"}, q
    assert [h["manager"] for h in anna.get("/v1/search", params={"q": "a1"}).json()["items"]] == ["anna"]
    assert all_seeing.get("/v1/search", params={"q": "custom", "limit": 1}).json()["items"] == hits[:1]
    assert all_seeing.get("/v1/search").status_code == 422


def test_a_change_and_the_way_back(anna: TestClient, all_seeing: TestClient, town: Town) -> None:
    body = {"phone": "027 5550 0148", "address": "江城市中山路 15 号", "why": "She called.", "version": 1}
    changed = anna.patch("/v1/customers/A1", json=body).json()
    assert (changed["version"], changed["contacts"]["phone"]) == (2, "027 5550 0148")
    assert all_seeing.get("/v1/search", params={"q": "中山路"}).json()["items"][0]["account_no"] == "A1"
    stale = all_seeing.patch("/v1/customers/A1", json=body | {"phone": "1234"})
    assert stale.status_code == 409
    assert "anna on 2026-11-21 09:00 UTC (She called.)" in stale.json()["detail"]
    (entry,) = anna.get("/v1/customers/A1/changes").json()["items"]
    assert (entry["version"], entry["actor"], entry["why"]) == (2, "anna", "She called.")
    assert entry["fields"][1] == {"field": "phone", "before": None, "after": "027 5550 0148"}
    back = anna.post("/v1/customers/A1/changes/2/undo", json={"why": "Not hers."}).json()
    assert (back["version"], back["contacts"]["phone"], back["contacts"]["address"]) == (3, None, None)
    assert all_seeing.get("/v1/search", params={"q": "中山路"}).json()["items"] == []
    first = anna.get("/v1/customers/A1/changes?limit=1").json()
    assert [c["version"] for c in first["items"]] == [3]
    assert [c["version"] for c in anna.get(first["next"]).json()["items"]] == [2]


def test_who_may_change_what(anna: TestClient, all_seeing: TestClient, town: Town) -> None:
    assert anna.patch("/v1/customers/B1", json={"name": "x", "why": "x"}).status_code == 404
    assert anna.get("/v1/customers/B1/changes").status_code == 404
    assert anna.patch("/v1/customers/A1", json={"manager": "bo", "why": "x"}).status_code == 403
    assert anna.patch("/v1/customers/A1", json={"segment_by": "rule", "why": "x"}).status_code == 422
    assert anna.patch("/v1/customers/A1", json={"name": "x"}).status_code == 422
    assert all_seeing.patch("/v1/customers/A1", json={"manager": "ghost", "why": "x"}).status_code == 422
    given = all_seeing.patch("/v1/customers/A1", json={"manager": "bo", "why": "Anna is on leave."}).json()
    assert given["manager"]["login"] == "bo"


def test_contact_checks_are_listed_and_settled_once(
    anna: TestClient, all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    listed = anna.get("/v1/contact-checks").json()["items"]
    assert {(c["account_no"], c["kind"]) for c in listed} == {("A1", "bounced"), ("A1", "old")}
    assert len(all_seeing.get("/v1/contact-checks").json()["items"]) == 4
    assert len(all_seeing.get("/v1/contact-checks?manager=bo&kind=old").json()["items"]) == 1
    ids = {c["kind"]: c["id"] for c in listed}
    wrong = anna.post(f"/v1/contact-checks/{ids['bounced']}/correct", json={"email": "x", "why": "x"})
    assert wrong.status_code == 422
    right = {"email": "anna@home.example", "why": "Called.", "version": 1}
    done = anna.post(f"/v1/contact-checks/{ids['bounced']}/correct", json=right).json()
    assert (done["state"], done["email"], done["decided_by"]) == ("corrected", "anna@home.example", "anna")
    again = all_seeing.post(f"/v1/contact-checks/{ids['bounced']}/dismiss", json={"why": "x"})
    assert again.status_code == 409
    assert "corrected by anna on 2026-11-21 09:00 UTC (Called.)" in again.json()["detail"]
    assert anna.post(f"/v1/contact-checks/{ids['old']}/confirm").json()["state"] == "confirmed"
    assert conn.execute(
        "select contact_confirmed_at, version from customer where account_no = 'A1'"
    ).fetchall() == [(NOW, 2)]
    others = all_seeing.get("/v1/contact-checks?manager=bo").json()["items"]
    assert anna.post(f"/v1/contact-checks/{others[0]['id']}/confirm").status_code == 404
    assert anna.get("/v1/contact-checks").json()["items"] == []


def test_a_customer_with_200_meters_has_one_bounded_profile(
    all_seeing: TestClient, anna: TestClient, town: Town, conn: Connection
) -> None:
    conn.execute("insert into meter (serial) select 'X' || n from generate_series(1, 250) n")
    conn.execute(
        "insert into service_point (code, account_no, address) select 'p' || n, 'A1', 'Harbour ' || n"
        " from generate_series(1, 250) n"
    )
    conn.execute(
        "insert into meter_installation (meter_id, service_point_id) select m.id, p.id from meter m"
        " join service_point p on p.code = 'p' || substr(m.serial, 2) where m.serial like 'X%'"
    )
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select m.id, t, 10, 0 from meter m,"
        " generate_series(%s - interval '40 days', %s - interval '1 hour', interval '1 hour') t"
        " where m.serial like 'X%%'",
        [NOW, NOW],
    )
    answer = anna.get("/v1/customers/A1")
    assert len(answer.content) < 150_000
    profile = answer.json()
    assert (len(profile["meters"]), len(profile["service_points"])) == (200, 200)
    # 250 meters of 10 L an hour, and the one that was there: 24 hours of yesterday, 17 of today.
    days = {day["day"]: day["volume_m3"] for day in profile["use"]["days"]}
    assert (days["2026-11-19"], days["2026-11-20"], len(days)) == (60.7, 62.4, 31)
    assert profile == all_seeing.get("/v1/customers/A1").json()
    assert anna.get("/v1/search", params={"q": "harbour 249"}).json()["items"][0]["account_no"] == "A1"


def test_the_profile_tells_history_months_answers_doubts_and_outages(
    anna: TestClient, town: Town, conn: Connection
) -> None:
    conn.execute("update staff set deputy_id = %s where login = 'anna'", [town.bo.staff_id])
    conn.execute(
        "insert into customer_month (account_no, month, volume_l, hours, made_at)"
        " values ('A1', '2025-11-01', 9000, 720, %s), ('A1', '2026-10-01', 8000, 744, %s)",
        [NOW, NOW],
    )
    anna.patch("/v1/customers/A1", json={"phone": "027 1", "why": "She called."})
    profile = anna.get("/v1/customers/A1").json()
    assert profile["manager"]["deputy"] == "bo"
    assert profile["contacts"]["confirmed_at"] == "2026-11-21T09:00:00Z"
    assert [m["month"] for m in profile["use"]["months"]] == ["2026-10-01", "2025-11-01"]
    assert profile["use"]["same_month_last_year_m3"] == 9
    assert [c["why"] for c in profile["changes"]] == ["She called."]
    assert {d["kind"] for d in profile["doubts"]} == {"bounced", "old"}
    assert (profile["answers"], profile["outages"]) == ([], [])


def test_two_records_are_merged_and_taken_apart_again(
    anna: TestClient, all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    body = {"into": "A1", "why": "The same household."}
    assert anna.post("/v1/customers/B1/merge", json=body).status_code == 404
    assert anna.post("/v1/customers/A1/merge", json=body | {"into": "B1"}).status_code == 404
    assert all_seeing.post("/v1/customers/B1/merge", json={"into": "A1"}).status_code == 422
    stale = all_seeing.post("/v1/customers/B1/merge", json=body | {"version": 9})
    assert stale.status_code == 409
    meters = {m["serial"] for a in ("A1", "B1") for m in _profile(all_seeing, a)["meters"]}
    merged = all_seeing.post("/v1/customers/B1/merge", json=body | {"version": 1}).json()
    assert (merged["account_no"], merged["version"]) == ("A1", 2)
    assert {m["serial"] for m in merged["meters"]} == meters
    assert _profile(anna, "B1")["account_no"] == "A1"  # the old number finds it
    assert [h["account_no"] for h in anna.get("/v1/search", params={"q": "B1"}).json()["items"]] == ["A1"]
    entry = anna.get("/v1/customers/A1/changes").json()["items"][0]
    assert entry["why"] == "The same household."
    assert {"field": "merged", "before": None, "after": "B1"} in entry["fields"]
    assert anna.get("/v1/customers/B1/changes").status_code == 200
    again = all_seeing.post("/v1/customers/B1/merge", json=body)
    assert again.status_code == 409
    assert "B1 was merged into A1" in again.json()["detail"]
    why = {"why": "Mother and daughter."}
    assert anna.post("/v1/customers/B1/merge/undo", json=why).status_code == 403  # B1 was another's
    apart = all_seeing.post("/v1/customers/B1/merge/undo", json=why).json()
    assert (apart["account_no"], apart["manager"]["login"]) == ("B1", "bo")
    assert anna.get("/v1/customers/B1").status_code == 404
    assert all_seeing.post("/v1/customers/B1/merge/undo", json=why).status_code == 404


def test_a_manager_merges_own_customers(anna: TestClient, town: Town, conn: Connection) -> None:
    conn.execute("update customer set manager_id = (select id from staff where login = 'anna')")
    body = {"into": "A1", "why": "The same household."}
    assert anna.post("/v1/customers/B1/merge", json=body).status_code == 200
    assert anna.post("/v1/customers/B1/merge/undo", json={"why": "Not so."}).json()["account_no"] == "B1"


def _profile(client: TestClient, account_no: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/customers/{account_no}").json()
    return found
