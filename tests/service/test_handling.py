"""What staff do beside the steps: remarks, another priority, waiting, and taking a step back."""

from datetime import timedelta

import pytest

from core.errors import BadDataError, ConflictError
from service import handling, opening, tickets
from service.tickets import Act, Actor
from sql.pool import Connection
from tests import samples
from tests.samples import NOW

LI, WANG = Actor("li"), Actor("wang")


@pytest.fixture
def ticket_id(conn: Connection, desk_conn: Connection) -> int:
    samples.town(conn)
    return opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id


def columns(conn: Connection, ticket_id: int, names: str) -> object:
    return conn.execute(f"select {names} from ticket where id = %s", [ticket_id]).fetchone()  # noqa: S608


@pytest.mark.parametrize(
    ("steps", "before", "kept"),
    [
        (["acknowledge"], "open", (False, False, False, False)),
        (["respond"], "open", (False, False, False, False)),
        (["acknowledge", "respond"], "acknowledged", (True, False, False, False)),
        (["respond", "resolve"], "responded", (True, True, False, False)),
        (["resolve", "confirm"], "resolved", (False, False, True, False)),
        (["resolve", "reopen", "resolve"], "reopened", (False, False, False, False)),
    ],
)
def test_a_step_taken_back_leaves_no_trace_but_its_entries(
    ticket_id: int,
    conn: Connection,
    desk_conn: Connection,
    steps: list[str],
    before: str,
    kept: tuple[bool, ...],
) -> None:
    due = "response_due, resolution_due"
    for step in steps:
        getattr(tickets, step)(desk_conn, ticket_id, actor=LI, at=NOW)
    deadlines = columns(conn, ticket_id, due)
    assert handling.undo(desk_conn, ticket_id, Act(WANG, NOW, "by mistake")).state == before
    names = ("acknowledged_at", "responded_at", "resolved_at", "confirmed_at")
    times = ", ".join(f"{name} is not null" for name in names)
    assert columns(conn, ticket_id, times) == kept
    assert columns(conn, ticket_id, due) == deadlines
    last = conn.execute("select actor, kind, to_state, why from ticket_entry order by id desc").fetchone()
    assert last == ("wang", "undo", before, "by mistake")


def test_steps_are_taken_back_one_by_one_down_to_where_they_began(
    ticket_id: int, desk_conn: Connection
) -> None:
    for step in ("acknowledge", "respond", "resolve", "reopen", "acknowledge", "resolve", "confirm"):
        getattr(tickets, step)(desk_conn, ticket_id, actor=LI, at=NOW)
    states = []
    while "undo" in tickets.lock(desk_conn, ticket_id).allowed():
        states.append(handling.undo(desk_conn, ticket_id, Act(LI, NOW, "x")).state)
    assert states == ["resolved", "acknowledged", "reopened"]
    with pytest.raises(ConflictError, match="no step to be taken back"):
        handling.undo(desk_conn, ticket_id, Act(LI, NOW, "x"))


def test_a_higher_priority_brings_deadlines_nearer_and_a_lower_one_puts_them_off(
    ticket_id: int, conn: Connection, desk_conn: Connection
) -> None:
    due = "select response_due, resolution_due from ticket"
    ((first, _),) = conn.execute(due).fetchall()
    handling.set_priority(desk_conn, ticket_id, "urgent", Act(LI, NOW, "a kindergarten"))
    assert conn.execute(due).fetchall() == [(NOW + timedelta(hours=24), NOW + timedelta(hours=48))]
    assert columns(conn, ticket_id, "urgent, sla, queue") == (True, "green_channel", 0)
    handling.set_priority(desk_conn, ticket_id, "normal", Act(LI, NOW, "it is closed"))
    assert conn.execute("select response_due from ticket").fetchall() == [(first,)]
    entry = conn.execute("select kind, why, detail from ticket_entry order by id desc").fetchone()
    assert entry == ("priority", "it is closed", {"from": "urgent", "to": "normal"})
    with pytest.raises(BadDataError, match="normal already"):
        handling.set_priority(desk_conn, ticket_id, "normal", Act(LI, NOW, "x"))


def test_waiting_moves_a_ticket_to_the_end_of_the_inbox_and_back(
    ticket_id: int, conn: Connection, desk_conn: Connection
) -> None:
    handling.pause(desk_conn, ticket_id, Act(LI, NOW, "for the key"))
    assert columns(conn, ticket_id, "queue") == (2,)
    with pytest.raises(ConflictError) as refused:
        handling.pause(desk_conn, ticket_id, Act(WANG, NOW, "for the key"))
    assert "resume" in refused.value.more["allowed"]
    handling.resume(desk_conn, ticket_id, Act(WANG, NOW + timedelta(hours=5)))
    assert columns(conn, ticket_id, "queue") == (1,)
    with pytest.raises(ConflictError):
        handling.resume(desk_conn, ticket_id, Act(WANG, NOW))


def test_who_saw_an_older_version_is_told_who_was_quicker(ticket_id: int, desk_conn: Connection) -> None:
    tickets.acknowledge(desk_conn, ticket_id, actor=LI, at=NOW, why="mine", version=1)
    with pytest.raises(ConflictError) as refused:  # the state allows it, but wang has not seen that
        tickets.respond(desk_conn, ticket_id, actor=WANG, at=NOW, why="told them", version=1)
    assert refused.value.more["changed"] == {
        "by": "li",
        "at": NOW,
        "kind": "acknowledge",
        "why": "mine",
        "version": 2,
    }
    assert "respond" in refused.value.more["allowed"]
    assert tickets.respond(desk_conn, ticket_id, actor=WANG, at=NOW, version=2).state == "responded"


def test_a_remark_is_on_record_whatever_the_state(
    ticket_id: int, conn: Connection, desk_conn: Connection
) -> None:
    tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW, cause="seal")
    handling.remark(desk_conn, ticket_id, Act(WANG, NOW, "key is back"))
    last = conn.execute("select actor, kind, why from ticket_entry order by id desc").fetchone()
    assert last == ("wang", "note", "key is back")


def test_a_cause_is_of_the_list(ticket_id: int, conn: Connection, desk_conn: Connection) -> None:
    with pytest.raises(BadDataError, match="no_such"):
        tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW, cause_code="no_such")
    conn.execute("update cause_code set active = false where code = 'no_fault'")
    with pytest.raises(BadDataError, match="no_fault"):
        tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW, cause_code="no_fault")
    tickets.resolve(desk_conn, ticket_id, actor=LI, at=NOW, cause_code="toilet_leak", cause="worn seal")
    assert columns(conn, ticket_id, "cause_code, cause") == ("toilet_leak", "worn seal")
