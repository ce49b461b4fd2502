"""The kernels of industry, trade and institutions: slow references, and exact alarms on fixed streams."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detection.kernels.drift import steady_rise, weekly_levels
from detection.kernels.excess import excess, rest_excess
from detection.kernels.month_end import month_end
from detection.kernels.weekly import (
    daily_means,
    day_spread,
    level_error,
    newest_level,
    spread,
    weekly_profile,
)
from detection.kernels.zero_use import zero_use
from tests.detection.test_kernels import VOLUMES, per_meter, streams

MAYBE = st.one_of(VOLUMES, st.just(np.nan))


def mean(values: list[float]) -> float:
    return float(np.mean(np.array(values, np.float64)))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_excess_is_its_reference(data: st.DataObject) -> None:
    above, covered = data.draw(streams())
    n, slots = above.shape
    threshold = per_meter(data.draw, n, MAYBE, np.float32)
    window = per_meter(data.draw, n, st.integers(1, 30), np.int64)
    raises, clears = excess(above, covered, threshold, window)
    for m in range(n):
        for t in range(slots):
            known = [above[m, p] for p in range(max(t - window[m] + 1, 0), t + 1) if covered[m, p]]
            said = covered[m, t] and len(known) >= 0.75 * window[m] and not np.isnan(threshold[m])
            near = said and min(abs(mean(known) - k * threshold[m]) for k in (0.25, 1)) < 1e-4
            if not near:
                assert raises[m, t] == (said and mean(known) > threshold[m])
                assert clears[m, t] == (said and mean(known) <= threshold[m] / 4)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_rest_excess_is_its_reference(data: st.DataObject) -> None:
    above, covered = data.draw(streams())
    n, slots = above.shape
    off = data.draw(arrays(bool, above.shape, elements=st.sampled_from([True, True, True, False])))
    threshold = per_meter(data.draw, n, MAYBE, np.float32)
    hours = per_meter(data.draw, n, st.integers(1, 5), np.int64)
    raises, clears = rest_excess(above, covered, off, threshold, hours)
    for m in range(n):
        for t in range(slots):
            rest = [t]
            while rest[-1] > 0 and off[m, rest[-1] - 1] and len(rest) < 8:
                rest.append(rest[-1] - 1)
            known = [above[m, p] for p in rest if covered[m, p]]
            said = off[m, t] and covered[m, t] and len(known) >= hours[m] and not np.isnan(threshold[m])
            near = said and min(abs(mean(known) - k * threshold[m]) for k in (0.25, 1)) < 1e-4
            if not near:
                assert raises[m, t] == (said and mean(known) > threshold[m])
                assert clears[m, t] == (said and mean(known) <= threshold[m] / 4)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_profile_and_spread_are_medians(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    how = data.draw(arrays(np.int64, volume.shape[1], elements=st.integers(0, 5)))
    profile = weekly_profile(volume, covered, how)
    for m in range(len(volume)):
        for hour in range(168):
            mine = volume[m, covered[m] & (how == hour)]
            expected = np.median(mine) if len(mine) else np.nan
            np.testing.assert_allclose(profile[m, hour], expected, rtol=1e-5)
        residual = np.sort(np.abs(volume[m] - profile[m, how])[covered[m]])
        expected = residual[math.ceil(len(residual) / 2) - 1] if len(residual) else np.nan
        np.testing.assert_allclose(spread(volume, covered, profile[:, how])[m], 1.4826 * expected, rtol=1e-4)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_days_and_their_level_are_their_reference(data: st.DataObject) -> None:
    shape = (data.draw(st.integers(1, 3)), 24 * data.draw(st.integers(1, 12)))
    covered = data.draw(arrays(bool, shape, elements=st.sampled_from([True] * 4 + [False])))
    values = np.where(covered, data.draw(arrays(np.float32, shape, elements=VOLUMES)), np.float32(np.nan))
    daily, days = daily_means(values, covered), data.draw(st.integers(1, 7))
    level, sigma = newest_level(daily, days), day_spread(daily, days)
    for m in range(shape[0]):
        for d in range(shape[1] // 24):
            hours = [values[m, t] for t in range(d * 24, d * 24 + 24) if covered[m, t]]
            np.testing.assert_allclose(
                daily[m, d], mean(hours) if len(hours) >= 18 else np.nan, rtol=1e-4, atol=1e-4
            )
        known = [d for d in daily[m] if not np.isnan(d)]
        np.testing.assert_allclose(
            level[m], np.median(known[-days:]) if known else np.nan, rtol=1e-4, atol=1e-4
        )
        far = []
        for d in range(days, daily.shape[1]):
            before = [x for x in daily[m, d - days : d] if not np.isnan(x)]
            if len(before) >= min(3, days) and not np.isnan(daily[m, d]):
                far.append(abs(daily[m, d] - np.median(before)))
        np.testing.assert_allclose(sigma[m], 1.4826 * np.median(far) if far else np.nan, rtol=1e-3, atol=1e-4)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_drift_is_its_reference(data: st.DataObject) -> None:
    shape = (data.draw(st.integers(1, 3)), 7 * data.draw(st.integers(1, 5)))
    daily = data.draw(arrays(np.float32, shape, elements=MAYBE))
    weekday = np.arange(shape[1]) % 7
    weeks = weekly_levels(daily, weekday)
    rise = steady_rise(weeks)
    for m in range(shape[0]):

        def median(days: list[int], m: int = m) -> float:
            known = [daily[m, d] for d in days if not np.isnan(daily[m, d])]
            return float(np.median(known)) if known else np.nan

        around = [median(list(range(max(d - 3, 0), min(d + 4, shape[1])))) for d in range(shape[1])]
        level = []
        for d in range(shape[1]):
            own = [daily[m, k] - around[k] for k in range(d % 7, shape[1], 7) if not np.isnan(daily[m, k])]
            level.append(daily[m, d] - (np.median(own) if own else 0))
        for w in range(shape[1] // 7):
            known = [x for x in level[w * 7 : w * 7 + 7] if not np.isnan(x)]
            expected = np.median(known) if len(known) >= 4 else np.nan
            np.testing.assert_allclose(weeks[m, w], expected, rtol=1e-3, atol=1e-4)
        known = [w for w in weeks[m] if not np.isnan(w)]
        ends = not np.isnan(weeks[m, 0]) and not np.isnan(weeks[m, -1]) and weeks[m, 0] > 0
        if ends and len(known) >= len(weeks[m]) - 1 and all(b > a for a, b in pairwise(known)):
            assert rise[m] == pytest.approx((known[-1] - known[0]) / known[0], rel=1e-4)
        else:
            assert np.isnan(rise[m])


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_zero_use_is_its_reference(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    n, slots = volume.shape
    still_l = per_meter(data.draw, n, VOLUMES, np.float32)
    hours = per_meter(data.draw, n, st.sampled_from([1.0, 2.0, 4.5, np.nan]), np.float32)
    raises, clears = zero_use(volume, covered, still_l, hours)
    for m in range(n):
        for t in range(slots):
            run = 0
            while run <= t and covered[m, t - run] and volume[m, t - run] <= still_l[m]:
                run += 1
            assert raises[m, t] == (run > 0 and run >= hours[m])
            assert clears[m, t] == (covered[m, t] and volume[m, t] > still_l[m])


def test_level_shift_alarms_once_the_mean_of_the_day_is_beyond() -> None:
    above = np.zeros((1, 72), np.float32)
    above[0, 30:60] = 100
    raises, clears = excess(above, np.ones_like(above, bool), np.array([60], np.float32), np.array([24]))
    assert np.flatnonzero(raises[0]).tolist() == list(range(44, 69))
    assert np.flatnonzero(clears[0]).tolist() == list(range(17, 33))


def test_spike_alarms_in_its_first_hour() -> None:
    above = np.zeros((1, 12), np.float32)
    above[0, 5:7] = 900
    raises, clears = excess(above, np.ones_like(above, bool), np.array([500], np.float32), np.array([1]))
    assert np.flatnonzero(raises[0]).tolist() == [5, 6]
    assert np.flatnonzero(clears[0]).tolist() == [*range(5), *range(7, 12)]


def test_off_shift_alarms_in_the_third_hour_of_the_rest_and_a_rest_begins_anew() -> None:
    above = np.full((1, 20), 80, np.float32)
    above[0, 12:] = 0
    off = np.ones((1, 20), bool)
    off[0, 8:12] = False
    raises, clears = rest_excess(above, np.ones_like(off), off, np.array([50], np.float32), np.array([3]))
    assert np.flatnonzero(raises[0]).tolist() == list(range(2, 8))
    assert np.flatnonzero(clears[0]).tolist() == list(range(14, 20))


def test_drift_needs_every_week_above_the_one_before() -> None:
    daily = np.repeat(np.array([[100, 103, 106, 109, 115], [100, 103, 102, 109, 130]], np.float32), 7, axis=1)
    rise = steady_rise(weekly_levels(daily, np.arange(35) % 7))
    assert rise[0] == pytest.approx(0.15)
    assert np.isnan(rise[1])


def test_zero_use_alarms_in_the_twelfth_still_hour() -> None:
    volume = np.full((1, 30), 50, np.float32)
    volume[0, 10:25] = 0
    limits = np.zeros(1, np.float32), np.array([12], np.float32)
    raises, clears = zero_use(volume, np.ones_like(volume, bool), *limits)
    assert np.flatnonzero(raises[0]).tolist() == [21, 22, 23, 24]
    assert np.flatnonzero(clears[0]).tolist() == [*range(10), *range(25, 30)]


@given(st.lists(st.one_of(st.integers(0, 50), st.none()), min_size=0, max_size=30), st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_level_error_is_its_reference(days: list[int | None], n: int) -> None:
    def known(lo: int) -> list[float]:
        return [float(d) for d in days[lo : lo + n] if d is not None]

    least = min(3, n)
    squares = [
        (float(np.mean(known(t))) - float(np.median(known(t - n)))) ** 2
        for t in range(n, len(days) - n + 1)
        if len(known(t)) >= least and len(known(t - n)) >= least
    ]
    daily = np.array([[np.nan if d is None else d for d in days]], np.float32)
    expected = float(np.mean(squares)) ** 0.5 if squares else float("nan")
    assert level_error(daily, n)[0] == pytest.approx(expected, rel=1e-4, abs=1e-4, nan_ok=True)


def test_month_end_is_certain_at_its_end_and_never_below_what_is_used() -> None:
    used, rest, sigma = np.array([900.0, 10.0]), np.array([0.0, 20.0]), np.array([50.0, 90.0])
    low, middle, high = month_end(used, rest, sigma, np.array([0.0, 10.0]))
    assert (low[0], middle[0], high[0]) == (900, 900, 900)
    assert low[1] == 10 and middle[1] == 30
    assert high[1] == pytest.approx(30 + 2 * 10 * 90 * (10 / 7) ** 0.5)
