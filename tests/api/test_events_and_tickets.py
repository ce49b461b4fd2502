"""What was found, what is done about it, and lists that lose and repeat nothing."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from core.clock import SetClock
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.test_meters import every
from tests.api.town import Town, event, ticket


def ids(client: TestClient, path: str, **params: object) -> list[int]:
    return [item["id"] for item in client.get(path, params=params).json()["items"]]  # type: ignore[arg-type]


def test_an_event_shows_its_evidence_its_history_and_its_ticket(all_seeing: TestClient, town: Town) -> None:
    found = all_seeing.get(f"/v1/events/{town.anna.event_id}").json()
    assert found["evidence"] == {"continuous_flow": {"rate_lph": 100.0}}
    assert (found["meter"], found["dma"], found["state"], found["group"]) == ("M-A", "D1", "open", "leak")
    assert found["ticket_id"] == town.anna.ticket_id
    assert [entry["kind"] for entry in found["entries"]] == ["opened"]


def test_event_filters(all_seeing: TestClient, town: Town, conn: Connection) -> None:
    a, b, d = town.anna.event_id, town.bo.event_id, town.dma_event_id
    conn.execute("update event set cleared_at = %s where id = %s", [NOW, a])
    conn.execute("update event set retracted_at = %s where id = %s", [NOW, b])
    path = "/v1/events"
    assert ids(all_seeing, path) == [d, b, a]
    assert ids(all_seeing, path, state="open") == [d]
    assert ids(all_seeing, path, state="cleared") == [a]
    assert ids(all_seeing, path, state="retracted") == [b]
    assert ids(all_seeing, path, detector="continuous_flow") == [b, a]
    assert ids(all_seeing, path, group="pressure") == [d]
    assert ids(all_seeing, path, dma="D1") == [d, b, a]
    assert ids(all_seeing, path, dma="none") == []
    assert ids(all_seeing, path, account_no="A1") == [a]
    assert ids(all_seeing, path, since="2026-11-21T03:00:00Z") == [d, b, a]
    assert ids(all_seeing, path, since="2026-11-21T03:00:01Z") == []
    assert ids(all_seeing, path, since="2026-11-21") == [d, b, a]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_pages_hold_every_event_once_though_times_are_equal(
    all_seeing: TestClient, town: Town, conn: Connection, limit: int
) -> None:
    more = [event(conn, f"s{n}", NOW) for n in range(5)]
    first = all_seeing.get(f"/v1/events?limit={limit}").json()
    event(conn, "late", NOW, detected_at=NOW)  # newer than the first page: it moves nothing
    rest = every(all_seeing, first["next"]) if first["next"] else []
    found = [item["id"] for item in [*first["items"], *rest]]
    assert found == [*reversed(more), town.dma_event_id, town.bo.event_id, town.anna.event_id]


def test_the_next_page_keeps_the_filters(all_seeing: TestClient, town: Town) -> None:
    answer = all_seeing.get("/v1/tickets?state=open&state=reopened&limit=1&assignee=anna&urgent=true")
    assert answer.json()["next"] is None
    answer = all_seeing.get("/v1/tickets?state=open&state=reopened&limit=1")
    assert answer.json()["next"].startswith("/v1/tickets?state=open&state=reopened&limit=1&cursor=")
    assert answer.headers["Link"] == f'<{answer.json()["next"]}>; rel="next"'


def test_ticket_filters(all_seeing: TestClient, town: Town, conn: Connection) -> None:
    a, b, d = town.anna.ticket_id, town.bo.ticket_id, town.dma_ticket_id
    conn.execute("update ticket set state = 'resolved', urgent = false where id = %s", [b])
    path = "/v1/tickets"
    assert ids(all_seeing, path) == [d, b, a]
    assert ids(all_seeing, path, state="resolved") == [b]
    assert ids(all_seeing, path, state=["resolved", "open"]) == [d, b, a]
    assert ids(all_seeing, path, urgent=True) == [d, a]
    assert ids(all_seeing, path, assignee="bo") == [b]
    assert ids(all_seeing, path, account_no="A1") == [a]
    assert ids(all_seeing, path, group="pressure") == [d]
    assert ids(all_seeing, path, since="2026-11-22") == []


def test_a_ticket_shows_its_history_its_events_and_its_messages(all_seeing: TestClient, town: Town) -> None:
    found = all_seeing.get(f"/v1/tickets/{town.anna.ticket_id}").json()
    assert [entry["kind"] for entry in found["entries"]] == ["opened"]
    assert [e["id"] for e in found["events"]] == [town.anna.event_id]
    assert [(m["state"], m["receipt"]) for m in found["messages"]] == [("sent", "250 OK")]
    assert (found["assignee"], found["customer"], found["sla"]) == ("anna", "Customer A1", "green_channel")


def test_the_life_of_a_ticket(anna: TestClient, town: Town, clock: SetClock) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}"
    taken = anna.post(f"{path}/acknowledge")
    assert (taken.status_code, taken.json()["state"]) == (200, "acknowledged")
    clock.advance(timedelta(hours=1))
    told = anna.post(f"{path}/respond", json={"why": "  Told them to shut the valve 🚰.  "}).json()
    clock.advance(timedelta(hours=1))
    done = anna.post(f"{path}/resolve", json={"cause": "worn seal", "why": "Replaced."}).json()
    assert told["responded_at"] == "2026-11-21T10:00:00Z"
    assert (done["state"], done["cause"], done["resolved_at"]) == (
        "resolved",
        "worn seal",
        "2026-11-21T11:00:00Z",
    )
    history = [(e["actor"], e["from_state"], e["to_state"], e["why"]) for e in done["entries"][1:]]
    assert history == [
        ("anna", "open", "acknowledged", ""),
        ("anna", "acknowledged", "responded", "Told them to shut the valve 🚰."),
        ("anna", "responded", "resolved", "Replaced."),
        ("system", None, None, "the customer has no address: ask by telephone"),
    ]


def test_a_step_that_the_state_does_not_allow_is_409_and_changes_nothing(
    all_seeing: TestClient, town: Town
) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}"
    assert all_seeing.post(f"{path}/acknowledge", json={"why": "mine"}).status_code == 200
    again = all_seeing.post(f"{path}/acknowledge")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert "key:test" in again.json()["detail"]
    assert len(all_seeing.get(path).json()["entries"]) == 2


def test_a_tickets_next_page_is_stable_while_tickets_are_opened(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    first = all_seeing.get("/v1/tickets?limit=2").json()
    ticket(conn, None, NOW + timedelta(hours=1))
    rest = every(all_seeing, first["next"])
    assert [t["id"] for t in [*first["items"], *rest]] == [3, 2, 1]
