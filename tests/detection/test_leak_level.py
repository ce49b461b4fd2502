"""Leak levels against a slow and obvious reference."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detection.kernels import leak_level as kernel

SHARES = st.floats(-2, 2, width=32)
KNOWN = st.sampled_from([True, True, True, False])


@st.composite
def hours(draw: st.DrawFn, least: int = 1) -> np.ndarray:
    n = draw(st.integers(least, 40))
    values = draw(arrays(np.float64, n, elements=SHARES))
    return np.where(draw(arrays(bool, n, elements=KNOWN)), values, np.nan)


@given(hours(), st.floats(0.1, 1000))
@settings(max_examples=100, deadline=None)
def test_leak_level_solves_the_normal_equations(off: np.ndarray, stiffness: float) -> None:
    pattern = 1 + 0.5 * np.sin(np.arange(len(off)))
    good = ~np.isnan(off)
    e, p = off[good], pattern[good]
    found = kernel.leak_level(
        np.array([good.sum(), p.sum(), (p * p).sum(), e.sum(), (p * e).sum()]), np.array(stiffness)
    )
    if not good.any():
        assert np.isnan(found)
        return
    left = np.array([[(p * p).sum() + stiffness, p.sum()], [p.sum(), float(len(p))]])
    np.testing.assert_allclose(found, np.linalg.solve(left, [(p * e).sum(), e.sum()])[1], atol=1e-6)


@given(hours())
@settings(max_examples=150, deadline=None)
def test_jumps_are_their_reference(z: np.ndarray) -> None:
    found = kernel.jumps(z)
    for t in range(len(z)):
        now = [z[k] if k >= 0 else np.nan for k in range(t - 3, t + 1)]
        ahead = [z[k] for k in range(t - 9, t - 3) if k >= 0 and not np.isnan(z[k])]
        middle = float(np.median(ahead)) if ahead else 0.0
        expected = 0.0
        if not any(np.isnan(now)):
            up, down = min(now) - max(middle, 0.0), max(now) - min(middle, 0.0)
            expected = up if up > 0 else down if down < 0 else 0.0
        np.testing.assert_allclose(found[t], expected, atol=1e-12)


@given(arrays(np.float64, st.integers(1, 30), elements=SHARES), st.floats(0, 2))
@settings(max_examples=100, deadline=None)
def test_cusum_is_the_largest_sum_that_ends_now(scores: np.ndarray, allowance: float) -> None:
    total, since = kernel.cusum(scores, allowance)
    less = scores - allowance
    best = max([0.0, *(float(less[k:].sum()) for k in range(len(less)))])
    np.testing.assert_allclose(total, best, atol=1e-9)
    np.testing.assert_allclose(less[since:].sum(), total, atol=1e-9)


@given(arrays(np.float64, st.integers(2, 30), elements=SHARES))
@settings(max_examples=100, deadline=None)
def test_change_point_is_the_best_start_of_a_step(off: np.ndarray) -> None:
    at, height = kernel.change_point(off, np.ones(len(off)))
    gains = [max(off[k:].sum(), 0.0) ** 2 / (len(off) - k) for k in range(len(off))]
    np.testing.assert_allclose(gains[at], max(gains), atol=1e-9)
    np.testing.assert_allclose(height, off[at:].mean(), atol=1e-9)


@given(arrays(np.float64, (2, 60), elements=st.floats(0.5, 50)), st.integers(0, 59))
@settings(max_examples=50, deadline=None)
def test_week_mean_and_median_are_theirs(values: np.ndarray, lost: int) -> None:
    values[0, lost] = np.nan
    found = kernel.week_mean(values)
    for t in range(60):
        np.testing.assert_allclose(found[:, t], np.nanmean(values[:, max(0, t - 3) : t + 4], axis=1))
    np.testing.assert_allclose(kernel.median(values), np.nanmedian(values, axis=1))


def test_a_pattern_is_the_median_of_its_hour_of_the_week() -> None:
    rng = np.random.default_rng(1)
    week = rng.uniform(50, 150, 168)
    history = np.tile(week, 6)[None] * np.repeat(rng.uniform(0.97, 1.03, 42), 24)
    known = kernel.usual(history, np.tile(np.arange(168), 6))
    shares = (history / np.repeat(known.level[0, :-1], 24)).reshape(6, 168)
    # The level of the last days is held, so the last weeks' shares are as learned but for those days.
    np.testing.assert_allclose(known.pattern[0], np.median(shares, axis=0), rtol=0.03)
    assert known.level.shape == (1, 43)
    assert known.spread[0] > 0
