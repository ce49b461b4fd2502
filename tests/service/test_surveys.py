"""The loop is closed: the customer is asked, and who is dissatisfied is heard."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core.errors import ConflictError
from notify.words import Words
from notify.writer import Writer
from service import messages, opening, surveys, tickets
from service.cases import Case, open_case
from service.findings import Desk
from service.messages import Step
from service.surveys import Answer
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import factories, samples
from tests.notify.test_reach import claimed
from tests.samples import NOW

LATER = NOW + timedelta(days=1)


@pytest.fixture
def api_conn(database_url: str) -> Iterator[Connection]:
    """A connection with the rights of the API, which is where people and customers act."""
    with connect(database_url, "api", autocommit=True) as connection:
        connection.execute("select set_config('headwater.sees', 'all', false)")
        yield connection


@pytest.fixture
def li(conn: Connection) -> Actor:
    samples.town(conn)
    conn.execute("update customer set email = 'zhang@home.example', segment = 'general'")
    return Actor("li", factories.staff(conn, "li2"))


@pytest.fixture
def ticket_id(conn: Connection, desk_conn: Connection, li: Actor) -> int:
    return opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id


def resolved(conn: Connection, ticket_id: int, li: Actor, at: object = NOW) -> str:
    """Resolve as a person does, and return the link's token."""
    tickets.resolve(conn, ticket_id, actor=li, at=at, why="new seal", cause="seal")  # type: ignore[arg-type]
    round_ = surveys.on_resolved(conn, ticket_id, at=at)  # type: ignore[arg-type]
    assert round_
    ((until,),) = conn.execute(
        "select expires_at from survey where ticket_id = %s and round = %s", [ticket_id, round_]
    ).fetchall()
    return surveys.token(conn, ticket_id, round_, until)


def one(conn: Connection, text: str, *params: object) -> tuple[object, ...]:
    return conn.execute(text.encode(), params).fetchall()[0]


def test_satisfied_confirms(conn: Connection, api_conn: Connection, ticket_id: int, li: Actor) -> None:
    link = resolved(api_conn, ticket_id, li)
    found = surveys.answer(api_conn, link, Answer(True, 5, "thanks"), at=LATER)
    assert found.state == "asked"
    assert one(conn, "select state, confirmed_at from ticket where id = %s", ticket_id) == (
        "confirmed",
        LATER,
    )
    assert one(conn, "select satisfied, score, remark, channel, recorded_by from survey") == (
        True,
        5,
        "thanks",
        "link",
        None,
    )


def test_dissatisfied_reopens_with_priority_keeps_the_resolver_tells_the_manager_and_asks_again(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    conn.execute("update ticket set priority = 'normal', urgent = false, sla = 'normal'")
    before = one(conn, "select response_due, resolution_due from ticket where id = %s", ticket_id)
    link = resolved(api_conn, ticket_id, li)
    surveys.answer(
        api_conn, link, Answer(False, 1, "still wet"), at=LATER, desk=Desk(webhooks=["http://x.example"])
    )
    assert one(conn, "select state, priority, round, resolved_by from ticket where id = %s", ticket_id) == (
        "reopened",
        "high",
        2,
        li.staff_id,
    )
    kept = (
        "select round, response_due, resolution_due, resolved_at, resolved_by, reopened_at from ticket_round"
    )
    assert one(conn, kept) == (1, *before, NOW, li.staff_id, LATER)
    told = conn.execute("select channel, message->>'why' from outbox where step = 'dissatisfied'").fetchall()
    assert sorted(told) == [("email", "still wet"), ("webhook", "still wet")]

    second = resolved(api_conn, ticket_id, Actor("wang", factories.staff(conn, "wang2")), LATER)
    assert surveys.look(api_conn, link, at=LATER).state == "answered"
    surveys.answer(api_conn, second, Answer(True), at=LATER)
    assert one(conn, "select state from ticket where id = %s", ticket_id) == ("confirmed",)
    rounds = conn.execute(
        "select round, satisfied, login from survey s join staff p on p.id = resolved_by order by 1"
    ).fetchall()
    assert rounds == [(1, False, "li2"), (2, True, "wang2")]


def test_dissatisfied_twice_the_superior_of_who_resolved_it_is_told_as_well(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    above = factories.staff(conn, "sun", name="孙总")
    head = factories.staff(conn, "zhao", name="赵刚", superior_id=above)
    conn.execute("update staff set superior_id = %s where id = %s", [head, li.staff_id])
    told = "select recipient, message->>'why' from outbox where step = 'dissatisfied_again' order by id"
    surveys.answer(api_conn, resolved(api_conn, ticket_id, li), Answer(False, 1, "still wet"), at=LATER)
    assert conn.execute(told).fetchall() == []
    surveys.answer(api_conn, resolved(api_conn, ticket_id, li, LATER), Answer(False, 1, "wetter"), at=LATER)
    assert conn.execute(told).fetchall() == [("zhao@utility.example", "wetter")]
    assert one(conn, "select why, detail->>'times' from ticket_entry where kind = 'escalated'") == (
        "赵刚 is above Li2",
        "2",
    )
    assert one(conn, "select count(*) from outbox where step = 'dissatisfied'") == (2,)
    conn.execute(
        "insert into staff_absence (staff_id, starts_at, ends_at, deputy_id, created_by, created_at)"
        " values (%s, %s, %s, %s, 'test', %s)",
        [head, NOW, LATER + timedelta(days=9), above, NOW],
    )
    surveys.answer(api_conn, resolved(api_conn, ticket_id, li, LATER), Answer(False), at=LATER)
    assert [who for who, _ in conn.execute(told).fetchall()] == [
        "zhao@utility.example",
        "sun@utility.example",
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("of_event", [True, False])
def test_what_the_superior_reads_says_that_it_is_not_the_first_time(
    conn: Connection, desk_conn: Connection, li: Actor, language: str, of_event: bool
) -> None:
    if of_event:
        ticket_id = opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id
    else:
        ticket_id = open_case(conn, Case("hotline", "leak", "Wet wall", "wet", "A-1001"), actor=li, at=NOW)
    head = factories.staff(conn, "zhao", name="赵刚", language=language)
    step = Step("dissatisfied_again", "dissatisfied_again:2", why="wetter")
    (id_,) = messages.tell_all(desk_conn, [messages.Telling(ticket_id, step, head)], at=NOW)
    letter = Writer(Words("https://water.example")).letter(desk_conn, claimed(conn, id_))
    again = "再次不满意" if language == "zh" else "not satisfied again"
    assert again in letter.subject
    for text in (letter.text, letter.html):
        assert "wetter" in text
        assert ("督促" if language == "zh" else "second time") in text
        assert "None" not in text


def test_a_link_is_used_once_and_the_same_answer_again_is_harmless(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    link = resolved(api_conn, ticket_id, li)
    for said, state in [(Answer(False), "asked"), (Answer(False), "answered"), (Answer(True), "answered")]:
        assert surveys.answer(api_conn, link, said, at=LATER).state == state
    assert one(conn, "select state, round from ticket where id = %s", ticket_id) == ("reopened", 2)
    assert one(conn, "select count(*) from ticket_entry where kind = 'survey_answered'") == (1,)


def test_every_changed_character_makes_a_forgery(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    link = resolved(api_conn, ticket_id, li)
    assert len(link) == 40
    for place in range(len(link)):
        forged = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        assert surveys.look(api_conn, forged, at=NOW).state == "forged", place
    for forged in ["", "x", link[:-1], link + "A", link + "====", "\x00" * 40, "水" * 40]:
        assert surveys.look(api_conn, forged, at=NOW).state == "forged"


def test_a_link_of_another_installation_is_a_forgery(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    link = resolved(api_conn, ticket_id, li)
    conn.execute("update signing_key set key = sha256('other')")
    assert surveys.look(api_conn, link, at=NOW).state == "forged"


def test_a_link_expires_to_the_second(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    link = resolved(api_conn, ticket_id, li)
    until = NOW + timedelta(days=14)
    assert surveys.look(api_conn, link, at=until - timedelta(seconds=1)).state == "asked"
    assert surveys.answer(api_conn, link, Answer(False), at=until).state == "expired"
    assert one(conn, "select state from ticket where id = %s", ticket_id) == ("resolved",)


def test_a_link_to_a_ticket_that_is_worked_on_again_or_was_asked_about_anew_takes_nothing(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    first = resolved(api_conn, ticket_id, li)
    tickets.reopen(api_conn, ticket_id, actor=li, at=NOW, why="it is back")
    assert surveys.answer(api_conn, first, Answer(True), at=LATER).state == "working"
    second = resolved(api_conn, ticket_id, li, LATER)
    assert surveys.answer(api_conn, first, Answer(True), at=LATER).state == "replaced"
    assert surveys.look(api_conn, second, at=LATER).state == "asked"


def test_who_cannot_be_reached_is_not_asked_and_the_ticket_says_so(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    conn.execute("update customer set email = null, phone = null")
    tickets.resolve(api_conn, ticket_id, actor=li, at=NOW, cause="seal")
    assert surveys.on_resolved(api_conn, ticket_id, at=NOW) is None
    assert "telephone" in str(one(conn, "select why from ticket_entry where kind = 'survey_unsent'")[0])


def test_a_customer_of_many_meters_is_asked_once_a_day(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    resolved(api_conn, ticket_id, li)
    other = factories.insert(
        conn, "ticket", "id", state="resolved", priority="low", urgent=False, sla="low", grp="device",
        account_no=one(conn, "select account_no from ticket where id = %s", ticket_id)[0], routed_by="person",
        response_due=NOW, resolution_due=NOW, resolved_at=NOW,
    )  # fmt: skip
    assert surveys.on_resolved(api_conn, other, at=NOW + timedelta(hours=23)) is None
    assert surveys.on_resolved(api_conn, other, at=NOW + timedelta(hours=25)) == 1


def test_staff_take_an_answer_down_once_a_resolution(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    with pytest.raises(ConflictError, match="no resolution to judge"):
        surveys.record(api_conn, ticket_id, Answer(True), "hotline", actor=li, at=NOW)
    link = resolved(api_conn, ticket_id, li)
    surveys.record(api_conn, ticket_id, Answer(False, 2, "wet"), "hotline", actor=li, at=LATER)
    assert one(conn, "select round, channel, recorded_by from survey") == (1, "hotline", "li")
    assert surveys.look(api_conn, link, at=LATER).state == "answered"
    tickets.resolve(api_conn, ticket_id, actor=li, at=LATER, cause="pipe")
    surveys.record(api_conn, ticket_id, Answer(True), "counter", actor=li, at=LATER)
    with pytest.raises(ConflictError, match="has answered"):
        surveys.record(api_conn, ticket_id, Answer(True), "counter", actor=li, at=LATER)
    assert one(conn, "select count(*), max(round) from survey") == (2, 2)


def test_silence_confirms_after_the_policys_days(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    resolved(api_conn, ticket_id, li)
    assert surveys.settle(conn, at=NOW + timedelta(days=7, seconds=-1)) == 0
    assert surveys.settle(conn, at=NOW + timedelta(days=7)) == 1
    assert surveys.settle(conn, at=NOW + timedelta(days=8)) == 0
    entry = one(conn, "select actor, to_state, why from ticket_entry order by id desc limit 1")
    assert entry == ("system", "confirmed", "the customer did not answer the survey within 7 days")


def test_an_objection_after_the_silent_confirmation_still_counts(
    conn: Connection, api_conn: Connection, ticket_id: int, li: Actor
) -> None:
    link = resolved(api_conn, ticket_id, li)
    surveys.settle(conn, at=NOW + timedelta(days=7))
    surveys.answer(api_conn, link, Answer(False), at=NOW + timedelta(days=10))
    assert one(conn, "select state from ticket where id = %s", ticket_id) == ("reopened",)
