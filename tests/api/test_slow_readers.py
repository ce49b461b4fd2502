"""Readers over a real socket that are slow, go away, or stop reading: nobody else waits for them."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from api.series import parts, stream
from api.series.stream import Streams
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.serving import Served
from tests.api.town import Town
from tests.waiting import until

ROWS = 60_000
END = b"\r\n0\r\n\r\n"
"""What a whole chunked answer ends with."""
AT_WORK = (
    "select count(*) from pg_stat_activity where application_name = 'headwater api'"
    " and datname = current_database() and state <> 'idle'"
)


@pytest.fixture(autouse=True)
def parts_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Parts of a thousand rows, and how many rows each that was read had."""
    read, seen = parts.read, []

    def noted(*given: Any) -> Any:
        found = read(*given)
        seen.append(len(found))
        return found

    monkeypatch.setattr(parts, "PART_ROWS", 1_000)
    monkeypatch.setattr(parts, "read", noted)
    return seen


@pytest.fixture(autouse=True)
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    made = Streams()
    monkeypatch.setattr("api.app.Streams", lambda: made)
    return made


@pytest.fixture
def reader(served: Served, conn: Connection, town: Town) -> Iterator[socket.socket]:
    """A client that has asked for far more than sockets hold, and has read the first bytes of it."""
    conn.execute(
        "insert into reading (meter_id, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v)"
        " select %s, %s - n * interval '3 min' - interval '1 s', n, 12.3, 310.2, 11.5, 3.6"
        " from generate_series(1, %s) n",
        [town.anna.meter_id, NOW, ROWS],
    )
    conn.execute("update meter set interval_s = 180")
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.settimeout(30)
        raw.connect(("127.0.0.1", served.port))
        key = served.client.headers["Authorization"]
        path = "/v1/series?meters=M-A&kind=reading&from=2026-01-01"
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n\r\n".encode())
        assert raw.recv(12) == b"HTTP/1.1 200"
        yield raw


def rest(reader: socket.socket) -> bytes:
    """What comes until the connection or the answer ends."""
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    body = bytearray()
    while not body.endswith(END) and (piece := reader.recv(1 << 20)):
        body += piece
    return bytes(body)


def test_a_slow_reader_holds_no_connection_and_memory_of_one_part(
    served: Served,
    reader: socket.socket,
    conn: Connection,
    parts_read: list[int],
    streams: Streams,
) -> None:
    def waits() -> bool:
        before = len(parts_read)
        ((working,),) = conn.execute(AT_WORK).fetchall()
        served.client.get("/v1/customers/A1").raise_for_status()
        return bool(working == 0 and streams.running == 1 and len(parts_read) == before)

    until(waits, 30)
    assert max(parts_read) <= 1_000
    assert sum(parts_read) < ROWS
    body = rest(reader)
    assert body.endswith(END)
    assert body.count(b'"meter":"M-A"') == sum(parts_read) > ROWS


def test_a_client_that_goes_away_stops_the_query(
    reader: socket.socket, parts_read: list[int], streams: Streams
) -> None:
    assert streams.running == 1
    reader.close()
    until(lambda: streams.running == 0, 30)
    assert sum(parts_read) < ROWS


def test_a_reader_that_takes_nothing_is_broken_off_and_sees_it(
    reader: socket.socket, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STALL_S", 0.2)
    until(lambda: streams.running == 0, 30)
    assert not rest(reader).endswith(END)
