"""Work changes hands: who gets it, what is on record, who is told; and nothing stays behind."""

from datetime import date, timedelta
from typing import Any

import pytest

from core.errors import BadDataError, ConflictError
from notify.channels import Message
from notify.kinds import hand_over
from notify.words import Words
from service import handover, leaving, staff, tickets
from service.handover import Order
from service.staff import Absence
from service.tickets import Act, Actor, Entry
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW, Town

BOSS = Actor("boss")
DAY = timedelta(days=1)


@pytest.fixture
def town(conn: Connection) -> Town:
    return samples.town(conn)


def ticket(conn: Connection, assignee: int | None, **values: Any) -> int:
    given = {
        "priority": "normal",
        "urgent": False,
        "sla": "normal",
        "grp": "leak",
        "account_no": "A-1001",
        "routed_by": "account_manager",
        "opened_at": NOW,
        "response_due": NOW + DAY,
        "resolution_due": NOW + 3 * DAY,
    } | values
    return int(factories.insert(conn, "ticket", "id", assignee_id=assignee, **given))


def urgent(conn: Connection, assignee: int, **values: Any) -> int:
    return ticket(conn, assignee, priority="urgent", urgent=True, sla="green_channel", **values)


def entries(conn: Connection, ticket_id: int) -> list[tuple[Any, ...]]:
    rows = conn.execute(
        "select actor, kind, why, detail ->> 'from', detail ->> 'to' from ticket_entry where ticket_id = %s"
        " order by id",
        [ticket_id],
    )
    return rows.fetchall()


def told(conn: Connection) -> list[tuple[str, str]]:
    return conn.execute("select recipient, step from outbox order by id").fetchall()


def assignee(conn: Connection, ticket_id: int) -> int:
    return int(conn.execute("select assignee_id from ticket where id = %s", [ticket_id]).fetchall()[0][0])


def test_the_new_one_and_the_former_are_told_with_the_note(conn: Connection, town: Town) -> None:
    id_ = ticket(conn, town.manager_id)
    handover.assign(conn, id_, town.deputy_id, note="Called twice; valve is shut.", actor=BOSS, at=NOW)
    assert assignee(conn, id_) == town.deputy_id
    assert entries(conn, id_) == [("boss", "handed_over", "Called twice; valve is shut.", "wangli", "chen")]
    assert told(conn) == [("chen@utility.example", "handed_over"), ("wangli@utility.example", "passed_on")]


def test_who_hands_over_or_takes_is_not_told_of_the_own_deed(conn: Connection, town: Town) -> None:
    mine = Actor("wangli", town.manager_id)
    handover.assign(conn, ticket(conn, town.manager_id), town.deputy_id, note="x", actor=mine, at=NOW)
    assert told(conn) == [("chen@utility.example", "handed_over")]
    handover.assign(conn, ticket(conn, town.deputy_id), town.manager_id, note="x", actor=mine, at=NOW)
    assert told(conn)[1:] == [("chen@utility.example", "passed_on")]
    nobody_s = ticket(conn, None)
    handover.assign(conn, nobody_s, town.deputy_id, actor=BOSS, at=NOW)
    assert entries(conn, nobody_s) == [("boss", "assigned", "", None, "chen")]
    assert told(conn)[2:] == [("chen@utility.example", "assigned")]


def test_there_and_back_again_is_told_each_time(conn: Connection, town: Town) -> None:
    id_ = ticket(conn, town.manager_id)
    for to in (town.deputy_id, town.manager_id, town.deputy_id):
        handover.assign(conn, id_, to, note="x", actor=BOSS, at=NOW)
    assert len(told(conn)) == 6


def test_what_can_not_be_handed_over_is_refused_with_the_cure(conn: Connection, town: Town) -> None:
    id_ = ticket(conn, town.manager_id)
    with pytest.raises(BadDataError, match="needs a note"):
        handover.assign(conn, id_, town.deputy_id, note=" ", actor=BOSS, at=NOW)
    with pytest.raises(ConflictError, match="王丽 has ticket"):
        handover.assign(conn, id_, town.manager_id, note="x", actor=BOSS, at=NOW)
    with pytest.raises(ConflictError, match="has changed since"):
        handover.assign(conn, id_, town.deputy_id, note="x", actor=BOSS, at=NOW, version=7)
    staff.plan_absence(
        conn, Absence(town.deputy_id, NOW, NOW + DAY, deputy_id=town.desk_id), actor=BOSS, at=NOW
    )
    with pytest.raises(ConflictError, match=r"陈静 is away until .*值班岗 stands in"):
        handover.assign(conn, id_, town.deputy_id, note="x", actor=BOSS, at=NOW)
    conn.execute("update staff set active = false where id = %s", [town.desk_id])
    with pytest.raises(ConflictError, match="has left"):
        handover.assign(conn, id_, town.desk_id, note="x", actor=BOSS, at=NOW)
    conn.execute("update ticket set state = 'resolved'")
    with pytest.raises(ConflictError, match="is resolved"):
        handover.assign(conn, id_, town.deputy_id, note="x", actor=BOSS, at=NOW)


def test_a_hand_over_is_taken_back_to_whom_it_was_with_and_both_are_told(
    conn: Connection, town: Town
) -> None:
    id_ = ticket(conn, town.manager_id)
    given = handover.assign(conn, id_, town.deputy_id, note="Yours.", actor=BOSS, at=NOW)
    back = handover.undo(conn, id_, Act(BOSS, NOW, "By mistake.", given.version))
    assert back.assignee_id == town.manager_id
    assert entries(conn, id_)[1:] == [("boss", "handed_over", "By mistake.", "chen", "wangli")]
    assert told(conn)[2:] == [
        ("wangli@utility.example", "handed_over"),
        ("chen@utility.example", "passed_on"),
    ]
    nobody_s = ticket(conn, None, routed_by="region")
    handover.assign(conn, nobody_s, town.deputy_id, actor=BOSS, at=NOW)
    handover.undo(conn, nobody_s, Act(BOSS, NOW))
    kept = conn.execute("select assignee_id, routed_by from ticket where id = %s", [nobody_s]).fetchall()
    assert kept == [(None, "region")]
    assert told(conn)[5:] == [("chen@utility.example", "passed_on")]


def test_only_the_own_hand_over_is_taken_back_and_only_while_nobody_has_begun(
    conn: Connection, town: Town
) -> None:
    id_ = ticket(conn, town.manager_id)
    with pytest.raises(ConflictError, match="not handed over by you"):
        handover.undo(conn, id_, Act(BOSS, NOW))
    handover.assign(conn, id_, town.deputy_id, note="x", actor=BOSS, at=NOW)
    with pytest.raises(ConflictError, match="not handed over by you"):
        handover.undo(conn, id_, Act(Actor("chen", town.deputy_id), NOW))
    tickets.note(conn, id_, Entry("urged", "by itself"), at=NOW)
    conn.execute("update staff set active = false where id = %s", [town.manager_id])
    with pytest.raises(ConflictError, match="has left"):
        handover.undo(conn, id_, Act(BOSS, NOW))
    tickets.note(conn, id_, Entry("note", "I have called."), at=NOW, actor="chen")
    with pytest.raises(ConflictError, match="was worked on since"):
        handover.undo(conn, id_, Act(BOSS, NOW))
    assert assignee(conn, id_) == town.deputy_id


def leaver_with_500(conn: Connection, town: Town) -> tuple[int, int, int]:
    """Give Wang Li 500 open tickets of 300 customers in two regions; return a manager of each."""
    east = factories.insert(conn, "region", "id", code="R2", name="城东")
    dma = factories.dma(conn, "D2", region_id=east)
    north = [factories.staff(conn, login, region_id=town.region_id) for login in ("n1", "n2")]
    other = factories.staff(conn, "e1", region_id=east)
    conn.execute(
        "insert into customer (account_no, name, manager_id, dma_id)"
        " select 'C' || n, 'C' || n, %s, case when n <= 100 then %s else %s end"
        " from generate_series(1, 299) n",
        (town.manager_id, dma, town.dma_id),
    )
    conn.execute(
        "insert into ticket (priority, urgent, sla, grp, account_no, dma_id, routed_by, opened_at,"
        " response_due, resolution_due, assignee_id)"
        " select 'high', false, 'high', 'leak', c.account_no, c.dma_id, 'account_manager', %(at)s, %(at)s,"
        " %(at)s, %(id)s from (select *, row_number() over (order by account_no) as n from customer) c,"
        " generate_series(1, 2) g where g = 1 or n <= 200",
        {"at": NOW, "id": town.manager_id},
    )
    return north[0], north[1], other


def test_who_leaves_leaves_nothing_behind(conn: Connection, town: Town) -> None:
    n1, n2, east = leaver_with_500(conn, town)
    conn.execute("update dma set manager_id = %s where code = 'D2'", [town.manager_id])
    conn.execute("update staff set superior_id = %s where login = 'chen'", [town.manager_id])
    conn.execute("update staff set deputy_id = %s where login = 'n1'", [town.manager_id])
    for account_no, state in (("C1", "due"), ("C2", "postponed")):
        visit = {"account_no": account_no, "manager_id": town.manager_id, "due_on": NOW.date()}
        factories.insert(conn, "visit", **visit, state=state)
    left = leaving.leave(conn, town.manager_id, None, Order(BOSS, NOW, "Retired."))
    given = {who: len(ids) for who, ids in left.handed.tickets.items()}
    in_east = "select count(*) from ticket t join dma d on d.id = t.dma_id where d.code = 'D2'"
    assert (sum(given.values()), given[east]) == (500, conn.execute(in_east).fetchall()[0][0])
    assert abs(given[n1] - given[n2]) <= 2
    assert left.handed.customers == {n1: 100, n2: 100, east: 100}
    assert (left.visits, left.districts) == (2, ["D2"])
    for table, column in [
        ("ticket", "assignee_id"),
        ("customer", "manager_id"),
        ("visit", "manager_id"),
        ("dma", "manager_id"),
        ("staff", "superior_id"),
        ("staff", "deputy_id"),
    ]:
        count = f"select count(*) from {table} where {column} = %s"  # noqa: S608
        assert conn.execute(count, [town.manager_id]).fetchall() == [(0,)], (table, column)
    # A customer's tickets go where the customer goes.
    apart = (
        "select count(*) from ticket t join customer c using (account_no) where t.assignee_id <> c.manager_id"
    )
    assert conn.execute(apart).fetchall() == [(0,)]
    assert conn.execute("select count(*) from ticket_entry where kind = 'handed_over'").fetchall() == [(500,)]
    versions = conn.execute("select count(*), min(version), max(version) from customer_change").fetchall()
    assert versions == [(300, 2, 2)]
    assert sorted(told(conn)) == [(f"{login}@utility.example", "hand_over") for login in ("e1", "n1", "n2")]
    with pytest.raises(ConflictError, match="left already"):
        leaving.leave(conn, town.manager_id, None, Order(BOSS, NOW, "x"))


def test_all_to_one_person(conn: Connection, town: Town) -> None:
    leaver_with_500(conn, town)
    left = leaving.leave(conn, town.manager_id, town.deputy_id, Order(BOSS, NOW, "Moved."))
    assert {who: len(ids) for who, ids in left.handed.tickets.items()} == {town.deputy_id: 500}
    assert left.handed.customers == {town.deputy_id: 300}
    assert told(conn) == [("chen@utility.example", "hand_over")]


def test_nobody_to_take_over_changes_nothing(conn: Connection, town: Town) -> None:
    ticket(conn, town.manager_id)
    conn.execute("update staff set active = false where id <> %s", [town.manager_id])
    with pytest.raises(ConflictError, match="nobody is on the duty desk"), conn.transaction():
        leaving.leave(conn, town.manager_id, None, Order(BOSS, NOW, "x"))
    assert conn.execute("select active from staff where id = %s", [town.manager_id]).fetchall() == [(True,)]


def test_urgent_tickets_go_to_who_stands_in_and_come_back(conn: Connection, town: Town) -> None:
    pressing, later = urgent(conn, town.manager_id), ticket(conn, town.manager_id)
    done = urgent(conn, town.manager_id)
    kept = urgent(conn, town.manager_id)
    away = Absence(town.manager_id, NOW + DAY, NOW + 5 * DAY, "leave")
    staff.plan_absence(conn, away, actor=BOSS, at=NOW)
    assert staff.cover(conn, at=NOW) == []
    ((who, handed),) = staff.cover(conn, at=NOW + DAY)
    assert (who, handed.ticket_ids) == (town.manager_id, [pressing, done, kept])
    assert staff.cover(conn, at=NOW + 2 * DAY) == []  # once an absence
    assert assignee(conn, later) == town.manager_id
    conn.execute("update ticket set state = 'confirmed' where id = %s", [done])
    handover.assign(conn, kept, town.desk_id, note="x", actor=BOSS, at=NOW + DAY)
    me = Actor("wangli", town.manager_id)
    back = staff.take_back(conn, town.manager_id, actor=me, note="", at=NOW + 5 * DAY)
    assert back.ticket_ids == [pressing]
    assert entries(conn, pressing)[-1] == ("wangli", "handed_over", "Back from absence.", "chen", "wangli")
    assert [step for _, step in told(conn)].count("hand_over") == 2
    assert staff.take_back(conn, town.manager_id, actor=me, note="", at=NOW + 5 * DAY).ticket_ids == []


def test_an_absence_that_nobody_covers_is_looked_at_again(conn: Connection, town: Town) -> None:
    id_ = urgent(conn, town.manager_id)
    conn.execute("update staff set active = false where id <> %s", [town.manager_id])
    staff.plan_absence(conn, Absence(town.manager_id, NOW), actor=BOSS, at=NOW)
    assert staff.cover(conn, at=NOW) == []
    conn.execute("update staff set active = true")
    ((_, handed),) = staff.cover(conn, at=NOW)
    assert handed.ticket_ids == [id_]


def letter_of(conn: Connection, language: str) -> Any:
    rows = conn.execute(
        "select id, kind, step, recipient, message from outbox order by id limit 1"
    ).fetchall()
    ((id_, kind, step, recipient, message),) = rows
    given = {
        "id": id_,
        "ticket_id": None,
        "event_id": None,
        "kind": kind,
        "step": step,
        "recipient": recipient,
        "language": language,
        "message": message,
    }
    fields = (
        Message.__dataclass_fields__
        if hasattr(Message, "__dataclass_fields__")
        else Message.__struct_fields__
    )
    known = {name: given.get(name, 1 if name == "attempt" else NOW) for name in fields}
    return hand_over.letter(Words("https://x.example"), conn, Message(**known), pictures=False)


def test_the_one_message_says_how_much_what_and_until_when(conn: Connection, town: Town) -> None:
    leaver_with_500(conn, town)
    ticket(conn, town.manager_id, subject="水压低", grp="case", response_due=NOW, resolution_due=NOW)
    leaving.leave(conn, town.manager_id, town.deputy_id, Order(BOSS, NOW, "已与客户沟通。"))
    chinese, english = letter_of(conn, "zh"), letter_of(conn, "en")
    assert chinese.subject == "【工作交接】王丽已离岗，请接手未办结工单 501 张（高 500、中 1），客户 300 户"
    assert english.subject == (
        "[Hand-over] 王丽 has left: 501 open tickets (500 high, 1 normal) and 300 customers for you"
    )
    for letter in (chinese, english):
        assert "已与客户沟通。" in letter.text and "已与客户沟通。" in letter.html
        assert letter.text.count("https://x.example/tickets/") == handover.LISTED
        assert "471" in letter.text
        assert "None" not in letter.text + letter.html
    assert "下一时限 11月21日（周六）09:30" in chinese.text


def test_loads_count_what_lies_on_a_desk(conn: Connection, town: Town) -> None:
    me = town.manager_id
    ticket(conn, me, response_due=NOW - DAY)
    ticket(conn, me, state="responded", response_due=NOW - DAY, resolution_due=NOW + timedelta(hours=5))
    ticket(conn, me, state="acknowledged", waiting_since=NOW, response_due=NOW - DAY)
    urgent(conn, me, response_due=NOW + 2 * DAY)
    ticket(conn, me, state="confirmed")
    today = date(2026, 11, 21)
    for due, state in ((today - DAY, "due"), (today, "postponed"), (today + 8 * DAY, "due")):
        factories.insert(conn, "visit", account_no="A-1001", manager_id=me, due_on=due, state=state)
    found = staff.loads(conn, [me, town.desk_id], at=NOW)
    mine = found[me]
    assert {k: mine[k] for k in ("open", "urgent", "normal", "waiting", "overdue", "due_24h")} == {
        "open": 4,
        "urgent": 1,
        "normal": 3,
        "waiting": 1,
        "overdue": 1,
        "due_24h": 1,
    }
    assert (mine["customers"], mine["visits_due"], mine["visits_overdue"], mine["weight"]) == (1, 2, 1, 7.0)
    assert mine["next_due"] == NOW - DAY
    assert found[town.desk_id]["open"] == 0
