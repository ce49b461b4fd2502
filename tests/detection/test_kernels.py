"""Each kernel against a slow and obvious reference, and its exact alarms on fixed streams."""

import doctest
import importlib
import math
import pkgutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import detection
from detection.kernels.burst import burst
from detection.kernels.continuous_flow import continuous_flow, flow_start, rested_share, still_share
from detection.kernels.low_pressure import low_pressure
from detection.kernels.no_use import no_use
from detection.kernels.occupancy import change_day, shift
from detection.kernels.rest import days, deepest_level, left_history, lowest_mean
from detection.kernels.runs import last_before, quantile, run_length, trailing_count
from detection.kernels.steady import PAUSE_H, may_run, recurrence, steady_level

SHAPE = st.tuples(st.integers(1, 4), st.integers(1, 40))
VOLUMES = st.floats(0, 20, width=32)


@st.composite
def streams(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(SHAPE)
    covered = draw(arrays(bool, shape, elements=st.sampled_from([True, True, True, False])))
    volume = draw(arrays(np.float32, shape, elements=VOLUMES))
    return np.where(covered, volume, np.float32(np.nan)), covered


def per_meter(draw: st.DrawFn, n: int, elements: st.SearchStrategy[float], dtype: type) -> np.ndarray:
    return np.array(draw(st.lists(elements, min_size=n, max_size=n)), dtype)


MODULES = [m.name for m in pkgutil.walk_packages(detection.__path__, "detection.")]


@pytest.mark.parametrize("name", MODULES)
def test_doctests_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    if name.startswith("detection.kernels."):
        assert result.attempted > 0


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_continuous_flow_is_its_reference(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    n, slots = volume.shape
    threshold = per_meter(data.draw, n, VOLUMES, np.float32)
    window = per_meter(data.draw, n, st.integers(1, 30), np.int64)
    share = per_meter(data.draw, n, st.sampled_from([0.5, 0.9, 1.0]), np.float32)
    raises, clears = continuous_flow(volume, covered, threshold, window, share)
    for m in range(n):
        for t in range(slots):
            past = range(max(0, t - window[m] + 1), t + 1)
            known = [p for p in past if covered[m, p]]
            still = [p for p in known if volume[m, p] < threshold[m]]
            enough = len(known) >= math.ceil(round(float(share[m]), 4) * int(window[m]) - 1e-9)
            flows = covered[m, t] and volume[m, t] >= threshold[m]
            assert raises[m, t] == (flows and enough and not still)
            assert clears[m, t] == (covered[m, t] and not flows)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_flow_start_is_its_reference(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    n, slots = volume.shape
    threshold = per_meter(data.draw, n, VOLUMES, np.float32)
    at = per_meter(data.draw, n, st.integers(0, slots - 1), np.int64)
    for m, found in enumerate(flow_start(volume, covered, threshold, at)):
        rests = [t for t in range(at[m]) if covered[m, t] and volume[m, t] < threshold[m]]
        after = range(rests[-1] + 1 if rests else 0, slots)
        flows = [t for t in after if covered[m, t] and volume[m, t] >= threshold[m]]
        assert found == (flows[0] if flows else 0)


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_rested_share_is_its_reference(data: st.DataObject) -> None:
    days = data.draw(st.integers(1, 3))
    volume = data.draw(arrays(np.float32, (2, days * 24), elements=VOLUMES))
    covered = data.draw(arrays(bool, (2, days * 24), elements=st.sampled_from([True] * 9 + [False])))
    share, known = rested_share(volume, covered, np.array([1, 10], np.float32))
    for m, threshold in enumerate((1, 10)):
        whole = [d for d in range(days) if covered[m, d * 24 : d * 24 + 24].sum() >= 20]
        rested = [
            d
            for d in whole
            if any(covered[m, t] and volume[m, t] < threshold for t in range(d * 24, d * 24 + 24))
        ]
        assert known[m] == len(whole)
        assert share[m] == pytest.approx(len(rested) / max(len(whole), 1))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_steady_level_is_its_reference(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    n, slots = volume.shape
    step = per_meter(data.draw, n, st.sampled_from([1.0, 10.0]), np.float32)
    levels = steady_level(volume, covered, step)
    for m in range(n):
        assert may_run(volume, covered, step)[m] or np.isnan(levels[m]).all()
        for t in range(slots):
            run = [volume[m, p] for p in range(max(t - 2, 0), t + 1) if covered[m, p]]
            alike = len(run) == 3 and min(run) >= 4 * step[m]
            alike = alike and max(run) - min(run) <= step[m] + np.float32(0.05) * min(run)
            expected = np.mean(run) if alike else np.nan
            np.testing.assert_allclose(levels[m, t], expected, rtol=1e-5)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_recurrence_is_its_reference(data: st.DataObject) -> None:
    slots, day, recent = 420, 400, 150
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    volume = (rng.integers(0, 30, (2, slots)) * (rng.random((2, slots)) < 0.6)).astype(np.float32)
    for start in data.draw(st.lists(st.integers(0, slots - 6), max_size=8)):
        volume[rng.integers(0, 2), start : start + int(rng.integers(3, 7))] = rng.integers(9, 12)
    covered = rng.random((2, slots)) < 0.97
    step = np.array([1, 2], np.float32)
    levels = steady_level(volume, covered, step)
    row, at = np.nonzero(~np.isnan(levels))
    keep = at >= day - 20
    row, at = row[keep], at[keep]
    found = recurrence(levels, volume, covered, step, row, at, day, recent)
    for k in range(len(row)):
        m, t, unit = row[k], at[k], step[row[k]]
        x = levels[m, t]
        width = 0.7 * unit + 0.05 * x
        near = [s for s in range(slots) if abs(levels[m, s] - x) <= width]
        lately = [s for s in near if t - recent < s <= t]
        runs = 1 + sum(b - a > 3 for a, b in pairwise(lately))
        begun = [b for a, b in zip([-100, *lately], lately, strict=False) if b - a > PAUSE_H][-1] - 2
        past = [s for s in range(day - recent) if covered[m, s]]
        like = sum(abs(volume[m, s] - x) <= width + unit / 2 for s in past)
        p = max((like + 1) / (sum(volume[m, s] >= unit for s in past) + 20), 0.01)
        habit = sum(s < day - recent for s in near) * recent / (day - recent) > 0.1 * len(lately)
        nats = 0 if habit else (len(lately) + runs) * -math.log(p) / (1 if runs > 1 else 2)
        assert found.nats[k] == pytest.approx(nats, rel=1e-4)
        assert found.first[k] == begun
        assert found.rested[k] == any(covered[m, s] and volume[m, s] < unit for s in range(begun, t))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_days_at_rest_are_their_reference(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    volume = (rng.integers(0, 6, (2, count * 24)) * (rng.random((2, count * 24)) < 0.5)).astype(np.float32)
    covered = rng.random(volume.shape) < data.draw(st.sampled_from([0.4, 0.8, 1.0]))
    step = np.array([1, 3], np.float32)
    found, quiet = days(volume, covered, step), lowest_mean(volume, covered, 3)
    for m, d in np.ndindex(2, count):
        longest, lowest, means = 0, [], []
        for t in range(d * 24, d * 24 + 24):
            run = 0
            while run <= t and covered[m, t - run] and volume[m, t - run] < step[m]:
                run += 1
            longest = max(longest, run)
            lowest += [volume[m, t]] if covered[m, t] else []
            means += [volume[m, t - 2 : t + 1].mean()] if t >= 2 and covered[m, t - 2 : t + 1].all() else []
        assert found.rest_h[m, d] == longest
        assert found.lowest_l[m, d] == min(lowest, default=0)
        assert found.known[m, d] == (len(lowest) >= 14)
        assert found.level[m, d] == (-longest if longest else min(lowest, default=0))
        np.testing.assert_allclose(quiet[m, d], min(means, default=np.nan), rtol=1e-6)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_left_history_is_its_reference(data: st.DataObject) -> None:
    recent, past = data.draw(st.integers(1, 14)), data.draw(st.integers(1, 21))
    levels = st.integers(-12, 6).map(float)
    level = data.draw(arrays(np.float32, (2, recent), elements=levels))
    before = data.draw(arrays(np.float32, (2, past), elements=levels))
    known = data.draw(arrays(bool, (2, recent), elements=st.sampled_from([True, True, False])))
    past_known = data.draw(arrays(bool, (2, past), elements=st.sampled_from([True, True, False])))
    nats, deepest = left_history(level, known, before, past_known), deepest_level(level, known)
    for m in range(2):
        counted = [x for x, k in zip(level[m], known[m], strict=True) if k or x < 0]
        assert deepest[m] == min(counted, default=np.inf)
        n, days_before = known[m].sum(), past_known[m].sum()
        above = sum(k and x >= deepest[m] for x, k in zip(before[m], past_known[m], strict=True))
        enough = n >= 0.6 * recent and days_before >= 8
        expected = -n * math.log((above + 1) / (days_before + 2)) if enough else 0
        assert nats[m] == pytest.approx(expected)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_use_is_its_reference(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    n, slots = volume.shape
    waking = data.draw(arrays(bool, slots))
    hours, limit = data.draw(st.integers(1, 6)), per_meter(data.draw, n, VOLUMES, np.float32)
    raises, clears = no_use(volume, covered, waking, hours, limit)
    for m in range(n):
        for t in range(slots):
            up = [s for s in range(t + 1) if waking[s]][-hours:]
            if len(up) < hours:
                assert not raises[m, t] and not clears[m, t]
                continue
            span = range(up[0], t + 1)
            known = [s for s in span if covered[m, s]]
            used = sum(float(volume[m, s]) for s in known)
            enough = len(known) >= 0.9 * len(span)
            if used != pytest.approx(float(limit[m]), abs=1e-5):
                assert raises[m, t] == (used < limit[m] and enough and waking[t] and covered[m, t])
                assert clears[m, t] == (used >= limit[m] and covered[m, t])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_shift_and_its_day_are_their_reference(data: st.DataObject) -> None:
    days_, recent = 26, 13
    daily = data.draw(arrays(np.float32, (2, days_), elements=st.integers(0, 9).map(float)))
    known = data.draw(arrays(bool, (2, days_), elements=st.sampled_from([True] * 9 + [False])))
    found, split = shift(daily, known, recent), change_day(daily, known)
    for m in range(2):
        early = [v for v, k in zip(daily[m, :-recent], known[m, :-recent], strict=True) if k]
        late = [v for v, k in zip(daily[m, -recent:], known[m, -recent:], strict=True) if k]
        wins = [(b > a) + 0.5 * (a == b) for a in early for b in late]
        enough = len(early) >= 10 and len(late) >= 10
        np.testing.assert_allclose(found.above[m], np.mean(wins) if enough else np.nan, rtol=1e-6)
        assert found.before_l[m] == (sorted(early)[(len(early) - 1) // 2] if early else 0)
        assert found.after_l[m] == (sorted(late)[(len(late) - 1) // 2] if late else 0)

        def cost(at: int, m: int = m) -> float:
            total = 0.0
            for part in (range(at), range(at, days_)):
                values = sorted(float(daily[m, d]) for d in part if known[m, d])
                total += sum(abs(v - values[(len(values) - 1) // 2]) for v in values)
            return total

        assert cost(int(split[m])) == pytest.approx(min(cost(at) for at in range(3, days_ - 2)))


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_still_share_is_its_reference(data: st.DataObject) -> None:
    volume, covered = data.draw(streams())
    threshold = per_meter(data.draw, len(volume), VOLUMES, np.float32)
    for m, share in enumerate(still_share(volume, covered, threshold)):
        known = volume[m, covered[m]]
        assert share == pytest.approx((known < threshold[m]).mean() if len(known) else 0)


@pytest.mark.parametrize("kernel", [burst, low_pressure])
@given(st.data())
@settings(max_examples=100, deadline=None)
def test_runs_of_burst_and_low_pressure_are_their_reference(kernel: object, data: st.DataObject) -> None:
    values, covered = data.draw(streams())
    n, slots = values.shape
    limit = per_meter(data.draw, n, VOLUMES, np.float32)
    need = data.draw(st.integers(1, 5))
    raises, clears = kernel(values, covered, limit, need)  # type: ignore[operator]
    beyond = (lambda v, x: v > x) if kernel is burst else (lambda v, x: v < x)
    for m in range(n):
        for t in range(slots):
            run = range(t - need + 1, t + 1)
            known = run.start >= 0 and all(covered[m, p] for p in run)
            assert raises[m, t] == (known and all(beyond(values[m, p], limit[m]) for p in run))
            assert clears[m, t] == (known and not any(beyond(values[m, p], limit[m]) for p in run))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_runs_are_their_reference(data: st.DataObject) -> None:
    volume, mask = data.draw(streams())
    n, slots = mask.shape
    window = per_meter(data.draw, n, st.integers(1, 50), np.int64)
    at = per_meter(data.draw, n, st.integers(0, slots), np.int64)
    lengths, counts, last = run_length(mask), trailing_count(mask, window), last_before(mask, at)
    for m in range(n):
        for t in range(slots):
            before = [*mask[m, : t + 1][::-1].tolist(), False]
            assert lengths[m, t] == before.index(False)
            assert counts[m, t] == mask[m, max(0, t - window[m] + 1) : t + 1].sum()
        held = [t for t in range(at[m]) if mask[m, t]]
        assert last[m] == (held[-1] if held else -1)
        known = np.sort(volume[m, mask[m]])
        expected = known[max(math.ceil(0.9 * len(known)) - 1, 0)] if len(known) else np.nan
        np.testing.assert_equal(quantile(volume, mask, 0.9)[m], expected)


def test_continuous_flow_alarms_at_the_24th_hour_and_clears_at_the_first_still_one() -> None:
    volume = np.zeros((1, 60), np.float32)
    volume[0, 10:50] = 5
    volume[0, 20] = np.nan
    covered = ~np.isnan(volume)
    one = np.ones(1, np.float32)
    raises, clears = continuous_flow(volume, covered, 3.8 * one, np.array([24]), 0.9 * one)
    assert np.flatnonzero(raises[0]).tolist() == list(range(33, 50))
    assert np.flatnonzero(clears[0]).tolist() == [*range(10), *range(50, 60)]


def test_burst_alarms_at_the_second_quarter_hour() -> None:
    flow = np.full((1, 12), 40, np.float32)
    flow[0, 5:9] = 900
    raises, clears = burst(flow, np.ones_like(flow, bool), np.array([300], np.float32), 2)
    assert np.flatnonzero(raises[0]).tolist() == [6, 7, 8]
    assert np.flatnonzero(clears[0]).tolist() == [1, 2, 3, 4, 10, 11]


def test_low_pressure_is_not_raised_by_one_reading() -> None:
    kpa = np.array([[300, 100, 300, 300, 100, 110, 300, 300]], np.float32)
    raises, clears = low_pressure(kpa, np.ones_like(kpa, bool), np.array([140], np.float32), 2)
    assert np.flatnonzero(raises[0]).tolist() == [5]
    assert np.flatnonzero(clears[0]).tolist() == [3, 7]


def test_evidence_of_steady_runs_on_a_fixed_stream() -> None:
    volume = np.zeros((1, 760), np.float32)
    volume[0, ::5] = 37
    volume[0, 701:705] = [21, 22, 21, 22]
    volume[0, 731:737] = [22, 22, 21, 22, 21, 21]
    covered, one = np.ones_like(volume, bool), np.ones(1, np.float32)
    levels = steady_level(volume, covered, one)
    at = np.flatnonzero(~np.isnan(levels[0]))
    assert at.tolist() == [703, 704, 733, 734, 735, 736]
    found = recurrence(levels, volume, covered, one, np.zeros(6, int), at, 696, 168)
    assert [round(float(x), 1) for x in found.nats] == [4.6, 6.9, 23.0, 27.6, 32.2, 36.8]
    assert found.first.tolist() == [701] * 6 and found.rested.tolist() == [False] * 2 + [True] * 4


def test_no_use_alarms_at_the_twelfth_waking_hour() -> None:
    hour = np.arange(96) % 24
    waking = (hour >= 7) & (hour < 22)
    volume = np.where(waking, 8, 0)[None].astype(np.float32)
    volume[0, 31 + 1 : 80] = 0  # from 08:00 on the second day
    limit = np.full(1, 10, np.float32)
    raises, clears = no_use(volume, np.ones_like(volume, bool), waking, 12, limit)
    # 8 L at 07:00 are hardly any use; 80 is 08:00 on the fourth day, and two such hours are enough.
    assert np.flatnonzero(raises[0]).tolist() == [*range(42, 46), *range(55, 70), *range(79, 81)]
    assert np.flatnonzero(clears[0])[-15:].tolist() == list(range(81, 96))
