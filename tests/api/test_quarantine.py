"""What could not be understood can be looked at, byte by byte, and tried again."""

import base64

import psycopg
from starlette.testclient import TestClient

from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town
from tests.factories import insert


def put(conn: Connection, payload: bytes, **values: object) -> int:
    given = {"topic": "t", "reason": "malformed", "detail": "d", "received_at": NOW, **values}
    return int(insert(conn, "quarantine", "id", payload=payload, **given))


def test_the_payload_comes_as_bytes_and_as_text_where_it_is_text(
    all_seeing: TestClient, conn: Connection
) -> None:
    for payload, text in [
        ("水<script>\x00".encode(), "水<script>\x00"),
        (b"\xff\x00", None),
        (b"", ""),
        (b"\xed\xa0\x80", None),
    ]:
        found = all_seeing.get(f"/v1/quarantine/{put(conn, payload)}").json()
        assert base64.b64decode(found["payload_base64"]) == payload
        assert (found["payload_text"], found["payload_bytes"]) == (text, len(payload))


def test_filters(all_seeing: TestClient, town: Town, conn: Connection) -> None:
    new = put(conn, b"x", reason="bad_value", meter="M-B")

    def found(**params: str) -> list[int]:
        return [q["id"] for q in all_seeing.get("/v1/quarantine", params=params).json()["items"]]

    assert found() == [new, town.quarantine_id]
    assert found(reason="bad_value") == [new]
    assert found(meter="M-A") == [town.quarantine_id]
    assert found(since="2026-11-21T08:30:00Z") == [new]


def test_asking_for_another_try_wakes_the_ingester_and_is_noted_once(
    all_seeing: TestClient, town: Town, conn: Connection, database_url: str
) -> None:
    path = f"/v1/quarantine/{town.quarantine_id}/requeue"
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("listen headwater_requeue")
        asked = all_seeing.post(path)
        assert asked.status_code == 202
        assert asked.json()["requeue_asked_at"] == "2026-11-21T09:00:00Z"
        assert asked.json()["requeue_asked_by"] == "key:test"
        assert [n.channel for n in listener.notifies(timeout=5, stop_after=1)] == ["headwater_requeue"]
        assert all_seeing.post(path).json() == asked.json()
        assert list(listener.notifies(timeout=0)) == []
    conn.execute("update quarantine set requeued_at = now()")
    again = all_seeing.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert all_seeing.post("/v1/quarantine/4711/requeue").status_code == 404
