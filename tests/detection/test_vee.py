"""Registers and mean flows become interval volumes."""

from typing import Any

import numpy as np
import pytest

from core.words import Quality
from detection import vee

H = 3600
M, INT, E = Quality.MEASURED, Quality.INTERPOLATED, Quality.ESTIMATED


def run(
    ts: list[float], register: list[float] | None = None, flow: list[float] | None = None, **given: Any
) -> Any:
    nan = [np.nan] * len(ts)
    slot_s = given.pop("slot_s", H)
    meter = {"interval": slot_s, "modulus": np.nan, "q3": np.nan} | given
    return vee.volumes(
        np.zeros(len(ts), np.intp),
        (np.array(ts) * 1e6).astype(np.int64),
        np.array(register or nan, np.float64),
        np.array(flow or nan, np.float64),
        slot_s,
        np.array([meter["interval"]]),
        np.array([meter["modulus"]], np.float64),
        np.array([meter["q3"]], np.float64),
    )


def table(v: vee.Volumes) -> dict[int, tuple[float | None, int]]:
    return {
        int(s): (None if np.isnan(x) else round(float(x), 3), int(q))
        for s, x, q in zip(v.slot, v.volume_l, v.quality, strict=True)
    }


def test_readings_on_the_grid() -> None:
    assert table(run([0, H, 2 * H], [10, 12, 15])) == {0: (2, M), 1: (3, M)}


@pytest.mark.parametrize("phase_min", [-20, -3, 3, 20, 29])
def test_jittered_readings_keep_their_steps(phase_min: int) -> None:
    """A still hour stays still, wherever in the hour the telegram comes."""
    jitter = np.random.default_rng(1).uniform(-30, 30, 8)
    ts = [H * (k + 1) + phase_min * 60 + float(j) for k, j in enumerate(jitter)]
    made = table(run(ts, [0, 9, 9, 9, 30, 30, 31, 40]))
    steps = [9, 0, 0, 21, 0, 1, 9]
    assert len(made) >= 6
    assert [made[s][0] for s in sorted(made)] == steps[: len(made)]
    assert {q for _, q in made.values()} == {M}


def test_early_slot_waits_until_its_edge_is_sure() -> None:
    assert table(run([0, 1800, H + 1800], [0, 1, 2])).keys() == {0}
    assert table(run([0, H - 100], [0, 1])) == {0: (1, M)}


def test_short_gap_is_interpolated_and_long_one_estimated() -> None:
    assert table(run([0, 3 * H], [0, 6])) == {0: (2, INT), 1: (2, INT), 2: (2, INT)}
    assert {q for _, q in table(run([0, 5 * H], [0, 10])).values()} == {E}


def test_gap_without_use_is_known_to_be_still() -> None:
    assert set(table(run([0, 20 * H], [7, 7])).values()) == {(0, INT)}


def test_rollover_of_the_register() -> None:
    made = table(run([0, H, 2 * H], [99_990, 4, 14], modulus=100_000, q3=2500))
    assert made == {0: (14, M), 1: (10, M)}


def test_one_bad_index_is_dropped() -> None:
    dip = table(run([0, H, 2 * H, 3 * H], [100, 40, 104, 106]))
    assert dip == {0: (2, INT), 1: (2, INT), 2: (2, M)}
    spike = table(run([0, H, 2 * H, 3 * H], [100, 900, 104, 106]))
    assert spike == {0: (2, INT), 1: (2, INT), 2: (2, M)}


def test_two_clashing_streams_follow_the_higher() -> None:
    made = table(run([H * k for k in range(7)], [100, 60, 104, 62, 108, 64, 112]))
    assert sum(v or 0 for v, _ in made.values()) == pytest.approx(12)


def test_step_down_for_good_has_no_volume() -> None:
    made = table(run([H * k for k in range(5)], [100, 110, 3, 8, 12]))
    assert made == {0: (10, M), 1: (None, E), 2: (5, M), 3: (4, M)}


def test_step_beyond_what_the_meter_can_pass_has_no_volume() -> None:
    made = table(run([0, H, 2 * H], [0, 90_000, 90_010], q3=2500))
    assert made == {0: (None, E), 1: (10, M)}


def test_flow_is_the_mean_since_the_reading_before() -> None:
    made = table(run([0, 900, 1800, 3600], flow=[7, 40, 80, 20], slot_s=900))
    assert made == {0: (10, M), 1: (20, M), 2: (5, INT), 3: (5, INT)}


def test_register_wins_over_flow() -> None:
    assert table(run([0, H], [0, 5], [999, 999])) == {0: (5, M)}


def test_volume_is_conserved_on_any_readings() -> None:
    """What the register rose by between the first and the last edge is what the slots hold together."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        ts = np.sort(rng.choice(np.arange(60, 40 * H, 60), 60, replace=False)).astype(float)
        register = np.cumsum(rng.integers(0, 30, 60)).astype(float)
        made = run(ts.tolist(), register.tolist(), slot_s=H)
        assert (np.diff(made.slot) == 1).all()
        assert 0 <= float(made.volume_l.sum()) <= register[-1] - register[0] + 1e-3
        missed = register[-1] - register[0] - float(made.volume_l.sum())
        ends = [(made.slot[0]) * H, (made.slot[-1] + 1) * H]
        lost = (
            np.interp(ends[0] + H, ts, register)
            - register[0]
            + register[-1]
            - np.interp(ends[1] - H, ts, register)
        )
        assert missed <= lost + 1e-3


def test_meters_do_not_mix() -> None:
    """Many meters at once give what each gives alone."""
    rng = np.random.default_rng(5)
    parts = []
    for m in range(20):
        n = int(rng.integers(2, 30))
        ts = np.sort(rng.choice(np.arange(0, 30 * H, 300), n, replace=False))
        parts.append((np.full(n, m), ts * 10**6, np.cumsum(rng.integers(-2, 30, n)).astype(float)))
    row, ts, register = (np.concatenate(c) for c in zip(*parts, strict=True))
    nan, meters = np.full(len(row), np.nan), np.full(20, np.nan)
    together = vee.volumes(row, ts, register, nan, H, np.full(20, H), meters, meters)
    for m, (_, ts_m, register_m) in enumerate(parts):
        alone = run((ts_m / 1e6).tolist(), register_m.tolist())
        mine = together.row == m
        np.testing.assert_array_equal(together.slot[mine], alone.slot)
        np.testing.assert_allclose(together.volume_l[mine], alone.volume_l, atol=1e-3)
        np.testing.assert_array_equal(together.quality[mine], alone.quality)


def test_pressure_readings_name_the_end_of_their_slot() -> None:
    row, slot, kpa, known, _ = vee.pressures(
        np.zeros(4, np.intp),
        np.array([900, 1000, 1790, 1850]) * 10**6,
        np.array([300.0, 310, 320, np.nan]),
        900,
        np.array([900]),
    )
    assert (row.tolist(), slot.tolist(), kpa.tolist()) == ([0, 0], [0, 1], [300, 315])
    assert known.tolist() == [900, 1790]
