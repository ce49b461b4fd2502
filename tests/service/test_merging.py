"""Duplicates become one ticket and can be parted again; what comes later goes to the one that goes on."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BadDataError, ConflictError, HeadwaterError, NotFoundError
from service import findings, handling, merging, tickets
from service.cases import Case, open_case
from service.findings import Desk, Turn
from service.tickets import Act, Actor
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW

LI = Actor("li")
BY_LI = Act(LI, NOW, "the same leak")


@pytest.fixture
def town(conn: Connection) -> samples.Town:
    return samples.town(conn)


def of_event(conn: Connection, desk_conn: Connection, detector: str, **values: object) -> tuple[int, int]:
    """A ticket that an event opened, and the event."""
    event_id = samples.event(conn, detector, **values)
    ticket_id = findings.take(desk_conn, Turn(event_id, event_id, "opened"), Desk(), at=NOW)
    assert ticket_id is not None
    return ticket_id, event_id


def case(desk_conn: Connection, topic: str = "bill", account_no: str | None = "A-1001") -> int:
    return open_case(desk_conn, Case("hotline", topic, topic, account_no=account_no), actor=LI, at=NOW)


def state(conn: Connection, ticket_id: int) -> tuple[str, int | None]:
    row = conn.execute("select state, merged_into from ticket where id = %s", [ticket_id]).fetchone()
    assert row is not None
    return row[0], row[1]


def test_what_comes_later_about_a_merged_ticket_goes_to_the_one_that_goes_on(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    leak, event_id = of_event(conn, desk_conn, "continuous_flow")
    bill = case(desk_conn)
    assert merging.merge(desk_conn, leak, bill, BY_LI).id == bill
    assert state(conn, leak) == ("merged", bill)
    turn = samples.turn(conn, event_id, "updated", severity="critical")
    assert findings.take(desk_conn, Turn(turn, event_id, "updated"), Desk(), at=NOW) == bill
    assert conn.execute("select priority from ticket where id = %s", [bill]).fetchone() == ("urgent",)
    told = conn.execute("select step, ticket_id from outbox where step = 'worse'").fetchall()
    assert told == [("worse", bill)]
    own = conn.execute("select count(*) from ticket_event where ticket_id = %s", [leak]).fetchone()
    assert own == (1,)  # what was on the duplicate stays readable there


def test_a_merger_is_undone_and_the_ticket_is_as_it_was(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    leak, event_id = of_event(conn, desk_conn, "continuous_flow")
    bill = case(desk_conn)
    tickets.acknowledge(desk_conn, leak, actor=LI, at=NOW)
    merging.merge(desk_conn, leak, bill, BY_LI)
    merging.unmerge(desk_conn, leak, Act(LI, NOW, "no, two matters"))
    assert state(conn, leak) == ("acknowledged", None)
    assert tickets.ticket_of_event(desk_conn, event_id) == leak
    kinds = "select kind from ticket_entry where ticket_id = %s and kind like '%%merge%%' order by id"
    assert conn.execute(kinds, [leak]).fetchall() == [("merge",), ("unmerge",)]
    assert conn.execute(kinds, [bill]).fetchall() == [("merged_in",), ("unmerged",)]
    with pytest.raises(ConflictError, match="is not merged"):
        merging.unmerge(desk_conn, leak, BY_LI)


def test_the_survivor_takes_the_nearer_deadlines_and_the_higher_priority(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    burst, _ = of_event(conn, desk_conn, "burst")
    bill = case(desk_conn)
    due = "select priority, urgent, response_due from ticket where id = %s"
    wanted = conn.execute(due, [burst]).fetchone()
    merging.merge(desk_conn, burst, bill, BY_LI)
    assert conn.execute(due, [bill]).fetchone() == wanted
    assert wanted is not None
    assert wanted[:2] == ("urgent", True)


def test_two_customers_are_merged_only_when_that_is_said(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    factories.customer(conn, "A-2", dma_id=town.dma_id)
    ours, theirs = case(desk_conn), case(desk_conn, account_no="A-2")
    with pytest.raises(BadDataError, match=r"A-1001.*A-2"):
        merging.merge(desk_conn, ours, theirs, BY_LI)
    merging.merge(desk_conn, ours, theirs, BY_LI, across_customers=True)
    assert state(conn, ours) == ("merged", theirs)


def test_a_finished_or_merged_ticket_takes_nothing_in(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    first, second, third = case(desk_conn), case(desk_conn, "meter"), case(desk_conn, "quality")
    merging.merge(desk_conn, first, second, BY_LI)
    with pytest.raises(ConflictError, match=f"{first} is merged into {second}"):
        merging.merge(desk_conn, third, first, BY_LI)
    tickets.resolve(desk_conn, third, actor=LI, at=NOW, cause="x")
    with pytest.raises(ConflictError) as refused:
        merging.merge(desk_conn, second, third, BY_LI)
    assert refused.value.more["allowed"] == ["confirm", "reopen", "undo"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(["merge", "unmerge"]), st.integers(0, 3), st.integers(0, 3)), max_size=10
    )
)
def test_whatever_is_merged_and_parted_every_ticket_has_one_survivor_that_is_open(
    deeds: list[tuple[str, int, int]], conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    with desk_conn.transaction(force_rollback=True):
        ids = [case(desk_conn, topic) for topic in ("bill", "quality", "service", "other")]
        for deed, a, b in deeds:
            try:
                with desk_conn.transaction():
                    if deed == "merge":
                        merging.merge(desk_conn, ids[a], ids[b], BY_LI)
                    else:
                        merging.unmerge(desk_conn, ids[a], BY_LI)
            except HeadwaterError:
                continue
        found = desk_conn.execute(
            "select t.id, (select s.state from ticket s where s.id = ticket_survivor(t.id)),"
            " array(select ticket_family(ticket_survivor(t.id))) from ticket t where t.id = any (%s)",
            [ids],
        ).fetchall()
        assert len(found) == len(ids)
        for id_, survivor_state, family in found:
            assert survivor_state == "open"
            assert id_ in family
            assert len(set(family)) == len(family)


def test_related_tickets_say_so_on_both_and_it_can_be_taken_back(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    factories.customer(conn, "A-2", dma_id=town.dma_id)
    a, b = case(desk_conn), case(desk_conn, account_no="A-2")
    merging.relate(desk_conn, a, b, Act(LI, NOW, "same main"))
    both = "select ticket_id, related_id, why from ticket_relation order by ticket_id"
    assert conn.execute(both).fetchall() == [(a, b, "same main"), (b, a, "same main")]
    with pytest.raises(ConflictError, match="related already"):
        merging.relate(desk_conn, b, a, BY_LI)
    merging.unrelate(desk_conn, b, a, Act(LI, NOW, "another main"))
    assert conn.execute(both).fetchall() == []
    with pytest.raises(NotFoundError, match="not related"):
        merging.unrelate(desk_conn, a, b, BY_LI)
    told = conn.execute(
        "select ticket_id, kind, why from ticket_entry where kind like '%related' order by id"
    ).fetchall()
    assert told == [
        (a, "related", "same main"),
        (b, "related", "same main"),
        (b, "unrelated", "another main"),
        (a, "unrelated", "another main"),
    ]


def test_a_waiting_duplicate_stops_waiting(
    conn: Connection, desk_conn: Connection, town: samples.Town
) -> None:
    a, b = case(desk_conn), case(desk_conn, "quality")
    handling.pause(desk_conn, a, Act(LI, NOW, "for the key"))
    merging.merge(desk_conn, a, b, Act(LI, NOW + timedelta(hours=1), "same"))
    assert conn.execute("select ended_at is not null from ticket_pause").fetchall() == [(True,)]
    merging.unmerge(desk_conn, a, Act(LI, NOW + timedelta(hours=2), "not the same"))
    assert conn.execute(
        "select waiting_since, look_at is null from ticket where id = %s", [a]
    ).fetchone() == (
        None,
        False,
    )
