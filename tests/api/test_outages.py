"""Outages over HTTP: drafted, looked at, announced, changed, restored; by whom; and what they find."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.clock import SetClock
from service import outage_notices
from sql.pool import Connection, connect
from tests import factories
from tests.api.conftest import NOW, Ask
from tests.api.town import Town

NEW: dict[str, Any] = {
    "kind": "planned",
    "cause": "valve_work",
    "reason": "江南大道 DN300 阀门更换",
    "starts_at": "2026-11-24T09:00:00+08:00",
    "expected_end": "2026-11-24T17:00:00+08:00",
    "dmas": ["D1"],
    "contact": "96390",
}


def drafted(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/v1/outages", json=NEW | changes)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def step(
    client: TestClient, outage: dict[str, Any], name: str, expect: int = 200, **said: Any
) -> dict[str, Any]:
    answer = client.post(f"/v1/outages/{outage['id']}/{name}", json=said)
    assert answer.status_code == expect, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fill(url: str) -> None:
    with connect(url, "notify", autocommit=True) as conn:
        more = True
        while more:
            with conn.transaction():
                more = outage_notices.fill(conn, at=NOW)


def test_from_draft_to_restoration(all_seeing: TestClient, database_url: str, clock: SetClock) -> None:
    made = drafted(all_seeing)
    assert (made["status"], made["allowed"], made["starts_at"]) == (
        "draft", ["announce", "change", "cancel"], "2026-11-24T01:00:00Z",
    )  # fmt: skip
    told = step(all_seeing, made, "announce", version=made["version"])
    assert (told["status"], told["announced_at"]) == ("announced", "2026-11-21T09:00:00Z")
    fill(database_url)
    clock.advance(timedelta(days=2, hours=16))
    begun = step(all_seeing, made, "start")
    clock.advance(timedelta(hours=1))
    later = step(all_seeing, made, "extend", expected_end="2026-11-24T20:00:00+08:00", why="a second valve")
    assert (begun["status"], later["status"]) == ("started", "delayed")
    clock.advance(timedelta(hours=11))
    assert all_seeing.get(f"/v1/outages/{made['id']}").json()["status"] == "overdue"
    fill(database_url)
    over = step(all_seeing, made, "restore", ended_at="2026-11-24T19:30:00+08:00")
    fill(database_url)
    over = all_seeing.get(f"/v1/outages/{made['id']}").json()
    assert (over["status"], over["ended_at"], over["allowed"]) == ("restored", "2026-11-24T11:30:00Z", [])
    assert [e["kind"] for e in over["entries"]] == ["created", "announced", "started", "changed", "restored"]
    assert over["entries"][3]["why"] == "a second valve" and over["entries"][3]["actor"] == "key:test"
    assert [(n["step"], n["state"], n["customers"], n["unreachable"]) for n in over["notices"]] == [
        ("announced", "filled", 2, 2),
        ("started", "superseded", 0, 0),
        ("delayed", "filled", 2, 2),
        ("restored", "filled", 2, 2),
    ]


def test_preview_says_whom_how_and_in_which_words(
    all_seeing: TestClient, conn: Connection, town: Town
) -> None:
    conn.execute(
        "update customer set email = 'a@example.org', segment = 'special', phone = '+86 571 1',"
        " language = 'en' where account_no = 'A1'"
    )
    messages = conn.execute("select count(*) from outbox").fetchall()
    made = drafted(all_seeing, accounts="A1\nnobody\n", reason_in={}, starts_at="2026-11-22", contact="")
    seen = all_seeing.get(f"/v1/outages/{made['id']}/preview").json()
    assert (seen["step"], seen["customers"], seen["unreachable"]) == ("announced", 2, 1)
    assert (seen["segments"], seen["channels"]) == ({"special": 1, "general": 1}, {"email": 1})
    assert [(c["account_no"], c["phone"], c["written_to"]) for c in seen["to_call"]] == [
        ("A1", "+86 571 1", True)
    ]
    assert [(u["account_no"], u["why"]) for u in seen["unreachable_list"]] == [("B1", "nothing_on_record")]
    assert seen["unread"] == [{"line": 2, "value": "nobody", "why": "no such account or service point"}]
    assert seen["warnings"] == [
        "1 lines of the list name nobody we know: see unread.",
        "Planned work is announced 24 h ahead; this begins in 7.0 h.",
        "There is no telephone number to ask at: give contact.",
        "There is no emergency supply.",
        "1 customers read the reason in en: give reason_in.en.",
    ]
    assert "因江南大道 DN300 阀门更换" in seen["letters"]["zh"]["text"]
    assert "work on a valve" in seen["letters"]["en"]["text"] and seen["letters"]["en"]["brief"]
    assert conn.execute("select count(*) from outbox").fetchall() == messages


def test_overlapping_outages_are_seen_before_customers_see_them(all_seeing: TestClient) -> None:
    first = drafted(all_seeing)
    step(all_seeing, first, "announce")
    second = drafted(all_seeing, accounts="A1", dmas=[], expected_end="2026-11-24T12:00:00+08:00")
    seen = all_seeing.get(f"/v1/outages/{second['id']}/preview").json()
    assert [(o["code"], o["customers"]) for o in seen["overlapping"]] == [(first["code"], 1)]


def test_short_notice_is_refused_with_its_cure_and_kept_with_its_reason(all_seeing: TestClient) -> None:
    made = drafted(
        all_seeing, starts_at="2026-11-21T22:00:00+08:00", expected_end="2026-11-22T02:00:00+08:00"
    )
    refused = step(all_seeing, made, "announce", expect=409)
    assert "this begins in 5.0 h" in refused["detail"] and "override" in refused["cure"]
    step(all_seeing, made, "announce", override=True, why="the valve leaks")


def test_who_comes_second_is_told_who_was_first(all_seeing: TestClient, ask: Ask, conn: Connection) -> None:
    factories.staff(conn, "zhao", roles=["operations"])
    made = drafted(all_seeing)
    step(ask(login="zhao"), made, "change", contact="96391", version=made["version"])
    late = step(all_seeing, made, "change", expect=409, contact="96392", version=made["version"])
    assert "by zhao" in late["detail"] and "Allowed now: announce, change, cancel" in late["cure"]


def test_a_manager_looks_but_the_operations_room_acts(anna: TestClient, all_seeing: TestClient) -> None:
    made = drafted(all_seeing, accounts="A1\nB1", dmas=[])
    assert anna.post("/v1/outages", json=NEW).status_code == 403
    for name in ("announce", "change", "start", "restore"):
        step(anna, made, name, expect=403)
    step(anna, made, "cancel", expect=403, why="x")
    assert anna.get("/v1/outages").json()["items"][0]["code"] == made["code"]
    assert anna.get(f"/v1/outages/{made['id']}").json()["service_points"] == 1
    assert anna.get(f"/v1/outages/{made['id']}/preview").json()["customers"] == 1


def test_calls_are_ticked_off_by_whoever_makes_them(
    anna: TestClient, all_seeing: TestClient, conn: Connection
) -> None:
    conn.execute("update customer set segment = 'vulnerable' where account_no in ('A1', 'B1')")
    made = drafted(all_seeing)
    assert [c["account_no"] for c in anna.get(f"/v1/outages/{made['id']}/calls").json()["items"]] == ["A1"]
    step(anna, made, "calls", account_no="A1", answer="has stored water")
    step(anna, made, "calls", expect=404, account_no="B1", answer="x")
    calls = all_seeing.get(f"/v1/outages/{made['id']}/calls").json()["items"]
    assert [(c["account_no"], c["called_by"], c["answer"]) for c in calls] == [
        ("B1", None, None),
        ("A1", "anna", "has stored water"),
    ]


def test_opened_for_an_event_and_linked_both_ways(all_seeing: TestClient, town: Town) -> None:
    made = drafted(
        all_seeing, kind="unplanned", event_id=town.dma_event_id, dmas=[], starts_at=None, expected_end=None
    )
    assert (made["dmas"], made["end_known"], made["tickets"]) == (["D1"], False, [town.dma_ticket_id])
    assert made["expected_end"] == "2026-11-21T11:00:00Z"
    assert all_seeing.get(f"/v1/events/{town.dma_event_id}").json()["announced_as"] == made["code"]
    noted = all_seeing.get(f"/v1/tickets/{town.dma_ticket_id}").json()["entries"][-1]
    assert (noted["kind"], noted["detail"]["outage"]) == ("outage", made["code"])
    answer = all_seeing.post("/v1/outages", json={"event_id": town.dma_event_id})
    assert answer.status_code == 409 and made["code"] in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "count"),
    [("when=planned", 2), ("when=current", 1), ("when=past", 0), ("dma=D1", 2), ("dma=D2", 0),
     ("kind=unplanned", 1), ("account_no=A1", 3), ("account_no=B1", 2), ("limit=1", 1)],
)  # fmt: skip
def test_lists(all_seeing: TestClient, query: str, count: int) -> None:
    drafted(all_seeing)
    drafted(all_seeing, accounts="A1", dmas=[])
    now = drafted(all_seeing, kind="unplanned", starts_at="2026-11-21T08:00:00Z", expected_end=None)
    step(all_seeing, now, "announce")
    assert len(all_seeing.get(f"/v1/outages?{query}").json()["items"]) == count


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"expected_end": "2026-11-23"}, 422, "ends before it begins"),
        ({"expected_end": None}, 422, "has a start and an end"),
        ({"dmas": ["D7"]}, 422, "no DMA D7"),
        ({"event_id": 10**9}, 422, "no event"),
        ({"cause": "dragon"}, 422, "can't be taken"),
        ({"colour": "blue"}, 422, "can't be taken"),
        ({"contact": "9" * 101}, 422, "can't be taken"),
    ],
)
def test_what_makes_no_sense_is_refused(
    all_seeing: TestClient, change: dict[str, Any], status: int, says: str
) -> None:
    answer = all_seeing.post("/v1/outages", json=NEW | change)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


def test_a_list_of_a_hundred_thousand_accounts_goes_in_and_four_megabytes_do_not(
    all_seeing: TestClient,
) -> None:
    many = "\n".join(f"X-{n:06d}" for n in range(99_999)) + "\nB1"
    made = drafted(all_seeing, accounts=many, dmas=[])
    assert len(made["unread"]) == 99_999 and made["service_points"] == 1
    assert all_seeing.post("/v1/outages", json=NEW | {"accounts": "x" * 4_200_000}).status_code == 413
