"""Calendars and service levels are set by who may, with who, when and why; promises that stand stay."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW, Ask
from tests.api.town import Town

NIGHTS = {"mo": ["22:00-06:00"], "fr": ["08:30-12:00", "13:30-17:30"]}
NEW: dict[str, Any] = {"code": "nights", "week": NIGHTS, "country": "cn", "why": "The control room."}


def test_a_calendar_is_made_changed_and_keeps_its_history(all_seeing: TestClient, anna: TestClient) -> None:
    made = all_seeing.post("/v1/calendars", json=NEW).json()
    assert (made["hours"], made["country"], made["version"]) == (
        "mo 22:00-06:00; fr 08:30-12:00 13:30-17:30",
        "CN",
        1,
    )
    assert made["week"] == NIGHTS | {day: [] for day in ("tu", "we", "th", "sa", "su")}
    assert all_seeing.post("/v1/calendars", json=NEW).status_code == 409
    said = {"extra_days": ["2027-02-06", "2027-01-02"], "why": "Announced.", "version": 1}
    changed = all_seeing.patch("/v1/calendars/nights", json=said).json()
    assert (changed["extra_days"], changed["hours"]) == (["2027-01-02", "2027-02-06"], made["hours"])
    assert (changed["version"], changed["changed_by"], changed["why"]) == (2, "key:test", "Announced.")
    stale = all_seeing.patch("/v1/calendars/nights", json=said)
    assert stale.status_code == 409
    assert (stale.json()["changed"]["by"], stale.json()["changed"]["why"]) == ("key:test", "Announced.")
    unseen = {name: value for name, value in said.items() if name != "version"}
    gone = all_seeing.patch("/v1/calendars/nights", json=unseen, headers={"If-Match": '"1"'})
    assert gone.status_code == 412
    last, first = anna.get("/v1/calendars/nights/versions").json()["items"]
    assert (last["before"]["extra_days"], last["after"]["extra_days"]) == ([], ["2027-01-02", "2027-02-06"])
    assert (first["version"], first["before"], first["actor"]) == (1, None, "key:test")
    paged = anna.get("/v1/calendars/nights/versions?limit=1").json()
    assert [v["version"] for v in anna.get(paged["next"]).json()["items"]] == [1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"week": {}}, "no working hours"),
        ({"week": {"mo": ["08:00-08:00"]}}, "no working hours"),
        ({"week": {"mo": ["25:00-26:00"]}}, "no working hours"),
        ({"country": "XX"}, "No public holidays are known for 'XX'"),
        ({"country": "DE", "subdivision": "ZZ"}, "DE-ZZ"),
        ({"closed_days": ["2026-12-24"], "extra_days": ["2026-12-24"]}, "both a closed and an extra day"),
    ],
)
def test_a_calendar_that_makes_no_working_time_is_refused_and_nothing_stays(
    all_seeing: TestClient, change: dict[str, Any], says: str
) -> None:
    for answer in (
        all_seeing.post("/v1/calendars", json=NEW | change),
        all_seeing.patch("/v1/calendars/office", json=change | {"why": "x"}),
    ):
        assert answer.status_code == 422
        assert says in answer.json()["detail"]
    assert all_seeing.get("/v1/calendars/nights").status_code == 404
    assert all_seeing.get("/v1/calendars/office").json()["version"] == 1


def test_the_preview_says_when_work_is_done_and_what_is_worked(
    all_seeing: TestClient, conn: Connection
) -> None:
    conn.execute("update utility set country = 'CN'")
    given = {"from": "2026-09-30T17:00:00+08:00", "hours": 1}
    said = all_seeing.get("/v1/calendars/office/preview", params=given).json()
    assert (said["due"], said["timezone"]) == ("2026-10-08T01:00:00Z", "Asia/Shanghai")
    assert len(said["days"]) == 28
    by_day = {day["day"]: day for day in said["days"]}
    assert (by_day["2026-10-01"]["kind"], by_day["2026-10-01"]["shifts"]) == ("holiday", [])
    assert "国庆" in by_day["2026-10-01"]["name"]
    made_up = by_day["2026-10-10"]  # a Saturday worked for the festival
    assert (made_up["kind"], made_up["shifts"][0]["start"]) == ("made_up", "2026-10-10T00:30:00Z")
    assert by_day["2026-10-11"] == {"day": "2026-10-11", "kind": "usual", "name": "", "shifts": []}
    assert all_seeing.get("/v1/calendars/none/preview").status_code == 404


def test_only_who_sees_everybody_sets_what_holds_for_everybody(
    anna: TestClient, ask: Ask, conn: Connection
) -> None:
    assert anna.get("/v1/calendars").status_code == 200
    assert anna.get("/v1/sla").status_code == 200
    level = {
        "code": "x",
        "priority": "low",
        "segment": "large",
        "response_h": 1,
        "resolution_h": 2,
        "why": "x",
    }
    for method, path, body in [
        ("POST", "/v1/calendars", NEW),
        ("PATCH", "/v1/calendars/office", {"why": "x", "holidays": False}),
        ("POST", "/v1/sla", level),
        ("PATCH", "/v1/sla/normal", {"why": "x", "response_h": 1}),
    ]:
        assert anna.request(method, path, json=body).status_code == 403, path
    factories.staff(conn, "boss", roles=["operations"])
    assert ask(login="boss").post("/v1/sla", json=level).json()["changed_by"] == "boss"


def test_what_a_ticket_was_promised_stands_and_the_next_one_follows_the_change(
    all_seeing: TestClient, conn: Connection
) -> None:
    """Of the calendar, and of the policy; the preview says what the next ticket gets."""

    def opened(topic: str) -> tuple[Any, Any]:
        case = {"source": "hotline", "topic": topic, "subject": "x", "text": "x"}
        found = all_seeing.post("/v1/tickets", json=case).json()["ticket"]
        return found["response_due"], found["resolution_due"]

    def promised() -> tuple[Any, Any]:
        items = all_seeing.get("/v1/sla/preview").json()["items"]
        (normal,) = [item for item in items if item["code"] == "normal"]
        return normal["response_due"], normal["resolution_due"]

    assert opened("bill") == promised() == ("2026-11-24T09:00:00Z", "2026-12-01T09:00:00Z")
    body = {"calendar": "office", "response_h": 3.5, "why": "Office hours.", "version": 1}
    changed = all_seeing.patch("/v1/sla/normal", json=body).json()
    assert (changed["response_warn_share"], changed["resolution_h"]) == (0.25, 240)
    second = promised()  # NOW is a Saturday: Monday's morning has three and a half hours
    assert second[0] == "2026-11-23T04:00:00Z"
    closed = {"closed_days": ["2026-11-23"], "why": "Stocktaking."}
    assert all_seeing.patch("/v1/calendars/office", json=closed).status_code == 200
    assert promised()[0] == "2026-11-24T04:00:00Z"
    due = conn.execute("select response_due from ticket order by id desc limit 1").fetchall()
    assert due == [(NOW + timedelta(days=3),)]
    assert opened("service") == promised()


def test_a_level_for_a_segment_goes_before_the_common_one_until_it_is_put_out_of_force(
    all_seeing: TestClient, conn: Connection, town: Town
) -> None:
    level = {
        "code": "hospitals",
        "priority": "normal",
        "segment": "special",
        "response_h": 2,
        "resolution_h": 4,
        "why": "Agreed.",
    }
    assert all_seeing.post("/v1/sla", json=level | {"resolution_h": 1}).status_code == 422
    assert all_seeing.post("/v1/sla", json=level | {"calendar": "none"}).status_code == 422
    assert all_seeing.post("/v1/sla", json=level).json()["calendar"] == "round_the_clock"
    assert all_seeing.post("/v1/sla", json=level | {"code": "clinics"}).status_code == 409
    conn.execute("update customer set segment = 'special' where account_no = 'A1'")
    conn.execute("update segment_rule set urgent = false where segment = 'special'")
    case = {"source": "hotline", "topic": "bill", "subject": "x", "text": "x", "account_no": "A1"}
    assert all_seeing.post("/v1/tickets", json=case).status_code == 200
    slas = "select sla from ticket order by id desc limit 1"
    assert conn.execute(slas).fetchall() == [("hospitals",)]
    off = all_seeing.patch("/v1/sla/hospitals", json={"active": False, "why": "Ended."}).json()
    assert (off["active"], off["version"]) == (False, 2)
    all_seeing.post("/v1/tickets", json=case | {"topic": "service"})
    assert conn.execute(slas).fetchall() == [("normal",)]
    refused = all_seeing.patch("/v1/sla/normal", json={"active": False, "why": "x"})
    assert (refused.status_code, "none could be opened" in refused.json()["detail"]) == (422, True)
    last, _ = all_seeing.get("/v1/sla/hospitals/versions").json()["items"]
    assert (last["before"]["active"], last["after"]["active"], last["why"]) == (True, False, "Ended.")


def test_history_of_settings_is_append_only(all_seeing: TestClient, conn: Connection) -> None:
    all_seeing.post("/v1/calendars", json=NEW)
    with pytest.raises(Exception, match="append-only"):
        conn.execute("update setting_change set why = ''")
