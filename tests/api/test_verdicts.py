"""What people say of events, who may, and what it leaves."""

from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from core.clock import SetClock
from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.town import Town


def judge(client: TestClient, event_id: int, **said: Any) -> Any:
    return client.post(f"/v1/events/{event_id}/verdict", json=said)


def undo(client: TestClient, event_id: int, **said: Any) -> Any:
    return client.post(f"/v1/events/{event_id}/verdict/undo", json=said or None)


def policies(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select detector, scope, scope_key, exemption, valid_from, nullif(valid_until, 'infinity'),"
        " created_by from detector_policy order by id"
    ).fetchall()


def test_confirmed_event_says_who_and_why(anna: TestClient, town: Town, conn: Connection) -> None:
    answer = judge(anna, town.anna.event_id, verdict="confirmed", why="A running cistern.")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["verdict"]["verdict"], found["verdict"]["actor"]) == ("confirmed", "anna")
    assert found["entries"][-1]["kind"] == "confirmed" and found["entries"][-1]["why"] == "A running cistern."
    assert found["entries"][-1]["detail"]["by"] == "anna"
    assert policies(conn) == []


def test_normal_for_the_meter_exempts_it_from_the_detectors_that_saw_it(
    anna: TestClient, town: Town, conn: Connection
) -> None:
    until = "2026-12-01"  # a day of the utility, in Shanghai
    found = judge(anna, town.anna.event_id, verdict="normal", scope="meter", until=until).json()
    (made,) = policies(conn)
    assert made[:4] == ("continuous_flow", "meter", "M-A", "that_is_normal")
    assert made[4] == NOW and made[5].isoformat() == "2026-11-30T16:00:00+00:00" and made[6] == "anna"
    assert len(found["verdict"]["policies"]) == 1


def test_normal_for_the_customer(anna: TestClient, town: Town, conn: Connection) -> None:
    assert judge(anna, town.anna.event_id, verdict="normal", scope="customer").status_code == 200
    assert [p[1:3] for p in policies(conn)] == [("customer", "A1")]


def test_one_verdict_stands_at_a_time_and_undoing_it_ends_its_exemptions(
    anna: TestClient, town: Town, conn: Connection, clock: SetClock
) -> None:
    event = town.anna.event_id
    judge(anna, event, verdict="normal", scope="meter")
    assert judge(anna, event, verdict="confirmed").status_code == 409
    clock.advance(timedelta(hours=2))
    found = undo(anna, event, why="It was a leak.").json()
    assert found["verdict"] is None
    assert [e["kind"] for e in found["entries"]] == ["opened", "normal", "undone"]
    assert policies(conn)[0][5] == NOW + timedelta(hours=2)
    assert undo(anna, event).status_code == 409
    assert judge(anna, event, verdict="confirmed").status_code == 200


def test_what_does_not_fit_is_refused_with_the_cure(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    event, dma_event = town.anna.event_id, town.dma_event_id
    for event_id, said, status in (
        (event, {"verdict": "confirmed", "scope": "meter"}, 422),
        (event, {"verdict": "normal", "scope": "dma"}, 422),
        (event, {"verdict": "normal", "until": "2026-12-01"}, 422),
        (event, {"verdict": "normal", "scope": "meter", "until": "2020-01-01"}, 422),
        (dma_event, {"verdict": "normal", "scope": "customer"}, 422),
        (event, {"verdict": "perhaps"}, 422),
        (999_999, {"verdict": "confirmed"}, 404),
    ):
        answer = judge(all_seeing, event_id, **said)
        assert answer.status_code == status, (said, answer.json())
    conn.execute("update event set retracted_at = %s where id = %s", [NOW, event])
    assert judge(all_seeing, event, verdict="confirmed").status_code == 409
    assert policies(conn) == []


def test_only_those_who_see_an_event_and_may_write_judge_it(
    ask: Ask, anna: TestClient, town: Town, conn: Connection
) -> None:
    assert judge(anna, town.bo.event_id, verdict="confirmed").status_code == 404
    reading = ask("events:read")
    assert judge(reading, town.anna.event_id, verdict="confirmed").status_code == 403
    assert undo(reading, town.anna.event_id).status_code == 403
    assert conn.execute("select count(*) from event_verdict").fetchall() == [(0,)]


def test_exemption_of_a_district_is_for_those_who_see_everybody(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    answer = judge(all_seeing, town.dma_event_id, verdict="normal", scope="dma", why="Flushing.")
    assert answer.status_code == 200
    assert [p[:3] for p in policies(conn)] == [("low_pressure", "dma", "D1")]
