"""What changes comes to whoever may see it, once and in order, whatever happens on the way."""

from collections.abc import Iterator
from itertools import islice

import httpx2
import pytest

from api import keys
from api.serve import CONNECTIONS
from core.clock import SetClock
from core.settings import load
from jobs.stack import StackUrls
from service import changes
from sql.pool import Connection, connect
from tests.api.conftest import NOW, Ask
from tests.api.serving import Served, messages, serving, streaming
from tests.api.town import Town, build
from tests.databases import fresh_database
from tests.factories import insert
from tests.waiting import until


@pytest.fixture(scope="module")
def life(stack: StackUrls, template_database: str) -> Iterator[tuple[str, Connection, Town, Served]]:
    """A town and a server for all tests of this file; each hears of what comes after its beginning."""
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "owner", autocommit=True) as conn,
    ):
        town = build(conn, NOW)
        changes.order(conn)  # the town is old news
        with serving(url, conn, load(api_heartbeat_s=0.2, api_streams=30), SetClock(NOW)) as served:
            yield url, conn, town, served


@pytest.fixture
def database_url(life: tuple[str, Connection, Town, Served]) -> str:
    return life[0]


@pytest.fixture
def conn(life: tuple[str, Connection, Town, Served]) -> Connection:
    return life[1]


@pytest.fixture
def town(life: tuple[str, Connection, Town, Served]) -> Town:
    return life[2]


@pytest.fixture
def served(life: tuple[str, Connection, Town, Served]) -> Served:
    return life[3]


def entry(conn: Connection, ticket_id: int, why: str = "x") -> None:
    given = {"at": NOW, "actor": "test", "kind": "noted", "why": why}
    insert(conn, "ticket_entry", ticket_id=ticket_id, **given)


def mine(conn: Connection, served: Served, login: str) -> httpx2.Client:
    """A client of one member of staff."""
    conn.execute("update staff set active = true, roles = '{manager}' where login = %s", [login])
    key = keys.create(conn, login, list(keys.SCOPES), NOW, login=login)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=served.client.base_url, headers=headers, timeout=20)


def test_tickets_events_outages_and_failures_are_told_as_they_come(
    served: Served, town: Town, conn: Connection
) -> None:
    with streaming(served.client, **{"Accept-Encoding": "gzip"}) as told:
        assert next(told).type == "ready"
        served.client.post(f"/v1/tickets/{town.anna.ticket_id}/acknowledge").raise_for_status()
        acknowledged = next(told)
        assert acknowledged.type == acknowledged.data["type"] == "ticket.acknowledge"
        assert acknowledged.id == acknowledged.data["sequence"]
        assert (acknowledged.data["from_state"], acknowledged.data["to_state"]) == ("open", "acknowledged")
        assert acknowledged.data["actor"] == "key:test"
        assert acknowledged.data["ticket"]["id"] == town.anna.ticket_id
        assert acknowledged.data["ticket"]["assignee"] == "anna"
        insert(conn, "event_entry", event_id=town.bo.event_id, kind="cleared")
        cleared = next(told)
        assert (cleared.type, cleared.data["event"]["subject"]) == ("event.cleared", "M-B")
        times = {"starts_at": NOW, "expected_end": "2026-11-22"}
        outage = insert(conn, "outage", "id", code="O-1", kind="planned", reason="valve", **times)
        insert(conn, "outage_entry", outage_id=outage, at=NOW, actor="test", kind="announced")
        assert next(told).data["outage"]["code"] == "O-1"
        conn.execute("update outbox set state = 'dead', last_error = '550 no' where dedupe_key = 'anna'")
        failed = next(told)
        assert (failed.type, failed.data["why"]) == ("message.dead", "550 no")
        insert(conn, "job_run", job="retention", due_at=NOW, worker="w")
        conn.execute("update job_run set ok = false, detail = 'disk full'")
        failed = next(told)
        assert (failed.type, failed.data["job"]) == ("job.failed", {"job": "retention"})


def test_who_resumes_by_id_misses_nothing_and_hears_nothing_twice(
    served: Served, town: Town, conn: Connection
) -> None:
    with streaming(served.client) as told:
        start = next(told).id
        for why in "abc":
            entry(conn, town.anna.ticket_id, why)
        heard = list(islice(told, 2))
    for why in "def":
        entry(conn, town.bo.ticket_id, why)
    for again in ({"Last-Event-ID": str(heard[-1].id)}, {}):
        query = "?after=1" if again else f"?after={heard[-1].id}"  # the header goes first
        with streaming(served.client, query, **again) as told:
            assert next(told).type == "ready"
            entry(conn, town.bo.ticket_id, "g")
            rest = list(islice(told, 5))
            assert [m.data["why"] for m in heard + rest][:7] == list("abcdefg")
            assert [m.id for m in heard + rest] == sorted({m.id for m in heard + rest})
    with streaming(served.client, f"?after={start}&topics=events") as told:
        assert next(told).data == {"topics": ["events"]}
        insert(conn, "event_entry", event_id=town.bo.event_id, kind="cleared")
        assert next(told).type == "event.cleared"


def test_what_commits_late_is_not_passed_over(
    served: Served, town: Town, conn: Connection, database_url: str
) -> None:
    with streaming(served.client) as told, connect(database_url, "owner") as slow:
        next(told)
        entry(slow, town.anna.ticket_id, "begun first")
        entry(conn, town.anna.ticket_id, "committed first")
        first = next(told)
        assert first.data["why"] == "committed first"
        slow.commit()
        second = next(told)
        assert second.data["why"] == "begun first"
    with streaming(served.client, **{"Last-Event-ID": str(first.id)}) as told:
        next(told)
        assert next(told) == second


def test_a_manager_hears_of_own_customers_only(served: Served, town: Town, conn: Connection) -> None:
    with mine(conn, served, "anna") as anna:
        with streaming(anna) as told:
            start = next(told).id
            for side in (town.bo, town.anna):
                insert(conn, "event_entry", event_id=side.event_id, kind="cleared")
                entry(conn, side.ticket_id, side.login)
                conn.execute("update outbox set state = 'sent' where ticket_id = %s", [side.ticket_id])
                conn.execute("update outbox set state = 'dead' where ticket_id = %s", [side.ticket_id])
            live = list(islice(told, 3))
        with streaming(anna, f"?after={start}") as told:
            next(told)
            assert list(islice(told, 3)) == live
            conn.execute(
                "update ticket set assignee_id = %s where id = %s", [town.anna.staff_id, town.bo.ticket_id]
            )
            entry(conn, town.bo.ticket_id, "in own hands now")
            assert next(told).data["why"] == "in own hands now"
    conn.execute("update ticket set assignee_id = %s where id = %s", [town.bo.staff_id, town.bo.ticket_id])
    by_type = {m.type: m.data for m in live}
    assert by_type["event.cleared"]["event"]["subject"] == "M-A"
    assert by_type["ticket.noted"]["ticket"]["id"] == town.anna.ticket_id
    assert by_type["message.dead"]["message"]["ticket_id"] == town.anna.ticket_id


@pytest.mark.parametrize(
    "ending",
    [
        "update api_key set revoked_at = now() where name = 'anna'",
        "update api_key set expires_at = '2000-01-01' where name = 'anna'",
        "update staff set active = false where login = 'anna'",
        "update staff set roles = '{admin}' where login = 'anna'",
    ],
)
def test_a_stream_ends_when_its_key_does_or_its_rights_change(
    served: Served, conn: Connection, town: Town, ending: str
) -> None:
    with mine(conn, served, "anna") as anna, streaming(anna) as told:
        next(told)
        conn.execute(ending)
        last = list(told)[-1]
        assert last.type == "closing"
        assert "key" in last.data["why"]


def test_a_reader_that_is_too_slow_is_told_so_and_resumes(
    served: Served, conn: Connection, town: Town
) -> None:
    def ordered() -> int:
        ((count,),) = conn.execute("select count(*) from change").fetchall()
        return int(count)

    with streaming(served.client) as told:  # and read nothing of it but the first message
        next(told)
        before = ordered()
        conn.execute(
            "insert into ticket_entry (ticket_id, at, actor, kind, why)"
            " select %s, now(), 'test', 'noted', repeat('water ', 3000) || n from generate_series(1, 1000) n",
            [town.anna.ticket_id],
        )
        until(lambda: ordered() == before + 1000)
        for n in range(1, 41):
            entry(conn, town.anna.ticket_id, str(n))
            until(lambda n=n: ordered() == before + 1000 + n)  # type: ignore[misc]
        *heard, last = told
    assert last.type == "dropped"
    assert "id" in last.data["why"]
    with streaming(served.client, **{"Last-Event-ID": str(last.id)}) as told:
        next(told)
        heard += islice(told, 1040 - len(heard))
    assert [m.id for m in heard] == sorted({m.id for m in heard})
    assert [m.data["why"] for m in heard][1000:] == [str(n) for n in range(1, 41)]


def test_streams_take_no_connection_each_and_no_more_are_let_in_than_may(
    served: Served, conn: Connection, town: Town
) -> None:
    open_ones = [streaming(served.client) for _ in range(30)]
    told = [stream.__enter__() for stream in open_ones]
    assert [next(one).type for one in told] == ["ready"] * 30
    refused = served.client.get("/v1/stream")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert "30 streams" in refused.json()["detail"]
    entry(conn, town.anna.ticket_id)
    assert {next(one).type for one in told} == {"ticket.noted"}
    query = (
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    assert conn.execute(query).fetchall()[0][0] <= CONNECTIONS + 1
    for stream in open_ones:
        stream.__exit__(None, None, None)

    def let_in() -> bool:
        with served.client.stream("GET", "/v1/stream") as another:
            return another.status_code == 200

    until(let_in, what="places are given back, once the server sees that they are left")


def test_nothing_is_missed_when_the_reader_loses_the_database(
    served: Served, conn: Connection, town: Town
) -> None:
    with streaming(served.client) as told:
        next(told)
        entry(conn, town.anna.ticket_id, "before")
        assert next(told).data["why"] == "before"
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        entry(conn, town.anna.ticket_id, "while away")
        assert next(told).data["why"] == "while away"


def test_a_position_that_is_gone_is_said_to_be(ask: Ask, conn: Connection, town: Town) -> None:
    for n in range(3):
        entry(conn, town.anna.ticket_id, str(n))
    unordered = "select id from ticket_entry except select entry_id from change where topic = 'tickets'"
    until(lambda: not conn.execute(unordered).fetchall())
    ((last,),) = conn.execute("select max(seq) from change").fetchall()
    conn.execute("delete from change where seq < %s", [last - 1])
    client = ask("stream:read", "tickets:read")

    def heard(after: int) -> list[str]:
        answer = client.get("/v1/stream", params={"after": after})
        return [message.type for message in messages(iter(answer.text.splitlines()))]

    assert heard(last - 2) == heard(last + 1) == ["reset", "ready"]
    assert heard(last - 1) == ["ready", "ticket.noted"]
    assert heard(0) == ["ready", "ticket.noted", "ticket.noted"]


def test_a_key_streams_what_it_may_read(ask: Ask, town: Town) -> None:
    client = ask("stream:read", "events:read", "jobs:read")
    answer = client.get("/v1/stream")
    (ready,) = messages(iter(answer.text.splitlines()))
    assert ready.data == {"topics": ["events", "jobs"]}
    refused = client.get("/v1/stream?topics=events&topics=tickets")
    assert refused.status_code == 403
    assert "tickets:read" in refused.json()["detail"]
    assert ask("stream:read").get("/v1/stream").status_code == 403
    assert client.get("/v1/stream", headers={"Last-Event-ID": "x"}).status_code == 422


def test_a_server_that_goes_down_says_so_and_ends_in_good_order(
    stack: StackUrls, template_database: str
) -> None:
    settings = load(api_heartbeat_s=30)
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "owner", autocommit=True) as conn,
        serving(url, conn, settings, SetClock(NOW)) as served,
        streaming(served.client) as told,
    ):
        position = next(told).id
        served.stopping.set()
        assert [(m.type, m.id) for m in told] == [("closing", position)]
