"""Kernels about meters against slow, obvious ones; exact instants on fixed streams."""

from math import inf, isinf, isnan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detection.kernels import signs as s
from detection.kernels import stuck as k
from detection.kernels.battery import low_battery, slope
from detection.kernels.clock_skew import clock_skew
from detection.kernels.signs import shown
from detection.kernels.silent import limit_s, together
from detection.kernels.stuck import stuck

SHAPE = (3, 40)
COVERED = hnp.arrays(bool, SHAPE, elements=st.sampled_from([True, True, True, False]))


def ints(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@given(
    bits=hnp.arrays(np.float32, SHAPE, elements=st.sampled_from([0, 0, 0, 0, s.TAMPER, s.STEP_BACK])),
    covered=COVERED,
    least=st.integers(1, 4),
    window=st.integers(1, 12),
    quiet=st.integers(1, 12),
)
@settings(max_examples=60, deadline=None)
def test_shown(bits: Any, covered: Any, least: int, window: int, quiet: int) -> None:
    three = [np.full(3, v) for v in (least, window, quiet)]
    raises, clears = shown(bits, covered, s.TAMPER, s.STEP_BACK, *three)
    for m, t in np.ndindex(SHAPE):
        told = [int(bits[m, u]) if covered[m, u] else 0 for u in range(t + 1)]
        steps = sum(b & s.STEP_BACK > 0 for b in told[max(t + 1 - window, 0) :])
        expected = bool(told[t] & s.TAMPER) or bool(told[t] & s.STEP_BACK and steps >= least)
        assert raises[m, t] == expected
        assert clears[m, t] == (covered[m, t] and not any(told[max(t + 1 - quiet, 0) :]))


@given(
    bits=hnp.arrays(
        np.float32,
        SHAPE,
        elements=st.sampled_from(
            [k.MOVED] * 6 + [k.STILL] * 4 + [k.STILL | k.FLOWED, k.SAME, k.MOVED | k.SAME, k.VARIED | k.SAME]
        ),
    ),
    covered=COVERED,
    days=st.integers(1, 5),
    pressure_days=st.integers(1, 3),
    share=st.sampled_from([0.5, 0.9]),
)
@settings(max_examples=60, deadline=None)
def test_stuck(bits: Any, covered: Any, days: int, pressure_days: int, share: float) -> None:
    raises, clears = stuck(
        bits, covered, np.full(3, days), np.full(3, pressure_days), np.full(3, share, np.float32)
    )
    for m in range(3):
        told = [int(b) if c else 0 for b, c in zip(bits[m], covered[m], strict=True)]
        moved = [bool(b & k.MOVED) for b in told]
        still = [bool(b & k.STILL) and not b & k.MOVED for b in told]
        frozen = [bool(b & k.SAME) and not b & k.VARIED for b in told]
        for t in range(SHAPE[1]):
            run = 0
            while run <= t and still[t - run]:
                run += 1
            before = list(range(t - run - 13, t - run + 1))
            asked = before[0] >= 0 and all(moved[u] or still[u] for u in before)
            always = asked and sum(moved[u] for u in before) >= np.float32(share) * 14
            flows = still[t] and bool(told[t] & k.FLOWED)
            same = t + 1 >= pressure_days and all(frozen[t - pressure_days + 1 : t + 1])
            assert raises[m, t] == (flows or (run >= days and always) or same)
            known = moved[t] or bool(told[t] & k.VARIED)
            assert clears[m, t] == (covered[m, t] and not still[t] and not frozen[t] and known)


@given(
    volts=hnp.arrays(np.float32, SHAPE, elements=st.sampled_from([0, 2.5, 3.0, 3.15, 3.3, 3.4, 3.5, 3.6])),
    covered=COVERED,
)
@settings(max_examples=60, deadline=None)
def test_low_battery(volts: Any, covered: Any) -> None:
    low, empty, least, window = 3.18, 2.7, 60.0, 10
    given_ = (np.full(3, v, np.float32) for v in (low, empty, least))
    raises, clears, left = low_battery(volts, covered, *given_, window)
    for m, t in np.ndindex(SHAPE):
        known = [u for u in range(max(t + 1 - window, 0), t + 1) if covered[m, u] and volts[m, u] > 0]
        highest = max((float(volts[m, u]) for u in range(t + 1) if covered[m, u]), default=0.0)
        days = inf
        if len(known) >= 7:
            gradient, offset = np.polyfit(known, [float(volts[m, u]) for u in known], 1)
            first = next((u for u in range(t + 1) if covered[m, u] and volts[m, u] > 0), 0)
            since = t - max(first, t + 1 - window, 0)
            if gradient < 0 and abs(-gradient * since - 0.05) < 1e-5:
                continue  # on the edge: a matter of rounding
            if gradient < 0 and -gradient * since > 0.05:
                days = max(offset + gradient * t - empty, 0) / -gradient
        assert isinf(left[m, t]) if isinf(days) else left[m, t] == pytest.approx(days, rel=1e-3, abs=1e-2)
        if abs(days - least) < 0.1 or abs(days - 1.5 * least) < 0.1:
            continue
        v, told = float(volts[m, t]), bool(covered[m, t])
        below = v <= empty or (v <= low and highest >= low + 0.1)
        soon = days <= least and v <= highest - 0.04
        expected = told and (v == 0 or below or soon)
        assert raises[m, t] == expected
        fine = told and v > low + 0.05 and (days > 1.5 * least or v > highest - 0.04)
        assert clears[m, t] == (fine and not expected)


def test_slope_of_too_few_days_is_unknown() -> None:
    gradient, level = slope(np.full((1, 6), 3.6, np.float32), np.ones((1, 6), bool), 28)
    assert all(isnan(v) for v in (*gradient[0], *level[0]))


@given(
    least=hnp.arrays(np.float32, SHAPE, elements=st.sampled_from([-200, -10, 0, 30, 599, 601, 9000])),
    covered=COVERED,
    days=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_clock_skew(least: Any, covered: Any, days: int) -> None:
    raises, clears = clock_skew(
        least, covered, np.full(3, 600, np.float32), np.full(3, 60, np.float32), np.full(3, days)
    )
    for m, t in np.ndindex(SHAPE):
        off = [bool(covered[m, u]) and not -60 <= least[m, u] <= 600 for u in range(t + 1)]
        assert raises[m, t] == (t + 1 >= days and all(off[t + 1 - days :]))
        assert clears[m, t] == (covered[m, t] and not off[t])


@given(
    silences=st.lists(
        st.tuples(st.integers(0, 9000), st.integers(1, 20_000), st.sampled_from([3000, 7000])), max_size=12
    ),
    least=st.integers(2, 5),
)
@settings(max_examples=120, deadline=None)
def test_together(silences: list[tuple[int, int, int]], least: int) -> None:
    listed = sorted((start, start + lasts, limit) for start, lasts, limit in silences)
    columns = [np.array([x[i] for x in listed], np.int64) for i in range(3)]
    found = together(*columns, np.full(len(listed), 3600), least)
    expected = None
    for start, *_ in listed:
        mine = [i for i, x in enumerate(listed) if start <= x[0] <= start + 3600 and x[1] > x[0] + x[2]]
        due = sorted(listed[i][0] + listed[i][2] for i in mine)
        if len(mine) >= least and sum(listed[i][1] > due[least - 1] for i in mine) >= least:
            expected = (mine, due[least - 1])
            break
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert (found[0].tolist(), found[1]) == expected


def test_limit_is_the_longer_of_intervals_and_hours() -> None:
    limits = limit_s(ints(60, 7200), np.full(2, 6, np.float32), np.full(2, 4, np.float32))
    assert limits.tolist() == [4 * 3600, 6 * 7200]
