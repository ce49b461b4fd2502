"""The ring buffer against a dictionary."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.window import Ring, Series

SLOTS = 24
PUTS = st.lists(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(100, 180), st.floats(0, 50, width=32)),
        min_size=1,
        max_size=8,
    ),
    max_size=12,
)


@given(PUTS)
@settings(max_examples=150, deadline=None)
def test_ring_holds_the_newest_slots(puts: list[list[tuple[int, int, float]]]) -> None:
    ring = Ring(3600, SLOTS)
    held: dict[tuple[int, int], float] = {}
    ever: dict[int, int] = {}
    end = 0
    for put in puts:
        cells = {(m, s): v for m, s, v in put}
        meters = np.array([m for m, _ in cells], np.int64)
        slots = np.array([s for _, s in cells], np.int64)
        values = np.array(list(cells.values()), np.float32)
        end = max(end, int(slots.max()) + 1)
        held = {k: v for k, v in held.items() if k[1] >= end - SLOTS}
        news = ring.put(ring.rows(meters, add=True), slots, values, np.zeros(len(slots), np.int8))
        for (cell, value), new in zip(cells.items(), news, strict=True):
            inside = cell[1] >= end - SLOTS
            assert new == (inside and not (cell in held and abs(held[cell] - value) <= 1e-3 + 1e-6 * value))
            if new:
                ever[cell[0]] = min(cell[1], ever.get(cell[0], cell[1]))
                held[cell] = value
    for meter in ring.meter_id:
        oldest = Series(ring).oldest(ring.rows(np.array([meter])))[0]
        assert oldest == max(ever.get(int(meter), 2**62), ring.start)
        values, quality = ring.read(ring.rows(np.array([meter])), 90, 190)
        for slot in range(90, 190):
            known = (int(meter), slot) in held
            assert (quality[0, slot - 90] == 0) == known
            if known:
                assert abs(values[0, slot - 90] - held[int(meter), slot]) < 2e-3


def test_hours_of_quarters_are_covered_when_all_four_are() -> None:
    ring = Ring(900, 96)
    row = ring.rows(np.array([7]), add=True).repeat(7)
    quality = np.array([0, 0, 1, 0, 0, 2, 0], np.int8)
    ring.put(row, np.arange(400, 407), np.arange(7, dtype=np.float32), quality)
    values, covered = Series(ring, 4).read(row[:1], 99, 102)
    assert covered.tolist() == [[False, True, False]] and values[0, 1] == 6
