"""An event opens one ticket: its priority, its deadlines, and what happens beside an open one."""

import threading
from datetime import timedelta

import pytest

from service import opening, tickets
from service.priority import Standing, judge
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import samples
from tests.samples import NOW

LI = Actor("li")


def test_again_and_again_the_same_event_is_the_same_ticket(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    event_id = samples.event(conn)
    first = opening.open_from_event(desk_conn, event_id, at=NOW)
    again = opening.open_from_event(desk_conn, event_id, at=NOW + timedelta(hours=1))
    assert (first.how, again.how) == ("opened", "existing")
    assert first.ticket_id == again.ticket_id
    assert conn.execute("select count(*) from ticket").fetchall() == [(1,)]
    assert conn.execute("select count(*) from ticket_entry").fetchall() == [(1,)]


def test_eight_at_once_open_one_ticket(conn: Connection, database_url: str) -> None:
    samples.town(conn)
    event_id = samples.event(conn)
    found: list[int] = []

    def open_it() -> None:
        with connect(database_url, "notify") as own:
            found.append(opening.open_from_event(own, event_id, at=NOW).ticket_id)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("segment", ["large", "special", "vulnerable"])
def test_such_customers_are_always_urgent_24_and_48_hours_round_the_clock(
    conn: Connection, desk_conn: Connection, segment: str
) -> None:
    samples.town(conn, segment=segment)
    opening.open_from_event(desk_conn, samples.event(conn, severity="low"), at=NOW)
    row = conn.execute("select urgent, priority, sla, response_due, resolution_due from ticket").fetchall()
    assert row == [(True, "urgent", "green_channel", NOW + timedelta(hours=24), NOW + timedelta(hours=48))]


@pytest.mark.parametrize(
    ("severity", "priority", "days"),
    [("low", "low", (5, 20)), ("medium", "normal", (3, 10)), ("high", "high", (2, 5))],
)
def test_others_follow_the_policy_of_their_severity(
    conn: Connection, desk_conn: Connection, severity: str, priority: str, days: tuple[int, int]
) -> None:
    samples.town(conn)
    opening.open_from_event(desk_conn, samples.event(conn, severity=severity), at=NOW)
    row = conn.execute("select urgent, priority, response_due, resolution_due from ticket").fetchall()
    assert row == [(False, priority, NOW + timedelta(days=days[0]), NOW + timedelta(days=days[1]))]


def test_a_burst_is_urgent_for_anyone_and_says_why() -> None:
    general, large = Standing("general", urgent=False, lift=0), Standing("large", urgent=True, lift=0)
    assert judge(standing=general, severity="medium", detectors=["burst"]).reasons == ("detector_burst",)
    assert judge(standing=None, severity="critical", detectors=["low_pressure"]).reasons == (
        "severity_critical",
    )
    assert judge(standing=large, severity="critical", detectors=["burst"]).reasons == (
        "segment_large",
        "detector_burst",
        "severity_critical",
    )
    assert not judge(standing=general, severity="high", detectors=["continuous_flow"]).urgent


def test_what_follows_from_a_segment_is_what_its_rule_says(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn, segment="large", sector="commercial")
    event_id = samples.event(conn)
    assert opening.load_event(desk_conn, event_id).priority.reasons == ("segment_large",)
    conn.execute("update segment_rule set urgent = false, lift = 1 where segment = 'large'")
    lifted = opening.load_event(desk_conn, event_id).priority
    assert (lifted.level, lifted.reasons) == ("high", ("segment_large", "severity_medium"))
    conn.execute("update segment_rule set lift = 3 where segment = 'large'")
    assert opening.load_event(desk_conn, event_id).priority.level == "urgent"
    conn.execute("update customer set sector = 'residential', segment = 'general'")
    assert opening.load_event(desk_conn, event_id).priority.level == "normal"


def test_a_second_finding_of_the_kind_joins_the_open_ticket_and_lifts_it(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    first = opening.open_from_event(desk_conn, samples.event(conn), at=NOW)
    later = NOW + timedelta(hours=2)
    second = opening.open_from_event(desk_conn, samples.event(conn, "burst", epoch=1), at=later)
    assert (second.how, second.ticket_id) == ("joined", first.ticket_id)
    row = conn.execute("select priority, urgent, response_due from ticket").fetchall()
    assert row == [("urgent", True, later + timedelta(hours=24))]
    kinds = conn.execute("select kind from ticket_entry order by id").fetchall()
    assert kinds == [("opened",), ("event_joined",), ("priority",)]


def test_a_finding_of_another_kind_gets_a_ticket_of_its_own_related_both_ways(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    first = opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id
    second = opening.open_from_event(desk_conn, samples.event(conn, "off_shift"), at=NOW).ticket_id
    pairs = conn.execute("select ticket_id, related_id from ticket_relation order by 1").fetchall()
    assert pairs == [(first, second), (second, first)]


def test_after_the_ticket_is_resolved_a_new_finding_opens_a_new_one(
    conn: Connection, desk_conn: Connection
) -> None:
    samples.town(conn)
    first = opening.open_from_event(desk_conn, samples.event(conn), at=NOW)
    tickets.resolve(desk_conn, first.ticket_id, actor=LI, at=NOW)
    second = opening.open_from_event(desk_conn, samples.event(conn, epoch=1), at=NOW)
    assert second.how == "opened"


def test_findings_of_a_district_join_as_well(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    first = opening.open_from_event(desk_conn, samples.event(conn, "low_pressure"), at=NOW)
    second = opening.open_from_event(desk_conn, samples.event(conn, "low_pressure", epoch=1), at=NOW)
    assert (second.how, second.ticket_id) == ("joined", first.ticket_id)
