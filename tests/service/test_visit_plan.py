"""Visits are planned once a customer and period, evenly, and never too soon after the last."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import visit_plan, visits
from service.months import HALF_MONTH_DAYS, Period, add_months, period
from service.tickets import Actor
from service.visits import Outcome
from sql.pool import Connection
from tests import factories

ZONE = ZoneInfo("Asia/Shanghai")


def weekday(day: date) -> bool:
    return day.weekday() < 5


def planned(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select account_no, manager_id, due_on, form, period from visit order by due_on, account_no"
    ).fetchall()


def fill(conn: Connection, counts: list[int], sector: str = "industrial", prefix: str = "") -> list[int]:
    """A manager for each count, with so many customers."""
    managers = [factories.staff(conn, f"m{prefix}{n}") for n in range(len(counts))]
    conn.cursor().executemany(
        "insert into customer (account_no, name, sector, manager_id)"
        " select %s || i, 'x', %s, %s from generate_series(1, %s) i",
        [(f"{prefix}{m}-", sector, m, count) for m, count in zip(managers, counts, strict=True)],
    )
    return managers


def uneven(rows: list[tuple[Any, ...]], days: list[date]) -> int:
    """The widest difference between two days of one manager."""
    load = Counter((manager, day) for _, manager, day, *_ in rows)
    return max(
        max(load[m, d] for d in days) - min(load[m, d] for d in days) for m in {row[1] for row in rows}
    )


def working(first: date, end: date, off: set[date] = frozenset()) -> list[date]:  # type: ignore[assignment]
    days = [first + timedelta(days=n) for n in range((end - first).days)]
    return [d for d in days if d.weekday() < 5 and d not in off]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.dates(date(2027, 1, 1), date(2028, 12, 31)).map(lambda d: d.replace(day=1)),
    monthly=st.lists(st.integers(1, 70), min_size=1, max_size=3),
    quarterly=st.integers(0, 150),
    off=st.sets(st.integers(0, 27), max_size=4),
)
def test_every_day_of_a_manager_is_as_full_as_any_other(
    conn: Connection, start: date, monthly: list[int], quarterly: int, off: set[int]
) -> None:
    """Monthly and quarterly visits of one manager together, over the working days of each month."""
    quarter = period(start, 3)
    holidays = {start + timedelta(days=n) for n in off}
    with conn.transaction(force_rollback=True):
        managers = fill(conn, monthly)
        conn.execute(
            "insert into customer (account_no, name, sector, segment, manager_id)"
            " select 'q' || i, 'x', 'commercial', 'special', %s from generate_series(1, %s) i",
            (managers[0], quarterly),
        )
        before = start - timedelta(days=5)
        made = visit_plan.plan_period(
            conn,
            quarter,
            ZONE,
            lambda d: weekday(d) and d not in holidays,
            today=quarter.start - timedelta(days=5),
        )
        made += visit_plan.plan_period(
            conn, Period(start, 1), ZONE, lambda d: weekday(d) and d not in holidays, today=before
        )
        rows = planned(conn)
        assert made == len(rows) == sum(monthly) + quarterly
        days = working(start, add_months(start, 1), holidays)
        inside = [row for row in rows if start <= row[2] < add_months(start, 1)]
        assert {row[2] for row in inside} <= set(days)
        assert uneven(inside, days) <= 1
        assert (
            visit_plan.plan_period(
                conn, quarter, ZONE, lambda d: weekday(d) and d not in holidays, today=before
            )
            == 0
        )


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.dates(date(2027, 1, 1), date(2028, 6, 1)),
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    every=st.sampled_from([1, 2, 3]),
    data=st.data(),
)
def test_over_a_year_of_daily_runs_nobody_is_visited_twice_within_half_a_cadence(
    conn: Connection, start: date, counts: list[int], every: int, data: st.DataObject
) -> None:
    """Customers come, change hands and are visited on time, late or never."""
    with conn.transaction(force_rollback=True):
        conn.execute("update segment_rule set visit_every_months = null")
        conn.execute("update segment_rule set visit_every_months = %s where sector = 'industrial'", (every,))
        managers = fill(conn, counts)
        for step in range(6 * every):
            today = start + timedelta(days=13 * step)
            at = datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=2)
            held = data.draw(st.integers(0, 3))
            for id_, number in conn.execute(
                "select id, hashtext(split_part(account_no, '-', 2)) from visit"
                " where state = 'due' and due_on <= %s",
                (today,),
            ).fetchall():
                # Holding one of two that are overdue moves the other on.
                due = "select 1 from visit where id = %s and due_on <= %s"
                if number % 4 >= held and conn.execute(due, (id_, today)).fetchone():
                    visits.finish(conn, id_, Outcome("x"), actor=Actor("li"), at=at)
            if step == 4:
                fill(conn, [data.draw(st.integers(0, 9))], prefix="new")
                conn.execute(
                    "update customer set manager_id = %s where account_no like '%%7'", (managers[0],)
                )
            visit_plan.plan(conn, ZONE, weekday, at=at)
        rows = conn.execute(
            "select account_no, coalesce((done_at at time zone 'Asia/Shanghai')::date, due_on), period"
            " from visit order by 1, 2"
        ).fetchall()
        for (account, day, _), (other, following, _) in pairwise(rows):
            if account == other:
                assert (following - day).days >= every * HALF_MONTH_DAYS
        assert len({(account, name) for account, _, name in rows}) == len(rows)


@pytest.mark.parametrize(
    ("day", "months", "on"),
    [
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2027, 1, 29), 1, date(2027, 2, 28)),
        (date(2028, 1, 30), 1, date(2028, 2, 29)),
        (date(2027, 1, 31), 3, date(2027, 4, 30)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2028, 3, 31), -1, date(2028, 2, 29)),
    ],
)
def test_months_are_right_on_the_last_days_and_on_29_february(day: date, months: int, on: date) -> None:
    assert add_months(day, months) == on


@given(day=st.dates(date(1990, 1, 1), date(2100, 1, 1)), months=st.integers(1, 24))
def test_periods_hold_their_day_and_follow_each_other_without_a_gap(day: date, months: int) -> None:
    whole = period(day, months)
    assert whole.start <= day < whole.end
    assert period(whole.end, months).start == whole.end
    assert (whole.end.year - whole.start.year) * 12 + whole.end.month - whole.start.month == months


def test_29_february_is_a_day_like_any_other(conn: Connection) -> None:
    fill(conn, [210])
    february = Period(date(2028, 2, 1), 1)
    visit_plan.plan_period(conn, february, ZONE, weekday, today=date(2028, 1, 25))
    assert Counter(row[2] for row in planned(conn))[date(2028, 2, 29)] == 10


def test_a_manager_who_is_away_is_planned_for_the_other_days(conn: Connection) -> None:
    (manager,) = fill(conn, [30])
    conn.execute(
        "insert into staff_absence (staff_id, starts_at, ends_at, created_by, created_at)"
        " values (%s, '2027-03-01T00:00+08:00', '2027-03-13T00:00+08:00', 'li', now())",
        (manager,),
    )
    march = Period(date(2027, 3, 1), 1)
    visit_plan.plan_period(conn, march, ZONE, weekday, today=date(2027, 2, 25))
    rows = planned(conn)
    assert {row[2] for row in rows} == set(working(date(2027, 3, 13), date(2027, 4, 1)))
    assert uneven(rows, working(date(2027, 3, 13), date(2027, 4, 1))) <= 1


def test_who_takes_a_customer_over_takes_the_open_visit_over(conn: Connection) -> None:
    fill(conn, [3])
    visit_plan.plan_period(conn, Period(date(2027, 3, 1), 1), ZONE, weekday, today=date(2027, 2, 25))
    conn.execute("update visit set state = 'done', done_at = '2027-03-02T04:00Z' where account_no like '%-1'")
    other = factories.staff(conn, "other")
    conn.execute("update customer set manager_id = %s", (other,))
    assert sorted(row[1] == other for row in planned(conn)) == [False, True, True]


def test_a_persons_word_wins_over_the_rule(conn: Connection) -> None:
    fill(conn, [1], "residential")
    fill(conn, [1], "residential", prefix="b")
    conn.execute(
        "insert into visit_wish (account_no, every_months, form, set_by, set_at)"
        " select account_no, 1, 'on_site', 'li', now() from customer where account_no like 'b%'"
    )
    visit_plan.plan(conn, ZONE, weekday, at=datetime(2027, 9, 25, 2, tzinfo=UTC))
    forms = {(row[0][0] == "b", row[3]) for row in planned(conn)}
    assert forms == {(True, "on_site"), (False, "letter")}


def test_public_holidays_are_not_worked_and_make_up_days_are(conn: Connection) -> None:
    factories.insert(conn, "utility", name="x", timezone="Asia/Shanghai", country="CN")
    works = visit_plan.office_days(conn, ZONE)
    october = [date(2026, 10, day) for day in range(1, 12)]
    assert [d.day for d in october if works(d)] == [
        8,
        9,
        10,
    ]  # the tenth, a Saturday, makes up for the holiday
