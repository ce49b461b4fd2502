"""A deed with an Idempotency-Key is done once, whatever breaks."""

import threading
from datetime import timedelta

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from core.clock import SetClock
from core.settings import load
from jobs.job import Run
from jobs.schedule import housekeeping
from sql.pool import Connection, Pool, connect
from tests.api.conftest import Ask
from tests.api.test_problems import problem
from tests.api.town import Town
from tests.waiting import until

CASE = {"source": "hotline", "topic": "no_water", "subject": "No water", "account_no": "A1"}
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def tickets(conn: Connection) -> int:
    return int(conn.execute("select count(*) from ticket").fetchall()[0][0])


def test_the_first_answer_is_given_again_and_nothing_is_done_twice(
    anna: TestClient, conn: Connection
) -> None:
    before = tickets(conn)
    first = anna.post("/v1/tickets", json=CASE, headers=KEY)
    assert first.status_code == 200, first.text
    told = conn.execute("select count(*) from outbox").fetchall()
    bare = {"Idempotency-Key": KEY["Idempotency-Key"].strip('"')}
    for headers in (KEY, bare):
        again = anna.post("/v1/tickets", json=CASE, headers=headers)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers["content-type"] == first.headers["content-type"]
    assert "Idempotency-Replayed" not in first.headers
    assert tickets(conn) == before + 1
    assert conn.execute("select count(*) from outbox").fetchall() == told


def test_a_key_goes_with_one_request_and_one_caller(
    anna: TestClient, ask: Ask, town: Town, conn: Connection
) -> None:
    before = tickets(conn)
    first = anna.post("/v1/tickets", json=CASE, headers=KEY).json()
    for path, body in [
        ("/v1/tickets", CASE | {"text": "x"}),
        (f"/v1/tickets/{town.anna.ticket_id}/notes", {"why": "x"}),
    ]:
        found = problem(anna.post(path, json=body, headers=KEY), 422, "bad_data")
        assert found.errors[0].pointer == "#/Idempotency-Key"
    other = ask(login="anna").post("/v1/tickets", json=CASE | {"topic": "other"}, headers=KEY)
    assert other.json()["ticket"]["id"] != first["ticket"]["id"]
    assert tickets(conn) == before + 2


def test_what_was_refused_is_not_kept(anna: TestClient, town: Town, conn: Connection) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}/pause"
    conn.execute("update ticket set state = 'resolved' where id = %s", [town.anna.ticket_id])
    assert anna.post(path, json={"why": "x"}, headers=KEY).status_code == 409
    conn.execute("update ticket set state = 'open' where id = %s", [town.anna.ticket_id])
    assert anna.post(path, json={"why": "x"}, headers=KEY).status_code == 200


def test_a_deed_that_breaks_before_its_commit_leaves_neither_it_nor_its_answer(
    anna: TestClient, conn: Connection
) -> None:
    before = tickets(conn)
    conn.execute(
        "create function broken() returns trigger language plpgsql as"
        " $$ begin raise exception 'broken' using errcode = 'disk_full'; end $$"
    )
    conn.execute(
        "create constraint trigger broken after insert on idempotency deferrable initially deferred"
        " for each row execute function broken()"
    )
    assert anna.post("/v1/tickets", json=CASE, headers=KEY).status_code == 503
    assert tickets(conn) == before
    assert conn.execute("select count(*) from audit").fetchall() == [(0,)]
    conn.execute("drop trigger broken on idempotency")
    assert "Idempotency-Replayed" not in anna.post("/v1/tickets", json=CASE, headers=KEY).headers
    assert tickets(conn) == before + 1


CLAIMED = (  # in this database: other tests work on the same server
    "select 1 from pg_locks l join pg_database d on d.oid = l.database"
    " where l.locktype = 'advisory' and d.datname = current_database()"
)


def test_the_same_request_at_the_same_time_is_told_to_come_back(
    anna: TestClient, town: Town, conn: Connection, database_url: str
) -> None:
    path, answers = f"/v1/tickets/{town.anna.ticket_id}/acknowledge", []
    with connect(database_url, "owner") as holding:
        holding.execute("select 1 from ticket where id = %s for update", [town.anna.ticket_id])
        first = threading.Thread(target=lambda: answers.append(anna.post(path, headers=KEY)))
        first.start()
        until(lambda: conn.execute(CLAIMED).fetchall() != [])
        second = anna.post(path, headers=KEY)
        problem(second, 409, "conflict")
        assert int(second.headers["Retry-After"]) >= 1
        holding.rollback()
        first.join(20)
    assert answers[0].status_code == 200
    assert anna.post(path, headers=KEY).content == answers[0].content


def test_a_key_is_forgotten_after_a_day_and_its_answer_with_it(
    anna: TestClient, clock: SetClock, town: Town, conn: Connection
) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}/notes"

    def note(text: str) -> bool:
        answer = anna.post(path, json={"why": text}, headers=KEY)
        assert answer.status_code in {200, 422}
        return answer.status_code == 200

    assert note("one")
    clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert not note("two")
    clock.advance(timedelta(seconds=1))
    assert note("two")
    clock.advance(timedelta(hours=24))
    told = housekeeping(Run(conn, load(), clock.now(), clock.now()))
    assert "1 answers of deeds" in told
    assert conn.execute("select count(*) from idempotency").fetchall() == [(0,)]


def test_the_database_shows_a_kept_answer_to_its_caller_only(
    anna: TestClient, pool: Pool, conn: Connection
) -> None:
    anna.post("/v1/tickets", json=CASE, headers=KEY)
    ((caller,),) = conn.execute("select caller from idempotency").fetchall()
    with pool.connection() as asked:
        for who, seen in (("", 0), ("session:1", 0), (caller, 1)):
            asked.execute("select set_config('headwater.caller', %s, true)", [who])
            assert asked.execute("select count(*) from idempotency").fetchall() == [(seen,)]


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "\u6c34", "a\tb"])
def test_a_key_of_no_good_form_is_refused(standing: TestClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = standing.post("/v1/tickets/1/notes", json={"why": "x"}, headers=headers)
    assert problem(answer, 422, "bad_data").errors[0].pointer == "#/Idempotency-Key"


def test_every_post_and_patch_takes_one(app: FastAPI) -> None:
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            headers = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}
            changes = method in {"post", "patch"} and path != "/v1/series"  # a question too long for a URL
            assert ("Idempotency-Key" in headers) == changes, path
