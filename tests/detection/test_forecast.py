"""The forecast: what it gets right, that it never looks ahead, and what its interval holds."""

import numpy as np
import pytest

from detection.forecast import HISTORY_DAYS, expected, forecast

WEEKS = 16
SLOTS = WEEKS * 168
HOW = np.arange(SLOTS + 168) % 168


def town(seed: int = 3) -> np.ndarray:  # type: ignore[type-arg]
    """Return three subjects with a weekly pattern of their own, noise, a slow season and some gaps."""
    rng = np.random.default_rng(seed)
    pattern = rng.uniform(500, 1500, (3, 168))[:, HOW]
    season = 200 * np.sin(np.arange(SLOTS + 168) / 700)
    made = (pattern + season + rng.normal(0, 50, pattern.shape)).astype(np.float32)
    made[1, 900:960] = np.nan
    return made


def test_weekly_pattern_is_met_and_a_new_level_is_followed() -> None:
    week = np.tile(np.random.default_rng(1).uniform(100, 900, 168), WEEKS + 1).astype(np.float32)
    week[-168 - 10 * 24 :] += 300
    made = forecast(week[None, :-168], np.ones((1, SLOTS), bool), HOW, 168)
    assert np.abs(made.volume_l[0] - week[-168:]).mean() < 100


def test_nothing_after_the_origin_is_used() -> None:
    volume = town()
    t = SLOTS - 168
    changed = volume.copy()
    changed[:, t:] *= 7
    for a, b in zip(
        (
            expected(volume, HOW, t, 168),
            forecast(volume[:, :t], ~np.isnan(volume[:, :t]), HOW, 168).volume_l,
        ),
        (
            expected(changed, HOW, t, 168),
            forecast(changed[:, :t], ~np.isnan(volume[:, :t]), HOW, 168).volume_l,
        ),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_forecast_beats_the_median_of_four_weeks_and_its_interval_holds() -> None:
    ours, theirs, held = [], [], []
    for t in range(SLOTS - 4 * 168, SLOTS + 1, 97):
        volume = town()
        lo = max(t - HISTORY_DAYS * 24, 0)
        past = volume[:, lo:t]
        made = forecast(past, ~np.isnan(past), HOW[lo : t + 168], 168)
        came = volume[:, t : t + 168]
        simple = np.nanmedian(volume[:, t - 672 : t].reshape(3, 4, 168), axis=1)
        ours.append(np.nanmean(np.abs(made.volume_l - came)))
        theirs.append(np.nanmean(np.abs(simple - came)))
        held.append(((came >= made.low_l) & (came <= made.high_l)).mean())
    assert np.mean(ours) < 0.9 * np.mean(theirs)
    assert 0.8 < np.mean(held) < 0.99


def test_block_and_meter_alone_come_out_the_same() -> None:
    volume = town()[:, :SLOTS]
    many = forecast(np.tile(volume, (100, 1)), np.tile(~np.isnan(volume), (100, 1)), HOW, 168)
    alone = forecast(volume[1:2], ~np.isnan(volume[1:2]), HOW, 168)
    np.testing.assert_allclose(many.volume_l[298], alone.volume_l[0], rtol=1e-5)
    np.testing.assert_allclose(many.high_l[298], alone.high_l[0], rtol=1e-5)


@pytest.mark.parametrize("hours", [1, 24, 168, 744])
def test_any_number_of_hours_and_little_history(hours: int) -> None:
    volume = town()[:, : 20 * 24]
    how = np.arange(20 * 24 + hours) % 168
    covered = ~np.isnan(volume)
    covered[2, : 10 * 24] = False
    made = forecast(volume, covered, how, hours)
    assert made.volume_l.shape == (3, hours)
    assert np.isfinite(made.volume_l[:2]).all() and np.isnan(made.volume_l[2]).all()
    assert (made.low_l[:2] <= made.high_l[:2]).all() and (made.volume_l[:2] >= 0).all()
