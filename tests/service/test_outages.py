"""Outages from draft to restoration: what is allowed, what is on record, what is told to whom."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core.errors import BadDataError, ConflictError
from core.settings import load
from service import outages
from service.cases import Case, open_case
from service.outage import Deed
from service.outage_area import Area
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW
from tests.service.outage_town import LI, Operator, office, people

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(conn: Connection, database_url: str) -> Iterator[Operator]:
    with office(conn, database_url) as operator:
        yield operator


def deed(**values: Any) -> Deed:
    return Deed(**({"actor": LI, "at": NOW} | values))


def steps(desk: Operator) -> list[str]:
    return [step for (step,) in desk.conn.execute("select step from outage_notice order by id")]


def test_a_draft_is_nobody_s_news(desk: Operator) -> None:
    id_ = desk.draft()
    outages.change(desk.conn, id_, {"reason": "阀门更换"}, deed())
    outages.cancel(desk.conn, id_, deed(why="not needed"))
    assert desk.fill() == 0 and desk.rows() == []


def test_everybody_in_the_district_is_told_each_turn_once(desk: Operator) -> None:
    id_ = desk.planned()
    for turn in (
        lambda: outages.change(desk.conn, id_, {"expected_end": NOW + timedelta(days=3, hours=8)}, deed()),
        lambda: outages.start(desk.conn, id_, deed(at=NOW + timedelta(days=3))),
        lambda: outages.change(
            desk.conn,
            id_,
            {"expected_end": NOW + timedelta(days=3, hours=9)},
            deed(at=NOW + timedelta(days=3, hours=7)),
        ),
        lambda: outages.restore(desk.conn, id_, deed(at=NOW + timedelta(days=3, hours=8))),
    ):
        desk.fill()
        desk.sent()
        turn()
    desk.fill()
    desk.fill()
    assert steps(desk) == ["announced", "changed", "started", "delayed", "restored"]
    told = desk.rows("account_no, step")
    everybody = ["A-1001", "C-000001", "C-000002", "C-000003"]
    assert told == [(who, step) for step in steps(desk) for who in everybody]
    kinds = desk.conn.execute("select kind, from_state, to_state from outage_entry order by id").fetchall()
    assert kinds == [
        ("created", None, "draft"),
        ("announced", "draft", "announced"),
        ("changed", "announced", "announced"),
        ("started", "announced", "started"),
        ("changed", "started", "started"),
        ("restored", "started", "restored"),
    ]


def test_what_the_state_does_not_allow_is_refused_with_who_and_what_is_allowed(desk: Operator) -> None:
    id_ = desk.planned()
    with pytest.raises(
        ConflictError, match=r"HW-\d+ is announced since 2026-11-21 01:30 UTC, by li .*restored"
    ) as problem:
        outages.restore(desk.conn, id_, deed())
    assert problem.value.cure == "Allowed now: change, start, cancel."


def test_of_two_who_change_it_at_once_one_is_told_of_the_other(desk: Operator) -> None:
    id_ = desk.draft()
    seen = desk.outage(id_).version
    outages.change(desk.conn, id_, {"contact": "96390"}, deed(version=seen))
    with pytest.raises(ConflictError, match=f"is version {seen + 1} since .* by li .*, not {seen}"):
        outages.change(desk.conn, id_, {"contact": "96391"}, deed(version=seen))
    assert desk.outage(id_).contact == "96390"


def test_no_change_is_no_version_and_no_message(desk: Operator) -> None:
    id_ = desk.planned()
    before = desk.outage(id_)
    outages.change(desk.conn, id_, {"cause": "valve_work"}, deed(), area=Area(("D1",)))
    assert desk.outage(id_) == before and steps(desk) == ["announced"]


def test_planned_work_on_short_notice_needs_a_reason(desk: Operator) -> None:
    id_ = desk.draft(starts_at=NOW + 5 * HOUR, expected_end=NOW + 9 * HOUR)
    with pytest.raises(ConflictError, match=r"announced 24 h ahead; this begins in 5\.0 h"):
        outages.announce(desk.conn, id_, deed(), override=True)
    outages.announce(desk.conn, id_, deed(why="the valve leaks"), override=True)
    why, detail = desk.conn.execute(
        "select why, detail from outage_entry where kind = 'announced'"
    ).fetchall()[0]
    assert (why, detail) == ("the valve leaks", {"override": True, "hours_ahead": 5.0})


def test_work_that_is_brought_forward_keeps_the_notice_too(desk: Operator) -> None:
    id_ = desk.planned()
    with pytest.raises(ConflictError, match="24 h ahead"):
        outages.change(desk.conn, id_, {"starts_at": NOW + 2 * HOUR}, deed())
    outages.change(desk.conn, id_, {"starts_at": NOW + 30 * HOUR}, deed())


def test_nobody_concerned_is_refused(desk: Operator) -> None:
    factories.dma(desk.conn, "D9")
    id_ = desk.draft(area=Area(("D9",)))
    with pytest.raises(BadDataError, match="Nobody lives"):
        outages.announce(desk.conn, id_, deed())


def test_area_is_the_union_and_unknown_lines_are_named(desk: Operator) -> None:
    factories.dma(desk.conn, "D2")
    people(desk.conn, 2, dma="D2", first=11)
    factories.insert(desk.conn, "customer", account_no="N-1", name="no point")
    listed = '\ufeffC-000011,张三\n\n sp-C-000001 \n"C-000002"\tx\nN-1\nX-9;\n'
    id_ = desk.draft(area=Area((), listed))
    assert [(u["line"], u["value"], u["why"]) for u in desk.outage(id_).unread] == [
        (5, "N-1", "customer without a service point"),
        (6, "X-9", "no such account or service point"),
    ]
    concerned = "select account_no from outage_account where outage_id = %s order by 1"
    assert [a for (a,) in desk.conn.execute(concerned, [id_])] == ["C-000001", "C-000002", "C-000011"]
    outages.change(desk.conn, id_, {}, deed(), area=Area(("D2",), "C-000001"))
    assert [a for (a,) in desk.conn.execute(concerned, [id_])] == ["C-000001", "C-000011", "C-000012"]
    with pytest.raises(BadDataError, match="no DMA D7"):
        outages.change(desk.conn, id_, {}, deed(), area=Area(("D7",)))


def test_who_leaves_the_area_is_told_that_it_is_over_and_who_joins_that_it_begins(desk: Operator) -> None:
    factories.dma(desk.conn, "D2")
    people(desk.conn, 1, dma="D2", first=11)
    id_ = desk.planned()
    desk.fill()
    desk.sent()
    outages.change(desk.conn, id_, {}, deed(), area=Area((), "C-000001\nC-000011"))
    desk.fill()
    flags = "account_no, (message ->> 'told')::boolean, (message ->> 'spared')::boolean"
    assert desk.rows(flags)[4:] == [
        ("A-1001", True, True),
        ("C-000001", True, False),
        ("C-000002", True, True),
        ("C-000003", True, True),
        ("C-000011", False, False),
    ]
    desk.sent()
    outages.cancel(desk.conn, id_, deed(why="rain"))
    desk.fill()
    assert desk.rows("account_no, step")[9:] == [("C-000001", "cancelled"), ("C-000011", "cancelled")]


def test_a_later_notice_takes_back_what_was_not_sent(desk: Operator) -> None:
    id_ = desk.burst()
    desk.fill()
    desk.conn.execute("update outbox set state = 'sent', attempts = 1 where account_no = 'C-000001'")
    outages.restore(desk.conn, id_, deed(at=NOW + HOUR))
    desk.fill(batch=2)
    assert desk.rows("account_no, step, state, (message ->> 'told')::boolean") == [
        ("A-1001", "started", "withdrawn", False),
        ("C-000001", "started", "sent", False),
        ("C-000002", "started", "withdrawn", False),
        ("C-000003", "started", "withdrawn", False),
        ("A-1001", "restored", "pending", False),
        ("C-000001", "restored", "pending", True),
        ("C-000002", "restored", "pending", False),
        ("C-000003", "restored", "pending", False),
    ]
    (why,) = desk.conn.execute("select distinct last_error from outbox where state = 'withdrawn'").fetchall()
    assert why == ("superseded: notice 2 of the outage tells what came of it",)


def test_who_was_never_told_is_not_told_of_the_cancelling(desk: Operator) -> None:
    id_ = desk.planned()
    desk.fill()
    desk.conn.execute("update outbox set state = 'sent', attempts = 1 where account_no = 'C-000002'")
    outages.cancel(desk.conn, id_, deed(why="rain"))
    desk.fill()
    assert [row[0] for row in desk.rows() if row[1] == "cancelled"] == ["C-000002"]


def test_water_that_is_off_overtakes_works_to_come(desk: Operator) -> None:
    desk.planned()
    desk.burst(area=Area((), "C-000001"))
    desk.fill(batch=1)
    assert desk.rows("step, rank")[0] == ("started", 1)
    assert desk.rows("step, rank")[1:] == [("announced", 2)] * 4


NIGHT, MORNING = NOW.replace(hour=17, minute=30), NOW.replace(hour=23, minute=0)  # half past one, seven


def at_night(desk: Operator) -> None:
    desk.conn.execute("update customer set channel = 'sms' where account_no < 'C-000002'")
    desk.conn.execute("update customer set segment = 'vulnerable' where account_no = 'A-1001'")


def test_texts_of_works_to_come_wait_through_the_night_but_not_for_who_must_know(desk: Operator) -> None:
    at_night(desk)
    desk.planned()
    desk.burst(starts_at=MORNING + timedelta(hours=1), expected_end=MORNING + timedelta(hours=5))
    desk.fill(at=NIGHT)
    assert desk.rows("account_no, channel, not_before") == 2 * [
        ("A-1001", "sms", NIGHT),
        ("C-000001", "sms", MORNING),
        ("C-000002", "email", NIGHT),
        ("C-000003", "email", NIGHT),
    ]


def test_at_night_an_unplanned_outage_rings_where_water_is_off_and_its_end_does_not(desk: Operator) -> None:
    at_night(desk)
    id_ = desk.burst(expected_end=NIGHT + timedelta(hours=4))
    desk.fill(at=NIGHT)
    due = "select step, not_before from outbox where account_no = 'C-000001' order by id"
    assert desk.conn.execute(due).fetchall() == [("started", NIGHT)]
    desk.sent()
    later = NIGHT + timedelta(hours=1)
    outages.restore(desk.conn, id_, Deed(LI, later))
    desk.fill(at=later)
    assert desk.conn.execute(due).fetchall()[1:] == [("restored", MORNING)]


def test_a_utility_may_let_every_text_wait(desk: Operator) -> None:
    at_night(desk)
    desk.burst()
    desk.fill(at=NIGHT, night_texts=load(outage_night_texts=[]).outage_night_texts)
    due = "select not_before from outbox where account_no = 'C-000001'"
    assert desk.conn.execute(due).fetchall() == [(MORNING,)]


def test_who_can_not_be_reached_is_counted(desk: Operator) -> None:
    people(desk.conn, 10, first=11)
    desk.planned()
    desk.fill(batch=4)
    counts = desk.conn.execute("select customers, messages, unreachable, state from outage_notice").fetchall()
    assert counts == [(14, 13, 1, "filled")]


def test_managers_hear_how_many_of_theirs_and_whom_to_call(desk: Operator) -> None:
    desk.conn.execute(
        "update customer set segment = 'special', name = '江城第三医院' where account_no = 'A-1001'"
    )
    desk.planned()
    desk.fill()
    rows = desk.conn.execute(
        "select step, recipient, message -> 'customers', message -> 'call' from outbox"
        " where kind = 'outage_staff'"
    ).fetchall()
    assert rows == [("concerned", "wangli@utility.example", 1, ["江城第三医院 (A-1001)"])]


def test_an_imported_outage_is_told_to_nobody_until_it_is_announced(desk: Operator) -> None:
    desk.conn.execute(
        "insert into outage (code, kind, state, reason, starts_at, expected_end, created_by) values"
        " ('O-1', 'planned', 'announced', 'works', %s, %s, 'import')",
        (NOW + 30 * HOUR, NOW + 32 * HOUR),
    )
    (id_,) = desk.conn.execute("select id from outage").fetchall()[0]
    outages.change(desk.conn, id_, {"contact": "96390"}, deed(), area=Area(("D1",)))
    assert steps(desk) == []
    outages.announce(desk.conn, id_, deed())
    desk.fill()
    assert len(desk.rows()) == 4


def test_a_known_outage_explains_missing_water_until_an_hour_after_it(desk: Operator) -> None:
    id_ = desk.burst()
    code = desk.outage(id_).code
    end = NOW + 2 * HOUR

    def explained(account_no: str, at: Any) -> str | None:
        found = outages.explains(desk.conn, account_no, at)
        return found.code if found else None

    assert explained("C-000001", NOW) == code
    assert explained("C-000001", NOW - HOUR) is None
    outages.restore(desk.conn, id_, deed(at=end))
    assert explained("C-000001", end + HOUR / 2) == code
    assert explained("C-000001", end + 2 * HOUR) is None
    assert [o.code for o in outages.outages_of_customer(desk.conn, "C-000001")] == []
    ahead = desk.planned()
    assert [o.id for o in outages.outages_of_customer(desk.conn, "C-000001")] == [ahead]
    assert explained("C-000001", NOW) is None or explained("C-000001", NOW) == code


def test_an_outage_is_opened_from_an_event_once_and_both_are_linked(desk: Operator) -> None:
    event = samples.event(desk.conn, "main_burst")
    id_ = desk.draft(
        kind="unplanned", event_id=event, area=Area(), starts_at=None, expected_end=None, cause="other"
    )
    outage = desk.outage(id_)
    assert (outage.starts_at, outage.cause, outage.end_known) == (samples.ONSET, "main_burst", False)
    assert outage.expected_end == NOW + 2 * HOUR
    told = desk.conn.execute("select recipient, step from outbox where kind = 'outage_staff'").fetchall()
    assert told == [("desk@utility.example", "opened")]
    with pytest.raises(ConflictError, match=f"Outage {outage.code} was opened for this event"):
        desk.draft(kind="unplanned", event_id=event)


def test_complaints_of_no_water_are_answered_by_the_outage_whichever_comes_first(desk: Operator) -> None:
    def complain(account_no: str, topic: str = "no_water") -> int:
        case = Case("hotline", topic, "没水了", account_no=account_no)
        return open_case(desk.conn, case, actor=LI, at=NOW)

    before = complain("C-000001")
    complain("C-000002", "bill")
    id_ = desk.burst(starts_at=NOW - HOUR / 2)
    after = complain("C-000003")
    linked = desk.conn.execute("select ticket_id, outage_id from outage_ticket order by 1").fetchall()
    assert linked == [(before, id_), (after, id_)]
    entries = "select count(*) from ticket_entry where kind = 'outage'"
    assert desk.conn.execute(entries).fetchall() == [(2,)]
