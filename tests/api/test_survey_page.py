"""The page behind the link in a customer's message: no log-in, one use, nothing given away."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from structlog.testing import CapturingLogger

from core.clock import SetClock
from service import surveys
from sql.pool import Connection
from tests.api.town import Town


@pytest.fixture
def link(conn: Connection, all_seeing: TestClient, town: Town) -> str:
    """The address in the message that went out when Anna's ticket was resolved."""
    conn.execute("update customer set email = 'a@home.example', language = 'en' where account_no = 'A1'")
    body = {"cause": "seal", "why": "new seal"}
    assert all_seeing.post(f"/v1/tickets/{town.anna.ticket_id}/resolve", json=body).status_code == 200
    ((until,),) = conn.execute("select expires_at from survey").fetchall()
    return "/s/" + surveys.token(conn, town.anna.ticket_id, 1, until)


def answer(client: TestClient, link: str, **fields: object) -> tuple[int, str]:
    given = client.post(
        link, content=urlencode(fields), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    return given.status_code, given.text


def heading(text: str) -> str:
    (found,) = re.findall("<h1>(.*?)</h1>", text)
    return str(found)


def test_the_question_stands_there_however_often_it_is_looked_at(
    nobody: TestClient, link: str, conn: Connection, town: Town
) -> None:
    for method in ["HEAD", "GET", "GET", "HEAD", "GET"]:
        shown = nobody.request(method, link)
        assert shown.status_code == 200
    assert f"ticket #{town.anna.ticket_id} " in heading(shown.text)
    assert conn.execute("select answered_at from survey").fetchall() == [(None,)]


def test_the_page_says_nothing_of_the_customer_runs_nothing_and_is_kept_nowhere(
    nobody: TestClient, link: str
) -> None:
    shown = nobody.get(link)
    for secret in ["Customer A1", "A1", "home.example", "anna", "seal"]:
        assert secret not in shown.text
    assert "<script" not in shown.text
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in shown.headers["X-Robots-Tag"]
    assert re.search('<html lang="en">', shown.text)


def test_the_link_is_not_logged(nobody: TestClient, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = CapturingLogger()
    monkeypatch.setattr("api.middleware.log", lines)
    answer(nobody, link, satisfied="no")
    (line,) = lines.calls
    assert line.kwargs["path"] == "/s/..."
    assert link not in str(line)


def test_satisfied(
    nobody: TestClient, link: str, conn: Connection, all_seeing: TestClient, town: Town
) -> None:
    status, text = answer(nobody, link, satisfied="yes", score=5, remark="Quick.\r\nFriendly.")
    assert (status, heading(text)) == (200, "Thank you")
    (survey,) = all_seeing.get(f"/v1/tickets/{town.anna.ticket_id}/surveys").json()["items"]
    assert (survey["satisfied"], survey["score"], survey["remark"]) == (True, 5, "Quick.\nFriendly.")
    assert all_seeing.get(f"/v1/tickets/{town.anna.ticket_id}").json()["state"] == "confirmed"


def test_dissatisfied_opens_the_ticket_again_and_its_manager_is_told(
    nobody: TestClient, link: str, conn: Connection, town: Town
) -> None:
    status, text = answer(nobody, link, satisfied="no")
    assert status == 200
    assert "open again" in text
    told = conn.execute("select recipient from outbox where step = 'dissatisfied'").fetchall()
    assert told == [("anna@utility.example",)]


def test_used_twice(nobody: TestClient, link: str, conn: Connection) -> None:
    first = answer(nobody, link, satisfied="no", remark="wet")
    again = answer(nobody, link, satisfied="no", remark="wet")
    assert first == again
    status, text = answer(nobody, link, satisfied="yes")
    assert (status, heading(text)) == (409, "This link has been used")
    assert "wet" not in text
    shown = nobody.get(link)
    assert (shown.status_code, heading(shown.text)) == (200, "This link has been used")
    assert conn.execute("select satisfied, remark from survey").fetchall() == [(False, "wet")]


@pytest.mark.parametrize(
    ("language", "says"), [("zh-CN,zh;q=0.9", "链接无效"), ("de, en", "This link is not valid")]
)
def test_forged(
    nobody: TestClient, link: str, conn: Connection, town: Town, language: str, says: str
) -> None:
    forged = link[:-1] + ("A" if link[-1] != "A" else "B")
    for shown in [
        nobody.get(forged, headers={"Accept-Language": language}),
        nobody.post(forged, content="satisfied=no", headers={"Accept-Language": language}),
    ]:
        assert (shown.status_code, heading(shown.text)) == (404, says)
        assert f"#{town.anna.ticket_id}" not in shown.text.partition("</style>")[2]
    assert conn.execute("select state from ticket order by id").fetchall()[0] == ("resolved",)


def test_expired(nobody: TestClient, link: str, clock: SetClock, conn: Connection) -> None:
    clock.advance(timedelta(days=14))
    shown = nobody.get(link)
    assert (shown.status_code, heading(shown.text)) == (410, "This link has expired")
    status, text = answer(nobody, link, satisfied="no")
    assert (status, heading(text)) == (410, "This link has expired")
    assert conn.execute("select answered_at from survey").fetchall() == [(None,)]


def test_two_answers_at_once_are_one_answer(app: FastAPI, link: str, conn: Connection) -> None:
    """Four browsers send at the same moment, two of each mind: one is heard, and the ticket moves once."""
    with ThreadPoolExecutor(4) as crowd:
        sent = list(
            crowd.map(lambda mind: answer(TestClient(app), link, satisfied=mind), ["yes", "no", "yes", "no"])
        )
    assert sorted(status for status, _ in sent) == [200, 200, 409, 409]
    assert conn.execute("select count(*) from ticket_entry where kind = 'survey_answered'").fetchall() == [
        (1,)
    ]
    ((satisfied,),) = conn.execute("select satisfied from survey").fetchall()
    assert [status for status, _ in sent] == [
        200 if (mind == satisfied) else 409 for mind in (True, False) * 2
    ]


def test_markup_in_a_remark_is_text(nobody: TestClient, link: str, conn: Connection) -> None:
    remark = '</textarea><script>alert(1)</script>"\x00\x1b'
    status, text = answer(nobody, link, remark=remark)  # no choice made: the form comes back with the remark
    assert status == 422
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert answer(nobody, link, satisfied="no", remark=remark)[0] == 200
    assert conn.execute("select remark from survey").fetchall() == [(remark[:-2],)]
    told = conn.execute("select message->>'why' from outbox where step = 'dissatisfied'").fetchall()
    assert told == [(remark[:-2],)]


@pytest.mark.parametrize(
    ("remark", "says"), [("x" * 10_000, "has 10,000 characters"), ("水" * 10_000, "too long to be sent")]
)
def test_a_remark_of_10k_is_refused_with_the_limit_and_the_link_stays_good(
    nobody: TestClient, link: str, remark: str, says: str
) -> None:
    status, text = answer(nobody, link, satisfied="no", score=2, remark=remark)
    assert status == 422
    assert says in text
    assert "2,000" in text
    if says.startswith("has"):
        assert remark in text  # nothing that was written is lost
        assert re.search('value="no" required checked', text)
    assert answer(nobody, link, satisfied="no", remark=remark[:2_000])[0] == 200


@pytest.mark.parametrize("body", [b"", b"satisfied=maybe", b"\xff\xfe", b"a=1&" * 40, b'{"satisfied": true}'])
def test_what_is_no_answer_brings_the_form_back(nobody: TestClient, link: str, body: bytes) -> None:
    shown = nobody.post(link, content=body)
    assert shown.status_code == 422
    assert 'role="alert"' in shown.text
    assert "<form" in shown.text


def test_a_database_that_is_away_is_said_so_in_words(
    app: FastAPI, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.state.pool.close()
    for shown in [
        TestClient(app).get(link, headers={"Accept-Language": "zh"}),
        TestClient(app).post(link, content="satisfied=yes", headers={"Accept-Language": "zh"}),
    ]:
        assert (shown.status_code, heading(shown.text)) == (503, "系统暂时无法使用")
        assert shown.headers["Retry-After"]


def test_an_answer_by_telephone_is_kept_with_who_took_it_down(
    all_seeing: TestClient, link: str, nobody: TestClient, town: Town
) -> None:
    path = f"/v1/tickets/{town.anna.ticket_id}/survey"
    said = {"channel": "hotline", "satisfied": True, "score": 4}
    (survey,) = all_seeing.post(path, json=said).json()["items"]
    assert (survey["channel"], survey["recorded_by"], survey["score"]) == ("hotline", "key:test", 4)
    assert all_seeing.post(path, json=said).status_code == 409
    assert heading(nobody.get(link).text) == "This link has been used"
