"""What each turn of an event does to its ticket, and what is told."""

from datetime import timedelta
from typing import Any

import pytest

from service import findings, tickets
from service.findings import Desk, Turn
from service.tickets import Actor
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW

NOWHERE = Desk()


class Office:
    """Takes turns as the notifier does."""

    def __init__(self, conn: Connection, desk_conn: Connection) -> None:
        self.conn = conn
        self.desk_conn = desk_conn

    def take_all(self, desk: Desk = NOWHERE) -> None:
        for row in self.conn.execute("select id, event_id, kind, why, detail from event_entry order by id"):
            with self.desk_conn.transaction():
                findings.take(self.desk_conn, Turn(*row), desk, at=NOW)

    def steps(self) -> list[str]:
        return [step for (step,) in self.conn.execute("select step from outbox order by id")]

    def kinds(self) -> list[str]:
        return [kind for (kind,) in self.conn.execute("select kind from ticket_entry order by id")]

    def ticket(self) -> Any:
        return self.conn.execute("select id, state from ticket").fetchall()[0]


@pytest.fixture
def office(conn: Connection, desk_conn: Connection) -> Office:
    samples.town(conn)
    return Office(conn, desk_conn)


def test_opened_is_told_once_however_often_the_history_is_read(office: Office) -> None:
    samples.event(office.conn)
    for _ in range(3):
        office.take_all()
    assert office.steps() == ["opened"]
    assert office.kinds() == ["opened"]


def test_the_flow_has_stopped(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    samples.turn(office.conn, event, "cleared", cleared_at=NOW)
    office.take_all()
    assert office.steps() == ["opened", "cleared"]
    assert office.kinds() == ["opened", "event_cleared"]
    assert office.ticket()[1] == "open"


def test_a_flow_that_stops_and_starts_all_day_is_told_once_a_day_each_way(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    for _ in range(3):
        samples.turn(office.conn, event, "cleared", cleared_at=NOW)
        office.take_all()
        samples.turn(office.conn, event, "reopened", cleared_at=None)
        office.take_all()
    assert office.steps() == ["opened", "cleared", "reopened"]
    samples.turn(office.conn, event, "cleared", cleared_at=NOW + timedelta(days=1))
    office.take_all()
    assert office.steps() == ["opened", "cleared", "reopened", "cleared"]


def test_more_of_it_is_noted_and_told_only_when_the_severity_rises(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    samples.turn(office.conn, event, "updated", magnitude=60.0)
    office.take_all()
    assert office.steps() == ["opened"]
    samples.turn(office.conn, event, "updated", severity="critical")
    office.take_all()
    samples.turn(office.conn, event, "updated", severity="critical", magnitude=90.0)
    office.take_all()
    assert office.steps() == ["opened", "worse"]
    assert office.kinds() == ["opened", "event_updated", "event_updated", "priority", "event_updated"]
    urgent = office.conn.execute("select urgent, response_due from ticket").fetchall()
    assert urgent == [(True, NOW + timedelta(hours=24))]


def test_amended_is_noted(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    samples.turn(office.conn, event, "amended", loss_m3=2.0)
    office.take_all()
    assert office.steps() == ["opened"]
    assert office.kinds() == ["opened", "event_amended"]


def test_retracted_closes_the_ticket_with_the_reason_and_says_so(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    samples.turn(office.conn, event, "retracted", retracted_at=NOW)
    office.take_all()
    assert office.ticket()[1] == "resolved"
    assert office.steps() == ["opened", "withdrawn"]
    last = office.conn.execute(
        "select actor, kind, why from ticket_entry order by id desc limit 1"
    ).fetchall()
    assert last == [("system", "resolve", "late readings removed the finding")]


def test_a_ticket_with_another_live_event_stays_open_when_one_is_retracted(office: Office) -> None:
    first = samples.event(office.conn)
    samples.event(office.conn, "burst", epoch=1)
    office.take_all()
    samples.turn(office.conn, first, "retracted", retracted_at=NOW)
    office.take_all()
    assert office.ticket()[1] == "open"
    assert office.steps() == ["opened", "joined"]


def test_an_event_that_was_retracted_before_anyone_looked_opens_nothing(office: Office) -> None:
    event = samples.event(office.conn)
    samples.turn(office.conn, event, "retracted", retracted_at=NOW)
    office.take_all()
    assert office.conn.execute("select count(*) from ticket").fetchall() == [(0,)]


def outage(conn: Connection) -> int:
    values: dict[str, Any] = {"code": "O-1", "kind": "planned", "reason": "works"}
    times = {"starts_at": NOW, "expected_end": NOW + timedelta(hours=4)}
    return int(factories.insert(conn, "outage", "id", **values, **times))


def test_what_an_outage_explains_opens_nothing_and_is_not_told(office: Office) -> None:
    samples.event(office.conn, "low_pressure", suppressed_by=outage(office.conn))
    office.take_all()
    assert office.conn.execute("select count(*) from ticket").fetchall() == [(0,)]
    assert office.steps() == []


def test_an_outage_that_is_entered_later_closes_the_untouched_ticket_silently(office: Office) -> None:
    event = samples.event(office.conn, "low_pressure")
    office.take_all()
    samples.turn(office.conn, event, "suppressed", suppressed_by=outage(office.conn))
    office.take_all()
    assert office.ticket()[1] == "resolved"
    assert office.steps() == ["opened"]


def test_an_event_that_outlasts_its_outage_reopens_the_ticket(office: Office) -> None:
    event = samples.event(office.conn, "low_pressure")
    office.take_all()
    samples.turn(office.conn, event, "suppressed", suppressed_by=outage(office.conn))
    office.take_all()
    samples.turn(office.conn, event, "opened", suppressed_by=None)
    office.take_all()
    assert office.ticket()[1] == "reopened"
    assert office.steps() == ["opened", "reopened"]


def test_when_the_outage_is_over_and_the_event_goes_on_the_ticket_comes_late_but_comes(
    office: Office,
) -> None:
    event = samples.event(office.conn, "low_pressure", suppressed_by=outage(office.conn))
    office.take_all()
    samples.turn(office.conn, event, "updated", suppressed_by=None)
    office.take_all()
    assert office.steps() == ["opened"]


def test_an_event_that_comes_back_reopens_the_resolved_ticket(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    samples.turn(office.conn, event, "cleared", cleared_at=NOW)
    office.take_all()
    ticket_id, _ = office.ticket()
    tickets.resolve(office.desk_conn, ticket_id, actor=Actor("wangli"), at=NOW)
    samples.turn(office.conn, event, "reopened", cleared_at=None)
    office.take_all()
    assert office.ticket() == (ticket_id, "reopened")
    assert office.steps() == ["opened", "cleared", "reopened"]


def test_a_notifier_that_was_away_does_not_tell_of_what_has_passed(office: Office) -> None:
    event = samples.event(office.conn)
    samples.turn(office.conn, event, "cleared", cleared_at=NOW)
    samples.turn(office.conn, event, "reopened", cleared_at=None)
    samples.turn(office.conn, event, "updated", severity="high")
    office.take_all()
    assert office.steps() == ["opened"]


def test_an_event_that_is_over_before_it_is_told_is_told_once_as_over(office: Office) -> None:
    event = samples.event(office.conn)
    samples.turn(office.conn, event, "cleared", cleared_at=NOW)
    office.take_all()
    assert office.steps() == ["opened"]
    over = office.conn.execute(
        "select message -> 'event' ->> 'cleared_at' is not null from outbox"
    ).fetchall()
    assert over == [(True,)]
    samples.turn(office.conn, event, "reopened", cleared_at=None)
    office.take_all()
    assert office.steps() == ["opened", "reopened"]


def test_staff_without_an_address_is_noted_and_the_duty_desk_is_written_to(office: Office) -> None:
    office.conn.execute("update staff set email = null where login = 'wangli'")
    samples.event(office.conn)
    office.take_all()
    rows = office.conn.execute("select recipient, state, last_error from outbox order by id").fetchall()
    assert rows == [
        ("nobody", "dead", "王丽 has no e-mail address"),
        ("desk@utility.example", "pending", None),
    ]
    assert office.kinds() == ["opened", "undeliverable"]


def test_nobody_to_write_to_is_seen_not_lost(office: Office) -> None:
    office.conn.execute("update staff set active = false")
    samples.event(office.conn)
    office.take_all()
    rows = office.conn.execute("select recipient, state, last_error from outbox").fetchall()
    assert rows == [("nobody", "dead", "the ticket has no assignee")]


def test_posts_go_to_the_utility_s_address_and_the_manager_s_own(office: Office) -> None:
    office.conn.execute("update staff set webhook_url = 'https://chat.example/wang' where login = 'wangli'")
    samples.event(office.conn)
    office.take_all(Desk(["https://hooks.example/all"]))
    rows = office.conn.execute("select channel, recipient from outbox order by id").fetchall()
    assert rows == [
        ("email", "wangli@utility.example"),
        ("webhook", "https://hooks.example/all"),
        ("webhook", "https://chat.example/wang"),
    ]


def verdict(office: Office, event: int, said: str) -> None:
    factories.insert(office.conn, "event_verdict", event_id=event, verdict=said, actor="li", at=NOW)
    samples.turn(office.conn, event, said)


def test_what_is_normal_is_told_no_more(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    verdict(office, event, "normal")
    office.take_all()
    assert office.ticket()[1] == "resolved"
    samples.turn(office.conn, event, "updated", severity="critical")
    samples.turn(office.conn, event, "cleared", cleared_at=NOW)
    office.take_all()
    assert office.steps() == ["opened"]


def test_verdict_taken_back_takes_the_ticket_up_again(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    verdict(office, event, "normal")
    office.take_all()
    office.conn.execute("update event_verdict set undone_at = %s, undone_by = 'li'", [NOW])
    samples.turn(office.conn, event, "undone")
    office.take_all()
    assert office.ticket()[1] == "reopened" and office.steps() == ["opened", "reopened"]


def test_confirmed_event_goes_on_as_it_was(office: Office) -> None:
    event = samples.event(office.conn)
    office.take_all()
    verdict(office, event, "confirmed")
    samples.turn(office.conn, event, "updated", severity="critical")
    office.take_all()
    assert office.kinds()[:3] == ["opened", "event_confirmed", "event_updated"]
    assert office.ticket()[1] == "open"
