"""Series come whole, in order, and by the utility's own days."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from api.meters import formats
from api.meters.schemas import Reading, Readings, Usage
from api.series import columns, parts
from core.batch import READING_COLUMNS
from core.words import Flag
from jobs.dataset.readings import stream
from sql.pool import Connection, Pool
from sql.query import Queries
from tests import factories
from tests.api.conftest import NOW
from tests.api.town import Town


def every(client: TestClient, address: str) -> list[dict[str, object]]:
    """Follow `next` to the end."""
    items: list[dict[str, object]] = []
    following: str | None = address
    while following:
        answer = client.get(following)
        page = answer.json()
        assert ("Link" in answer.headers) == (page["next"] is not None)
        items += page["items"]
        following = page["next"]
    return items


def test_a_meter_shows_where_it_is_and_its_last_reading(standing: TestClient) -> None:
    meter = standing.get("/v1/meters/M-A").json()
    assert meter["installations"] == [
        {"service_point": "sp-A1", "account_no": "A1", "installed_at": None, "removed_at": None}
    ]
    assert (meter["dma"], meter["clock_skew_s"]) == ("D1", 4.0)
    assert meter["last_reading"] == {
        "ts": "2026-11-21T09:00:00Z",
        "register_l": 4800.0,
        "flow_lph": 100.0,
        "pressure_kpa": None,
        "temperature_c": None,
        "battery_v": None,
        "flags": ["leak"],
        "received_at": "2026-11-21T09:00:04Z",
    }


def test_a_meter_that_never_spoke(all_seeing: TestClient, conn: Connection) -> None:
    factories.meter(conn, "M-S")
    assert all_seeing.get("/v1/meters/M-S").json()["last_reading"] is None
    assert all_seeing.get("/v1/meters/M-S/readings").json() == {"meter": "M-S", "items": [], "next": None}
    assert all_seeing.get("/v1/meters/M-S/usage").json()["items"] == []


@pytest.mark.parametrize("limit", [1, 7, 191, 192, 193, 1000])
def test_pages_hold_every_reading_once_and_in_order(standing: TestClient, limit: int) -> None:
    items = every(standing, f"/v1/meters/M-A/readings?limit={limit}")
    assert len(items) == 192
    assert [item["ts"] for item in items] == sorted({str(item["ts"]) for item in items})


def test_readings_that_arrive_meanwhile_move_nothing(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    page = all_seeing.get("/v1/meters/M-A/readings?limit=100").json()
    for at in [NOW - timedelta(hours=47, minutes=50), NOW]:
        conn.execute(
            "insert into reading (meter_id, ts) values (%s, %s + interval '1 s')", [town.anna.meter_id, at]
        )
    rest = every(all_seeing, page["next"])
    assert len(page["items"]) + len(rest) == 192


def test_gaps_of_months_are_passed_over(all_seeing: TestClient, town: Town, conn: Connection) -> None:
    conn.execute(
        "insert into reading (meter_id, ts, register_l) values (%s, %s, 1)",
        [town.anna.meter_id, NOW - timedelta(days=390)],
    )
    items = every(all_seeing, "/v1/meters/M-A/readings?from=2025-10-20&to=2026-11-22&limit=3")
    assert len(items) == 193


def test_a_period_is_open_at_its_beginning_and_closed_at_its_end(standing: TestClient) -> None:
    """A reading carries the time of its end: two periods side by side share no reading."""
    items = every(standing, "/v1/meters/M-A/readings?from=2026-11-21T08:00:00Z&to=2026-11-21T08:30:00Z")
    assert [item["ts"] for item in items] == ["2026-11-21T08:15:00Z", "2026-11-21T08:30:00Z"]
    assert every(standing, "/v1/meters/M-A/readings?from=2026-11-21&to=2026-11-21") == []


def test_a_day_begins_at_the_utilitys_midnight(standing: TestClient) -> None:
    items = every(standing, "/v1/meters/M-A/readings?from=2026-11-20&to=2026-11-21")
    assert (items[0]["ts"], items[-1]["ts"]) == ("2026-11-19T16:15:00Z", "2026-11-20T16:00:00Z")


def test_answers_are_what_the_document_says(standing: TestClient) -> None:
    Readings.model_validate_json(standing.get("/v1/meters/M-A/readings").text)
    for interval in ["hourly", "daily"]:
        answer = standing.get(f"/v1/meters/M-A/usage?interval={interval}").text
        assert Usage.model_validate_json(answer).items
    named = Reading.model_fields["flags"].annotation.__args__[0].__args__  # type: ignore[union-attr]
    assert named == columns.flag_names(sum(Flag))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("text/html, text/csv;q=0.5, application/json;q=0.4", "csv"),
        ("text/csv, application/json;q=0.9", "csv"),
        ("application/json, text/csv", "json"),
        ("text/csv;q=x, application/json;q=0.1", "json"),
        ("text/csv;q=0, */*;q=0.1", "json"),
    ],
)
def test_the_form_is_what_the_client_prefers(accept: str | None, form: str) -> None:
    assert formats.wanted(None, accept, formats.TABLE) == form
    assert formats.wanted("csv", accept, formats.TABLE) == "csv"


def test_a_form_we_have_not_is_406(standing: TestClient) -> None:
    answer = standing.get("/v1/meters/M-A/readings", headers={"Accept": "application/xml"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


def test_csv_holds_the_whole_period(standing: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 50)
    answer = standing.get("/v1/meters/M-A/readings?limit=1", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''M-A-readings.csv"
    assert answer.headers["content-encoding"] == "gzip"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(rows[0]) == READING_COLUMNS
    assert len(rows) == 192
    assert rows[-1] == {
        "meter": "M-A",
        "ts": "2026-11-21T09:00:00Z",
        "register_l": "4800",
        "flow_lph": "100",
        "pressure_kpa": "",
        "temperature_c": "",
        "battery_v": "",
        "flags": "leak",
        "received_at": "2026-11-21T09:00:04Z",
    }


def test_csv_is_read_back_as_a_datasets_readings(standing: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_bytes(standing.get("/v1/meters/M-A/readings?format=csv").content)
    (batch,) = stream(file, ["M-A"], 1000)
    assert len(batch) == 192
    assert (batch.register_l[-1], batch.flags[-1]) == (4800.0, Flag.LEAK)


def test_csv_of_usage(standing: TestClient) -> None:
    answer = standing.get("/v1/meters/M-A/usage?interval=daily&format=csv&from=2026-11-20&to=2026-11-21")
    assert answer.text.splitlines() == [
        "meter,day,volume_l,hours,hours_expected,hours_not_measured",
        "M-A,2026-11-20,2400,24,24,0",
    ]


@pytest.mark.parametrize("serial", ["=cmd|' /C calc'!A0", "@sum(1)", "-1+1", "+1"])
def test_text_that_a_spreadsheet_would_run_is_escaped(
    all_seeing: TestClient, conn: Connection, serial: str
) -> None:
    meter_id = factories.meter(conn, serial)
    conn.execute("insert into reading (meter_id, ts, temperature_c) values (%s, %s, -3.5)", [meter_id, NOW])
    answer = all_seeing.get("/v1/meters/" + serial.replace("/", "%2F") + "/readings?format=csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["meter"], row["temperature_c"]) == ("'" + serial, "-3.5")


def test_a_year_of_quarter_hours_streams(all_seeing: TestClient, conn: Connection) -> None:
    meter_id = factories.meter(conn, "M-Y", interval_s=900)
    conn.execute(
        "insert into reading (meter_id, ts, register_l) select %s, t, 1"
        " from generate_series(%s::timestamptz - interval '90 days', %s, interval '15 min') t",
        [meter_id, NOW, NOW],
    )
    answer = all_seeing.get(
        "/v1/meters/M-Y/readings?format=csv&from=2026-08-01", headers={"Accept-Encoding": "x"}
    )
    assert answer.text.count("\r\n") == 1 + 90 * 96 + 1
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Europe/Berlin", "2026-10-26", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),  # the clock went from 00:00 to 01:00: no midnight
        ("Asia/Shanghai", "2026-10-25", 24),
    ],
)
def test_a_day_has_as_many_hours_as_the_clocks_give_it(
    all_seeing: TestClient, conn: Connection, town: Town, zone: str, day: str, expected: int
) -> None:
    conn.execute("update utility set timezone = %s", [zone])
    noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select %s, t, 1, 2"
        " from generate_series(%s::timestamptz, %s, '1 hour') t",
        [town.anna.meter_id, noon - timedelta(hours=40), noon + timedelta(hours=40)],
    )
    after = (datetime.fromisoformat(day) + timedelta(days=1)).date()
    usage = all_seeing.get(f"/v1/meters/M-A/usage?interval=daily&from={day}&to={after}").json()
    assert usage["items"] == [
        {
            "day": day,
            "volume_l": expected,
            "hours": expected,
            "hours_expected": expected,
            "hours_not_measured": expected,
        }
    ]
    assert usage["timezone"] == zone
    hours = all_seeing.get(f"/v1/meters/M-A/usage?from={day}&to={after}").json()["items"]
    assert len(hours) == expected
    assert {hour["quality"] for hour in hours} == {"estimated"}


def test_days_that_are_asked_for_in_part_come_whole(standing: TestClient) -> None:
    usage = standing.get(
        "/v1/meters/M-A/usage?interval=daily&from=2026-11-20T04:00:00Z&to=2026-11-20T05:00:00Z"
    ).json()
    assert [(d["day"], d["hours"]) for d in usage["items"]] == [("2026-11-20", 24)]
    assert (usage["from"], usage["to"]) == ("2026-11-19T16:00:00Z", "2026-11-20T16:00:00Z")


def test_a_meters_week_is_read_by_its_key_and_other_chunks_are_left_alone(
    pool: Pool, town: Town, conn: Connection
) -> None:
    conn.execute(
        "insert into reading (meter_id, ts) select %s, %s - make_interval(weeks => n)"
        " from generate_series(1, 8) n",
        [town.anna.meter_id, NOW],
    )
    period = {"meter_id": 1, "after": NOW - timedelta(days=7), "until": NOW, "limit": 1000}
    with pool.connection() as asked:
        plan = "\n".join(row[0] for row in asked.execute(b"explain " + Queries("api")["readings"], period))
    assert plan.count("reading_pkey") in {1, 2}, plan
    assert "Seq Scan on _hyper" not in plan, plan
