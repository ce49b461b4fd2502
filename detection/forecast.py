"""What will be used hour by hour: several simple forecasts, blended as they did over the last six weeks.

Nothing after the origin is used but the calendar: no measured weather of the days ahead, no later readings.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.kernels.weekly import daily_means, median, newest_level, weekly_profile

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_DAY, _WEEK = 24, 168
#: The profile's weeks; the days over which the forecasts are held against what came.
_PROFILE_WEEKS, _TRIAL_DAYS = 8, 42
#: History that is used, and the least that is needed, days.
HISTORY_DAYS = _PROFILE_WEEKS * 7 + _TRIAL_DAYS + 7
_LEAST_DAYS = 14
#: Leads that have weights of their own, hours: the first day, the next two, the rest.
_LEADS = (0, 24, 72)
#: The weights move this share of the way from equal ones: six weeks prove little.
_TRUST = 0.7
#: Share of the errors of those days that the interval holds; of the days to come it holds nine tenths.
_HOLDS = 0.94
_BLOCK = 256


@dataclass(frozen=True)
class Forecast:
    """Expected litres of the hours ahead and what nine hours in ten lie between; (meters, hours).

    NaN where less than two weeks of the meter are known.
    """

    volume_l: Floats
    low_l: Floats
    high_l: Floats


def forecast(volume_l: Floats, covered: Bools, hour_of_week: Ints, hours: int) -> Forecast:
    """Forecast the `hours` after the last column.

    Parameters
    ----------
    volume_l : (meters, slots) litres in the hour; only the last `HISTORY_DAYS` are looked at
    covered : (meters, slots) hour is known, not estimated
    hour_of_week : (slots + hours,) 0 = Monday 00:00 local time, a public holiday is a Sunday

    Notes
    -----
    The forecasts are: the profile of eight weeks (median by hour of the week) raised by what the newest seven
    days, three days or one lay above it; by what each hour of the day did in the newest week or fortnight;
    and the mean of the same hour in the last eight weeks, each counting 0.7 of the next. They are made for
    every one of the last 42 days as well, and blended, by lead, with the weights that would have been best by
    least squares then (exponentiated gradient on the simplex, Kivinen and Warmuth 1997), drawn to equal ones.
    The interval holds the middle of the errors that the blend would have made on those days, by lead and hour
    of the day.

    Examples
    --------
    >>> week = np.arange(168, dtype=np.float32)
    >>> v = np.tile(week, 6)[None]
    >>> made = forecast(v, np.ones_like(v, bool), np.arange(7 * 168) % 168, 168)
    >>> bool(np.allclose(made.volume_l[0], week, atol=0.01))
    True
    """
    parts = [
        _block(volume_l[i : i + _BLOCK], covered[i : i + _BLOCK], hour_of_week, hours)
        for i in range(0, len(volume_l), _BLOCK)
    ]
    if not parts:
        none = np.empty((0, hours), np.float32)
        return Forecast(none, none, none)
    return Forecast(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _block(volume: Floats, covered: Bools, how: Ints, hours: int) -> tuple[Floats, Floats, Floats]:
    slots = volume.shape[1]
    known = np.where(covered, volume, np.float32(np.nan))
    now = candidates(known, how, slots, hours)
    days = min(_TRIAL_DAYS, (slots - _LEAST_DAYS * _DAY) // _DAY)
    ahead = np.concatenate([known, np.full((len(known), hours), np.nan, np.float32)], axis=1)
    origins = [slots - _DAY * k for k in range(1, days + 1)]
    tried = np.array([candidates(known, how, t, hours) for t in origins] or np.empty((0, *now.shape)))
    came = np.array([ahead[:, t : t + hours] for t in origins] or np.empty((0, *now.shape[1:])))
    volume_l, low_l, high_l = (np.full((len(volume), hours), np.nan, np.float32) for _ in range(3))
    edges = [lead for lead in _LEADS if lead < hours] + [hours]
    for lo, hi in pairwise(edges):
        weights = _weights(tried[..., lo:hi], came[..., lo:hi])
        volume_l[:, lo:hi] = np.einsum("mc,cmh->mh", weights, now[..., lo:hi])
        errors = came[..., lo:hi] - np.einsum("mc,ocmh->omh", weights, tried[..., lo:hi])
        low_l[:, lo:hi], high_l[:, lo:hi] = _band(errors, volume_l[:, lo:hi], lo)
    enough = covered[:, -HISTORY_DAYS * _DAY :].sum(axis=1) >= _LEAST_DAYS * _DAY
    for array in (volume_l, low_l, high_l):
        array[~enough] = np.nan
    return np.maximum(volume_l, 0), np.maximum(low_l, 0), np.maximum(high_l, 0)


def candidates(volume: Floats, how: Ints, t: int, hours: int) -> Floats:
    """Return the simple forecasts of the hours [t, t + hours) from what is known before t.

    (forecasts, meters, hours); `volume` is NaN where unknown, `how` the hour of the week of every column.
    """
    lo = max(t - _PROFILE_WEEKS * _WEEK, t % _DAY)
    past, then, to_come = volume[:, lo:t], how[lo:t], how[t : t + hours]
    profile = _filled(weekly_profile(past, ~np.isnan(past), then))
    residual = past - profile[:, then]
    daily = daily_means(residual, ~np.isnan(residual), 12)
    base = profile[:, to_come]
    week = newest_level(daily, 7)
    made = [
        base + np.nan_to_num(level)[:, None]
        for level in (week, _newest_mean(daily, 3), _newest_mean(daily, 1))
    ]
    at = np.arange(hours) % _DAY
    for days in (7, 14):
        newest = residual[:, -days * _DAY :].reshape(len(volume), -1, _DAY)
        shape = median(newest.transpose(0, 2, 1))
        made.append(base + np.where(np.isnan(shape), np.nan_to_num(week)[:, None], shape)[:, at])
    made.append(_recent(volume, how, t, hours, made[0]))
    return np.stack(made).astype(np.float32)


def _recent(volume: Floats, how: Ints, t: int, hours: int, usual: Floats) -> Floats:
    """Return the weighted mean of the same hour in the last eight weeks, outliers drawn in."""
    total, weight = np.zeros(usual.shape), np.zeros(usual.shape)
    ahead = np.arange(t, t + hours)
    far = -(-hours // _WEEK)
    for back in range(1, _PROFILE_WEEKS + 1):
        at = ahead - (back + far - 1) * _WEEK
        real = (at >= 0) & (how[np.maximum(at, 0)] == how[ahead])
        value = np.where(real, volume[:, np.maximum(at, 0)], np.float32(np.nan))
        spread = 3 * 1.4826 * median(np.abs(value - usual))[:, None]
        value = usual + np.clip(value - usual, -spread, spread)
        share = 0.5 ** (back / 2)
        total += np.where(np.isnan(value), 0, share * value)
        weight += np.where(np.isnan(value), 0, share)
    return np.where(weight > 0, total / np.maximum(weight, 1e-9), usual).astype(np.float32)


def _newest_mean(daily: Floats, days: int) -> Floats:
    known = ~np.isnan(daily)
    rank = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    newest = known & (rank <= days)
    total = np.where(newest, daily, 0).sum(axis=1)
    return np.asarray(total / np.maximum(newest.sum(axis=1), 1), np.float32)


def _filled(profile: Floats) -> Floats:
    """Fill hours of the week that were never known by their hour of the day, else by the mean."""
    days = profile.reshape(len(profile), 7, _DAY)
    by_hour = np.broadcast_to(median(days.transpose(0, 2, 1))[:, None], days.shape).reshape(profile.shape)
    filled = np.where(np.isnan(profile), by_hour, profile)
    return np.where(np.isnan(filled), np.nan_to_num(median(profile))[:, None], filled)


def _weights(tried: Floats, came: Floats) -> NDArray[np.float64]:
    """Return the weights (meters, forecasts) that would have been best, drawn to equal ones.

    `tried` is (origins, forecasts, meters, hours), `came` (origins, meters, hours).
    """
    count, meters = tried.shape[1], tried.shape[2]
    equal = np.full((meters, count), 1 / count)
    if len(tried) == 0:
        return equal
    error = (tried - came[:, None]).transpose(2, 0, 3, 1).reshape(meters, -1, count).astype(np.float64)
    # Hours that all missed by far say nothing of which is best.
    miss = median(np.abs(error).astype(np.float32))
    cap = 2 * _quantile(miss, 0.98)
    error = np.nan_to_num(np.clip(error, -cap[:, None, None], cap[:, None, None]))
    cross = np.einsum("mnc,mnd->mcd", error, error)
    scale = np.trace(cross, axis1=1, axis2=2)[:, None, None] / count
    cross = cross / np.where(scale > 0, scale, 1)
    weights = equal
    for _ in range(60):
        slope = np.einsum("mcd,md->mc", cross, weights)
        weights = weights * np.exp((weights * slope).sum(axis=1, keepdims=True) - slope)
        weights = weights / weights.sum(axis=1, keepdims=True)
    return _TRUST * weights + (1 - _TRUST) * equal


def _band(errors: Floats, volume: Floats, lead: int) -> tuple[Floats, Floats]:
    """Return the interval about the forecast from the errors (origins, meters, hours), by hour of the day."""
    hours = volume.shape[1]
    low, high = np.empty_like(volume), np.empty_like(volume)
    day = (np.arange(hours) + lead) % _DAY
    for hour in np.unique(day):
        near = np.isin(day, (np.array([-1, 0, 1]) + hour) % _DAY)
        mine = errors[:, :, near].transpose(1, 0, 2).reshape(len(volume), -1)
        for into, q in ((low, (1 - _HOLDS) / 2), (high, (1 + _HOLDS) / 2)):
            into[:, day == hour] = volume[:, day == hour] + np.nan_to_num(_quantile(mine, q))[:, None]
    return low, high


def _quantile(values: NDArray[np.floating], q: float) -> NDArray[np.floating]:
    """Return the quantile of each row's known values (nearest rank); NaN without any."""
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    n = (~np.isnan(ordered)).sum(axis=1)
    rank = np.clip(np.ceil(q * n).astype(np.int64) - 1, 0, values.shape[1] - 1)
    return np.asarray(np.take_along_axis(ordered, rank[:, None], axis=1)[:, 0])
