"""Health: operations sees at a glance what is wrong, and puts it right from there."""

import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from jobs.schedule import JOBS
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE
from web.labels import LABELS

PAGES = ("/health", "/health/quarantine", "/health/silent", "/health/messages", "/health/jobs/retention")
NASTY = '{"ts":"<script>alert(1)</script>", "x":"' + "水" * 3000 + '😀\u202e"}'


@pytest.fixture(scope="module")
def line(owner: Connection, town: Town) -> Town:
    """An hour with readings; a job that failed, a silent meter, payloads of two kinds, dead letters."""
    for minutes in (3, 2, 1):
        at = NOW - timedelta(minutes=minutes)
        insert(
            owner,
            "arrival",
            at=at,
            readings=600,
            messages=200,
            ts_min=[at],
            ts_max=[at],
            meter_ids=[town.anna.meter_id],
        )
    owner.execute(
        "update meter_clock set received_at = %s where meter_id = %s",
        [NOW - timedelta(days=3), town.bo.meter_id],
    )
    insert(
        owner, "job_run", job="retention", due_at=NOW - timedelta(hours=6), started_at=NOW, finished_at=NOW,
        ok=False, detail="disk full <b>", attempts=2, worker="ops-1:7",
    )  # fmt: skip
    for reason, payload in (("bad_value", NASTY.encode()), ("malformed", bytes(range(256)))):
        given = {"topic": "meters/M-B/readings", "meter": "M-B", "detail": "register_l is <i>negative"}
        insert(owner, "quarantine", received_at=NOW, payload=payload, reason=reason, **given)
    return town


def test_the_overview_says_what_is_wrong(signed_in: SignedIn, line: Town) -> None:
    page = signed_in("olga").get("/health").text
    for said in ("disk full &lt;b&gt;", "/health/jobs/retention", "Impossible value", "0.5/s", "1 / 2"):
        assert said in page
    assert "旧" not in page
    shown = signed_in("olga", "zh").get("/health").text
    for said in ("清理过期读数", "数值异常", "失联水表", "发件箱"):
        assert said in shown


def test_every_job_and_reason_has_a_name() -> None:
    assert {job.name for job in JOBS} == set(LABELS["job"])
    assert set(LABELS["reason"]) == set(LABELS["reason_cure"])


def test_quarantine_is_found_by_reason_meter_and_time(signed_in: SignedIn, line: Town) -> None:
    olga = signed_in("olga")

    def found(query: str) -> int:
        return len(
            re.findall(
                r'class="open" href="/health/quarantine/\d+"', olga.get(f"/health/quarantine{query}").text
            )
        )

    counts = [
        found(q)
        for q in ("", "?reason=bad_value", "?meter=M-A", "?since=2026-11-22", "?reason=&meter=&since=")
    ]
    assert counts == [3, 1, 1, 0, 3]
    assert "Have the meter looked at" in olga.get("/health/quarantine?reason=bad_value").text
    assert olga.get("/health/quarantine?reason=nonsense").status_code == 422


def test_a_payload_is_shown_as_text_and_bytes_and_tried_again(
    signed_in: SignedIn, owner: Connection, line: Town
) -> None:
    olga = signed_in("olga")
    ((nasty,), (raw,)) = owner.execute(
        "select id from quarantine where meter = 'M-B' order by reason"
    ).fetchall()
    page = olga.get(f"/health/quarantine/{nasty}").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "7b 22 74 73" in page
    assert "It isn’t text" in olga.get(f"/health/quarantine/{raw}").text
    rita = signed_in("rita")
    assert rita.get(f"/health/quarantine/{nasty}").status_code == 403
    assert rita.post(f"/health/quarantine/{nasty}/requeue").status_code == 403
    assert rita.post("/health/quarantine/requeue", data={"id": [nasty]}).status_code == 403
    assert olga.post("/health/quarantine/requeue", data={"id": [nasty, raw]}).status_code == 303
    assert owner.execute(
        "select count(*) from quarantine where requeue_asked_by = 'olga' and id = any(%s)", [[nasty, raw]]
    ).fetchone() == (2,)
    assert "Being tried again" in olga.get(f"/health/quarantine/{nasty}").text
    owner.execute("update quarantine set requeued_at = %s where id = %s", [NOW, raw])
    assert "Taken in" in olga.get(f"/health/quarantine/{raw}").text
    assert olga.post(f"/health/quarantine/{raw}/requeue").status_code == 409
    assert olga.post("/health/quarantine/requeue").status_code == 303


def test_silent_meters_by_district_and_as_csv(signed_in: SignedIn, line: Town) -> None:
    olga = signed_in("olga")
    assert ">M-B<" in olga.get("/health/silent?dma=D1").text
    assert ">M-A<" not in olga.get("/health/silent").text
    listed = olga.get("/health/silent.csv")
    assert "M-B" in listed.text
    assert "attachment" in listed.headers["content-disposition"]


def test_failed_messages_are_sent_again_or_set_aside(
    signed_in: SignedIn, owner: Connection, line: Town
) -> None:
    olga = signed_in("olga")
    page = olga.get("/health/messages").text
    ids = sorted(set(map(int, re.findall(r"/health/messages/(\d+)/retry", page))))
    assert len(ids) == 4
    assert olga.post(f"/health/messages/{ids[0]}/retry", data={"why": "Corrected."}).status_code == 303
    assert olga.post(f"/health/messages/{ids[1]}/dismiss").status_code == 303
    assert olga.post(f"/health/messages/{ids[1]}/dismiss").status_code == 409
    assert "Corrected." in olga.get(f"/health/messages/{ids[0]}").text
    rita = signed_in("rita")
    assert rita.get("/health/messages").status_code == 403
    assert rita.post(f"/health/messages/{ids[2]}/retry").status_code == 403
    assert olga.post("/health/messages/retry", data={"channel": "email", "why": "x"}).status_code == 303
    assert "No message is in this state." in olga.get("/health/messages").text


def test_health_is_for_operations_and_admins_and_the_audit_for_admins(
    signed_in: SignedIn, line: Town
) -> None:
    for login in ("anna", "rita"):
        browser = signed_in(login)
        assert 'href="/health' not in browser.get("/?desk=team").text
        for page in PAGES:
            assert browser.get(page).status_code == 403, page
    assert signed_in("olga").get("/health/audit").status_code == 403
    assert "/health/audit" not in signed_in("olga").get("/health").text


def test_the_audit_names_who_did_what(signed_in: SignedIn, owner: Connection, line: Town) -> None:
    done = {"actor": "anna", "via": "session", "method": "POST", "route": "/tickets/{id}/{step}"}
    about: dict[str, Any] = {"subject_kind": "tickets", "subject": "17", "status": 303, "request_id": "r"}
    insert(owner, "audit", at=NOW, **done, **about)
    ada = signed_in("ada")
    page = ada.get("/health/audit?actor=anna&since=2026-11-21&until=").text
    assert "/tickets/{id}/{step}" in page
    assert "/tickets/{id}/{step}" not in ada.get("/health/audit?actor=bo").text
    assert "anna" in ada.get("/health/audit.csv?actor=anna").text


@pytest.mark.parametrize(("language", "said"), [("en", "Not here"), ("zh", "未找到")])
def test_an_unknown_address_is_a_page_for_readers_and_a_problem_for_programs(
    signed_in: SignedIn, browser: TestClient, line: Town, language: str, said: str
) -> None:
    olga = signed_in("olga", language)
    page = olga.get("/nowhere/<script>", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert said in page.text
    stranger = browser.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": language})
    assert (stranger.status_code, said in stranger.text, "/health" in stranger.text) == (404, True, False)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert 'href="/health"' in page.text
    assert "<script>." not in page.text
    for path in ("/v1/nowhere", "/v1/tickets/x/y/z"):
        assert (
            olga.get(path, headers={"Accept": "text/html"}).headers["content-type"]
            == "application/problem+json"
        )
    assert olga.get("/nowhere").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("language", "size"), [("zh", WIDE), ("en", PHONE)])
def test_health_has_no_barriers(
    surf: Surf, line: Town, owner: Connection, language: str, size: tuple[int, int]
) -> None:
    ada = surf("ada", language, size=size, dark=size == WIDE)
    for path in (*PAGES, f"/health/quarantine/{line.quarantine_id}", "/health/audit"):
        ada.open(path)
        ada.check()


def test_figures_turn_without_losing_the_focus(surf: Surf, line: Town, owner: Connection) -> None:
    olga = surf("olga")
    olga.page.clock.install()
    page = olga.open("/health")
    page.locator("#silent a").focus()
    owner.execute("update meter_clock set received_at = %s", [NOW - timedelta(days=3)])
    page.clock.run_for(31_000)
    page.get_by_text("2 / 2").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/health/silent?dma=D1"
