"""Staff, loads, absences, hand-overs, crews and regions through the API: who may, and what comes of it."""

from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from core.clock import SetClock
from core.errors import NotFoundError
from core.settings import load
from service import invitations
from sql.pool import Connection, Pool
from tests import factories
from tests.api.conftest import Ask
from tests.api.town import Town


@pytest.fixture
def boss(ask: Ask, town: Town, conn: Connection) -> TestClient:
    """A client of somebody of operations."""
    factories.staff(conn, "boss", roles=["operations"])
    return ask(login="boss")


def test_a_manager_sees_the_directory_and_the_own_load(anna: TestClient, all_seeing: TestClient) -> None:
    mine, bo = anna.get("/v1/staff").json()["items"]
    assert (mine["login"], mine["load"]["open"], mine["load"]["customers"]) == ("anna", 1, 1)
    assert (bo["login"], bo["load"]) == ("bo", None)
    assert "password" not in anna.get("/v1/staff").text
    assert anna.get("/v1/staff/anna/load").json()["weight"] == 4
    assert anna.get("/v1/staff/bo/load").status_code == 403
    assert all_seeing.get("/v1/staff/bo/load").json()["urgent"] == 1
    assert all_seeing.get("/v1/staff").json()["items"][1]["load"]["open"] == 1
    assert anna.get("/v1/staff/ghost").status_code == 404


def test_a_superior_sees_the_load_of_the_own_people(anna: TestClient, conn: Connection, town: Town) -> None:
    conn.execute("update staff set superior_id = %s where login = 'bo'", [town.anna.staff_id])
    assert anna.get("/v1/staff/bo/load").json()["open"] == 1


def test_a_manager_sets_the_own_deputy_and_absence_and_nobody_else_s(
    anna: TestClient, boss: TestClient
) -> None:
    assert anna.patch("/v1/staff/anna", json={"deputy": "bo"}).json()["deputy"] == "bo"
    for path, body in [
        ("/v1/staff/bo", {"deputy": "anna"}),
        ("/v1/staff/anna", {"region": "x"}),
        ("/v1/staff/anna", {"on_duty_desk": True}),
    ]:
        assert anna.patch(path, json=body).status_code == 403, path
    absence = {"starts_at": "2026-11-20", "ends_at": "2026-11-23", "why": "flu"}
    assert anna.post("/v1/staff/bo/absences", json=absence).status_code == 403
    planned = anna.post("/v1/staff/anna/absences", json=absence).json()
    assert (planned["away"], planned["away_until"], planned["stands_in"]) == (
        True,
        "2026-11-22T16:00:00Z",  # midnight in Shanghai
        "bo",
    )
    (shown,) = planned["absences"]
    assert shown["why"] == "flu"
    assert boss.get("/v1/staff/anna").json()["absences"][0]["why"] == "flu"
    path = f"/v1/staff/anna/absences/{shown['id']}/end"
    assert anna.post(path.replace("anna", "bo")).status_code == 403
    assert anna.post(path).json()["away"] is False
    assert anna.post(path).status_code == 409
    assert anna.patch("/v1/staff/anna", json={"deputy": "anna"}).status_code == 422
    assert anna.patch("/v1/staff/anna", json={"deputy": None}).json()["deputy"] is None


def test_why_somebody_is_away_is_not_everybody_s_business(anna: TestClient, ask: Ask) -> None:
    anna.post("/v1/staff/anna/absences", json={"starts_at": "2026-11-20", "why": "surgery"})
    seen = ask(login="bo").get("/v1/staff/anna")
    assert seen.json()["absences"][0]["why"] is None
    assert "surgery" not in seen.text


def test_a_ticket_passes_out_of_the_sight_of_who_gives_it_away(
    anna: TestClient, ask: Ask, town: Town, conn: Connection
) -> None:
    conn.execute("update ticket set assignee_id = %s where id = %s", [town.anna.staff_id, town.dma_ticket_id])
    path = f"/v1/tickets/{town.dma_ticket_id}"
    assert anna.post(f"{path}/assign", json={"to": "bo"}).status_code == 422
    body = {"to": "bo", "note": "Yours now.", "version": 1}
    given = anna.post(f"{path}/assign", json=body)
    assert given.json() == {"id": town.dma_ticket_id, "assignee": "bo", "version": 2}
    assert anna.get(path).status_code == 404
    bo = ask(login="bo")
    assert bo.get(path).json()["entries"][-1]["detail"]["note"] == "Yours now."
    assert anna.post(f"{path}/assign", json=body).status_code == 404
    assert bo.post(f"{path}/assign", json={"to": "anna", "note": "x", "version": 1}).status_code == 409
    assert anna.post(f"/v1/tickets/{town.bo.ticket_id}/assign", json=body).status_code == 404
    assert anna.post(f"/v1/tickets/{town.bo.ticket_id}/take-back").status_code == 404
    assert bo.post(f"{path}/take-back").status_code == 409, "it was not Bo who gave it away"
    assert anna.post(f"{path}/take-back", json={"version": 1}).status_code == 409
    back = anna.post(f"{path}/take-back", json={"version": 2, "why": "By mistake."})
    assert back.json() == {"id": town.dma_ticket_id, "assignee": "anna", "version": 3}
    assert anna.get(path).json()["entries"][-1]["detail"]["because"] == "back"


def test_all_of_somebody_s_work_is_handed_over_at_once(
    anna: TestClient, boss: TestClient, conn: Connection, town: Town
) -> None:
    body = {"to": "bo", "note": "On sick leave."}
    assert anna.post("/v1/staff/bo/hand-over", json=body).status_code == 403
    assert anna.post("/v1/staff/anna/hand-over", json=body).json() == {"tickets": {"bo": 1}, "customers": {}}
    assert boss.post("/v1/staff/bo/hand-over", json={"to": None, "note": "x"}).status_code == 409
    left = boss.post("/v1/staff/bo/leave", json={"to": "anna", "note": "Retired."}).json()
    assert (left["tickets"], left["customers"], left["visits"]) == ({"anna": 2}, {"anna": 1}, 1)
    assert anna.post("/v1/staff/anna/leave", json={"to": "boss", "note": "x"}).status_code == 403
    assert boss.post("/v1/staff/bo/leave", json={"to": "anna", "note": "x"}).status_code == 409
    assert len(anna.get("/v1/customers").json()["items"]) == 2
    gone = boss.get("/v1/staff", params={"active": False}).json()["items"]
    assert [person["login"] for person in gone] == ["bo"]
    steps = conn.execute("select staff_id, step from outbox where kind = 'hand_over' order by id").fetchall()
    assert steps == [(town.bo.staff_id, "hand_over"), (town.anna.staff_id, "hand_over")]


def test_the_roster_is_operations_to_write_and_everybody_s_to_read(
    anna: TestClient, boss: TestClient
) -> None:
    shifts = {"shifts": [{"login": "anna", "starts_at": "2026-11-22", "ends_at": "2026-11-23"}]}
    assert anna.post("/v1/duty", json=shifts).status_code == 403
    (made,) = boss.post("/v1/duty", json=shifts).json()["items"]
    assert (made["login"], made["starts_at"]) == ("anna", "2026-11-21T16:00:00Z")
    assert boss.post("/v1/duty", json=shifts).status_code == 409
    assert [shift["id"] for shift in anna.get("/v1/duty").json()["items"]] == [made["id"]]
    assert anna.delete(f"/v1/duty/{made['id']}").status_code == 403
    assert boss.delete(f"/v1/duty/{made['id']}").status_code == 200
    assert anna.get("/v1/duty?from=2026-01-01").json()["items"] == []


def test_regions_are_a_tree(anna: TestClient, boss: TestClient) -> None:
    assert anna.put("/v1/regions/n", json={"name": "N"}).status_code == 403
    boss.put("/v1/regions/n", json={"name": "N"})
    listed = boss.put("/v1/regions/s", json={"name": "S", "parent": "n"}).json()["items"]
    assert [(region["code"], region["parent"]) for region in listed] == [("n", None), ("s", "n")]
    assert boss.put("/v1/regions/n", json={"name": "N", "parent": "s"}).status_code == 409
    assert boss.put("/v1/regions/n", json={"name": "N", "parent": "x"}).status_code == 404


def test_a_crew_is_sent_and_its_people_see_the_ticket(
    anna: TestClient, boss: TestClient, ask: Ask, town: Town, conn: Connection
) -> None:
    factories.staff(conn, "cleo")
    path = f"/v1/tickets/{town.anna.ticket_id}"
    assert anna.post(f"{path}/dispatch").status_code == 409
    crew: dict[str, Any] = {"name": "North", "lead": "bo", "members": ["cleo"], "x": 3.0, "y": 4.0}
    assert anna.put("/v1/crews/n1", json=crew).status_code == 403
    assert boss.put("/v1/crews/n1", json=crew).json()["members"] == ["bo", "cleo"]
    assert boss.put("/v1/crews/n1", json=crew | {"members": []}).json()["members"] == ["bo"]
    boss.put("/v1/crews/n1", json=crew)
    conn.execute("update service_point set x = 0, y = 0")
    (best,) = anna.get(f"{path}/crews").json()["items"]
    assert (best["code"], best["metres"]) == ("n1", 5)
    cleo = ask(login="cleo")
    assert cleo.get(path).status_code == 404
    sent = anna.post(f"{path}/dispatch", json={"version": 1}).json()
    assert (sent["crew"]["code"], sent["version"]) == ("n1", 2)
    assert cleo.get(path).status_code == 200
    assert cleo.get("/v1/customers/A1").status_code == 200
    assert boss.get("/v1/crews/n1").json()["open_tickets"] == 1
    assert anna.post(f"/v1/tickets/{town.bo.ticket_id}/dispatch").status_code == 404
    assert boss.get("/v1/crews/x").status_code == 404
    assert [c["code"] for c in anna.get("/v1/crews").json()["items"]] == ["n1"]
    conn.execute("update ticket set state = 'resolved' where id = %s", [town.anna.ticket_id])
    assert cleo.get("/v1/customers/A1").status_code == 404


@pytest.fixture
def chief(ask: Ask, town: Town, conn: Connection) -> TestClient:
    """A client of the only administrator."""
    factories.staff(conn, "chief", roles=["admin"])
    return ask(login="chief")


def test_an_administrator_takes_people_in_and_changes_who_they_are(
    chief: TestClient, anna: TestClient, boss: TestClient
) -> None:
    new = {"login": "wu.fang", "name": "吴芳", "email": "wu@utility.example", "superior": "anna"}
    for client in (anna, boss):
        assert client.post("/v1/staff", json=new).status_code == 403
        assert client.patch("/v1/staff/anna", json={"roles": ["admin"]}).status_code == 403
    made = chief.post("/v1/staff", json=new).json()
    assert (made["name"], made["roles"], made["superior"], made["language"]) == (
        "吴芳",
        ["manager"],
        "anna",
        "zh",
    )
    assert chief.post("/v1/staff", json=new).status_code == 409
    for wrong, status in [
        ({"login": "a b"}, 422),
        ({"login": "x", "email": "nowhere"}, 422),
        ({"login": "x", "name": " "}, 422),
        ({"login": "x", "roles": ["king"]}, 422),
        ({"login": "x", "superior": "ghost"}, 422),
        ({"login": "x", "region": "ghost"}, 422),
    ]:
        assert chief.post("/v1/staff", json=new | wrong).status_code == status, wrong
    assert chief.patch("/v1/staff/wu.fang", json={"name": " "}).status_code == 422
    changed = chief.patch("/v1/staff/wu.fang", json={"roles": ["operations"], "email": None}).json()
    assert (changed["roles"], changed["email"], changed["name"]) == (["operations"], None, "吴芳")
    assert chief.patch("/v1/staff/wu.fang", json={"email": "nowhere"}).status_code == 422


def test_an_administrator_makes_a_link_for_a_password_that_is_kept_nowhere(
    chief: TestClient, anna: TestClient, boss: TestClient, app: FastAPI, clock: SetClock, conn: Connection
) -> None:
    place = "/v1/staff/bo/password-link"
    for client in (anna, boss):
        assert client.post(place).status_code == 403
    assert chief.post("/v1/staff/ghost/password-link").status_code == 404
    conn.execute("update staff set email = null where login = 'bo'")
    void = chief.post(place).json()
    conn.execute("update staff set email = 'bo@utility.example' where login = 'bo'")
    first, again = (chief.post(place, headers={"Idempotency-Key": "once"}) for _ in range(2))
    made: dict[str, Any] = first.json()
    assert (void["mailed_to"], made["mailed_to"]) == (None, "bo@utility.example")
    assert made["until"] == "2026-11-22T09:00:00Z"
    assert again.json() == made | {"url": None}
    start, _, token = made["url"].rpartition("/")
    assert start.endswith("/password")
    app.state.trail.flush()
    kept = conn.execute("select convert_from(body, 'UTF8') from idempotency").fetchall()
    noted = conn.execute("select to_json(a)::text from audit a where route like '%password-link'").fetchall()
    assert len(noted) == 6
    assert token not in str(kept) + str(noted)
    with pytest.raises(NotFoundError):
        invitations.whose(conn, void["url"].rpartition("/")[2], at=clock.now())
    assert invitations.whose(conn, token, at=clock.now()).login == "bo"
    app.state.settings = load(oidc_issuer="https://login.example/", local_accounts=False)
    refused = chief.post(place)
    assert (refused.status_code, refused.json()["cure"]) == (403, "The provider keeps them.")


def test_the_last_administrator_stays(chief: TestClient, ask: Ask, conn: Connection, town: Town) -> None:
    fewer = {"roles": ["operations"]}
    refused = chief.patch("/v1/staff/chief", json=fewer)
    assert (refused.status_code, refused.json()["cure"]) == (409, "Make somebody else admin first.")
    assert ask().post("/v1/staff/chief/leave", json={"to": "anna", "note": "x"}).status_code == 409
    assert chief.get("/v1/staff/chief").json()["active"] is True
    assert chief.patch("/v1/staff/bo", json={"roles": ["admin"]}).status_code == 200
    assert chief.patch("/v1/staff/chief", json=fewer).json()["roles"] == ["operations"]


def test_the_database_itself_lets_nobody_make_themselves_administrator(
    pool: Pool, anna: TestClient, town: Town
) -> None:
    with pool.connection() as asked:
        asked.execute("select set_config('headwater.sees', 'own', true)")
        asked.execute("select set_config('headwater.staff', %s, true)", [str(town.anna.staff_id)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="for administrators"):
            asked.execute("update staff set roles = '{admin}' where login = 'anna'")
        asked.rollback()
