"""One customer, everything; and lists that find them."""

from datetime import datetime, timedelta

from starlette.testclient import TestClient

from core.clock import SetClock
from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW
from tests.api.town import Town, fill

ODD_NAMES = [
    "<script>alert(1)</script>",
    '=HYPERLINK("x")',
    "水务🚰集团",
    "مياه المدينة",
    "n" * 10_000,
    "'; drop table customer; --",
    "line\nbreak\t\u202e",
]


def test_the_profile_holds_everything(all_seeing: TestClient, town: Town) -> None:
    profile = all_seeing.get("/v1/customers/A1").json()
    assert profile["manager"] == {
        "login": "anna",
        "name": "Anna",
        "email": "anna@utility.example",
        "phone": None,
        "deputy": None,
    }
    assert profile["contacts"]["language"] == "zh"
    assert [m["serial"] for m in profile["meters"]] == ["M-A"]
    assert profile["meters"][0]["installed_at"] is None
    assert profile["meters"][0]["last_reading_at"] == "2026-11-21T09:00:00Z"
    assert [p["code"] for p in profile["service_points"]] == ["sp-A1"]
    assert [e["id"] for e in profile["open_events"]] == [town.anna.event_id]
    assert [t["id"] for t in profile["open_tickets"]] == [town.anna.ticket_id]
    assert [v["due_on"] for v in profile["visits"]] == ["2026-11-21"]
    # 48 hours of 100 L until 17:00 in Shanghai: 17 hours of today, 24 of yesterday, 7 of the day before.
    assert profile["use"]["this_month_m3"] == 4.8
    assert profile["use"]["last_30_days_m3"] == 3.1
    assert profile["use"]["days"] == [
        {"day": "2026-11-19", "volume_m3": 0.7},
        {"day": "2026-11-20", "volume_m3": 2.4},
        {"day": "2026-11-21", "volume_m3": 1.7},
    ]
    assert profile["plan"] == {
        "month": "2026-11-01",
        "plan_m3": 10.0,
        "used_share": 0.48,
        "decided_by": "import",
    }


def test_a_profile_with_nothing_in_it(all_seeing: TestClient, conn: Connection) -> None:
    factories.insert(conn, "customer", account_no="空 /1", name="空")
    found = all_seeing.get("/v1/customers/%E7%A9%BA%20%2F1").json()
    assert (found["manager"], found["plan"], found["meters"], found["use"]["days"]) == (None, None, [], [])


def test_use_counts_each_meter_only_while_it_was_the_customers(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    """The meter was exchanged 24 hours ago, and the old one went to another customer."""
    conn.execute(
        "update meter_installation set removed_at = %s where meter_id = %s",
        [NOW - timedelta(hours=24), town.anna.meter_id],
    )
    new = factories.meter(conn, "M-NEW")
    fill(conn, new, NOW, hours=24)
    conn.execute(
        "insert into meter_installation (meter_id, service_point_id, installed_at)"
        " select %s, id, %s from service_point where account_no = 'A1'",
        [new, NOW - timedelta(hours=24)],
    )
    profile = all_seeing.get("/v1/customers/A1").json()
    assert profile["use"]["this_month_m3"] == 4.8
    assert [(m["serial"], m["removed_at"]) for m in profile["meters"]] == [
        ("M-NEW", None),
        ("M-A", "2026-11-20T09:00:00Z"),
    ]


def test_the_month_is_the_utilitys(all_seeing: TestClient, town: Town, clock: SetClock) -> None:
    """At 16:30 UTC on the 30th it is already December in Shanghai."""
    clock.at = datetime.fromisoformat("2026-11-30T16:30:00+00:00")
    use = all_seeing.get("/v1/customers/A1").json()["use"]
    assert (use["today"], use["this_month_m3"], use["last_30_days_m3"]) == ("2026-12-01", 0, 4.8)


def test_any_name_comes_back_as_it_is_and_is_found(all_seeing: TestClient, conn: Connection) -> None:
    for number, name in enumerate(ODD_NAMES):
        factories.insert(conn, "customer", account_no=f"X{number}", name=name)
    for number, name in enumerate(ODD_NAMES):
        assert all_seeing.get(f"/v1/customers/X{number}").json()["name"] == name
        listed = all_seeing.get("/v1/search", params={"q": name[:200]}).json()["items"]
        assert listed[0]["name"] == name


def test_what_is_asked_is_text_and_not_a_pattern(standing: TestClient) -> None:
    for q in ["%", "_", "\\", "'", "%%%%", "____", "%ustomer_", "$1", "{x}", "%s", "%1$s", "\U0010ffff"]:
        answer = standing.get("/v1/search", params={"q": q})
        assert answer.status_code == 200, q
        assert [hit["matched"] for hit in answer.json()["items"]] in ([], ["name", "name"]), q
    assert standing.get("/v1/search", params={"q": "C%A1"}).json()["items"] == []


def test_filters(all_seeing: TestClient, conn: Connection, town: Town) -> None:
    factories.insert(
        conn, "customer", account_no="C1", name="customs house", sector="institutional", segment="special"
    )

    def found(**params: str) -> list[str]:
        return [c["account_no"] for c in all_seeing.get("/v1/customers", params=params).json()["items"]]

    assert found() == ["A1", "B1", "C1"]
    assert found(segment="special") == found(sector="institutional") == ["C1"]
    assert found(manager="bo") == ["B1"]
    assert found(dma="D1") == ["A1", "B1"]
    assert found(dma="D1", manager="anna") == ["A1"]
    assert found(manager="nobody") == found(dma="none") == []
