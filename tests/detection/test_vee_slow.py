"""The fast VEE against the slow one on whatever readings, in pieces and at once, and what it conserves."""

from math import isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch import ReadingBatch
from core.words import Quality
from detection import vee
from detection.engine import Engine
from detection.portion import cut
from detection.roster import Site
from tests.detection.builders import DAY, HOUR, T0, late, live, play, readings, register, roster
from tests.detection.slow_vee import Register, slots

Readings = tuple[list[int], list[float]]


@st.composite
def registers(draw: st.DrawFn, most: int = 25) -> Readings:
    """Draw seconds and litres: jittered, with gaps; dips, leaps, falls, clashes and rollovers."""
    ts, index, at, litres, other = [], [], 0, float(draw(st.integers(0, 9000))), 300.0
    for _ in range(draw(st.integers(1, most))):
        at += draw(st.sampled_from([600, 3300, 3600, 3600, 3600, 3720, 7200, 20_000]))
        litres = (litres + draw(st.sampled_from([0, 0, 1, 7, 60]))) % 10_000
        kind = draw(st.sampled_from(["good"] * 8 + ["dip", "leap", "other", "swap", "creep"]))
        other += 5
        if kind == "swap":
            litres = float(draw(st.integers(0, 9000)))
        elif kind == "creep":
            litres = max(litres - 8, 0)
        shown = {"dip": litres - 30, "leap": litres + 4000, "other": other}.get(kind, litres)
        ts.append(at)
        index.append(max(shown, 0.0))
    return ts, index


def fast(
    ts: list[int], index: list[float], slot_s: int, interval: int, modulus: float, q3: float
) -> vee.Volumes:
    """Run the fast VEE on one meter."""
    return vee.volumes(
        np.zeros(len(ts), np.intp),
        np.array(ts, np.int64) * 10**6,
        np.array(index, np.float64),
        np.full(len(ts), np.nan),
        slot_s,
        np.array([interval]),
        np.array([modulus]),
        np.array([q3]),
    )


@given(
    drawn=registers(),
    slot_s=st.sampled_from([900, 3600]),
    interval=st.sampled_from([900, 3600]),
    modulus=st.sampled_from([nan, 10_000.0]),
    q3=st.sampled_from([nan, 100.0, 1600.0]),
)
@settings(max_examples=120, deadline=None)
def test_fast_is_slow(drawn: Readings, slot_s: int, interval: int, modulus: float, q3: float) -> None:
    made = fast(*drawn, slot_s, interval, modulus, q3)
    slow = Register(*drawn, max(interval, slot_s), modulus, q3)
    expected = slots(slow, slot_s, min(interval, slot_s))
    assert made.slot.tolist() == sorted(expected)
    for slot, volume, quality in zip(made.slot, made.volume_l, made.quality, strict=True):
        litres, mark = expected[int(slot)]
        assert quality == mark
        assert isnan(volume) if isnan(litres) else float(volume) == pytest.approx(litres, abs=0.01)


def window(engine: Engine) -> tuple[Any, Any]:
    """Return all that an engine of one hourly meter knows."""
    ring = engine._volumes[HOUR]
    return ring.read(ring.rows(np.array([1])), T0 // HOUR - 2, T0 // HOUR + 24 * 12)


@given(drawn=registers(40), every_h=st.sampled_from([1, 2, 5, 24]), q3=st.sampled_from([nan, 1600.0]))
@settings(max_examples=100, deadline=None)
def test_in_pieces_as_at_once(drawn: Readings, every_h: int, q3: float) -> None:
    """However readings are cut, the same volumes come out; until then the last ones are provisional."""
    batch, pieces = one_meter(drawn, q3)
    play(pieces, batch, every_s=every_h * HOUR)
    as_at_once(pieces, batch)


@given(
    drawn=registers(60), held=st.tuples(st.floats(0, 1), st.floats(0, 1)), q3=st.sampled_from([nan, 1600.0])
)
@settings(max_examples=100, deadline=None)
def test_late_as_at_once(drawn: Readings, held: tuple[float, float], q3: float) -> None:
    """Readings that come after those behind them change what is believed to what it would have been."""
    batch, pieces = one_meter(drawn, q3)
    start, end = sorted(round(share * (len(batch) - 1)) for share in held)
    here = np.ones(len(batch), bool)
    here[start:end] = False
    play(pieces, batch.take(here), every_s=5 * HOUR)
    if start < end:
        lo_s, hi_s = int(batch.ts[start]) // 10**6 - 1, int(batch.ts[end - 1]) // 10**6
        late(pieces, batch, lo_s, hi_s, int(batch.ts.max()) // 10**6)
    as_at_once(pieces, batch)


def test_in_pieces_a_register_that_falls_to_zero_and_comes_back() -> None:
    at = [600, 1200, 4500, 7800, 8400, 9000, 9600, 10200, 10800, 11400, 12000, 15300]
    batch, pieces = one_meter((at, [305.0, 310.0, 0.0, 0.0] + [310.0] * 8), nan)
    play(pieces, batch, every_s=HOUR)
    as_at_once(pieces, batch)


def test_in_pieces_a_meter_that_sends_far_more_often_than_it_is_asked_to() -> None:
    """An hour holds more readings than come with new ones at first: more of them are asked for."""
    at = range(0, 8 * HOUR, 120)
    batch, pieces = one_meter((list(at), [1000.0 + t // 600 if t != 9000 else 0.0 for t in at]), 1600)
    play(pieces, batch, every_s=240)
    as_at_once(pieces, batch)


def one_meter(drawn: Readings, q3: float) -> tuple[ReadingBatch, Engine]:
    batch = readings(1, [T0 + t for t in drawn[0]], register_l=drawn[1])
    return batch, Engine(roster(Site(1, "m", q3_lph=q3, register_modulus_l=10_000)), detectors={})


def as_at_once(pieces: Engine, batch: ReadingBatch) -> None:
    whole = Engine(pieces.roster, detectors={})
    whole.feed(cut(batch, 0, int(batch.ts.max())))
    got, expected = window(pieces), window(whole)
    np.testing.assert_array_equal(got[1], expected[1])
    known = expected[1] != Quality.ESTIMATED
    np.testing.assert_allclose(got[0][known], expected[0][known], atol=0.01)
    signs = [engine.health.signs.steps.get(1, {}) for engine in (pieces, whole)]
    assert signs[0] == signs[1]


@given(
    volumes=st.lists(st.sampled_from([0, 0, 3, 40, 700]), min_size=2, max_size=60),
    kept=st.randoms(use_true_random=False),
    jitter=st.integers(0, 500),
)
@settings(max_examples=80, deadline=None)
def test_no_volume_is_invented_or_lost(volumes: list[int], kept: Any, jitter: int) -> None:
    """Where the register is sound, the slots hold together what it rose by, whatever was late or lost."""
    index = np.concatenate([[0], np.cumsum(volumes)]) + 500.0
    at = [
        HOUR * k + (kept.randint(-jitter, jitter) if 0 < k < len(volumes) else 0) for k in range(len(index))
    ]
    use = [k for k in range(len(index)) if k in {0, len(volumes)} or kept.random() < 0.7]
    made = fast([at[k] for k in use], [float(index[k]) for k in use], HOUR, HOUR, nan, nan)
    assert made.slot.tolist() == list(range(len(volumes)))
    assert float(made.volume_l.sum()) == pytest.approx(index[-1] - index[0], rel=1e-5)


@given(drawn=registers(), modulus=st.sampled_from([nan, 10_000.0]))
@settings(max_examples=80, deadline=None)
def test_measured_volume_never_exceeds_what_registers_rose_by(drawn: Readings, modulus: float) -> None:
    """Exchanges, clashes and misreads add nothing: each plain rise counts at most once."""
    made = fast(*drawn, HOUR, HOUR, modulus, 1600.0)
    index = np.array(drawn[1])
    rose = index.max() - index.min() + np.diff(index).clip(0).sum() + (0 if isnan(modulus) else modulus)
    measured = np.nansum(made.volume_l)
    assert 0 <= measured <= rose + 1
    assert (made.volume_l[~np.isnan(made.volume_l)] >= 0).all()


def test_an_exchange_costs_one_slot_and_adds_nothing() -> None:
    made = fast([HOUR * k for k in range(8)], [9000, 9010, 9030, 12, 12, 20, 25, 31], HOUR, HOUR, nan, 2500)
    assert made.volume_l.tolist() == pytest.approx([10, 20, nan, 0, 8, 5, 6], nan_ok=True)
    assert [int(q) for q in made.quality] == [0, 0, 2, 0, 0, 0, 0]


def test_a_refitted_meter_with_a_higher_index_adds_nothing() -> None:
    made = fast(
        [HOUR * k for k in range(6)], [90, 95, 400_000, 400_010, 400_012, 400_012], HOUR, HOUR, nan, 2500
    )
    assert made.volume_l.tolist() == pytest.approx([5, nan, 10, 2, 0], nan_ok=True)


def test_two_streams_that_interleave_for_days_stay_apart() -> None:
    """One of two clashing registers is followed; what lies between them is nobody's use."""
    hours = np.arange(24 * 6)
    low, high = 1000 + 12 * hours, 480_000 + 30 * hours
    ts, index = [], []
    for h in hours.tolist():
        ts.append(h * HOUR)
        index.append(float(low[h]))
        if 24 <= h < 96:
            ts.append(h * HOUR + 1700)
            index.append(float(high[h]))
    made = fast(ts, index, HOUR, HOUR, nan, 2500)
    known = made.volume_l[made.quality != Quality.ESTIMATED]
    assert made.quality.tolist().count(Quality.ESTIMATED) <= 4
    assert set(np.round(known).tolist()) <= {12, 30}


def test_a_repeated_old_index_costs_nothing() -> None:
    """A second radio that repeats what it heard before is the lower stream, and is left out."""
    ts = [0, 3600, 3700, 7200, 7300, 10_800, 14_400]
    made = fast(ts, [100, 130, 100, 160, 130, 190, 220], HOUR, HOUR, nan, 2500)
    assert made.volume_l.tolist() == [30, 30, 30, 30]


def test_what_flows_back_is_no_use_and_no_gap() -> None:
    made = fast([HOUR * k for k in range(7)], [520, 520, 520, 512, 512, 513, 540], HOUR, HOUR, nan, 2500)
    assert made.volume_l.tolist() == [0, 0, 0, 0, 1, 27]
    assert set(made.quality.tolist()) == {Quality.MEASURED}


def test_a_mean_flow_after_a_long_gap_holds_for_its_own_interval() -> None:
    row, ts = np.zeros(3, np.intp), np.array([0, HOUR, 10 * HOUR], np.int64) * 10**6
    none, one = np.full(3, np.nan), np.full(1, np.nan)
    made = vee.volumes(row, ts, none, np.array([5.0, 8.0, 40.0]), HOUR, np.array([HOUR]), one, one)
    assert made.slot.tolist() == list(range(10))
    assert made.volume_l.tolist() == pytest.approx([8, *[nan] * 8, 40], nan_ok=True)


def test_a_transfer_meter_may_flow_the_other_way() -> None:
    row, ts = np.zeros(3, np.intp), np.array([0, HOUR, 2 * HOUR], np.int64) * 10**6
    none, one = np.full(3, np.nan), np.full(1, np.nan)
    given_ = (row, ts, none, np.array([5.0, -8.0, 40.0]), HOUR, np.array([HOUR]), one, one)
    assert vee.volumes(*given_).quality.tolist() == [Quality.ESTIMATED, Quality.MEASURED]
    both = vee.volumes(*given_, reverses=np.array([True]))
    assert both.volume_l.tolist() == [-8, 40]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_local_days_of_23_and_25_hours_hold_their_own_hours(day: str, hours: int) -> None:
    """Slots are UTC; a local day has the hours that its zone gives it, none twice and none missing."""
    engine = Engine(roster(Site(1, "m"), timezone="Europe/Madrid"), detectors={})
    noon = int(np.datetime64(f"{day}T12:00:00", "s").astype(np.int64))
    start = engine.timetable.day_start(noon)
    end = engine.timetable.next_day(noon)
    assert (end - start) // HOUR == hours
    volumes = np.arange(1, 24 * 4 + 1)
    play(engine, register(1, volumes, start_s=start - DAY))
    ring = engine._volumes[HOUR]
    values, quality = ring.read(ring.rows(np.array([1])), start // HOUR, end // HOUR)
    assert values[0].tolist() == list(range(25, 25 + hours))
    assert (quality == Quality.MEASURED).all()


def test_estimated_slots_do_not_clear() -> None:
    """A gap is spread thin over its hours: far below the leak's rate, and no proof that it stopped."""
    volumes = np.full(60, 10.0)
    volumes[40:52] = 0.5
    batch = register(1, [0, *volumes])
    gap = (batch.ts > (T0 + 41 * HOUR) * 10**6) & (batch.ts < (T0 + 53 * HOUR) * 10**6)
    engine = Engine(roster(Site(1, "m")))
    play(engine, batch.take(~gap), every_s=HOUR)
    (leak,) = [e for e in live(engine) if e.grp == "leak"]
    assert leak.cleared_s is None
    everything = Engine(roster(Site(1, "m")))
    play(everything, batch, every_s=HOUR)
    assert live(everything)[0].cleared_s is not None


def test_estimated_slots_do_not_raise() -> None:
    """What was used during a gap is no flow of every one of its hours."""
    volumes = np.tile([0.0, *[20.0] * 23], 5)
    batch = register(1, volumes)
    gap = (batch.ts > (T0 + 49 * HOUR) * 10**6) & (batch.ts < (T0 + 71 * HOUR) * 10**6)
    still = (batch.ts > (T0 + 71 * HOUR) * 10**6) & (batch.ts < (T0 + 77 * HOUR) * 10**6)
    engine = Engine(roster(Site(1, "m")))
    play(engine, batch.take(~gap & ~still))
    assert [e for e in live(engine) if e.grp == "leak"] == []
