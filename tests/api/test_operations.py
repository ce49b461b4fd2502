"""Sparse fields, entity tags and conditional requests: of every operation, without a word of it in any."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import ROUTERS
from api.operation import Operation, equip
from tests.api.test_access import operations
from tests.api.test_problems import problem
from tests.api.town import Town


def answered(client: TestClient) -> list[tuple[str, dict[str, Any]]]:
    """Every address of the document that the town answers, and its operation."""
    app = client.app
    assert isinstance(app, FastAPI)
    found = [
        (path, op) for method, path, op in operations(app) if method == "GET" and path.startswith("/v1/")
    ]
    found = [(path, op) for path, op in found if path != "/v1/stream"]  # has no end to be compared
    extra = {"/v1/search": "?q=A1", "/v1/figures/tickets": "?month=2026-11&figure=opened"}
    return [(path + extra.get(path, ""), op) for path, op in found]


def test_what_one_has_already_is_not_sent_again_wherever_one_asks(standing: TestClient) -> None:
    """Of every GET that the town answers: the second time there is no body."""
    seen = 0
    for path, operation in answered(standing):
        first = standing.get(path)
        if first.status_code != 200 or "ETag" not in first.headers:
            continue  # not there, or streamed
        again = standing.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "304" in operation["responses"]
        seen += 1
    assert seen > 25


def test_every_json_answer_can_be_narrowed_to_any_of_its_fields(standing: TestClient) -> None:
    seen = 0
    for path, operation in answered(standing):
        whole = standing.get(path)
        if "fields" not in {p["name"] for p in operation["parameters"]} or whole.status_code != 200:
            continue
        items = whole.json().get("items", [whole.json()])
        for name in items[0] if items else ():
            answer = standing.get(path, params=dict(_query(path)) | {"fields": name})
            assert answer.status_code == 200, (path, name, answer.text)
            narrowed = answer.json().get("items", [answer.json()])
            assert narrowed == [{name: item[name]} for item in items if name in item], path
            seen += 1
    assert seen > 100


def _query(path: str) -> list[tuple[str, str]]:
    return [(m[1], m[2]) for m in re.finditer(r"[?&](\w+)=([^&]*)", path)]


def test_fields_reach_into_lists_and_free_figures_and_stay_on_the_next_page(standing: TestClient) -> None:
    ticket = standing.get("/v1/tickets/1?fields=id,events.id,entries.kind").json()
    assert ticket == {"id": 1, "events": [{"id": 1}], "entries": [{"kind": "opened"}]}
    event = standing.get("/v1/events/1?fields=evidence.continuous_flow.rate_lph&fields=id").json()
    assert event == {"id": 1, "evidence": {"continuous_flow": {"rate_lph": 100.0}}}
    page = standing.get("/v1/customers?limit=1&fields=account_no").json()
    assert page["items"] == [{"account_no": "A1"}]
    assert standing.get(page["next"]).json() == {"items": [{"account_no": "B1"}], "next": None}
    raw = standing.get("/v1/meters/M-A/readings?limit=1&fields=register_l").json()
    assert raw["items"] == [{"register_l": 25.0}]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/v1/events?fields=colour", "There is no colour; there is: account_no, announced_as"),
        ("/v1/tickets/1?fields=events.colour", "there is below events: "),
        ("/v1/tickets/1?fields=id.x", "there is below id: nothing"),
        ("/v1/tickets/1?fields=", "Name 1 to 100 of"),
        ("/v1/tickets/1?fields=%FF%00", "There is no"),
        ("/v1/meters/M-A/readings?format=csv&fields=ts", "of JSON answers only"),
    ],
)
def test_a_field_that_is_not_there_is_refused_with_those_that_are(
    standing: TestClient, address: str, said: str
) -> None:
    found = problem(standing.get(address), 422, "bad_data")
    assert [error.pointer for error in found.errors] == ["#/fields"]
    assert said in found.errors[0].detail


def test_a_compressed_answer_has_a_tag_of_its_own_that_is_known_again(standing: TestClient) -> None:
    path = "/v1/meters/M-A/readings"
    plain = standing.get(path, headers={"Accept-Encoding": "identity"})
    small = standing.get(path, headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["ETag"] != plain.headers["ETag"]
    for tag in (small.headers["ETag"], f'"x", W/{plain.headers["ETag"]}', "*"):
        assert standing.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert standing.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    ("path", "faster", "faster_said", "step", "said"),
    [
        ("/v1/tickets/1", "/acknowledge", {}, "/priority", {"priority": "high", "why": "x"}),
        ("/v1/visits/1", "/postpone", {"until": "2026-12-01", "why": "y"}, "/cancel", {"why": "x"}),
        ("/v1/outages/1", "/change", {"contact": "1"}, "/cancel", {"why": "x"}),
        ("/v1/customers/A1", "", {"phone": "027 4", "why": "y"}, "", {"phone": "027 5", "why": "x"}),
    ],
)
def test_a_change_of_what_was_seen_goes_through_and_of_what_moved_on_says_who_was_faster(
    all_seeing: TestClient,
    path: str,
    faster: str,
    faster_said: dict[str, Any],
    step: str,
    said: dict[str, Any],
) -> None:
    draft = {"dmas": ["D1"], "starts_at": "2026-12-01", "expected_end": "2026-12-02"}
    assert all_seeing.post("/v1/outages", json=draft).is_success
    method = "POST" if step else "PATCH"
    seen = all_seeing.get(path).headers["ETag"]
    assert all_seeing.request(method, path + faster, json=faster_said).is_success

    stale = problem(
        all_seeing.request(method, path + step, json=said, headers={"If-Match": seen}),
        412,
        "precondition_failed",
    )
    assert stale.changed is not None
    assert stale.changed.by == "key:test"
    for tag in (f"W/{seen}", '"another"'):
        answer = all_seeing.request(method, path + step, json=said, headers={"If-Match": tag})
        problem(answer, 412, "precondition_failed")
    now = all_seeing.get(path).headers["ETag"]
    fresh = all_seeing.request(method, path + step, json=said, headers={"If-Match": now})
    assert fresh.is_success, fresh.text


def test_the_version_alone_is_a_tag_and_a_body_that_is_empty_gets_it(anna: TestClient, town: Town) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}/acknowledge"
    problem(anna.post(path, headers={"If-Match": '"7"'}), 412, "precondition_failed")
    problem(anna.post(path, headers={"If-Match": '"1"'}, json={"version": 2}), 422, "bad_data")
    problem(anna.post(path, headers={"If-Match": '"1", "2"'}), 422, "bad_data")
    assert anna.post(path, headers={"If-Match": '"1"'}).json()["version"] == 2
    # A state that doesn't allow the step is a conflict still: the version was right.
    problem(anna.post(path, headers={"If-Match": '"2"'}), 409, "conflict")


def test_an_operation_that_compares_no_version_does_not_pass_over_the_condition(standing: TestClient) -> None:
    path = "/v1/tickets/1/notes"
    found = problem(standing.post(path, json={"why": " "}, headers={"If-Match": '"1"'}), 422, "bad_data")
    assert [(error.source, error.pointer) for error in found.errors] == [("header", "#/If-Match")]


def test_every_route_is_an_operation(standing: TestClient) -> None:
    assert all(isinstance(route, Operation) for router in ROUTERS for route in equip(router).routes)
