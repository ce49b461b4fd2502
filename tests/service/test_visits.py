"""A visit from the day it is due to what follows from it."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError
from service import agenda, visits
from service.agenda_words import WORDS, say
from service.tickets import Actor
from service.visits import FollowUp, Outcome
from sql.pool import Connection, connect
from tests import factories, samples
from tests.samples import NOW
from tests.waiting import until

LI = Actor("li")
TODAY = date(2026, 11, 21)


@pytest.fixture
def town(conn: Connection) -> samples.Town:
    made = samples.town(conn, segment="large", sector="industrial")
    conn.execute("select set_config('headwater.sees', 'all', false)")
    return made


@pytest.fixture
def visit_id(conn: Connection, town: samples.Town) -> int:
    return due(conn, TODAY, period="2026-11 +1")


def due(conn: Connection, day: date, **values: Any) -> int:
    given = {"account_no": "A-1001", "due_on": day, "planned_on": day} | values
    return int(factories.insert(conn, "visit", "id", **given))


def row(conn: Connection, visit_id: int, *columns: str) -> Any:
    found = conn.execute(f"select {', '.join(columns)} from visit where id = %s", (visit_id,)).fetchall()[0]  # noqa: S608
    return found[0] if len(columns) == 1 else found


def finish(conn: Connection, visit_id: int, outcome: Outcome | None = None, at: datetime = NOW) -> None:
    visits.finish(conn, visit_id, outcome or Outcome("looked round"), actor=LI, at=at)


def test_outcome_updates_the_profile_and_opens_a_ticket_and_the_questions_stay_for_the_next_visit(
    conn: Connection, town: samples.Town, visit_id: int
) -> None:
    finish(
        conn,
        visit_id,
        Outcome(
            discussed="New line from March.",
            learned={"phone": "+86 571 8800 9999", "shifts": "mo-fr 06:00-22:00", "household_size": None},
            questions=["Who reads the sub-meters?"],
            follow_up=FollowUp("Check the pit cover", "It rattles.", "high"),
        ),
    )
    assert row(conn, visit_id, "state", "done_by", "version") == ("done", "li", 2)
    phone, shifts, version = conn.execute("select phone, shifts, version from customer").fetchall()[0]
    assert (phone, shifts, version) == ("+86 571 8800 9999", "mo-fr 06:00-22:00", 2)
    ((why,),) = conn.execute("select why from customer_change").fetchall()
    assert why == f"learnt at visit {visit_id}"
    ((source, subject, assignee),) = conn.execute(
        "select source, subject, assignee_id from ticket"
    ).fetchall()
    assert (source, subject, assignee) == ("visit", "Check the pit cover", town.manager_id)
    assert row(conn, visit_id, "outcome")["ticket_id"] > 0
    following = due(conn, date(2026, 12, 21), period="2026-12 +1")
    items = agenda.make(conn, following, at=NOW + timedelta(days=30))
    (question,) = [item for item in items if item.topic == "question"]
    assert say("question", "en", question.figures) == (
        "Left open at the visit of 21 Nov 2026: Who reads the sub-meters?"
    )


def test_what_can_not_be_learned_leaves_everything_as_it_was(conn: Connection, visit_id: int) -> None:
    with pytest.raises(BadDataError, match="household_size"), conn.transaction():
        finish(conn, visit_id, Outcome("x", learned={"household_size": "many"}))
    assert row(conn, visit_id, "state") == "due"


def test_postponed_and_called_off_say_why_and_who(conn: Connection, visit_id: int) -> None:
    visits.postpone(conn, visit_id, TODAY + timedelta(days=6), "stocktaking", actor=LI, at=NOW)
    assert row(conn, visit_id, "state", "due_on", "planned_on", "why") == (
        "postponed",
        TODAY + timedelta(days=6),
        TODAY,
        "stocktaking",
    )
    visits.cancel(conn, visit_id, "closed down", actor=Actor("wang"), at=NOW)
    entries = conn.execute(
        "select actor, kind, from_state, to_state, why from visit_entry order by id"
    ).fetchall()
    assert entries == [
        ("li", "postpone", "due", "postponed", "stocktaking"),
        ("wang", "cancel", "postponed", "cancelled", "closed down"),
    ]
    with pytest.raises(
        ConflictError, match=r"is cancelled by wang on 2026-11-21 01:30 UTC.*Allowed now: reopen"
    ):
        visits.postpone(conn, visit_id, TODAY + timedelta(days=9), "x", actor=LI, at=NOW)


def test_a_visit_is_taken_up_again_within_a_day_and_not_later(conn: Connection, visit_id: int) -> None:
    visits.postpone(conn, visit_id, TODAY + timedelta(days=1), "ill", actor=LI, at=NOW)
    finish(conn, visit_id)
    again = visits.reopen(conn, visit_id, "wrong customer", actor=LI, at=NOW + timedelta(hours=24))
    assert (again.state, row(conn, visit_id, "done_at")) == ("postponed", None)
    finish(conn, visit_id)
    with pytest.raises(ConflictError, match="after a day it stays so"):
        visits.reopen(conn, visit_id, "late", actor=LI, at=NOW + timedelta(hours=24, seconds=1))


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=401), TODAY])
def test_no_visit_is_put_off_to_a_day_that_makes_no_sense(conn: Connection, visit_id: int, day: date) -> None:
    with pytest.raises(BadDataError):
        visits.postpone(conn, visit_id, day, "x", actor=LI, at=NOW)


def test_outcome_of_a_day_that_has_not_come_is_refused(conn: Connection, visit_id: int) -> None:
    with pytest.raises(BadDataError, match="2026-11-22"):
        finish(conn, visit_id, Outcome("x", held_on=TODAY + timedelta(days=1)))


def test_the_next_visit_comes_on_the_agreed_day(conn: Connection, visit_id: int) -> None:
    following = due(conn, date(2026, 12, 16), period="2026-12 +1")
    finish(conn, visit_id, Outcome("x", next_on=date(2026, 12, 24)))
    assert row(conn, following, "due_on", "state") == (date(2026, 12, 24), "due")
    finish(conn, following, Outcome("x", next_on=date(2027, 1, 20)), at=NOW + timedelta(days=33))
    ((kind, day),) = conn.execute("select kind, due_on from visit where state = 'due'").fetchall()
    assert (kind, day) == ("ad_hoc", date(2027, 1, 20))


def test_a_visit_held_late_moves_the_next_one_on(conn: Connection, visit_id: int) -> None:
    following = due(conn, date(2026, 12, 1), period="2026-12 +1")
    finish(conn, visit_id)
    assert row(conn, following, "due_on", "state", "planned_on") == (
        date(2026, 12, 7),  # fifteen days on is a Sunday
        "due",
        date(2026, 12, 1),
    )


def test_one_visit_a_day_is_arranged_by_hand(conn: Connection, town: samples.Town) -> None:
    visits.arrange(conn, "A-1001", TODAY, "call", "asked for it", actor=LI, at=NOW)
    with pytest.raises(ConflictError, match="arranged for 2026-11-21 already"):
        visits.arrange(conn, "A-1001", TODAY, "call", "again", actor=LI, at=NOW)
    with pytest.raises(BadDataError):
        visits.arrange(conn, "none", TODAY, "call", "x", actor=LI, at=NOW)
    assert conn.execute("select manager_id, form from visit").fetchall() == [(town.manager_id, "call")]


def test_of_two_who_act_at_once_one_wins_and_the_other_is_told(
    conn: Connection, visit_id: int, database_url: str
) -> None:
    told: list[str] = []
    with connect(database_url, "owner") as first:
        visits.cancel(first, visit_id, "moved away", actor=LI, at=NOW)

        def second() -> None:
            with connect(database_url, "owner") as other:
                try:
                    visits.cancel(other, visit_id, "ill", actor=Actor("wang"), at=NOW, version=1)
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
    assert len(told) == 1 and "by li" in told[0]


def test_no_entry_of_a_visit_is_ever_changed(conn: Connection, visit_id: int) -> None:
    visits.cancel(conn, visit_id, "x", actor=LI, at=NOW)
    with pytest.raises(psycopg.errors.RestrictViolation):
        conn.execute("delete from visit_entry")


def test_agenda_is_made_of_everything_since_the_last_visit(
    conn: Connection, town: samples.Town, visit_id: int
) -> None:
    before = due(
        conn, date(2026, 10, 20), period="2026-10 +1", state="done", done_at=NOW - timedelta(days=30)
    )
    conn.execute("update visit set outcome = %s where id = %s", (Jsonb({"questions": ["Well?"]}), before))
    span = (
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select %s, t, %s, 0"
        " from generate_series(%s::timestamptz, %s, interval '1 hour') t"
    )
    midnight = datetime(2026, 11, 20, 16, tzinfo=UTC)
    for back, litres in ((0, 110), (30, 100), (365, 220)):
        end = midnight - timedelta(days=back, hours=1)
        conn.execute(span, (town.meter_id, litres, end - timedelta(days=30) + timedelta(hours=1), end))
    factories.insert(conn, "meter_clock", meter_id=town.meter_id, high_water=NOW, received_at=NOW, skew_s=0)
    samples.event(conn)
    samples.event(conn, "low_battery", grp="device", epoch=1, detected_at=NOW - timedelta(days=2))
    old = {"epoch": 2, "detected_at": NOW - timedelta(days=50), "cleared_at": NOW - timedelta(days=40)}
    samples.event(conn, "burst", **old)
    factories.insert(conn, "water_plan", account_no="A-1001", month=date(2026, 11, 1), plan_m3=100)
    factories.insert(
        conn, "plan_forecast", account_no="A-1001", month=date(2026, 11, 1), used_m3=53.24, forecast_m3=81.5,
        low_m3=74, high_m3=89, made_at=NOW,
    )  # fmt: skip
    conn.execute("update customer set phone = null, email = ''")
    factories.insert(
        conn, "contact_check", account_no="A-1001", kind="bounced", field="email", why="550", opened_at=NOW
    )
    said = {item["kind"]: item for item in agenda.as_json(agenda.make(conn, visit_id, at=NOW))}
    assert list(said) == [
        "question", "use_before_year", "plan_forecast", "event_open_lost", "meters_heard", "contact_missing",
        "contact_bounced",
    ]  # fmt: skip
    assert said["use_before_year"]["en"] == (
        "79.2 m³ used in the last 30 days: 10 % more a day than in the time before (72 m³), "
        "50 % less a day than a year ago (158.4 m³)."
    )
    assert said["use_before_year"]["zh"] == (
        "近 30 天用水 79.2 m³，日均比前期增加 10%（72 m³），比去年同期减少 50%（158.4 m³）。"
    )
    assert said["plan_forecast"]["en"] == (
        "This month's water plan is 100 m³, 53.2 m³ (53 %) are used; "
        "81.5 m³ are expected by its end (74 to 89 m³)."
    )
    finish(conn, visit_id)
    assert row(conn, visit_id, "agenda")[0]["en"] == "Left open at the visit of 22 Oct 2026: Well?"


def test_every_item_is_said_in_both_languages_without_a_gap() -> None:
    figures = {
        "since": "2028-02-29", "until": "2028-03-02", "lowest_c": -7.25, "highest_c": 38.0, "meter": "M-1",
        "text": "?", "asked_on": "2028-02-29", "days": 30, "used_m3": 1234.5, "year_m3": 2.0,
        "before_change": 0, "year_change": -3, "plan_m3": 10.0, "before_m3": 1.0, "share": 80, "low_m3": 11.0,
        "forecast_m3": 12.0, "high_m3": 13.0, "group": "leak", "magnitude": 42.3, "unit": "L/h",
        "subject": "M-1", "loss_m3": 1.3,
        "money": 4.4, "ticket_id": 12, "opened_on": "2028-02-29", "due_on": "2028-03-01",
        "resolved_on": "2028-03-01", "meters": 3, "field": "phone", "why": "550 no such user",
    }  # fmt: skip
    for kind in WORDS:
        for language in ("zh", "en"):
            text = say(kind, language, figures)
            assert "{" not in text and "None" not in text and "2028-02-29" not in text
            assert text.endswith(("。", ".")) or kind == "question"
            assert any("一" <= c <= "鿿" for c in text) == (language == "zh"), text
    assert say("question", "zh", figures) == "2028 年 2 月 29 日 走访遗留问题：?"
    assert "as much a day as in the time before" in say("use_before", "en", figures)
