"""Figures, what is behind them and the report, over HTTP: a manager's key gets the manager's own."""

import csv
import io

import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from core.clock import SetClock
from jobs.stack import font_path
from notify import fonts
from service import figures
from sql.pool import Connection
from tests.api.conftest import Ask
from tests.service.month import AT, OCTOBER, ZONE, build

written = pytest.mark.skipif(
    fonts.chinese(font_path()) is None, reason="no font with Chinese on this machine: install fonts-noto-cjk"
)


@pytest.fixture
def chief(conn: Connection, ask: Ask, clock: SetClock) -> TestClient:
    """A client that sees everything, in November after the month that was built."""
    build(conn)
    clock.at = AT
    figures.make(conn, OCTOBER, ZONE, at=AT)
    return ask()


def test_pages_and_csv_hold_the_same_rows(chief: TestClient) -> None:
    found, address = [], "/v1/figures?limit=2"
    while address:
        answer = chief.get(address).json()
        found += answer["items"]
        address = answer["next"]
    assert [(one["dimension"], one["key"]) for one in found] == [
        ("manager", "li"),
        ("manager", "wang"),
        ("manager_segment", "li/general"),
        ("manager_segment", "li/large"),
        ("manager_segment", "wang/general"),
        ("manager_segment", "wang/large"),
        ("region", "city"),
        ("region", "north"),
        ("region_manager", "city/li"),
        ("region_manager", "city/wang"),
        ("region_manager", "north/li"),
        ("region_manager", "north/wang"),
        ("segment", "general"),
        ("segment", "large"),
        ("utility", ""),
    ]
    for answer in [
        chief.get("/v1/figures?format=csv"),
        chief.get("/v1/figures", headers={"Accept": "text/csv"}),
    ]:
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert answer.headers["content-type"].startswith("text/csv")
        assert [row["key"] for row in rows] == [one["key"] for one in found]
        assert [float(row["saved_m3"]) for row in rows] == [one["saved_m3"] for one in found]
        assert rows[0]["response_share"] == str(found[0]["response_share"])


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("dimension=region&key=north", ["north"]),
        ("since=2026-11", []),
        ("until=2026-09", []),
        ("since=2026-10&until=2026-10&dimension=utility", [""]),
    ],
)
def test_filters(chief: TestClient, query: str, keys: list[str]) -> None:
    assert [one["key"] for one in chief.get(f"/v1/figures?{query}").json()["items"]] == keys


@pytest.mark.parametrize("month", ["2026-13", "2026", "2026-10-01", "october", "2026-1", "０２６-10"])
def test_what_is_no_month_is_refused(chief: TestClient, month: str) -> None:
    for path in [
        "/v1/figures?since=",
        "/v1/figures/tickets?figure=opened&month=",
        "/v1/figures/report?month=",
    ]:
        answer = chief.get(path + month)
        assert answer.status_code == 422, path
        assert "2026-10" in answer.text


@written
def test_a_manager_sees_own_figures_tickets_and_report_only(chief: TestClient, ask: Ask) -> None:
    li = ask(login="li")
    assert [(one["dimension"], one["key"]) for one in li.get("/v1/figures").json()["items"]] == [
        ("manager", "li"),
        ("manager_segment", "li/general"),
        ("manager_segment", "li/large"),
    ]
    behind = li.get("/v1/figures/tickets?month=2026-10&figure=opened").json()["items"]
    assert {row["manager"] for row in behind} <= {"li", "wang"}
    assert {row["account_no"] for row in behind} == {"A"}
    own = li.get("/v1/figures/report?month=2026-10")
    assert own.status_code == 200
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(own.content)).pages)
    assert "李薇" in text
    assert "王建国" not in text
    for query in ["scope=utility", "scope=manager&key=wang", "scope=region&key=north"]:
        assert li.get(f"/v1/figures/report?month=2026-10&{query}").status_code == 422, query


def test_tickets_behind_a_figure_come_in_pages(chief: TestClient) -> None:
    address = "/v1/figures/tickets?month=2026-10&figure=opened&dimension=manager&key=wang&limit=2"
    found = []
    while address:
        answer = chief.get(address).json()
        found += [(row["id"], row["round"]) for row in answer["items"]]
        address = answer["next"]
    assert len(found) == len(set(found)) == 4


@written
@pytest.mark.parametrize(("language", "says"), [("zh", "客户服务月报"), ("en", "Customer service report")])
def test_the_report_of_last_month_is_a_pdf(chief: TestClient, language: str, says: str) -> None:
    answer = chief.get(f"/v1/figures/report?language={language}")
    assert answer.headers["content-type"] == "application/pdf"
    assert f"report-2026-10-{language}.pdf" in answer.headers["content-disposition"]
    assert says in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert chief.get("/v1/figures/report?scope=region&key=nowhere").status_code == 422


def test_who_gets_the_report_is_kept_and_ended(chief: TestClient, ask: Ask, conn: Connection) -> None:
    given = {"staff": "wang", "scope": "region", "key": "north"}
    (one,) = chief.post("/v1/figures/subscriptions", json=given).json()["items"]
    assert (one["staff"], one["key"], one["language"], one["created_by"]) == (
        "wang",
        "north",
        "en",
        "key:test",
    )
    (same,) = chief.post("/v1/figures/subscriptions", json=given | {"language": "zh"}).json()["items"]
    assert (same["id"], same["language"]) == (one["id"], "zh")
    for wrong, status in [
        (given | {"staff": "ghost"}, 409),
        (given | {"key": "nowhere"}, 422),
        (given | {"key": ""}, 422),
        (given | {"scope": "utility"}, 422),
    ]:
        assert chief.post("/v1/figures/subscriptions", json=wrong).status_code == status, wrong
    li = ask(login="li")
    assert li.get("/v1/figures/subscriptions").json() == {"items": []}
    assert li.post("/v1/figures/subscriptions", json={"staff": "li"}).status_code == 422  # not of the utility
    own = {"staff": "li", "scope": "manager", "key": "li"}
    assert [s["staff"] for s in li.post("/v1/figures/subscriptions", json=own).json()["items"]] == ["li"]
    assert li.delete(f"/v1/figures/subscriptions/{one['id']}").status_code == 404
    conn.execute("delete from report_subscription where id <> %s", [one["id"]])
    assert chief.delete(f"/v1/figures/subscriptions/{one['id']}").json() == {"items": []}
    assert chief.delete(f"/v1/figures/subscriptions/{one['id']}").status_code == 404
