"""How the line is doing, for the operations room: what arrives, what waits, who is silent."""

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert


def arrival(conn: Connection, ago: timedelta, lags_s: list[int], **values: Any) -> None:
    at = NOW - ago
    newest = [at - timedelta(seconds=lag) for lag in lags_s]
    given = {"meter_ids": list(range(1, len(lags_s) + 1)), "ts_min": newest, "ts_max": newest, "at": at}
    insert(conn, "arrival", **given, **({"readings": len(lags_s), "messages": 1} | values))


def test_ingest_says_how_much_arrives_how_late_and_what_waits(
    all_seeing: TestClient, anna: TestClient, conn: Connection
) -> None:
    arrival(conn, timedelta(hours=2), [7000], readings=50_000)  # longer ago than is asked for
    conn.execute("insert into feed_position (consumer, seen) select 'detect', pg_current_snapshot()")
    arrival(conn, timedelta(minutes=4), [2, 4, 4, 4, 900], readings=500, messages=40)
    arrival(conn, timedelta(seconds=30), [6], readings=100, messages=20)
    said = all_seeing.get("/v1/health/ingest", params={"minutes": 10}).json()
    assert (said["readings_per_s"], said["messages_per_s"]) == (1.0, 0.1)
    assert [(m["minute"], m["readings"]) for m in said["minutes"]] == [
        ("2026-11-21T08:56:00Z", 500),
        ("2026-11-21T08:59:00Z", 100),
    ]
    assert (said["lag_p50_s"], 800 < said["lag_p99_s"] < 900) == (4.0, True)
    assert said["last_at"] == "2026-11-21T08:59:30Z"
    (backlog,) = said["backlogs"]
    assert (backlog["consumer"], backlog["backlog_s"]) == ("detect", 240.0)
    assert said["quarantine"] == [{"day": "2026-11-21", "reason": "malformed", "payloads": 1}]
    assert anna.get("/v1/health/ingest").status_code == 403
    quiet = all_seeing.get("/v1/health/ingest", params={"minutes": 0}).status_code
    assert quiet == 422


def test_ingest_of_an_empty_house_is_zero_and_unknown(all_seeing: TestClient) -> None:
    said = all_seeing.get("/v1/health/ingest").json()
    assert (said["readings_per_s"], said["lag_p50_s"], said["last_at"]) == (0.0, None, None)
    assert said["backlogs"] == []


def test_quarantine_is_counted_by_reason_and_day_of_the_utility(
    all_seeing: TestClient, conn: Connection
) -> None:
    for at, reason in [
        (NOW - timedelta(hours=18), "malformed"),  # 15:00 UTC the day before: 23:00 in Shanghai
        (NOW - timedelta(hours=16), "bad_value"),
        (NOW - timedelta(days=40), "too_old"),
    ]:
        insert(conn, "quarantine", received_at=at, topic="t", payload=b"x", reason=reason, detail="")
    found = all_seeing.get("/v1/health/ingest", params={"days": 2}).json()["quarantine"]
    assert [(row["day"], row["reason"], row["payloads"]) for row in found] == [
        ("2026-11-21", "bad_value", 1),
        ("2026-11-21", "malformed", 1),
        ("2026-11-20", "malformed", 1),
    ]


def test_the_outbox_is_counted_by_channel_with_the_oldest(
    all_seeing: TestClient, anna: TestClient, conn: Connection
) -> None:
    def written(n: int, state: str, created_at: datetime, not_before: datetime, channel: str = "sms") -> None:
        given = {"step": "x", "recipient": "1", "message": Jsonb({}), "channel": channel}
        times = {"created_at": created_at, "not_before": not_before}
        insert(conn, "outbox", dedupe_key=f"h{n}", state=state, **given, **times)

    hour = timedelta(hours=1)
    written(1, "pending", NOW - 3 * hour, NOW + hour)
    written(2, "pending", NOW - hour, NOW - hour / 2)
    written(3, "held", NOW - hour, NOW + hour)
    written(4, "unknown", NOW - 5 * hour, NOW - 5 * hour)
    written(5, "sent", NOW - 9 * hour, NOW - 9 * hour, "wecom")
    said = all_seeing.get("/v1/health/outbox").json()["items"]
    assert [item["channel"] for item in said] == ["email", "sms"]
    assert said[1] == {
        "channel": "sms",
        "pending": 2,
        "due": 1,
        "due_since": "2026-11-21T08:30:00Z",
        "held": 1,
        "dead": 0,
        "bounced": 0,
        "unknown": 1,
        "oldest_pending": "2026-11-21T06:00:00Z",
        "oldest_failed": "2026-11-21T04:00:00Z",
    }
    assert (said[0]["dead"], said[0]["unknown"]) == (2, 2)
    assert anna.get("/v1/health/outbox").status_code == 403


def test_silent_meters_are_those_not_heard_for_their_intervals_and_hours(
    all_seeing: TestClient, anna: TestClient, conn: Connection, town: Town
) -> None:
    """M-A and M-B (an hour) were heard just now; a manager is shown the own meters only."""
    factories.meter(conn, "M-C", dma_id=town.dma_id, interval_s=86_400)
    factories.meter(conn, "M-D", dma_id=factories.dma(conn, "D2"))
    factories.meter(conn, "M-E", active=False)
    heard = "update meter_clock set received_at = %s where meter_id = %s"
    conn.execute(heard, [NOW - timedelta(hours=27), town.anna.meter_id])
    insert(conn, "meter_clock", meter_id=3, high_water=NOW, received_at=NOW - timedelta(hours=27), skew_s=0)

    def silent(client: TestClient, **asked: Any) -> list[str]:
        return [item["meter"] for item in client.get("/v1/meters/silent", params=asked).json()["items"]]

    assert silent(all_seeing) == ["M-A", "M-D"]
    assert silent(all_seeing, dma="D1") == ["M-A"]
    assert silent(all_seeing, intervals=1) == ["M-A", "M-C", "M-D"]
    assert silent(all_seeing, least_h=28) == ["M-D"]
    assert silent(anna, intervals=1) == ["M-A"]
    page = all_seeing.get("/v1/meters/silent", params={"limit": 1, "intervals": 1}).json()
    assert [item["meter"] for item in page["items"]] == ["M-A"]
    assert page["items"][0]["heard_at"] == "2026-11-20T06:00:00Z"
    assert [i["meter"] for i in all_seeing.get(page["next"]).json()["items"]] == ["M-C"]
    table = all_seeing.get("/v1/meters/silent", params={"format": "csv", "intervals": 1}).text.split("\r\n")
    assert table[0].startswith("meter,kind,interval_s,dma,account_no")
    assert [line.split(",")[0] for line in table[1:-1]] == ["M-A", "M-C", "M-D"]
    by_dma = all_seeing.get("/v1/meters/silent/dmas").json()["items"]
    assert [(d["dma"], d["meters"], d["silent"]) for d in by_dma] == [("D1", 3, 1), ("D2", 1, 1)]
