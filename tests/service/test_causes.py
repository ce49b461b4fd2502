"""Causes that can be counted, problems that are offered where they fit, and what comes back."""

from datetime import datetime, timedelta

import pytest

from core.errors import BadDataError, ConflictError, NotFoundError
from detection.catalogue import DETECTORS
from service import causes
from service.causes import Cause, Guide, Problem
from service.tickets import Actor
from service.topics import TOPICS
from sql.pool import Connection
from sql.query import Queries
from tests import factories, samples
from tests.api.town import ticket
from tests.samples import NOW

Q = Queries("causes")
LI = Actor("li")
GUIDE = Guide("Leaking pool", "High on summer nights", ["Close the inlet for a night"])


def test_the_lists_that_come_with_it_are_whole_and_fit_what_there_is(conn: Connection) -> None:
    codes = conn.execute("select code, zh, en, topics, groups from cause_code").fetchall()
    known = conn.execute(
        "select zh, en, topics, groups, detectors, sectors, cause_code from known_problem"
    ).fetchall()
    assert len(codes) >= 20
    assert len(known) >= 20
    groups = {detector.group for detector in DETECTORS.values()}
    for _, zh, en, topics, of_groups in codes:
        assert not zh.isascii()
        assert en.isascii()
        assert set(topics) <= set(TOPICS)
        assert set(of_groups) <= groups
    for zh, en, topics, of_groups, detectors, _, cause in known:
        assert set(detectors) <= set(DETECTORS)
        assert set(topics) <= set(TOPICS)
        assert set(of_groups) <= groups
        assert cause in {row[0] for row in codes}
        assert len(zh["steps"]) == len(en["steps"]) >= 3
        assert all(zh.values())
        assert all(en.values())
    offered = {detector for row in known for detector in row[4]}
    assert offered >= {"continuous_flow", "burst", "main_burst", "low_pressure", "silent", "tamper"}


def test_what_fits_best_is_offered_first_and_what_the_customer_had_before_rises(
    conn: Connection, desk_conn: Connection
) -> None:
    town = samples.town(conn)
    event_id = samples.event(conn, "continuous_flow")
    ticket_id = ticket(conn, event_id, NOW, account_no="A-1001", dma_id=town.dma_id)

    def offered() -> list[tuple[str, bool]]:
        found = desk_conn.execute(Q["offered"], {"id": ticket_id, "limit": 10}).fetchall()
        return [(row[3], row[4]) for row in found]

    first = [cause for cause, _ in offered()]
    assert first[0] == "toilet_leak"
    assert "process_fault" not in first  # for industry alone
    assert first.index("inner_pipe_leak") > 0
    ticket(conn, None, NOW, account_no="A-1001", cause_code="inner_pipe_leak", state="confirmed")
    assert offered()[0] == ("inner_pipe_leak", True)


def test_a_complaint_alone_is_offered_what_fits_its_topic(conn: Connection, desk_conn: Connection) -> None:
    samples.town(conn)
    ticket_id = ticket(conn, None, NOW, account_no="A-1001", topic="quality", grp="case")
    found = desk_conn.execute(Q["offered"], {"id": ticket_id, "limit": 10}).fetchall()
    assert {row[3] for row in found} == {"sediment", "air_in_water", "chlorine_taste"}


def test_of_two_who_change_a_cause_the_later_is_told(conn: Connection) -> None:
    pool = Cause("pool_leak", "泳池漏水", "Leaking pool", ["leak"], ["leak"])
    causes.add_cause(conn, pool, actor=LI, at=NOW)
    with pytest.raises(ConflictError, match="already"):
        causes.add_cause(conn, pool, actor=LI, at=NOW)
    causes.change_cause(conn, pool, actor=LI, at=NOW, version=1)
    with pytest.raises(ConflictError, match="changed by li") as refused:
        causes.change_cause(conn, pool, actor=Actor("wang"), at=NOW, version=1)
    assert refused.value.more["changed"]["version"] == 2
    with pytest.raises(NotFoundError):
        causes.change_cause(conn, Cause("none_such", "无", "none"), actor=LI, at=NOW)
    with pytest.raises(BadDataError, match="none_such"):
        causes.add_problem(conn, Problem(GUIDE, GUIDE, cause_code="none_such"), actor=LI, at=NOW)
    id_ = causes.add_problem(conn, Problem(GUIDE, GUIDE, groups=["leak"]), actor=LI, at=NOW)
    causes.change_problem(conn, id_, Problem(GUIDE, GUIDE, active=False), actor=LI, at=NOW, version=1)
    with pytest.raises(ConflictError):
        causes.change_problem(conn, id_, Problem(GUIDE, GUIDE), actor=LI, at=NOW, version=1)


def solved(conn: Connection, cause: str, opened: datetime, days: float, **values: object) -> int:
    event_id = values.pop("event_id", None)
    assert event_id is None or isinstance(event_id, int)
    return ticket(
        conn,
        event_id,
        NOW,
        cause_code=cause,
        state="resolved",
        opened_at=opened,
        resolved_at=opened + timedelta(days=days),
        **values,
    )


def test_what_comes_back_within_90_days_is_counted_by_customer_district_and_meter(conn: Connection) -> None:
    town = samples.town(conn)
    factories.customer(conn, "A-2", dma_id=town.dma_id)

    def ago(days: float) -> datetime:
        return NOW - timedelta(days=days)

    ours = {"account_no": "A-1001", "dma_id": town.dma_id}
    before = solved(conn, "toilet_leak", ago(400), 1, **ours)  # out of the year, but what the next came after
    first = solved(conn, "toilet_leak", ago(320), 2, **ours)  # 79 days after
    second = solved(conn, "toilet_leak", ago(200), 2, **ours)  # 118 days after: a new matter
    event_id = samples.event(conn)
    third = solved(conn, "toilet_leak", ago(100), 2, event_id=event_id, **ours)  # 98 days after
    fourth = solved(conn, "toilet_leak", ago(95), 2, **ours)  # 3 days after
    solved(conn, "sediment", ago(50), 1, **ours)
    solved(conn, "toilet_leak", ago(50), 1, account_no="A-2", dma_id=town.dma_id)

    def report(by: causes.By, **values: int) -> list[tuple[object, ...]]:
        found = causes.recurring(conn, by, ago(365), NOW, **values)
        return [(r.cause, r.subject, r.tickets, r.again, r.shortest_rest_days, r.ticket_ids) for r in found]

    assert report("customer") == [("toilet_leak", "A-1001", 4, 2, 3.0, [fourth, third, second, first])]
    assert before not in report("customer")[0][5]  # type: ignore[operator]
    assert report("dma")[0][:4] == ("toilet_leak", "D1", 5, 3)
    assert report("meter", least=1) == [("toilet_leak", "M-1", 1, 0, None, [third])]
    assert len(report("customer", least=1)) == 3
