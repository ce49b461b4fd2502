"""A ticket's life, as a table of what is allowed and as a property of any sequence of steps."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConflictError, NotFoundError
from service import opening, tickets
from service.tickets import STEPS, Actor, Ticket
from sql.pool import Connection, connect
from tests import samples
from tests.samples import NOW
from tests.waiting import until

LI = Actor("li (Li Ming)", None)
DEEDS: dict[str, Callable[..., Ticket]] = {
    "acknowledge": tickets.acknowledge,
    "respond": tickets.respond,
    "resolve": tickets.resolve,
    "confirm": tickets.confirm,
    "reopen": tickets.reopen,
}
ALLOWED = {
    "open": {"acknowledge": "acknowledged", "respond": "responded", "resolve": "resolved"},
    "acknowledged": {"respond": "responded", "resolve": "resolved"},
    "responded": {"resolve": "resolved"},
    "resolved": {"confirm": "confirmed", "reopen": "reopened"},
    "confirmed": {"reopen": "reopened"},
    "reopened": {"acknowledge": "acknowledged", "respond": "responded", "resolve": "resolved"},
}


@pytest.fixture
def ticket_id(conn: Connection, desk_conn: Connection) -> int:
    samples.town(conn)
    return opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id


def history(conn: Connection, ticket_id: int) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select actor, kind, from_state, to_state, why from ticket_entry where ticket_id = %s order by id",
        (ticket_id,),
    ).fetchall()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(sorted(DEEDS)), max_size=12))
def test_any_sequence_of_steps_follows_the_table_and_leaves_an_unbroken_history(
    steps: list[str], ticket_id: int, desk_conn: Connection
) -> None:
    with desk_conn.transaction(force_rollback=True):
        state = "open"
        taken = []
        for number, step in enumerate(steps):
            at = NOW + timedelta(minutes=number)
            wanted = ALLOWED[state].get(step)
            if wanted is None:
                with pytest.raises(ConflictError):
                    DEEDS[step](desk_conn, ticket_id, actor=LI, at=at)
            else:
                assert DEEDS[step](desk_conn, ticket_id, actor=LI, at=at, why="so").state == wanted
                taken.append((LI.name, step, state, wanted, "so"))
                state = wanted
        assert history(desk_conn, ticket_id)[1:] == taken


def test_the_table_of_steps_is_the_one_written_here() -> None:
    table = {(step, state): to for step, (states, to) in STEPS.items() for state in states}
    assert table == {(step, state): to for state, steps in ALLOWED.items() for step, to in steps.items()}


def test_conflict_says_who_changed_it_since_when_and_what_is_allowed(
    ticket_id: int, desk_conn: Connection
) -> None:
    tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW, cause="cistern")
    with pytest.raises(ConflictError) as refusal:
        tickets.acknowledge(desk_conn, ticket_id, actor=Actor("wang"), at=NOW)
    assert str(refusal.value) == (
        f"Ticket {ticket_id} is resolved: it can't be acknowledged. Last change: resolve by li (Li Ming) at "
        "2026-11-21 01:30 UTC. Allowed now: confirm, reopen, undo."
    )
    assert refusal.value.more == {
        "allowed": ["confirm", "reopen", "undo"],
        "changed": {"by": "li (Li Ming)", "at": NOW, "kind": "resolve", "why": "", "version": 2},
    }


def test_unknown_ticket_is_not_found(desk_conn: Connection) -> None:
    with pytest.raises(NotFoundError, match="no ticket 404"):
        tickets.acknowledge(desk_conn, 404, actor=LI, at=NOW)


def test_of_two_who_acknowledge_at_once_one_wins_and_the_other_is_told(
    ticket_id: int, database_url: str, conn: Connection
) -> None:
    told: list[str] = []
    with connect(database_url, "notify") as first:
        tickets.acknowledge(first, ticket_id, actor=LI, at=NOW)

        def second() -> None:
            with connect(database_url, "notify") as other:
                try:
                    tickets.acknowledge(other, ticket_id, actor=Actor("wang"), at=NOW)
                except ConflictError as refusal:
                    told.append(str(refusal))

        thread = threading.Thread(target=second)
        thread.start()
        waiting = (
            "select count(*) from pg_stat_activity "
            "where datname = current_database() and wait_event_type = 'Lock'"
        )
        until(lambda: conn.execute(waiting).fetchall()[0][0], what="the second waits for the first")
        first.commit()
        thread.join()
    assert len(told) == 1
    assert "by li (Li Ming)" in told[0]


def test_reopening_restarts_the_deadlines_and_keeps_who_resolved_it(
    conn: Connection, ticket_id: int, desk_conn: Connection
) -> None:
    manager = conn.execute("select id from staff where login = 'wangli'").fetchall()[0][0]
    tickets.resolve(desk_conn, ticket_id, actor=Actor("wangli", manager), at=NOW + timedelta(days=1))
    later = NOW + timedelta(days=5)
    reopened = tickets.reopen(desk_conn, ticket_id, actor=LI, at=later, why="not satisfied")
    assert reopened.response_due == later + timedelta(days=3)
    assert reopened.resolution_due == later + timedelta(days=10)
    (kept,) = conn.execute("select resolved_by from ticket").fetchall()
    assert kept == (manager,)


def test_no_entry_is_ever_changed(conn: Connection, ticket_id: int) -> None:
    for statement in (
        "update ticket_entry set why = 'x'",
        "delete from ticket_entry",
        "truncate ticket_entry",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            conn.execute(statement)


def test_the_api_takes_every_step_with_its_own_rights(ticket_id: int, database_url: str) -> None:
    with connect(database_url, "api") as api:
        api.execute("select set_config('headwater.sees', 'all', true)")
        for step in ("acknowledge", "respond", "resolve", "confirm", "reopen", "resolve"):
            DEEDS[step](api, ticket_id, actor=LI, at=NOW)
        api.rollback()


def test_who_may_not_see_a_ticket_does_not_find_it(ticket_id: int, database_url: str) -> None:
    with connect(database_url, "api") as api, pytest.raises(NotFoundError):
        tickets.acknowledge(api, ticket_id, actor=LI, at=NOW)
