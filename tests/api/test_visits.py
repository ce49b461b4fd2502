"""Visits through the API: the list, the agenda, the steps, and whose they are."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.town import Town
from tests.factories import insert


@pytest.fixture
def visit_id(conn: Connection, town: Town) -> int:
    return int(conn.execute("select id from visit where account_no = 'A1'").fetchall()[0][0])


def listed(client: TestClient, query: str) -> list[Any]:
    return [item["id"] for item in client.get(f"/v1/visits?{query}").json()["items"]]


def test_lists_by_state_day_and_manager_page_through_everything_once(
    anna: TestClient, all_seeing: TestClient, conn: Connection, town: Town, visit_id: int
) -> None:
    mine = {"account_no": "A1", "manager_id": town.anna.staff_id}
    late = insert(conn, "visit", "id", due_on="2026-11-02", **mine)
    done = insert(conn, "visit", "id", due_on="2026-10-02", state="done", done_at="2026-10-02T03:00Z", **mine)
    off = insert(conn, "visit", "id", due_on="2026-12-01", state="postponed", **mine)
    call = insert(conn, "visit", "id", due_on="2026-12-02", form="call", kind="inspection", **mine)
    assert listed(anna, "state=overdue") == [late]
    assert listed(anna, "state=due&state=postponed&mine=true") == [visit_id, off, call]
    assert listed(anna, "from=2026-11-21&to=2026-12-01") == [visit_id, off]
    assert listed(anna, "state=done") == [done]
    assert listed(anna, "form=call&kind=inspection&account_no=A1&manager=anna") == [call]
    assert len(listed(all_seeing, "")) == 6
    assert listed(anna, "account_no=B1") == []
    found, address = [], "/v1/visits?limit=2"
    while address:
        page = all_seeing.get(address).json()
        found += [item["id"] for item in page["items"]]
        address = page["next"]
    assert len(found) == len(set(found)) == 6
    assert all_seeing.get("/v1/visits?mine=true").status_code == 422


def test_agenda_comes_in_both_languages_with_figures(anna: TestClient, visit_id: int) -> None:
    answer = anna.get(f"/v1/visits/{visit_id}").json()
    assert answer["allowed"] == ["finish", "postpone", "cancel"]
    kinds = {item["kind"]: item for item in answer["agenda"]}
    assert {"use", "event_open", "meters_heard", "contact_missing"} <= kinds.keys()
    assert kinds["event_open"]["figures"]["unit"] == "L/h"
    assert kinds["meters_heard"]["zh"] == "1 只水表，近两天均正常传数。"


def test_a_visit_is_put_off_held_taken_up_again_and_called_off(anna: TestClient, visit_id: int) -> None:
    def step(name: str, **body: Any) -> Any:
        return anna.post(f"/v1/visits/{visit_id}/{name}", json=body)

    assert step("postpone", until="2026-11-27", why="stocktaking").json()["state"] == "postponed"
    answer = step(
        "finish",
        discussed="New line.",
        learned={"phone": "+86 27 1234567", "household_size": 4, "lives_alone": False},
        open_questions=["Sub-meters?"],
        follow_up={"subject": "Check the pit", "priority": "high"},
        next_on="2027-01-15",
    ).json()
    assert (answer["state"], answer["done_by"]) == ("done", "anna")
    assert answer["outcome"]["questions"] == ["Sub-meters?"]
    assert anna.get("/v1/customers/A1").json()["contacts"]["phone"] == "+86 27 1234567"
    ticket = anna.get(f"/v1/tickets/{answer['outcome']['ticket_id']}").json()
    assert (ticket["source"], ticket["priority"], ticket["account_no"]) == ("visit", "high", "A1")
    conflict = step("cancel", why="x")
    assert conflict.status_code == 409 and "anna" in conflict.json()["detail"]
    assert "reopen" in conflict.json()["cure"]
    assert step("reopen", why="wrong customer").json()["state"] == "postponed"
    stale = step("cancel", why="x", version=1)
    assert stale.status_code == 409 and "anna" in stale.json()["detail"]
    called_off = step("cancel", why="closed down", version=4).json()
    assert [entry["kind"] for entry in called_off["entries"]] == ["postpone", "finish", "reopen", "cancel"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"discussed": " "},
        {"discussed": "x", "learned": {"wealth": 1}},
        {"discussed": "x", "learned": {"language": "fr"}},
        {"discussed": "x", "held_on": "2026-11-22"},
        {"discussed": "x", "next_on": "2026-02-30"},
        {"discussed": "x", "next_on": "2025-01-01"},
        {"discussed": "x", "more": 1},
    ],
)
def test_an_outcome_that_makes_no_sense_changes_nothing(
    anna: TestClient, visit_id: int, body: dict[str, Any]
) -> None:
    assert anna.post(f"/v1/visits/{visit_id}/finish", json=body).status_code == 422
    assert anna.get(f"/v1/visits/{visit_id}").json()["version"] == 1


def test_a_visit_is_arranged_once_a_day(anna: TestClient, visit_id: int) -> None:
    body = {"account_no": "A1", "due_on": "2026-12-04", "form": "call", "why": "asked for it"}
    made = anna.post("/v1/visits", json=body)
    assert made.status_code == 200 and made.json()["kind"] == "ad_hoc"
    assert anna.post("/v1/visits", json=body).status_code == 409
    assert anna.post("/v1/visits", json=body | {"account_no": "B1"}).status_code == 422
    assert anna.post("/v1/visits", json=body | {"due_on": "2026-11-20"}).status_code == 422


def test_a_person_says_how_often_and_takes_it_back(anna: TestClient, visit_id: int) -> None:
    address = "/v1/visits/cadences/A1"
    by_rule = anna.get(address).json()
    assert (by_rule["every_months"], by_rule["form"], by_rule["decided_by"]) == (3, "letter", "rule")
    said = anna.put(address, json={"every_months": 1, "form": "on_site", "why": "asked for it"}).json()
    assert (said["every_months"], said["form"], said["decided_by"]) == (1, "on_site", "anna")
    assert anna.put(address, json={"why": "no longer"}).json()["every_months"] == 3
    assert anna.get("/v1/visits/cadences/B1").status_code == 404
    assert anna.put("/v1/visits/cadences/B1", json={"every_months": 0, "why": "x"}).status_code == 404


def test_another_managers_visit_is_not_there(anna: TestClient, conn: Connection, visit_id: int) -> None:
    ((other,),) = conn.execute("select id from visit where account_no = 'B1'").fetchall()
    assert anna.get(f"/v1/visits/{other}").status_code == 404
    for step, body in (
        ("postpone", {"until": "2026-12-01", "why": "x"}),
        ("finish", {"discussed": "x"}),
        ("cancel", {"why": "x"}),
        ("reopen", {"why": "x"}),
    ):
        assert anna.post(f"/v1/visits/{other}/{step}", json=body).status_code == 404


SAMPLES: dict[str, Any] = {
    "text": "x",
    "long_text": "said",
    "phone": "+86 571 8800 1234",
    "email": "a@b.example",
    "whole_number": 3,
    "yes_no": True,
    "texts": ["one"],
}


@pytest.mark.parametrize("form", ["on_site", "call", "letter"])
def test_a_form_drawn_from_the_api_is_taken_whole_and_its_limits_are_the_real_ones(
    anna: TestClient, conn: Connection, visit_id: int, form: str
) -> None:
    conn.execute("update visit set form = %s where id = %s", [form, visit_id])
    forms = {one["form"]: one for one in anna.get("/v1/visits/forms").json()["items"]}
    assert list(forms) == ["on_site", "call", "letter"]
    fields = forms[form]["fields"]
    assert [one["path"] for one in fields if one["required"]] == ["discussed"]
    assert all(one["zh"] and one["en"] and one["zh"] != one["en"] for one in fields)

    def filled(**instead: Any) -> dict[str, Any]:
        body: dict[str, Any] = {}
        days = {"next_on": "2026-12-18", "held_on": "2026-11-20"}
        for one in fields:
            *above, name = one["path"].split(".")
            value = days.get(name) or SAMPLES.get(one["type"]) or one["choices"][-1]["value"]
            (body.setdefault(above[0], {}) if above else body)[name] = instead.get(one["path"], value)
        return body

    def finish(**instead: Any) -> int:
        return anna.post(f"/v1/visits/{visit_id}/finish", json=filled(**instead)).status_code

    for one in fields:
        if one["most"] is not None and one["type"] in {"text", "long_text"}:
            assert finish(**{one["path"]: "x" * (one["most"] + 1)}) == 422, one["path"]
        if one["type"] == "texts":
            assert finish(**{one["path"]: ["x"] * (one["most"] + 1)}) == 422, one["path"]
        if one["least"] is not None:
            assert finish(**{one["path"]: one["least"] - 1}) == 422, one["path"]
    emptied = filled(**{one["path"]: None for one in fields if one["nullable"]})
    answer = anna.post(f"/v1/visits/{visit_id}/finish", json=emptied)
    assert answer.status_code == 200, answer.text
    (told,) = conn.execute("select outcome from visit where id = %s", [visit_id]).fetchall()
    asked = {one["path"].removeprefix("learned.") for one in fields if one["path"].startswith("learned.")}
    assert set(told[0]["learned"]) == asked
