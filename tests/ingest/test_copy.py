"""COPY as encoded by us is what psycopg reads back."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import UniqueViolation

from core.batch import ReadingBatch
from sql.copy import copy_arrival, copy_direct, copy_staged, encode
from sql.pool import Connection, connect

NAN = float("nan")
FLOAT4 = st.one_of(st.just(NAN), st.floats(-(2.0**100), 2.0**100, width=32))
ROW = st.tuples(
    st.integers(1, 2**31 - 1),
    st.integers(1_600_000_000_000_000, 1_600_600_000_000_000),
    st.one_of(st.just(NAN), st.floats(-1e300, 1e300)),
    FLOAT4,
    FLOAT4,
    FLOAT4,
    FLOAT4,
    st.integers(0, 1023),
    st.integers(1_600_000_000_000_000, 1_900_000_000_000_000),
)


def batch(*rows: tuple[Any, ...]) -> ReadingBatch:
    columns = list(zip(*sorted(rows, key=lambda r: r[:2]), strict=True))
    kinds = [np.int32, np.int64, *[np.float64] * 5, np.int32, np.int64]
    return ReadingBatch(*(np.array(c, k) for c, k in zip(columns, kinds, strict=True)))


def row(meter: int, minute: int, register_l: float, flow_lph: float = NAN, flags: int = 0) -> tuple[Any, ...]:
    at = 1_700_000_000_000_000 + minute * 60_000_000
    return (meter, at, register_l, flow_lph, NAN, NAN, NAN, flags, at)


def copy_plain(conn: Connection, sent: ReadingBatch) -> None:
    with conn.cursor() as cursor, cursor.copy("copy plain from stdin (format binary)") as copy:
        copy.write(encode(sent))


@pytest.fixture
def as_ingest(database_url: str) -> Any:
    with connect(database_url, "ingest", autocommit=True) as conn:
        yield conn


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=40, unique_by=lambda r: r[:2]))
def test_copied_readings_are_read_back_as_they_were(
    as_ingest: Connection, rows: list[tuple[Any, ...]]
) -> None:
    sent = batch(*rows)
    as_ingest.execute("create temp table if not exists plain (like reading)")
    with as_ingest.transaction(force_rollback=True):
        copy_plain(as_ingest, sent)
        stored = as_ingest.execute("select * from plain order by meter_id, ts").fetchall()
    assert len(stored) == len(sent)
    for i, found in enumerate(stored):
        assert found[0] == sent.meter_id[i]
        assert round(found[1].timestamp() * 1e6) == sent.ts[i]
        assert found[2] == (None if np.isnan(sent.register_l[i]) else sent.register_l[i])
        for j, name in enumerate(("flow_lph", "pressure_kpa", "temperature_c", "battery_v"), 3):
            value = getattr(sent, name)[i]
            assert found[j] == (None if np.isnan(value) else pytest.approx(value, rel=1e-5)), name
        assert found[7] == sent.flags[i]
        assert round(found[8].timestamp() * 1e6) == sent.received_at[i]


def test_rows_keep_their_order_whatever_they_lack(as_ingest: Connection) -> None:
    sent = batch(row(1, 0, 1.0), row(1, 1, NAN, 2.0), row(2, 0, 3.0), row(2, 1, NAN, NAN, 1))
    as_ingest.execute("create temp table plain (like reading)")
    copy_plain(as_ingest, sent)
    assert as_ingest.execute("select meter_id from plain order by ctid").fetchall() == [
        (1,),
        (1,),
        (2,),
        (2,),
    ]


def test_direct_copy_refuses_a_duplicate(as_ingest: Connection) -> None:
    copy_direct(as_ingest, batch(row(1, 0, 1.0)))
    with pytest.raises(UniqueViolation):
        copy_direct(as_ingest, batch(row(1, 0, 1.0)))


def test_staged_copy_takes_what_is_new_and_tells_what_conflicts(as_ingest: Connection) -> None:
    copy_direct(as_ingest, batch(row(1, 0, 1.0, 0.1), row(1, 1, 2.0), row(2, 0, 3.0)))
    sent = batch(
        row(1, 0, 1.0, 0.1), row(1, 1, 2.5), row(1, 2, 9.0), row(2, 0, 3.0, flags=1), row(3, 0, NAN, 1.0)
    )
    with as_ingest.transaction():
        inserted, conflicting = copy_staged(as_ingest, sent)
    assert inserted == 2
    assert [(int(sent.meter_id[i]), float(sent.register_l[i])) for i in conflicting] == [(1, 2.5), (2, 3.0)]
    stored = as_ingest.execute("select meter_id, register_l from reading order by meter_id, ts").fetchall()
    assert stored == [(1, 1.0), (1, 2.0), (1, 9.0), (2, 3.0), (3, None)]
    with as_ingest.transaction():
        assert copy_staged(as_ingest, batch(row(1, 2, 9.0)))[0] == 0


def test_arrival_has_each_meter_once_with_its_times(as_ingest: Connection, conn: Connection) -> None:
    sent = batch(row(1, 0, 1.0), row(1, 5, 1.0), row(7, 3, 1.0))
    copy_arrival(as_ingest, sent, 3, 2)
    found = conn.execute("select meter_ids, ts_min, ts_max, readings, messages from arrival").fetchall()

    def at(minute: int) -> datetime:
        return datetime.fromtimestamp(1_700_000_000 + minute * 60, UTC)

    assert found == [([1, 7], [at(0), at(3)], [at(5), at(3)], 3, 2)]
