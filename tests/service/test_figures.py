"""The figures of a month, against a count by hand."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from service import figures, outbox, report
from service.figures import Behind, Figures
from sql.pool import Connection
from tests import factories
from tests.service.month import AT, OCTOBER, ZONE, build


def made(conn: Connection, month: date = OCTOBER) -> dict[tuple[str, str], Figures]:
    figures.make(conn, month, ZONE, at=AT)
    return {(one.dimension, one.key): one for one in figures.read(conn, month, month)}


def test_every_figure_of_the_utility_is_the_one_counted_by_hand(conn: Connection) -> None:
    build(conn)
    utility = made(conn)["utility", ""]
    # In time, late answer, overdue, pending, by system, waiting, again; not merged, not the months around.
    assert utility.opened == 7
    # Responses after 2, 30, 1, 6 (by resolving) and 3 h (the same); overdue is missed. By system: none.
    assert (utility.response_kept, utility.response_missed) == (4, 2)
    assert utility.response_h == 3.0
    # Resolved after 10, 40, 6 and 3 h, the last an hour late; overdue is missed, waiting isn't.
    assert (utility.resolution_kept, utility.resolution_missed) == (3, 2)
    assert utility.resolution_h == 8.0
    assert (utility.resolved, utility.reopened) == (4, 1)
    assert (utility.asked, utility.answered, utility.satisfied, utility.score) == (
        3,
        3,
        2,
        pytest.approx(11 / 3),
    )
    assert (utility.visits_due, utility.visits_done, utility.visits_on_time) == (5, 2, 1)
    assert (utility.visits_postponed, utility.visits_overdue) == (1, 2)
    # 40 L/h x (100 - 30) h = 2.8 m3; 10 L/h x max(0, 100 - 120) h = 0; 1,000 L/h x (168 - 68) h = 100 m3.
    assert utility.confirmed_events == 3
    assert utility.saved_m3 == pytest.approx(102.8)
    assert utility.saved_money == pytest.approx(2.8 * 4 + 100 * 4)
    assert (utility.customers, utility.volume_m3, utility.revenue) == (2, 1_010.0, 1_000 * 4.0 + 10 * 3.0)
    assert (utility.planned, utility.within_plan) == (2, 1)


def test_managers_regions_and_segments_get_their_own_and_a_region_what_is_below_it(conn: Connection) -> None:
    build(conn)
    found = made(conn)
    assert set(found) == {
        ("utility", ""),
        ("manager", "li"),
        ("manager", "wang"),
        ("region", "north"),
        ("region", "city"),
        ("segment", "large"),
        ("segment", "general"),
        *(
            ("region_manager", f"{region}/{login}")
            for region in ("north", "city")
            for login in ("li", "wang")
        ),
        *(("manager_segment", key) for key in ("li/large", "li/general", "wang/large", "wang/general")),
    }
    utility = found["utility", ""]
    for region, name in [("north", "江北片区"), ("city", "江城")]:
        same = replace(found["region", region], dimension="utility", key="", name=utility.name)
        assert same == utility
        assert found["region", region].name == name
    li, wang = found["manager", "li"], found["manager", "wang"]
    assert (li.name, wang.name) == ("李薇", "王建国")
    assert (li.opened, wang.opened) == (3, 4)
    # The round that failed counts for who had resolved it, the next for who did then.
    assert (li.resolved, li.reopened, wang.resolved, wang.reopened) == (3, 1, 1, 0)
    assert (li.resolution_missed, wang.resolution_missed) == (0, 2)
    assert (li.saved_m3, wang.saved_m3) == (pytest.approx(2.8), pytest.approx(100))
    assert (li.volume_m3, wang.volume_m3) == (1_000.0, 10.0)
    assert (li.answered, li.satisfied, wang.answered) == (3, 2, 0)
    large, general = found["segment", "large"], found["segment", "general"]
    assert (large.within_plan, general.within_plan) == (0, 1)
    assert large.opened + general.opened == utility.opened


ADDED = [
    *("opened", "response_kept", "response_missed", "resolved", "reopened", "asked", "answered", "saved_m3"),
    *(
        "visits_due",
        "visits_done",
        "visits_postponed",
        "visits_overdue",
        "customers",
        "revenue",
        "within_plan",
    ),
]


def test_the_parts_of_a_region_by_manager_and_of_a_manager_by_segment_add_up(conn: Connection) -> None:
    build(conn)
    found = made(conn)
    for whole, dimension in [
        ("city", "region_manager"),
        ("li", "manager_segment"),
        ("wang", "manager_segment"),
    ]:
        of = "region" if dimension == "region_manager" else "manager"
        parts = figures.read(conn, OCTOBER, OCTOBER, dimension=dimension, within=whole)  # type: ignore[arg-type]
        # A district's water is nobody's segment's.
        for name in ADDED if of == "region" else set(ADDED) - {"saved_m3"}:
            total = sum(getattr(part, name) or 0 for part in parts)
            assert total == pytest.approx(getattr(found[of, whole], name) or 0), (whole, name)
    parts = figures.read(conn, OCTOBER, OCTOBER, dimension="region_manager", within="north")
    assert [(part.key, part.name, part.visits_overdue) for part in parts] == [
        ("li", "李薇", 0),
        ("wang", "王建国", 2),
    ]
    # One code that begins as another's does is another region.
    conn.execute("update figure_month set key = 'north/east/li' where key = 'north/li'")
    parts = figures.read(conn, OCTOBER, OCTOBER, dimension="region_manager", within="north")
    assert [part.key for part in parts] == ["wang"]


def test_reports_of_a_region_and_a_manager_show_their_parts(conn: Connection) -> None:
    build(conn)
    made(conn)
    of_region = report.load(conn, OCTOBER, report.scope(conn, "region", "north"), at=AT)
    assert [one.key for one in of_region.groups["manager"]] == ["li", "wang"]
    of_manager = report.load(conn, OCTOBER, report.scope(conn, "manager", "wang"), at=AT)
    assert [one.key for one in of_manager.groups["segment"]] == ["general", "large"]


FIGURES: dict[Behind, set[str]] = {
    "opened": {"in_time", "late_answer", "overdue", "pending", "by_system", "waiting", "again"},
    "response_kept": {"in_time", "waiting", "again"},
    "response_missed": {"late_answer", "overdue"},
    "resolution_kept": {"in_time", "late_answer", "again"},
    "resolution_missed": {"overdue", "again"},
    "resolved": {"in_time", "late_answer", "again"},
    "reopened": {"again"},
    "asked": {"in_time", "again", "late_answer"},
    "answered": {"in_time", "again", "september"},
    "satisfied": {"in_time", "september"},
}


@pytest.mark.parametrize("figure", FIGURES)
def test_what_is_behind_a_figure_is_as_many_as_it_says(conn: Connection, figure: Behind) -> None:
    tickets = build(conn)
    found = made(conn)
    rows = figures.behind(conn, OCTOBER, ZONE, figure, at=AT)
    assert {row["id"] for row in rows} == {tickets[name] for name in FIGURES[figure]}
    for (dimension, key), one in found.items():
        behind = figures.behind(conn, OCTOBER, ZONE, figure, at=AT, key=(one.dimension, key))
        assert len(behind) == getattr(one, figure), (dimension, key)


def test_made_again_they_follow_what_came_late_and_forget_who_is_gone(conn: Connection) -> None:
    tickets = build(conn)
    before = made(conn)
    conn.execute(
        "update ticket set resolved_at = opened_at + interval '1 hour', state = 'resolved' where id = %s",
        [tickets["overdue"]],
    )
    conn.execute("update customer set segment = 'general'")
    figures.make(conn, OCTOBER, ZONE, at=AT + timedelta(days=1))
    after = {(one.dimension, one.key): one for one in figures.read(conn, OCTOBER, OCTOBER)}
    assert before["utility", ""].resolution_missed == 2
    assert after["utility", ""].resolution_missed == 1
    assert before.keys() - after.keys() == {
        ("segment", "large"),
        ("manager_segment", "li/large"),
        ("manager_segment", "wang/large"),
    }


def test_an_empty_month_is_a_row_of_nothing(conn: Connection) -> None:
    empty = made(conn, date(2020, 2, 1))["utility", ""]
    assert replace(empty, made_at=None) == Figures(date(2020, 2, 1), "utility", "", "")
    assert empty.response_share is None


def test_months_that_were_never_made_are_made_and_old_ones_left_alone(conn: Connection) -> None:
    build(conn)
    factories.insert(
        conn, "customer_month", account_no="A", month=date(2026, 3, 1), volume_l=1, hours=1, made_at=AT
    )
    wanted = figures.wanted(conn, ZONE, at=AT)
    assert wanted == [date(2026, month, 1) for month in range(3, 12)]
    for month in wanted:
        figures.make(conn, month, ZONE, at=AT)
    assert figures.wanted(conn, ZONE, at=AT) == [date(2026, month, 1) for month in range(8, 12)]


def test_a_report_holds_weeks_causes_that_come_back_and_what_was_missed(conn: Connection) -> None:
    tickets = build(conn)
    made(conn)
    gathered = report.load(conn, OCTOBER, report.scope(conn, "utility"), at=AT)
    assert [week.first.day for week in gathered.weeks] == [1, 5, 12, 19, 26]
    assert [week.opened for week in gathered.weeks] == [0, 6, 0, 0, 1]
    assert [week.resolved for week in gathered.weeks] == [0, 4, 1, 0, 0]
    # Three of one cause at one customer: the second and third have one before them.
    assert [(cause.code, cause.tickets, cause.again) for cause in gathered.causes] == [("worn_seal", 3, 2)]
    assert [row.id for row in gathered.missed] == [tickets["overdue"], tickets["again"]]
    assert gathered.before is None
    assert not gathered.running
    assert [one.key for one in gathered.groups["manager"]] == ["li", "wang"]


def test_the_report_goes_to_every_subscriber_once_and_without_an_address_it_is_seen(conn: Connection) -> None:
    build(conn)
    for login, scope, key in [("li", "manager", "li"), ("wang", "utility", "")]:
        ((staff_id,),) = conn.execute("select id from staff where login = %s", [login]).fetchall()
        factories.insert(
            conn,
            "report_subscription",
            staff_id=staff_id,
            scope=scope,
            key=key,
            created_by="t",
            created_at=AT,
        )
    conn.execute("update staff set email = null where login = 'wang'")
    assert report.send(conn, OCTOBER, at=AT) == 2
    assert report.send(conn, OCTOBER, at=AT) == 0
    rows = conn.execute("select recipient, language, state, last_error from outbox order by id").fetchall()
    assert rows == [
        ("li@utility.example", "zh", "pending", None),
        (outbox.NOBODY, "en", "dead", "王建国 has no e-mail address"),
    ]
