"""Which crew goes out, and who is told."""

from datetime import timedelta

import pytest

from core.errors import BadDataError, ConflictError, NotFoundError
from service import crews, staff
from service.crews import Crew
from service.tickets import Actor
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW, Town
from tests.service.test_handover import entries, ticket, told

BOSS = Actor("boss")


@pytest.fixture
def town(conn: Connection) -> Town:
    """A town with a region above and one beside, and a lead for each crew."""
    found = samples.town(conn)
    staff.put_region(conn, "R0", "全市", None)
    staff.put_region(conn, "R1", "城南", "R0")
    staff.put_region(conn, "R9", "郊区", None)
    for login in ("lead-n", "lead-f", "lead-c"):
        factories.staff(conn, login, roles=["reader"])
    conn.execute("update service_point set x = 1000, y = 1000, dma_id = %s", [found.dma_id])
    return found


def best(conn: Connection, ticket_id: int) -> list[str]:
    return [crew.code for crew in crews.candidates(conn, ticket_id, at=NOW)]


def test_region_then_distance_then_load(conn: Connection, town: Town) -> None:
    for crew in (
        Crew("near-but-other-region", "O", "R9", 1000, 1000),
        Crew("city", "C", "R0", 1000, 1001),
        Crew("far", "F", "R1", 5000, 1000),
        Crew("near", "N", "R1", 1300, 1400),
        Crew("busy", "B", "R1", 1300, 1400),
        Crew("no-place", "P", "R1"),
    ):
        crews.put(conn, crew)
    id_ = ticket(conn, town.manager_id)
    ticket(
        conn,
        town.manager_id,
        crew_id=conn.execute("select id from crew where code = 'busy'").fetchall()[0][0],
    )
    assert best(conn, id_) == ["near", "busy", "far", "no-place", "city", "near-but-other-region"]
    assert crews.candidates(conn, id_, at=NOW)[0].why == "N of R1, 500 m away, 0 open tickets".replace(
        "R1", "城南"
    )
    conn.execute("update service_point set x = null, y = null")
    assert best(conn, id_)[:4] == ["far", "near", "no-place", "busy"]
    assert "distance unknown" in crews.candidates(conn, id_, at=NOW)[0].why


def test_skills_and_working_hours(conn: Connection, town: Town) -> None:
    crews.put(conn, Crew("office", "O", "R1", 1000, 1000, calendar="office"))  # it is Saturday
    crews.put(conn, Crew("meters", "M", "R1", 1000, 1000, skills=["device"]))
    crews.put(conn, Crew("leaks", "L", "R0", skills=["leak", "network"]))
    crews.put(conn, Crew("gone", "G", "R1", active=False))
    assert best(conn, ticket(conn, town.manager_id)) == ["leaks", "office"]
    assert best(conn, ticket(conn, town.manager_id, grp="device")) == ["meters", "office"]


def test_the_lead_is_told_and_the_former_lead_called_back(conn: Connection, town: Town) -> None:
    crews.put(conn, Crew("near", "N", "R1", 1000, 1000, lead="lead-n"))
    crews.put(conn, Crew("far", "F", "R1", 5000, 1000, lead="lead-f"))
    id_ = ticket(conn, town.manager_id)
    assert crews.dispatch(conn, id_, actor=BOSS, at=NOW).code == "near"
    assert told(conn) == [("lead-n@utility.example", "dispatched")]
    with pytest.raises(ConflictError, match="N has ticket"):
        crews.dispatch(conn, id_, actor=BOSS, at=NOW)
    with pytest.raises(BadDataError, match="Say why"):
        crews.dispatch(conn, id_, crew="far", actor=BOSS, at=NOW)
    crews.dispatch(conn, id_, crew="far", why="Digger needed.", actor=BOSS, at=NOW)
    assert told(conn)[1:] == [
        ("lead-f@utility.example", "dispatched"),
        ("lead-n@utility.example", "called_back"),
    ]
    assert entries(conn, id_)[1][:3] == (
        "boss",
        "dispatched",
        "F of 城南, 4,000 m away, 0 open tickets; chosen by boss: Digger needed.",
    )
    with pytest.raises(NotFoundError, match="no crew 'x'"):
        crews.dispatch(conn, id_, crew="x", why="x", actor=BOSS, at=NOW)
    conn.execute("update ticket set state = 'resolved'")
    with pytest.raises(ConflictError, match="is resolved"):
        crews.dispatch(conn, id_, crew="near", why="x", actor=BOSS, at=NOW)


def test_an_absent_lead_is_stood_in_for_by_deputy_or_member(conn: Connection, town: Town) -> None:
    crews.put(conn, Crew("near", "N", "R1", lead="lead-n", members=["lead-c"]))
    lead = staff.id_of(conn, "lead-n")
    staff.plan_absence(conn, staff.Absence(lead, NOW - timedelta(days=1)), actor=BOSS, at=NOW)
    crews.dispatch(conn, ticket(conn, town.manager_id), actor=BOSS, at=NOW)
    assert told(conn) == [("lead-c@utility.example", "dispatched")]
    conn.execute("update staff set active = false where login = 'lead-c'")
    second = ticket(conn, town.manager_id)
    crews.dispatch(conn, second, actor=BOSS, at=NOW)
    assert len(told(conn)) == 1
    assert "nobody of the crew is here to be told" in entries(conn, second)[0][2]


def test_no_crew_that_fits_is_said_with_the_cure(conn: Connection, town: Town) -> None:
    id_ = ticket(conn, town.manager_id)
    with pytest.raises(ConflictError, match=r"No active crew takes .* widen"):
        crews.dispatch(conn, id_, actor=BOSS, at=NOW)
    for wrong, says in (
        (Crew("a", "A", region="x"), "no region 'x'"),
        (Crew("a", "A", x=1.0), "two coordinates"),
        (Crew("a", "A", lead="ghost"), "ghost"),
    ):
        with pytest.raises(BadDataError, match=says):
            crews.put(conn, wrong)


def test_site_work_of_a_district_is_measured_from_its_meters(conn: Connection, town: Town) -> None:
    factories.meter(conn, "P-1", kind="pressure", dma_id=town.dma_id, x=5000, y=1000)
    conn.execute("update meter set x = 5000, y = 1000 where serial = 'M-1'")
    crews.put(conn, Crew("near", "N", "R1", 1000, 1000))
    crews.put(conn, Crew("far", "F", "R1", 5000, 1000))
    assert best(conn, ticket(conn, None, account_no=None, dma_id=town.dma_id, grp="network")) == [
        "far",
        "near",
    ]
