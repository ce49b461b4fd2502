"""Who takes a ticket."""

from datetime import timedelta

import pytest

from core.errors import ConflictError
from service import routing
from service import staff as staff_rules
from service.routing import Route
from service.staff import Absence, Shift
from service.tickets import Actor
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW, Town


@pytest.fixture
def town(conn: Connection) -> Town:
    return samples.town(conn)


def away(conn: Connection, *staff: int, until: object = NOW + timedelta(days=7)) -> None:
    conn.execute(
        "insert into staff_absence (staff_id, starts_at, ends_at, created_by, created_at)"
        " select unnest(%s::bigint[]), %s, %s, 'test', %s",
        (list(staff), NOW - timedelta(days=1), until, NOW),
    )


def route(conn: Connection, town: Town, account_no: str | None = "A-1001") -> Route:
    return routing.find(conn, account_no, town.dma_id, NOW)


def test_account_manager(desk_conn: Connection, town: Town) -> None:
    assert route(desk_conn, town) == Route(town.manager_id, "account_manager", "王丽 is the account manager")


def test_deputy_when_the_manager_is_away(conn: Connection, desk_conn: Connection, town: Town) -> None:
    away(conn, town.manager_id)
    assert route(desk_conn, town) == Route(town.deputy_id, "deputy", "陈静 stands in for 王丽")


def test_manager_again_once_the_absence_is_over(conn: Connection, desk_conn: Connection, town: Town) -> None:
    away(conn, town.manager_id, until=NOW)
    assert route(desk_conn, town).by == "account_manager"


def test_deputy_when_the_manager_has_left(conn: Connection, desk_conn: Connection, town: Town) -> None:
    conn.execute("update staff set active = false where id = %s", (town.manager_id,))
    assert route(desk_conn, town).staff_id == town.deputy_id


def test_deputies_in_a_circle_end_at_the_duty_desk(
    conn: Connection, desk_conn: Connection, town: Town
) -> None:
    away(conn, town.manager_id, town.deputy_id)
    conn.execute("update staff set deputy_id = %s where id = %s", (town.manager_id, town.deputy_id))
    assert route(desk_conn, town) == Route(
        town.desk_id, "duty_desk", "值班岗 is on the duty desk; away: 王丽"
    )


def test_region_s_manager_with_the_fewest_open_tickets(
    conn: Connection, desk_conn: Connection, town: Town
) -> None:
    away(conn, town.manager_id, town.deputy_id)
    busy = factories.staff(conn, "busy", region_id=town.region_id)
    free = factories.staff(conn, "free", region_id=town.region_id)
    factories.insert(
        conn,
        "ticket",
        priority="low",
        urgent=False,
        sla="low",
        grp="leak",
        assignee_id=busy,
        routed_by="person",
        response_due=NOW,
        resolution_due=NOW,
    )
    assert route(desk_conn, town) == Route(free, "region", "Free answers for the region; away: 王丽")


def test_region_above_when_the_own_has_nobody(conn: Connection, desk_conn: Connection, town: Town) -> None:
    away(conn, town.manager_id, town.deputy_id)
    above = factories.insert(conn, "region", "id", code="R0", name="whole town")
    conn.execute("update region set parent_id = %s where id = %s", (above, town.region_id))
    head = factories.staff(conn, "head", region_id=above)
    assert route(desk_conn, town).staff_id == head


def test_dma_manager_after_the_region_for_a_customer_before_it_for_a_district(
    conn: Connection, desk_conn: Connection, town: Town
) -> None:
    away(conn, town.manager_id, town.deputy_id)
    of_dma = factories.staff(conn, "ofdma")
    conn.execute("update dma set manager_id = %s", (of_dma,))
    assert route(desk_conn, town) == Route(
        of_dma, "dma_manager", "Ofdma answers for the district; away: 王丽"
    )
    of_region = factories.staff(conn, "ofregion", region_id=town.region_id)
    assert route(desk_conn, town).staff_id == of_region
    assert route(desk_conn, town, None) == Route(of_dma, "dma_manager", "Ofdma answers for the district")


def test_nobody_at_all_is_said(conn: Connection, desk_conn: Connection, town: Town) -> None:
    conn.execute("update staff set active = false")
    assert route(desk_conn, town) == Route(None, "duty_desk", "nobody is on the duty desk; away: 王丽")


def test_the_roster_comes_before_who_is_always_on_the_desk(
    conn: Connection, desk_conn: Connection, town: Town
) -> None:
    night = factories.staff(conn, "night")
    boss = Actor("boss")
    shift = Shift(night, NOW - timedelta(hours=4), NOW + timedelta(hours=4))
    staff_rules.add_shifts(conn, [shift], actor=boss, at=NOW)
    assert [p.id for p in routing.duty_desk(desk_conn, NOW)] == [night, town.desk_id]
    assert [p.id for p in routing.duty_desk(desk_conn, NOW + timedelta(hours=4))] == [town.desk_id]
    away(conn, night)
    assert [p.id for p in routing.duty_desk(desk_conn, NOW)] == [town.desk_id]
    with pytest.raises(ConflictError, match="has a shift"):
        staff_rules.add_shifts(conn, [shift], actor=boss, at=NOW)


def test_several_absences_each_with_a_deputy_of_its_own(
    conn: Connection, desk_conn: Connection, town: Town
) -> None:
    boss, day = Actor("boss"), timedelta(days=1)
    for absence in (
        Absence(town.manager_id, NOW - 9 * day, NOW - 7 * day),
        Absence(town.manager_id, NOW + day, NOW + 2 * day, "training", town.desk_id),
        Absence(town.manager_id, NOW + 3 * day),
    ):
        if absence.ends_at is None or absence.ends_at > NOW:
            staff_rules.plan_absence(conn, absence, actor=boss, at=NOW)
    found = [routing.find(desk_conn, "A-1001", town.dma_id, NOW + n * day / 2) for n in range(8)]
    assert [route.staff_id for route in found] == [
        *[town.manager_id] * 2,
        *[town.desk_id] * 2,
        *[town.manager_id] * 2,
        *[town.deputy_id] * 2,
    ]
    ((first, last),) = conn.execute("select min(id), max(id) from staff_absence").fetchall()
    staff_rules.end_absence(conn, first, at=NOW)
    staff_rules.end_absence(conn, last, at=NOW + 4 * day)
    assert conn.execute("select count(*) from staff_absence").fetchall() == [(1,)]
    assert routing.find(desk_conn, "A-1001", town.dma_id, NOW + 4 * day).by == "account_manager"
    with pytest.raises(ConflictError, match="over already"):
        staff_rules.end_absence(conn, last, at=NOW + 5 * day)


def test_a_region_never_lies_below_itself(conn: Connection) -> None:
    for code, parent in (("a", None), ("b", "a"), ("c", "b")):
        staff_rules.put_region(conn, code, code.upper(), parent)
    with pytest.raises(ConflictError, match="lies below"):
        staff_rules.put_region(conn, "a", "A", "c")
    with pytest.raises(ConflictError, match="lies below"):
        staff_rules.put_region(conn, "a", "A", "a")
