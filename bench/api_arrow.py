"""A month of hourly use of 1,000 meters as Arrow, against a raw COPY OUT of the same query; its memory."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pyarrow as pa

from api import keys
from bench.bigtown import Open, bigtown
from bench.measure import Result, compare
from bench.served import Served, served
from sql.pool import Connection, connect

NAME = "api_arrow"
METERS = 1_000
DAYS = 30
BAR = 0.5
MANY_ROWS = 10_000_000
MOST_GROWTH_MB = 100.0
BARE = b"""copy (select meter_id, slot, volume_l, quality from usage_hourly
where meter_id = any (%(ids)s::int[]) and slot >= %(since)s and slot < %(until)s order by meter_id, slot)
to stdout (format binary)"""
CUSTOMERS = "select id, serial from meter where kind = 'customer' order by id"
FORMS = {"arrow": "application/vnd.apache.arrow.stream", "csv": "text/csv"}


def run() -> Iterator[Result]:
    """Yield rows/s with the ratio to COPY, and MB by which ten million rows let the server grow."""
    with bigtown() as town, connect(town.url, "owner", autocommit=True) as conn:
        key = keys.create(conn, NAME, ["readings:read"], datetime.now(UTC), requests_a_minute=100_000)
        headers = {"Authorization": f"Bearer {key}"}
        with (
            served(town.url) as api,
            httpx2.Client(base_url=api.address, headers=headers, timeout=600) as client,
        ):
            yield _speed(town, conn, client)
            yield from _memory(town, conn, client, api)


def _speed(town: Open, conn: Connection, client: httpx2.Client) -> Result:
    meters = conn.execute(f"{CUSTOMERS} limit {METERS}").fetchall()
    until = town.town.end
    since = until - timedelta(days=DAYS)
    body = {
        "meters": [serial for _, serial in meters],
        "kind": "usage",
        "interval": "hour",
        "from": f"{since:%FT%TZ}",
        "to": f"{until:%FT%TZ}",
    }
    ids = "{" + ",".join(str(id_) for id_, _ in meters) + "}"
    rows = len(meters) * DAYS * 24

    def ours() -> float:
        began = time.perf_counter()
        answer = client.post("/v1/series", json=body, headers={"Accept": FORMS["arrow"]})
        table = pa.ipc.open_stream(answer.content).read_all()
        took = time.perf_counter() - began
        assert table.num_rows == rows, table.num_rows
        return took

    def theirs() -> float:
        began = time.perf_counter()
        with conn.cursor() as cursor, cursor.copy(BARE, {"ids": ids, "since": since, "until": until}) as copy:
            got = sum(1 for _ in copy)
        took = time.perf_counter() - began
        assert rows <= got <= rows + 2, got  # a header and an end
        return took

    return compare(NAME, f"rows/s{town.note}", rows, ours, "copy_out", theirs, bar=BAR)


def _memory(town: Open, conn: Connection, client: httpx2.Client, api: Served) -> Iterator[Result]:
    """Stream all use of 10,000 meters, over again up to ten million rows; see what the server needs."""
    meters = conn.execute(f"{CUSTOMERS} limit 10000").fetchall()
    serials = [serial for _, serial in meters]
    body = {"meters": serials, "from": f"{town.town.end - timedelta(days=42):%FT%TZ}"}
    for form, media in FORMS.items():
        warm = body | {"meters": serials[:1000]}
        client.post("/v1/series", json=warm, headers={"Accept": media})
        api.forget_peak()
        before, rows = api.peak_mb(), 0
        while rows < MANY_ROWS:
            with client.stream("POST", "/v1/series", json=body, headers={"Accept": media}) as answer:
                if form == "csv":
                    rows += sum(piece.count(b"\n") for piece in answer.iter_bytes()) - 1
                else:
                    rows += _arrow_rows(answer)
        grown = api.peak_mb() - before
        ok = grown < MOST_GROWTH_MB
        yield Result(f"{NAME}_memory_{form}", round(grown, 1), "MB", None, None, rows, MOST_GROWTH_MB, ok)


class _Body:
    """An answer's body as a file."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._pieces = answer.iter_bytes()
        self._held = b""
        self.closed = False

    def read(self, size: int) -> bytes:
        while len(self._held) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._held += piece
        taken, self._held = self._held[:size], self._held[size:]
        return taken


def _arrow_rows(answer: httpx2.Response) -> int:
    return sum(batch.num_rows for batch in pa.ipc.open_stream(_Body(answer)))
