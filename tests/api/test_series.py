"""Series of many meters: the same rows in every form, whole or visibly not, and nobody else's."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.meters.formats import MEDIA
from api.series import asked, parts
from api.series.schemas import Series
from api.series.stream import Streams
from jobs.dataset.readings import stream
from sql.pool import Connection
from tests import factories
from tests.api.conftest import NOW
from tests.api.town import Town

BOTH = "meters=M-A&meters=M-B"


def rows(client: TestClient, query: str, form: str) -> list[dict[str, Any]]:
    """The rows of an answer, whatever its form, as JSON has them."""
    answer = client.get(f"/v1/series?{query}", headers={"Accept": MEDIA[form]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(MEDIA[form])
    match form:
        case "json":
            return list(answer.json()["items"])
        case "csv":
            return list(csv.DictReader(io.StringIO(answer.text)))
        case "arrow":
            table = pa.ipc.open_stream(answer.content).read_all()
        case _:
            table = pq.read_table(io.BytesIO(answer.content))
    return list(table.to_pylist())


def as_csv(row: dict[str, Any]) -> dict[str, str]:
    """A row of JSON or Arrow as CSV has it."""

    def text(value: Any) -> str:
        match value:
            case None:
                return ""
            case datetime():
                return value.isoformat().replace("+00:00", "Z")
            case list():
                return ";".join(value)
            case float():
                return f"{value:.7g}"
        return str(value)

    return {name: text(value) for name, value in row.items()}


@pytest.mark.parametrize(
    ("kind", "interval", "count"),
    [
        ("reading", "raw", 2 * 192),
        ("reading", "hour", 2 * 48),
        ("reading", "day", 2 * 3),
        ("reading", "month", 2),
        ("usage", "hour", 2 * 48),
        ("usage", "day", 2 * 3),
        ("usage", "month", 2),
    ],
)
def test_every_form_has_the_same_rows(standing: TestClient, kind: str, interval: str, count: int) -> None:
    query = f"{BOTH}&kind={kind}&interval={interval}"
    found = rows(standing, query, "json")
    assert len(found) == count
    keys = [
        (row["meter"], row.get("ts") or row.get("slot") or row.get("day") or row["month"]) for row in found
    ]
    assert keys == sorted(set(keys))
    texts = rows(standing, query, "csv")
    assert [as_csv(row) for row in found] == texts
    for form in ("arrow", "parquet"):
        assert [as_csv(row) for row in rows(standing, query, form)] == texts
    document = standing.get(f"/v1/series?{query}").json()
    assert Series.model_validate(document).items
    assert list(found[0]) == list(texts[0])


def test_sums_of_readings_say_what_the_readings_said(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    """A reading carries the time of its end: one at the full hour belongs to the hour before."""
    meter_id = factories.meter(conn, "M-P", interval_s=1200)
    told = [(0, 7.0, 400.0), (20, 8.0, 300.0), (40, None, 311.0), (60, 9.5, None), (61, 10.0, 250.0)]
    start = datetime(2026, 11, 20, 5, tzinfo=UTC)
    for minutes, register, pressure in told:
        at = start + timedelta(minutes=minutes)
        conn.execute(
            "insert into reading (meter_id, ts, register_l, pressure_kpa, flags) values (%s, %s, %s, %s, %s)",
            [meter_id, at, register, pressure, 1 << minutes % 3],
        )
    query = "meters=M-P&kind=reading&interval=hour&from=2026-11-20T05:10:00Z&to=2026-11-20T05:50:00Z"
    (hour,) = rows(all_seeing, query, "json")
    assert hour == {
        "meter": "M-P",
        "slot": "2026-11-20T05:00:00Z",
        "readings": 3,
        "register_l": 9.5,
        "flow_lph": None,
        "pressure_kpa": 305.5,
        "pressure_min_kpa": 300.0,
        "pressure_max_kpa": 311.0,
        "temperature_c": None,
        "battery_v": None,
        "flags": ["leak", "burst", "backflow"],
    }


@pytest.mark.parametrize(
    ("interval", "zone", "first", "expected"),
    [
        ("day", "Europe/Berlin", "2026-03-29", 23),
        ("day", "Europe/Berlin", "2026-10-25", 25),
        ("day", "America/Sao_Paulo", "2018-11-04", 23),  # the clock went from 00:00 to 01:00: no midnight
        ("day", "Asia/Kathmandu", "2026-03-29", 24),
        ("month", "Europe/Berlin", "2026-03-01", 743),
        ("month", "Europe/Berlin", "2026-10-01", 745),
        ("month", "Asia/Shanghai", "2026-02-01", 672),
    ],
)
def test_days_and_months_are_the_utilitys_own(
    all_seeing: TestClient, conn: Connection, town: Town, interval: str, zone: str, first: str, expected: int
) -> None:
    conn.execute("update utility set timezone = %s", [zone])
    start = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    meter_id = factories.meter(conn, "M-D")
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select %s, t, 1, 2"
        " from generate_series(%s::timestamptz, %s, '1 hour') t",
        [meter_id, start - timedelta(days=2), start + timedelta(days=33)],
    )
    conn.execute(
        "insert into reading (meter_id, ts, register_l) select %s, t, 1"
        " from generate_series(%s::timestamptz, %s, '1 hour') t",
        [meter_id, start - timedelta(days=2), start + timedelta(days=33)],
    )
    middle = date.fromisoformat(first) + timedelta(days=0 if interval == "day" else 14)
    query = f"meters=M-D&interval={interval}&from={middle}T12:00:00Z&to={middle}T12:30:00Z"
    (used,) = rows(all_seeing, query, "json")
    assert used == {
        "meter": "M-D",
        interval: first,
        "volume_l": expected,
        "hours": expected,
        "hours_expected": expected,
        "hours_not_measured": expected,
    }
    (told,) = rows(all_seeing, f"{query}&kind=reading", "json")
    assert (told[interval], told["readings"]) == (first, expected)


def test_a_districts_and_a_customers_series(standing: TestClient) -> None:
    assert {row["meter"] for row in rows(standing, "dma=D1", "json")} == {"M-A", "M-B"}
    mine = rows(standing, "account_no=A1&kind=reading", "csv")
    assert ({row["meter"] for row in mine}, len(mine)) == ({"M-A"}, 192)


def test_a_customers_series_is_of_the_time_that_the_meter_was_theirs(
    all_seeing: TestClient, town: Town, conn: Connection
) -> None:
    conn.execute(
        "update meter_installation set removed_at = %s where meter_id = %s",
        [NOW - timedelta(hours=40), town.anna.meter_id],
    )
    conn.execute(
        "insert into meter_installation (meter_id, service_point_id, installed_at)"
        " select %s, id, %s from service_point where account_no = 'B1'",
        [town.anna.meter_id, NOW - timedelta(hours=40)],
    )
    assert len(rows(all_seeing, "account_no=A1&kind=reading", "json")) == 32
    theirs = rows(all_seeing, "account_no=B1&kind=reading", "json")
    assert [sum(row["meter"] == serial for row in theirs) for serial in ("M-A", "M-B")] == [160, 192]


def test_a_manager_sees_own_meters_only(anna: TestClient) -> None:
    for interval in ("raw", "hour", "day"):
        kind = "reading" if interval == "raw" else "usage"
        found = rows(anna, f"dma=D1&kind={kind}&interval={interval}", "arrow")
        assert {row["meter"] for row in found} == {"M-A"}
    answer = anna.get(f"/v1/series?{BOTH}")
    assert (answer.status_code, answer.json()["detail"]) == (422, "No meter M-B.")
    assert anna.get("/v1/series?account_no=B1").status_code == 422
    posted = anna.post("/v1/series", json={"meters": ["M-A", "M-B"]})
    assert posted.status_code == 422


def test_the_body_asks_for_more_meters_than_an_address_holds(standing: TestClient) -> None:
    body = {"meters": ["M-A", "M-B"], "kind": "usage", "interval": "day", "from": "2026-11-20"}
    posted = standing.post("/v1/series", json=body)
    assert posted.json()["items"] == rows(standing, f"{BOTH}&interval=day&from=2026-11-20", "json")
    many = standing.post("/v1/series", json={"meters": [f"no-{n}" for n in range(10_000)]})
    assert "and 9995 more" in many.json()["detail"]
    assert standing.post("/v1/series", json={"meters": ["x"] * 10_001}).status_code == 422


def test_only_the_columns_that_are_asked_for(standing: TestClient) -> None:
    for form in ("json", "csv", "arrow", "parquet"):
        (first, *_) = rows(standing, f"{BOTH}&fields=volume_l,meter", form)
        assert list(first) == ["volume_l", "meter"]
    refused = standing.get(f"/v1/series?{BOTH}&fields=meter,register_l").json()
    assert refused["errors"][0]["detail"] == (
        "There is no 'register_l' here. There are: meter, slot, volume_l, quality."
    )


@pytest.mark.parametrize(
    "query",
    ["", "dma=D1&account_no=A1", "meters=M-A&dma=D1", "dma=D9", "account_no=Z", f"{BOTH}&interval=raw",
     f"{BOTH}&from=2020-01-01", f"{BOTH}&interval=week", f"{BOTH}&metres=1", f"{BOTH}&fields="],
)  # fmt: skip
def test_what_can_not_be_meant_is_refused(standing: TestClient, query: str) -> None:
    answer = standing.get(f"/v1/series?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_data")


def test_ten_years_of_months_may_be_asked_for(standing: TestClient) -> None:
    assert len(rows(standing, f"{BOTH}&interval=month&from=2017-01-01", "json")) == 2


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("application/*", "json"),
        ("application/vnd.apache.arrow.stream, */*", "arrow"),
        ("application/json;q=0.5, application/vnd.apache.parquet;q=0.6", "parquet"),
        ("application/*;q=0.9, application/json;q=0.1, text/csv;q=0.8", "arrow"),
        ("*/*;q=0.1, application/*;q=0, text/csv;q=0.05", "csv"),
    ],
)
def test_the_form_is_what_the_client_prefers(standing: TestClient, accept: str | None, form: str) -> None:
    answer = standing.get(f"/v1/series?{BOTH}", headers={} if accept is None else {"Accept": accept})
    assert answer.headers["content-type"].startswith(MEDIA[form])
    assert answer.headers["vary"].startswith("Accept")


def test_a_form_we_have_not_is_406_with_those_we_have(standing: TestClient) -> None:
    for accept in ("application/xml", "application/json;q=0", "image/*"):
        answer = standing.get(f"/v1/series?{BOTH}", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
        assert all(media in answer.json()["detail"] for media in MEDIA.values())
        assert standing.get(f"/v1/series?{BOTH}&format=csv", headers={"Accept": accept}).status_code == 200


def test_a_browser_saves_it_under_a_name_that_says_what_it_is(standing: TestClient) -> None:
    saved = "attachment; filename*=UTF-8''D1-usage-day."
    for form, end in [("csv", "csv"), ("arrow", "arrows"), ("parquet", "parquet")]:
        answer = standing.get(f"/v1/series?dma=D1&interval=day&format={form}")
        assert answer.headers["content-disposition"] == saved + end
    assert "content-disposition" not in standing.get("/v1/series?dma=D1").headers
    one = standing.get("/v1/meters/M-A/usage?interval=monthly&format=parquet")
    assert one.headers["content-disposition"] == "attachment; filename*=UTF-8''M-A-monthly.parquet"
    assert pq.read_table(io.BytesIO(one.content)).to_pylist()[0]["month"] == date(2026, 11, 1)


def test_columns_are_not_compressed_a_second_time(standing: TestClient) -> None:
    assert "content-encoding" not in standing.get(f"/v1/series?{BOTH}&format=arrow").headers
    assert standing.get(f"/v1/series?{BOTH}").headers["content-encoding"] == "gzip"


def test_parquet_is_read_back_as_a_datasets_readings(standing: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "readings.parquet"
    file.write_bytes(standing.get(f"/v1/series?{BOTH}&kind=reading&format=parquet").content)
    (batch,) = stream(file, ["M-A", "M-B"], 1000)
    assert (len(batch), batch.register_l[-1], batch.flags[-1]) == (384, 4800.0, 1)


def test_an_arrow_stream_says_what_its_rows_do_not(standing: TestClient) -> None:
    answer = standing.get(f"/v1/series?{BOTH}&interval=day&format=arrow&from=2026-11-20&to=2026-11-21")
    schema = pa.ipc.open_stream(answer.content).schema
    assert schema.metadata[b"timezone"] == b"Asia/Shanghai"
    assert schema.metadata[b"from"] == b"2026-11-19T16:00:00+00:00"
    assert schema.field("day").type == pa.date32()


@pytest.mark.parametrize("part_rows", [1, 7, 50, 192, 1000])
def test_however_a_series_is_cut_every_row_comes_once(
    standing: TestClient, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    whole = {kind: rows(standing, f"{BOTH}&kind={kind}", "json") for kind in ("reading", "usage")}
    monkeypatch.setattr(parts, "PART_ROWS", part_rows)
    for kind, expected in whole.items():
        assert rows(standing, f"{BOTH}&kind={kind}", "json") == expected


def test_meters_that_say_far_more_than_their_interval_are_read_in_bounded_parts(
    all_seeing: TestClient, town: Town, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn.execute("update meter set interval_s = 86400")
    monkeypatch.setattr(parts, "PART_ROWS", 20)
    seen = []
    read = parts.read

    def noted(*given: Any) -> Any:
        found = read(*given)
        seen.append(len(found))
        return found

    monkeypatch.setattr(parts, "read", noted)
    found = rows(all_seeing, f"{BOTH}&kind=reading&fields=meter,ts", "json")
    keys = [(row["meter"], row["ts"]) for row in found]
    assert (len(keys), keys) == (384, sorted(set(keys)))
    assert max(seen) == 20 * parts.DENSER


def test_a_series_is_in_order_of_meters_and_time_though_the_hours_lie_in_several_chunks(
    all_seeing: TestClient, conn: Connection
) -> None:
    conn.execute("truncate usage_hourly")
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality)"
        " select id, t, 1, 0 from generate_series(timestamptz '2026-11-20', '2026-10-20', '-1 day') t, meter"
        " where serial in ('M-A', 'M-B') order by t, id desc"
    )
    ((chunks,),) = conn.execute("select count(distinct tableoid) from usage_hourly").fetchall()
    found = rows(all_seeing, f"{BOTH}&from=2026-10-01&to=2026-11-21&fields=meter,slot", "json")
    keys = [(row["meter"], row["slot"]) for row in found]
    assert (chunks > 2, len(keys), keys) == (True, 64, sorted(keys))


@pytest.fixture
def breaking(all_seeing: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of an API whose database goes away in the middle of a series."""
    monkeypatch.setattr(parts, "PART_ROWS", 50)
    read, left = parts.read, [3]

    def failing(*given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise psycopg.OperationalError("server closed the connection")
        return read(*given)

    monkeypatch.setattr(parts, "read", failing)
    yield all_seeing


@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
def test_a_series_that_breaks_off_can_not_pass_for_whole(breaking: TestClient, form: str) -> None:
    with pytest.raises((RuntimeError, psycopg.OperationalError)):
        breaking.get(f"/v1/series?{BOTH}&kind=reading&format={form}")


def test_places_are_limited_and_given_back(
    all_seeing: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams: Streams = app.state.streams
    monkeypatch.setattr(asked, "WHOLE_ROWS", 1)
    with streams.place("key:test"), streams.place("key:test"), streams.place("key:test"):
        assert all_seeing.get(f"/v1/series?{BOTH}").status_code == 200
        with streams.place("key:test"):
            answer = all_seeing.get(f"/v1/series?{BOTH}")
            assert (answer.status_code, answer.json()["code"]) == (503, "busy")
            assert answer.headers["retry-after"] == "5"
    assert all_seeing.get(f"/v1/series?{BOTH}").status_code == 200
    assert streams.running == 0
