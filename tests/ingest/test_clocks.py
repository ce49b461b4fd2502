"""Each meter's high water and clock skew, in memory and in the store."""

import numpy as np
import pytest

from core.batch import ReadingBatch
from ingest.clocks import NEVER, MeterClocks
from sql.pool import Connection, connect
from tests import factories

HOUR = 3_600_000_000
START = 1_795_000_000_000_000


def batch(meters: list[int], ts: list[int], delay_s: float) -> ReadingBatch:
    n = len(meters)
    nothing = np.full(n, np.nan)
    received = np.array(ts, np.int64) + int(delay_s * 1e6)
    return ReadingBatch(
        np.array(meters, np.int32),
        np.array(ts, np.int64),
        np.ones(n),
        nothing,
        nothing,
        nothing,
        nothing,
        np.zeros(n, np.int32),
        received,
    )


def stored(conn: Connection) -> list[tuple[int, int, float]]:
    return [
        (meter, round(high.timestamp() * 1e6), skew)
        for meter, high, skew in conn.execute(
            "select meter_id, high_water, skew_s from meter_clock order by meter_id"
        )
    ]


def test_high_water_and_skew_are_flushed_once_and_taken_up_again(conn: Connection, database_url: str) -> None:
    first, second = factories.meter(conn, "a"), factories.meter(conn, "b")
    clocks = MeterClocks()
    clocks.observe(batch([first, first, second], [START, START + HOUR, START], 5.0))
    with connect(database_url, "ingest", autocommit=True) as ours:
        assert clocks.flush(ours) == 2
        assert clocks.flush(ours) == 0
        again = MeterClocks()
        again.load(ours)
    assert stored(conn) == [(first, START + HOUR, 5.0), (second, START, 5.0)]
    assert again.high_water(first) == START + HOUR
    assert again.high_water(999) == NEVER


def test_late_readings_move_neither_high_water_nor_skew() -> None:
    clocks = MeterClocks()
    clocks.observe(batch([1], [START + HOUR], 5.0))
    before = clocks.observe(batch([1, 1], [START - HOUR, START], 90_000.0))
    assert before.tolist() == [START + HOUR] * 2
    assert clocks.high_water(1) == START + HOUR
    assert clocks.skew_s(1) == 5.0


def test_one_late_delivery_moves_the_skew_only_a_little_and_a_lasting_change_moves_it_all() -> None:
    clocks = MeterClocks()
    for k in range(50):
        clocks.observe(batch([1], [START + k * HOUR], 5.0))
    clocks.observe(batch([1], [START + 50 * HOUR], 86_400.0))
    assert clocks.skew_s(1) == pytest.approx(5.0, abs=60)
    for k in range(51, 500):
        clocks.observe(batch([1], [START + k * HOUR], -120.0))
    assert clocks.skew_s(1) == pytest.approx(-120.0, abs=10)


def test_flush_of_a_meter_that_was_deleted_takes_the_others(conn: Connection, database_url: str) -> None:
    here = factories.meter(conn, "a")
    clocks = MeterClocks()
    clocks.observe(batch([here, here + 1], [START, START], 1.0))
    with connect(database_url, "ingest", autocommit=True) as ours:
        clocks.flush(ours)
    assert [row[0] for row in stored(conn)] == [here]
