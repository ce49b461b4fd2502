"""Policies: tried out, saved, seen, ended; by whom they concern."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.conftest import Ask
from tests.api.town import Town

DRAFT = {
    "detector": "continuous_flow",
    "scope": "meter",
    "scope_key": "M-A",
    "params": {"threshold_lph": 200},
}
NEW = DRAFT | {"why": "fountain", "valid_from": "2026-11-21"}


def saved(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/policies", json=NEW | changes)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_policy_is_saved_seen_and_ended_with_who_and_why(all_seeing: TestClient, anna: TestClient) -> None:
    made = saved(anna)
    assert (made["created_by"], made["why"], made["valid_until"]) == ("anna", "fountain", None)
    assert made["valid_from"] == "2026-11-20T16:00:00Z"  # midnight in Shanghai
    listed = all_seeing.get("/v1/policies", params={"detector": "continuous_flow", "valid": True}).json()
    assert [p["id"] for p in listed["items"]] == [made["id"]]
    ended = all_seeing.post(f"/v1/policies/{made['id']}/end", json={"why": "off"})
    assert (ended.json()["ended_by"], ended.json()["ended_why"]) == ("key:test", "off")
    assert all_seeing.get("/v1/policies", params={"valid": True}).json()["items"] == []
    again = all_seeing.post(f"/v1/policies/{made['id']}/end", json={"why": "off"})
    assert again.status_code == 409


def test_the_same_policy_twice_is_a_conflict_until_another_overrides_it(all_seeing: TestClient) -> None:
    first = saved(all_seeing)
    again = all_seeing.post("/v1/policies", json=NEW)
    assert again.status_code == 409
    assert f"Policy {first['id']} says the same" in again.json()["detail"]
    saved(all_seeing, params={"threshold_lph": 50})
    saved(all_seeing)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"detector": "dowser"}, "no detector 'dowser'"),
        ({"params": {"colour": 1}}, "no parameter 'colour'"),
        ({"params": {"window_h": 10_000}}, "can't be 10000"),
        ({"scope_key": "M-X"}, "no meter 'M-X'"),
        ({"scope": "sector", "scope_key": "baker"}, "no sector 'baker'"),
        ({"scope": "default"}, "don't fit"),
        ({"valid_until": "2020-01-01"}, "ends before it begins"),
    ],
)
def test_what_makes_no_sense_is_refused(all_seeing: TestClient, change: dict[str, Any], says: str) -> None:
    answer = all_seeing.post("/v1/policies", json=NEW | change)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_a_manager_sets_and_sees_what_concerns_own_customers(
    all_seeing: TestClient, anna: TestClient, ask: Ask, town: Town
) -> None:
    bo = ask(login="bo")
    mine = saved(anna)
    assert bo.get("/v1/policies").json()["items"] == []
    assert bo.get(f"/v1/policies/{mine['id']}").status_code == 404
    assert bo.post(f"/v1/policies/{mine['id']}/end", json={"why": "x"}).status_code == 404
    assert bo.post("/v1/policies", json=NEW).status_code == 422
    for body in (NEW | {"scope": "default", "scope_key": ""}, NEW | {"scope": "dma", "scope_key": "D1"}):
        assert bo.post("/v1/policies", json=body).status_code == 403
    everybody = saved(all_seeing, scope="default", scope_key="")
    assert [p["id"] for p in bo.get("/v1/policies").json()["items"]] == [everybody["id"]]
    assert bo.post(f"/v1/policies/{everybody['id']}/end", json={"why": "x"}).status_code == 403


def test_a_reader_may_look_only(ask: Ask, town: Town, conn: Connection) -> None:
    conn.execute("update staff set roles = '{reader}' where login = 'bo'")
    bo = ask(login="bo")
    assert bo.get("/v1/policies").status_code == 200
    assert bo.post("/v1/policies", json=NEW).status_code == 403
    assert bo.post("/v1/policies/preview", json=DRAFT).status_code == 403


def test_a_preview_says_what_the_draft_does_away_with_and_saves_nothing(anna: TestClient) -> None:
    answer = anna.post("/v1/policies/preview", json=DRAFT | {"days": 14}).json()
    assert (answer["group"], answer["meters"], answer["without"], answer["with_draft"]) == ("leak", 1, 1, 0)
    (gone,) = answer["gone"]
    assert (gone["subject"], gone["detector"], gone["magnitude"]) == ("M-A", "continuous_flow", 100)
    assert answer["new"] == []
    assert [w["without"] for w in answer["weeks"]] == [0, 1]
    assert answer["subjects"] == ["M-A"]
    assert anna.get("/v1/policies").json()["items"] == []


def test_a_preview_brings_what_a_lower_threshold_would(all_seeing: TestClient) -> None:
    saved(all_seeing, params={"threshold_lph": 500}, valid_from="2026-01-01")
    answer = all_seeing.post("/v1/policies/preview", json=DRAFT | {"params": {"threshold_lph": 5}}).json()
    assert (answer["without"], answer["with_draft"]) == (0, 1)
    assert [event["subject"] for event in answer["new"]] == ["M-A"]
    assert all_seeing.post("/v1/policies/preview", json=DRAFT | {"enabled": False}).json()["with_draft"] == 0


def test_a_preview_of_too_much_is_refused_with_its_size(
    all_seeing: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.preview.MOST_READINGS", 1000)
    answer = all_seeing.post("/v1/policies/preview", json=DRAFT | {"days": 90})
    assert answer.status_code == 422
    assert "at most 1,000" in answer.json()["detail"]
    assert "fewer days" in answer.json()["cure"]


def test_exemptions_that_hold_are_listed_with_the_event_they_come_from_made_and_ended(
    all_seeing: TestClient, anna: TestClient, town: Town
) -> None:
    saved(all_seeing)
    holiday = {"params": {}, "exemption": "holiday", "valid_until": "2026-12-01", "why": "Plant is shut."}
    made = saved(anna, detector="burst", scope="customer", scope_key="A1", **holiday)
    normal = {"verdict": "normal", "scope": "meter", "why": "Pool."}
    assert anna.post(f"/v1/events/{town.anna.event_id}/verdict", json=normal).status_code == 200
    asked = {"valid": True, "exempt": True}
    verdict, own = anna.get("/v1/policies", params=asked).json()["items"]
    assert (own["id"], own["exemption"], own["event_id"]) == (made["id"], "holiday", None)
    assert (verdict["exemption"], verdict["event_id"]) == ("that_is_normal", town.anna.event_id)
    assert anna.post(f"/v1/policies/{made['id']}/end", json={"why": "Back."}).status_code == 200
    assert [p["id"] for p in anna.get("/v1/policies", params=asked).json()["items"]] == [verdict["id"]]
    others = anna.get("/v1/policies", params={"valid": True, "exempt": False}).json()["items"]
    assert [p["exemption"] for p in others] == [None]
