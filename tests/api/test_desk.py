"""The desk over the API: the inbox, complaints, steps with their opposites, and two people at once."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.clock import SetClock
from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW, Ask
from tests.api.test_meters import every
from tests.api.town import Town, event, ticket

CASE = {"source": "counter", "topic": "bill", "subject": "水费太高", "text": "上月两倍", "account_no": "A1"}


def due(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def ids(client: TestClient, **params: Any) -> list[int]:
    return [item["id"] for item in client.get("/v1/tickets", params=params).json()["items"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_the_inbox_is_urgent_first_then_by_time_left_and_the_waiting_last(
    all_seeing: TestClient, conn: Connection, limit: int
) -> None:
    plain: dict[str, Any] = {
        "urgent": False,
        "priority": "normal",
        "sla": "normal",
        "resolution_due": due(99),
    }
    late = ticket(conn, None, NOW, **plain | {"response_due": due(5)})
    early = ticket(conn, None, NOW, **plain | {"response_due": due(-1)})
    answered = ticket(
        conn, None, NOW, **plain | {"response_due": due(-9), "responded_at": NOW, "state": "responded"}
    )
    waiting = ticket(conn, None, NOW, response_due=due(-3), waiting_since=NOW)
    urgent = ticket(conn, None, NOW, response_due=due(20))
    same = ticket(conn, None, NOW, response_due=due(20))
    ticket(conn, None, NOW, state="resolved")
    first = all_seeing.get("/v1/tickets", params={"sort": "time_left", "limit": limit}).json()
    rest = every(all_seeing, first["next"]) if first["next"] else []
    town = {1, 2, 3}
    found = [item["id"] for item in [*first["items"], *rest] if item["id"] not in town]
    assert found == [urgent, same, early, late, answered, waiting]
    assert ids(all_seeing, sort="time_left", overdue=True) == [early]
    assert ids(all_seeing, waiting=True) == [waiting]
    assert ids(all_seeing, sort="time_left", state="responded") == [answered]
    refused = all_seeing.get("/v1/tickets?sort=time_left&state=resolved")
    assert refused.status_code == 422
    assert "open" in refused.json()["errors"][0]["detail"]


def test_filters_of_the_desk(all_seeing: TestClient, town: Town, conn: Connection) -> None:
    conn.execute("update customer set segment = 'special' where account_no = 'B1'")
    bill = ticket(conn, None, NOW, topic="bill", source="counter", subject="水费太高，要求复核", grp="case")
    assert ids(all_seeing, topic="bill") == ids(all_seeing, source="counter") == [bill]
    assert ids(all_seeing, segment="special") == [town.bo.ticket_id]
    assert ids(all_seeing, dma="D1") == [town.dma_ticket_id, town.bo.ticket_id, town.anna.ticket_id]
    assert ids(all_seeing, q="太高") == ids(all_seeing, q="水费太高") == [bill]
    assert ids(all_seeing, q="太低") == []
    assert all_seeing.get("/v1/tickets?q=高").status_code == 422


def test_a_search_shows_a_manager_own_customers_only(anna: TestClient, town: Town, conn: Connection) -> None:
    ours = ticket(conn, None, NOW, subject="meter fogged up", account_no="A1")
    ticket(conn, None, NOW, subject="meter fogged up", account_no="B1")
    assert ids(anna, q="fogged") == [ours]


def test_a_complaint_is_taken_in_by_the_channel_it_came(all_seeing: TestClient, town: Town) -> None:
    made = all_seeing.post("/v1/tickets", json=CASE | {"reporter": {"name": "王", "phone": "138"}}).json()
    shown = made["ticket"]
    assert (made["how"], shown["source"], shown["topic"], shown["opened_by"]) == (
        "opened",
        "counter",
        "bill",
        "key:test",
    )
    assert (shown["said"], shown["reporter"]["phone"]) == ("上月两倍", "138")
    assert [r["id"] for r in shown["related"]] == [town.anna.ticket_id]
    assert {"acknowledge", "pause", "merge", "priority"} <= set(shown["allowed"])
    assert shown["known_problems"]
    urgent = all_seeing.post("/v1/tickets", json=CASE | {"topic": "other", "urgent": "dialysis"}).json()[
        "ticket"
    ]
    assert (urgent["urgent"], urgent["sla"]) == (True, "green_channel")


def test_a_complaint_about_a_leak_that_the_meter_saw_joins_its_ticket(
    all_seeing: TestClient, town: Town
) -> None:
    by_meter = {"source": "hotline", "topic": "leak", "subject": "漏水", "meter": "M-A"}
    made = all_seeing.post("/v1/tickets", json=by_meter).json()
    assert (made["how"], made["ticket"]["id"]) == ("joined", town.anna.ticket_id)
    assert made["ticket"]["entries"][-1]["detail"]["source"] == "hotline"


def test_the_customer_is_found_by_phone_or_address_and_several_are_named(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    conn.execute(
        "update customer set phone = '138 0013 8000', address = '滨江区江南大道88号' where account_no = 'B1'"
    )
    for known in ({"phone": "13800138000"}, {"address": "江南大道88号"}):
        made = all_seeing.post("/v1/tickets", json=CASE | {"account_no": None} | known)
        assert made.json()["ticket"]["account_no"] == "B1", made.text
    conn.execute("update customer set phone = '13800138000' where account_no = 'A1'")
    refused = all_seeing.post("/v1/tickets", json=CASE | {"account_no": None, "phone": "13800138000"})
    assert refused.status_code == 422
    assert "A1, B1" in refused.json()["detail"]


def test_whom_nobody_knows_is_refused_and_nobodys_matter_needs_a_key_that_sees_all(
    all_seeing: TestClient, anna: TestClient, town: Town
) -> None:
    for wrong in ({"account_no": "none"}, {"account_no": None, "meter": "none"}, {"dma": "none"}):
        assert all_seeing.post("/v1/tickets", json=CASE | wrong).status_code == 422
    street = CASE | {"account_no": None, "topic": "leak", "dma": "D1"}
    assert all_seeing.post("/v1/tickets", json=street).json()["ticket"]["dma"] == "D1"
    assert anna.post("/v1/tickets", json=street).status_code == 403
    assert anna.post("/v1/tickets", json=CASE).status_code == 200
    assert anna.post("/v1/tickets", json=CASE | {"account_no": "B1"}).status_code == 422


def test_every_step_has_its_opposite_and_every_entry_stays(
    anna: TestClient, town: Town, clock: SetClock
) -> None:
    other = anna.post("/v1/tickets", json=CASE).json()["ticket"]["id"]
    path = f"/v1/tickets/{town.anna.ticket_id}"
    deeds: list[tuple[str, dict[str, Any], str]] = [
        ("acknowledge", {}, "acknowledged"),
        ("undo", {"why": "not mine"}, "open"),
        ("pause", {"why": "for the key"}, "open"),
        ("resume", {}, "open"),
        ("priority", {"why": "small", "priority": "low"}, "open"),
        ("relate", {"why": "same house", "ticket": other}, "open"),
        ("unrelate", {"why": "another house", "ticket": other}, "open"),
        ("notes", {"why": "key is with the neighbour"}, "open"),
        ("merge", {"why": "same", "into": other}, "merged"),
        ("unmerge", {"why": "not the same"}, "open"),
        ("respond", {"why": "on our way"}, "responded"),
        ("resolve", {"why": "done", "cause_code": "toilet_leak"}, "resolved"),
        ("confirm", {}, "confirmed"),
        ("reopen", {"why": "drips again"}, "reopened"),
    ]
    anna.post(f"{path}/unrelate", json={"ticket": other, "why": "opened with it"})
    seen = anna.get(path).json()["entries"]
    for deed, body, state in deeds:
        clock.advance(timedelta(minutes=1))
        answer = anna.post(f"{path}/{deed}", json=body)
        assert answer.status_code == 200, (deed, answer.text)
        shown = answer.json()
        assert shown["state"] == state, deed
        assert shown["entries"][: len(seen)] == seen
        assert len(shown["entries"]) > len(seen)
        seen = shown["entries"]
    assert shown["pauses"][0]["ended_by"] == "anna"
    assert anna.get(f"/v1/tickets/{other}").json()["merged"] == []


def test_a_merged_ticket_stays_readable_and_shows_under_the_one_that_goes_on(
    anna: TestClient, town: Town
) -> None:
    other = anna.post("/v1/tickets", json=CASE).json()["ticket"]["id"]
    anna.post(f"/v1/tickets/{town.anna.ticket_id}/merge", json={"into": other, "why": "same"})
    shown = anna.get(f"/v1/tickets/{other}").json()
    assert [m["id"] for m in shown["merged"]] == [town.anna.ticket_id]
    assert [e["id"] for e in shown["events"]] == [town.anna.event_id]
    assert "250 OK" in [m["receipt"] for m in shown["messages"]]
    assert anna.get(f"/v1/events/{town.anna.event_id}").json()["ticket_id"] == other
    merged = anna.get(f"/v1/tickets/{town.anna.ticket_id}").json()
    assert (merged["state"], merged["merged_into"], merged["allowed"]) == ("merged", other, ["unmerge"])
    hidden = anna.post(f"/v1/tickets/{other}/merge", json={"into": town.bo.ticket_id, "why": "x"})
    assert hidden.status_code == 404


def test_of_two_people_at_once_one_wins_and_the_other_is_told_who_what_when_and_what_now(
    ask: Ask, town: Town, conn: Connection
) -> None:
    """Two requests with the version that both saw, on two connections, held up until both are there."""
    conn.execute("update staff set roles = '{operations}' where login = 'bo'")
    clients = [ask(login="anna"), ask(login="bo")]
    path = f"/v1/tickets/{town.anna.ticket_id}"
    for round_ in range(3):
        version = clients[0].get(path).json()["version"]
        barrier, answers = threading.Barrier(2), {}

        def step(number: int) -> None:
            barrier.wait()  # noqa: B023
            body = {"priority": ["low", "high"][number], "why": f"{number}", "version": version}  # noqa: B023
            answers[number] = clients[number].post(f"{path}/priority", json=body)  # noqa: B023

        threads = [threading.Thread(target=step, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        codes = sorted(answer.status_code for answer in answers.values())
        assert codes == [200, 409], round_
        (loser,) = [number for number, answer in answers.items() if answer.status_code == 409]
        told = answers[loser].json()
        assert told["changed"]["by"] == ["bo", "anna"][loser]
        assert (told["changed"]["kind"], told["changed"]["version"]) == ("priority", version + 1)
        assert datetime.fromisoformat(told["changed"]["at"]) == NOW
        assert {"acknowledge", "respond", "resolve"} <= set(told["allowed"])
        assert conn.execute("select version from ticket where id = %s", [town.anna.ticket_id]).fetchall() == [
            (version + 1,)
        ]
        conn.execute(
            "update ticket set priority = 'normal', urgent = false where id = %s", [town.anna.ticket_id]
        )


def test_an_illegal_step_is_409_with_those_that_are_allowed(all_seeing: TestClient, town: Town) -> None:
    refused = all_seeing.post(f"/v1/tickets/{town.anna.ticket_id}/confirm")
    assert refused.status_code == 409
    assert refused.json()["allowed"] == ["acknowledge", "respond", "resolve", "pause", "priority", "merge"]


def test_a_customer_with_two_hundred_meters_is_answered_in_one_piece(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    for number in range(200):
        serial = f"X-{number}"
        meter_id = factories.meter(conn, serial)
        event_id = event(conn, serial, NOW, meter_id=meter_id, account_no="A1", detectors=["continuous_flow"])
        conn.execute("insert into ticket_event values (%s, %s)", [event_id, town.anna.ticket_id])
    shown = all_seeing.get(f"/v1/tickets/{town.anna.ticket_id}").json()
    assert (shown["events_total"], len(shown["events"])) == (201, 201)
    assert shown["known_problems"][0]["cause_code"] == "toilet_leak"
    assert all_seeing.get("/v1/customers/A1").status_code == 200


def test_causes_and_known_problems_are_kept_by_those_who_may(all_seeing: TestClient, ask: Ask) -> None:
    listed = all_seeing.get("/v1/causes?topic=quality").json()["items"]
    assert {"sediment", "air_in_water"} <= {cause["code"] for cause in listed}
    body = {"zh": "水中带气", "en": "Air", "topics": ["quality"], "active": False, "version": 1}
    assert all_seeing.put("/v1/causes/air_in_water", json=body).json()["version"] == 2
    stale = all_seeing.put("/v1/causes/air_in_water", json=body)
    assert (stale.status_code, stale.json()["changed"]["by"]) == (409, "key:test")
    assert "air_in_water" not in {c["code"] for c in all_seeing.get("/v1/causes").json()["items"]}
    assert ask("tickets:write").put("/v1/causes/air_in_water", json=body).status_code == 403
    pages = every(all_seeing, "/v1/known-problems?limit=7")
    assert len(pages) == len({problem["id"] for problem in pages}) >= 20


def test_what_comes_back_is_a_table_too(anna: TestClient, town: Town, conn: Connection) -> None:
    for days in (40, 20):
        at = NOW - timedelta(days=days)
        for account in ("A1", "B1"):
            values: dict[str, Any] = {"opened_at": at, "resolved_at": at, "cause_code": "toilet_leak"}
            ticket(conn, None, NOW, account_no=account, state="resolved", **values)
    (found,) = anna.get("/v1/recurring-causes").json()["items"]  # A1 alone is Anna's
    assert (found["subject"], found["tickets"], found["again"]) == ("A1", 2, 1)
    table = anna.get("/v1/recurring-causes?format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    header, line = table.text.splitlines()
    assert header.startswith("cause,zh,en,subject,name,tickets,again")
    assert line.startswith("toilet_leak,马桶水箱漏水,Leaking toilet cistern,A1,Customer A1,2,1,20.0,")


def test_a_ticket_put_off_leaves_the_own_list_only_and_a_key_of_nobody_has_none(
    anna: TestClient, all_seeing: TestClient, conn: Connection, town: Town
) -> None:
    plain = {"urgent": False, "priority": "normal", "account_no": "A1", "assignee_id": town.anna.staff_id}
    calm = ticket(conn, None, NOW, **plain)
    url = f"/v1/tickets/{calm}"
    assert ids(anna, whose="mine", sort="time_left") == [town.anna.ticket_id, calm]
    assert anna.post(f"{url}/snooze", json={"until": "2026-11-22"}).status_code == 200
    assert ids(anna, whose="mine", sort="time_left", snoozed=False) == [town.anna.ticket_id]
    (item,) = anna.get("/v1/tickets", params={"snoozed": True}).json()["items"]
    assert (item["id"], item["snoozed_until"]) == (calm, "2026-11-21T16:00:00Z")
    assert calm in ids(all_seeing, sort="time_left", snoozed=False), "everybody else's list has it"
    assert all_seeing.post(f"{url}/snooze", json={"until": "2026-11-22"}).status_code == 403
    assert all_seeing.get("/v1/tickets?whose=mine").status_code == 422
    assert (
        anna.post(f"/v1/tickets/{town.anna.ticket_id}/snooze", json={"until": "2026-11-22"}).status_code
        == 409
    )
    assert anna.post(f"{url}/wake").status_code == 200
    assert ids(anna, snoozed=True) == []
