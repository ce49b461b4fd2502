"""What customers and colleagues read of an outage: every form, both languages, no gap."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from notify.channels import Message
from notify.kinds.outage import form_of
from notify.letter import Letter
from notify.words import Words
from notify.writer import Writer
from service.outage_facts import OutageFacts, Promise, Supply, outage_document, reason_in
from sql.pool import Connection
from tests import factories, samples

START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # Tuesday, nine o'clock in Shanghai
END = START + timedelta(hours=8)
MADE = START - timedelta(days=3)
FORMS = ("announced", "reminded", "changed", "started", "delayed", "restored", "cancelled", "spared")
STAFF = ("opened", "concerned", "warned", "urged", "escalated")
WRITER = Writer(Words("https://water.example"))


def about(**values: Any) -> OutageFacts:
    given: dict[str, Any] = {
        "id": 7,
        "code": "HW-7",
        "kind": "planned",
        "cause": "valve_work",
        "reason": "江南大道 DN300 阀门更换",
        "starts_at": START,
        "expected_end": END,
        "supply": [
            Supply("滨江小学东门", START + timedelta(hours=1), END, "自备容器"),
            Supply("江南花园 2 号门"),
        ],
        "contact": "96390",
        "districts": ["滨江三区"],
        "utility": "江城水务",
        "timezone": "Asia/Shanghai",
    }
    return OutageFacts(**(given | values))


def write(
    conn: Connection,
    facts: OutageFacts,
    step: str,
    language: str = "zh",
    *,
    kind: str = "outage",
    **message: Any,
) -> Letter:
    given: Mapping[str, Any] = {
        "said": outage_document(facts),
        "account_no": "A-1001",
        "name": samples.NAMES[language],
        "told": step not in ("announced", "started"),
        "spared": step == "spared",
    } | message
    return WRITER.letter(conn, Message(1, None, None, step, "x@y.example", language, given, 1, MADE, kind))


def of_form(conn: Connection, form: str, language: str, **values: Any) -> Letter:
    begun = form in ("started", "delayed", "restored")
    facts = about(
        started_at=START if begun else None,
        ended_at=END + timedelta(minutes=-30) if form == "restored" else None,
        before=Promise(START, END - timedelta(hours=2)) if form in ("changed", "delayed") else None,
        **values,
    )
    return write(conn, facts, form, language)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_all_of_it_and_has_no_gap(
    conn: Connection, form: str, known: bool, language: str
) -> None:
    letter = of_form(conn, form, language, end_known=known)
    for text in (letter.subject, letter.text, letter.html, letter.brief):
        assert text.strip() and not re.search(r"\{\{|\}\}|None|undefined|  \n|\(\)|（）", text), text
    for body in (letter.text, letter.html):
        assert "HW-7" in body and "Asia/Shanghai (UTC+08:00)" in body and "江城水务" in body
        assert "96390" in body and samples.NAMES[language] in body
        assert ("滨江小学东门" in body) == (form not in ("restored", "cancelled", "spared"))
    assert "96390" in letter.brief and "\n" not in letter.brief and len(letter.brief) <= 400
    assert letter.to_name == samples.NAMES[language] and letter.thread == "outage.7"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("step", STAFF)
def test_every_word_to_colleagues_names_the_outage_the_promise_and_the_link(
    conn: Connection, step: str, language: str
) -> None:
    call = ["江城第三医院 (A-1001)"] if step == "concerned" else []
    letter = write(
        conn, about(started_at=START), step, language, kind="outage_staff", customers=12, large=1, call=call
    )
    assert "HW-7" in letter.subject
    assert "https://water.example/outages/7" in letter.text and "/outages/7" in letter.html
    assert ("12" in letter.subject) == (step == "concerned")
    assert ("江城第三医院" in letter.text) == (step == "concerned")
    assert letter.urgent == (step in ("urged", "escalated"))


def test_times_are_the_utility_s_and_the_day_stands_once(conn: Connection) -> None:
    assert "11月24日（周二）09:00至17:00" in of_form(conn, "announced", "zh").subject
    assert "Tue 24 Nov, 09:00 to 17:00" in of_form(conn, "announced", "en").subject
    over_night = about(expected_end=START + timedelta(hours=20))
    assert "09:00至11月25日（周三）05:00" in write(conn, over_night, "announced").subject


def test_nobody_is_promised_water_when_only_news_are_promised(conn: Connection) -> None:
    for form in ("announced", "started", "delayed"):
        assert "预计" not in of_form(conn, form, "zh", end_known=False).text
        assert "expect it back" not in of_form(conn, form, "en", end_known=False).text


@pytest.mark.parametrize(
    ("reason", "translated", "cause", "zh", "en"),
    [
        ("阀门更换", {}, "valve_work", "阀门更换", ""),
        ("阀门更换", {"en": "a new valve"}, "valve_work", "阀门更换", "a new valve"),
        ("new valve", {}, "valve_work", "", "new valve"),
        ("阀门更换", {}, "other", "阀门更换", "阀门更换"),
        (" ", {}, "other", "", ""),
    ],
)
def test_the_reason_is_read_in_a_language_that_the_reader_knows(
    reason: str, translated: dict[str, str], cause: str, zh: str, en: str
) -> None:
    facts = about(reason=reason, reason_in=translated, cause=cause)
    assert (reason_in(facts, "zh"), reason_in(facts, "en")) == (zh, en)


def test_who_has_not_been_told_yet_is_told_all_of_it() -> None:
    ahead, begun = about(), about(started_at=START)
    assert form_of("changed", ahead, told=False, spared=False) == "announced"
    assert form_of("changed", begun, told=False, spared=False) == "started"
    assert form_of("delayed", begun, told=True, spared=False) == "delayed"
    assert form_of("restored", begun, told=False, spared=False) == "restored"
    assert form_of("changed", begun, told=True, spared=True) == "spared"


def test_the_end_of_one_outage_does_not_hide_another(conn: Connection) -> None:
    samples.town(conn)
    values = {
        "state": "started",
        "started_at": START,
        "starts_at": START,
        "expected_end": END + timedelta(hours=3),
    }
    other = factories.insert(
        conn, "outage", "id", code="HW-9", kind="unplanned", cause="main_burst", reason="", **values
    )
    conn.execute("insert into outage_dma select %s, id from dma", [other])
    for language, subject, line in (
        (
            "zh",
            "您处另因其他原因仍在停水",
            "因供水主管道爆裂抢修，11月24日（周二）09:00至20:00停水（编号 HW-9）",
        ),
        (
            "en",
            "your water is still off for another reason",
            "09:00 to 20:00 because of a burst water main (HW-9)",
        ),
    ):
        letter = of_form(conn, "restored", language)
        assert subject in letter.subject and line in letter.text and line in letter.html
        assert "已恢复供水" not in letter.text and "water is back" not in letter.text
        assert line in of_form(conn, "announced", language).text
    conn.execute("update outage set state = 'restored', ended_at = %s", [END])
    assert of_form(conn, "restored", "zh").subject == "【恢复供水】您处已恢复供水"


def test_a_notice_is_read_from_where_it_stands_with_the_reader_s_address(conn: Connection) -> None:
    samples.town(conn)
    values = {"starts_at": START, "expected_end": END}
    outage = factories.insert(conn, "outage", "id", code="HW-1", kind="planned", reason="", **values)
    notice = factories.insert(
        conn,
        "outage_notice",
        "id",
        outage_id=outage,
        revision=1,
        step="announced",
        said=Jsonb(outage_document(about())),
        made_at=MADE,
    )
    given = {"notice": notice, "account_no": "A-1001", "name": "张伟", "told": False, "spared": False}
    letter = WRITER.letter(conn, Message(1, None, None, "announced", "x", "zh", given, 1, MADE, "outage"))
    assert "用水地址：滨江区江南大道 88 号 3 幢 1201 室" in letter.text
    assert "影响范围" not in letter.text
