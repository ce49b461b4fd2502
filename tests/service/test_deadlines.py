"""Policies, calendars on record, and a clock that stands still while a ticket waits for the customer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConflictError, NotFoundError, SettingsError
from service import calendars, cases, deadlines, opening, tickets
from service.cases import Case
from service.priority import Priority
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import factories, samples
from tests.samples import NOW

LI = Actor("li")
NORMAL, URGENT = Priority("normal", ()), Priority("urgent", ("segment_large",))


@pytest.fixture
def ticket_id(conn: Connection, desk_conn: Connection) -> int:
    samples.town(conn)
    return opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id


def on(conn: Connection, calendar: str, sla: str = "normal") -> None:
    conn.execute("update sla_policy set calendar = %s where code = %s", [calendar, sla])


def shanghai(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC) - timedelta(hours=8)  # type: ignore[arg-type,misc]


def test_the_shipped_calendars_follow_the_utility(conn: Connection) -> None:
    samples.town(conn)
    office = calendars.load(conn, "office")
    assert (office.zone.key, office.country) == ("Asia/Shanghai", "CN")
    assert office.due(shanghai(2026, 9, 30, 17), 3600) == shanghai(2026, 10, 8, 9)
    assert calendars.load(conn, "round_the_clock").due(NOW, 86_400) == NOW + timedelta(days=1)
    conn.execute("update calendar set closed_days = '{2026-10-08}', extra_days = '{2026-10-05}'")
    again = calendars.load(conn, "office")
    assert again.due(shanghai(2026, 9, 30, 17), 3600) == shanghai(2026, 10, 5, 9)
    assert again.due(shanghai(2026, 10, 7, 17), 3600) == shanghai(2026, 10, 9, 9, 30)


def test_a_calendar_that_can_not_work_says_so_with_the_cure(conn: Connection) -> None:
    samples.town(conn)
    with pytest.raises(SettingsError, match="no calendar 'nights'"):
        calendars.load(conn, "nights")
    for change, says in (
        ("hours = 'mo-fr nine to five'", "can't read.*Write for example"),
        ("hours = ''", "no working hours"),
        ("hours = 'mo 08:00-09:00', country = 'XX'", "No public holidays.*ISO 3166"),
    ):
        conn.execute(f"update calendar set {change} where code = 'office'")  # type: ignore[arg-type]  # noqa: S608
        with pytest.raises(SettingsError, match=says):
            calendars.load(conn, "office")


def test_a_utility_whose_holidays_nobody_knows_has_none(conn: Connection) -> None:
    samples.town(conn)
    conn.execute("update utility set country = 'XX'")
    assert calendars.load(conn, "office").due(shanghai(2026, 9, 30, 17), 3600) == shanghai(2026, 10, 1, 9)


def test_no_policy_names_a_calendar_that_is_not_there(conn: Connection) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        on(conn, "nights")


def test_the_green_channel_runs_round_the_clock_the_others_by_their_calendar(conn: Connection) -> None:
    samples.town(conn)
    for code in ("high", "normal", "low"):
        on(conn, "office", code)
    urgent = deadlines.by_priority(conn, URGENT, NOW)
    assert urgent.response_due == NOW + timedelta(hours=24)
    assert urgent.resolution_due == NOW + timedelta(hours=48)
    normal = deadlines.by_priority(conn, NORMAL, NOW)
    # from a Saturday on, 72 h make nine days of 7.5 h and 4.5 h more
    assert normal.response_due == shanghai(2026, 12, 4, 14, 30)
    office = calendars.load(conn, "office")
    assert office.worked(NOW, normal.response_due) == 259_200
    assert office.worked(NOW, normal.resolution_due) == 864_000


def test_the_policy_of_the_topic_goes_before_that_of_the_segment_and_both_before_the_common_one(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn, segment="large")
    fields = {"urgent": False, "priority": "normal", "resolution_s": 9000}
    for code, own in (
        ("large", {"segment": "large", "response_s": 100}),
        ("bills", {"topic": "bill", "response_s": 200}),
        ("large_bills", {"topic": "bill", "segment": "large", "response_s": 300}),
        ("special", {"segment": "special", "response_s": 400}),
    ):
        factories.insert(conn, "sla_policy", code=code, **fields, **own)

    def code(**what: Any) -> str:
        return deadlines.by_priority(conn, NORMAL, NOW, **what).sla

    assert code() == "normal"
    assert code(account_no="A-1001") == "large"
    assert code(topic="bill") == "bills"
    assert code(account_no="A-1001", topic="bill") == "large_bills"
    case = Case("hotline", "bill", "Bill too high", account_no="A-1001")
    ticket_id = cases.open_case(desk_conn, case, actor=LI, at=NOW)
    ticket = tickets.lock(desk_conn, ticket_id)
    assert (ticket.sla, ticket.response_due) == ("large_bills", NOW + timedelta(seconds=300))
    with pytest.raises(psycopg.errors.UniqueViolation):
        factories.insert(conn, "sla_policy", code="twice", **fields, segment="large", response_s=1)


calendar_codes = st.sampled_from(["office", "round_the_clock", "nights"])
spans = st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 900_000)), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calendar=calendar_codes, spans=spans)
def test_pauses_take_nothing_from_the_working_time_that_is_left(
    calendar: str, spans: list[tuple[int, int]], ticket_id: int, conn: Connection
) -> None:
    with conn.transaction(force_rollback=True):
        factories.insert(conn, "calendar", code="nights", hours="fr-su 22:00-06:00")
        on(conn, calendar)
        hours = calendars.load(conn, calendar)
        anew = deadlines.by_policy(conn, "normal", NOW)
        dues = [anew.response_due, anew.resolution_due]
        conn.execute("update ticket set response_due = %s, resolution_due = %s", dues)
        at, run = NOW, 0.0
        for running_s, waiting_s in spans:
            stopped = at + timedelta(seconds=running_s)
            before = tickets.lock(conn, ticket_id)
            waiting = deadlines.pause(conn, ticket_id, actor=LI, why="asked for the bill", at=stopped)
            assert waiting.waiting_since == stopped
            run += hours.worked(at, stopped)
            at = stopped + timedelta(seconds=waiting_s)
            after = deadlines.resume(conn, ticket_id, actor=LI, at=at)
            for old, new, promised_s in (
                (before.response_due, after.response_due, 259_200),
                (before.resolution_due, after.resolution_due, 864_000),
            ):
                if old <= stopped:
                    assert new == old  # it had passed before
                else:
                    assert hours.worked(at, new) == promised_s - run
        pauses = conn.execute("select count(*), count(ended_at) from ticket_pause").fetchall()
        assert pauses == [(len(spans), len(spans))]


def test_a_pause_is_on_record(ticket_id: int, desk_conn: Connection) -> None:
    later = NOW + timedelta(days=1)
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="customer sends photos", at=NOW)
    deadlines.resume(desk_conn, ticket_id, actor=Actor("wang"), why="photos came", at=later)
    assert desk_conn.execute(
        "select began_at, began_by, why, ended_at, ended_by from ticket_pause"
    ).fetchall() == [(NOW, "li", "customer sends photos", later, "wang")]
    assert desk_conn.execute(
        "select kind, actor, why, (detail ->> 'waited_s')::int from ticket_entry"
        " where kind in ('paused', 'resumed') order by id"
    ).fetchall() == [
        ("paused", "li", "customer sends photos", None),
        ("resumed", "wang", "photos came", 86_400),
    ]


def test_a_met_deadline_stays_where_it_was(ticket_id: int, desk_conn: Connection) -> None:
    answered = tickets.respond(desk_conn, ticket_id, actor=LI, at=NOW)
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=NOW)
    after = deadlines.resume(desk_conn, ticket_id, actor=LI, at=NOW + timedelta(days=2))
    assert after.response_due == answered.response_due
    assert after.resolution_due == answered.resolution_due + timedelta(days=2)


def test_a_clock_put_back_during_a_pause_moves_nothing(ticket_id: int, desk_conn: Connection) -> None:
    before = deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=NOW)
    after = deadlines.resume(desk_conn, ticket_id, actor=LI, at=NOW - timedelta(hours=1))
    assert (after.response_due, after.resolution_due) == (before.response_due, before.resolution_due)


def test_who_waits_twice_or_resumes_what_runs_is_told(ticket_id: int, desk_conn: Connection) -> None:
    with pytest.raises(ConflictError, match="doesn't wait for the customer"):
        deadlines.resume(desk_conn, ticket_id, actor=LI, at=NOW)
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=NOW)
    with pytest.raises(ConflictError, match=r"waiting since 2026-11-21 01:30 UTC\. Let it go on first\."):
        deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=NOW)
    with pytest.raises(NotFoundError):
        deadlines.pause(desk_conn, 404, actor=LI, why="x", at=NOW)


def test_what_is_resolved_waits_no_longer_and_starts_afresh_when_reopened(
    ticket_id: int, desk_conn: Connection
) -> None:
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=NOW)
    done = NOW + timedelta(hours=3)
    assert tickets.resolve(desk_conn, ticket_id, actor=LI, at=done).waiting_since is None
    assert desk_conn.execute("select ended_at, ended_by from ticket_pause").fetchall() == [(done, "li")]
    with pytest.raises(ConflictError, match="is resolved: it waits for nobody"):
        deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=done)
    again = tickets.reopen(desk_conn, ticket_id, actor=LI, at=done)
    assert again.response_due == done + timedelta(days=3)
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=done)


def test_a_ticket_that_becomes_urgent_while_it_waits_has_its_whole_time_when_it_goes_on(
    ticket_id: int, desk_conn: Connection
) -> None:
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=NOW)
    assert tickets.raise_priority(desk_conn, ticket_id, URGENT, at=NOW + timedelta(hours=5))
    on = NOW + timedelta(hours=9)
    after = deadlines.resume(desk_conn, ticket_id, actor=LI, at=on)
    assert after.response_due == on + timedelta(hours=24)
    assert after.resolution_due == on + timedelta(hours=48)


def test_a_nearly_spent_deadline_stays_when_the_priority_is_raised_during_a_pause(
    ticket_id: int, desk_conn: Connection
) -> None:
    stopped = NOW + timedelta(days=3, hours=-1)
    deadlines.pause(desk_conn, ticket_id, actor=LI, why="x", at=stopped)
    tickets.raise_priority(desk_conn, ticket_id, URGENT, at=stopped + timedelta(hours=5))
    on = stopped + timedelta(hours=9)
    after = deadlines.resume(desk_conn, ticket_id, actor=LI, at=on)
    assert after.response_due == on + timedelta(hours=1)
    assert after.resolution_due == on + timedelta(hours=48)


def test_the_api_pauses_and_resumes_with_its_own_rights(ticket_id: int, database_url: str) -> None:
    with connect(database_url, "api") as api:
        api.execute("select set_config('headwater.sees', 'all', true)")
        deadlines.pause(api, ticket_id, actor=LI, why="x", at=NOW)
        deadlines.resume(api, ticket_id, actor=LI, at=NOW + timedelta(hours=1))
        api.rollback()
    with connect(database_url, "api") as api, pytest.raises(NotFoundError):
        deadlines.pause(api, ticket_id, actor=LI, why="x", at=NOW)
