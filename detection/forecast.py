"""What will be used hour by hour: a weekly profile that forgets slowly, a level and a day's shape that don't.

Nothing after the origin is used but the calendar: no measured weather of the days ahead, no later readings.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detection.kernels.weekly import MAD_SIGMA, median

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_DAY, _WEEK = 24, 168
#: The profile's weeks, and after how many an hour counts half.
_PROFILE_WEEKS, _HALF_WEEKS = 20, 8
#: Days after which the level, and the shape of the day, count a third (1 / e).
_LEVEL_DAYS, _SHAPE_DAYS = 2.0, 7.0
#: An hour further out than so many robust standard deviations is drawn in: from the profile; from the level.
_PROFILE_REACH, _LEVEL_REACH = 3.0, 4.0
#: Rounds in which profile and level are told apart.
_ROUNDS = 3
#: The days over which the forecast is held against what came.
_TRIAL_DAYS = 42
#: History that is used, and the least that is needed, days.
HISTORY_DAYS = _PROFILE_WEEKS * 7 + 7
_LEAST_DAYS = 14
#: Leads that have intervals of their own, hours: the first day, the next two, the rest.
_LEADS = (0, 24, 72)
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
    forecast = profile[hour of week] + level + shape[hour of day], all means of the last 20 weeks. The profile
    counts an hour half after eight weeks; the level, the mean of a day above the profile, a third after two
    days; the shape, what the hours lay above their day, a third after seven, and as nothing where little is
    known. Profile and level are told apart in three rounds: the profile is that of hours less the level of
    their days (two days to either side), the level that of hours less the profile. Single hours that lie far
    out are drawn in. The interval holds the middle of the errors that the same forecast would have made on
    the last 42 days, by lead and hour of the day.

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
    volume_l = expected(known, how, slots, hours)
    low_l, high_l = np.empty_like(volume_l), np.empty_like(volume_l)
    days = min(_TRIAL_DAYS, (slots - _LEAST_DAYS * _DAY) // _DAY)
    ahead = np.concatenate([known, np.full((len(known), hours), np.nan, np.float32)], axis=1)
    origins = [slots - _DAY * k for k in range(1, days + 1)]
    errors = np.array(
        [ahead[:, t : t + hours] - expected(known, how, t, hours) for t in origins]
        or np.empty((0, *volume_l.shape), np.float32)
    )
    for lo, hi in pairwise([lead for lead in _LEADS if lead < hours] + [hours]):
        low_l[:, lo:hi], high_l[:, lo:hi] = _band(errors[..., lo:hi], volume_l[:, lo:hi], lo)
    enough = covered[:, -HISTORY_DAYS * _DAY :].sum(axis=1) >= _LEAST_DAYS * _DAY
    for array in (volume_l, low_l, high_l):
        array[~enough] = np.nan
    return np.maximum(volume_l, 0), np.maximum(low_l, 0), np.maximum(high_l, 0)


def expected(volume: Floats, how: Ints, t: int, hours: int) -> Floats:
    """Return what to expect of the hours [t, t + hours), (meters, hours), from what is known before t.

    `volume` is NaN where unknown, `how` the hour of the week of every column.
    """
    lo = max(t - _PROFILE_WEEKS * _WEEK, t % _DAY)
    past, then = volume[:, lo:t], how[lo:t]
    days = past.shape[1] // _DAY
    back = np.arange(days)[::-1]
    fades = np.repeat(0.5 ** (back / (7 * _HALF_WEEKS)), _DAY).astype(np.float32)
    near = np.exp(-np.abs(back[:, None] - back) / _LEVEL_DAYS)
    level = np.zeros((len(past), days))
    profile = np.zeros((len(past), _WEEK), np.float32)
    for turn in range(_ROUNDS):
        above = past - np.repeat(level, _DAY, axis=1).astype(np.float32)
        if turn:
            usual = profile[:, then]
            above = usual + _drawn_in(above - usual, _PROFILE_REACH)
        profile = _profile(above, then, fades)
        residual = _drawn_in(past - profile[:, then], _LEVEL_REACH).reshape(len(past), days, _DAY)
        known = ~np.isnan(residual)
        told = known.sum(axis=2) >= _DAY // 2
        total = np.where(known, residual, 0).sum(axis=2, dtype=np.float64)
        daily = np.where(told, total / np.maximum(known.sum(axis=2), 1), 0)
        level = (daily @ near) / np.maximum(told @ near, 1e-30)
    newest = (daily @ near[:, -1:]) / np.maximum(told @ near[:, -1:], 1e-30)
    shown = (known & told[..., None]).astype(np.float32)
    beyond = np.where(shown > 0, residual - daily[..., None].astype(np.float32), 0)
    fades_fast = np.exp(-back / _SHAPE_DAYS).astype(np.float32)
    shape = np.einsum("mdh,d->mh", beyond, fades_fast) / np.maximum(
        np.einsum("mdh,d->mh", shown, fades_fast), 0.3
    )
    made = profile[:, how[t : t + hours]] + newest + shape[:, np.arange(hours) % _DAY]
    return np.asarray(made, np.float32)


def _profile(volume: Floats, how: Ints, weight: Floats) -> Floats:
    """Return the weighted mean by hour of the week; one never known: that of the hour of the day, else 0."""
    order = np.argsort(how, kind="stable")
    hour, first = np.unique(how[order], return_index=True)
    known = ~np.isnan(volume)
    total, seen = np.zeros((len(volume), _WEEK), np.float32), np.zeros((len(volume), _WEEK), np.float32)
    if len(hour):
        total[:, hour] = np.add.reduceat((np.where(known, volume, 0) * weight)[:, order], first, axis=1)
        seen[:, hour] = np.add.reduceat((known * weight)[:, order], first, axis=1)
    by_day = (len(volume), 7, _DAY)
    of_hour = total.reshape(by_day).sum(axis=1) / np.maximum(seen.reshape(by_day).sum(axis=1), 1e-9)
    made = np.where(seen > 0, total / np.maximum(seen, 1e-9), np.tile(of_hour, (1, 7)))
    return np.asarray(made, np.float32)


def _drawn_in(values: Floats, reach: float) -> Floats:
    """Draw values in to `reach` robust standard deviations, or to the mean distance from 0 if more."""
    distance = np.abs(values)
    n = (~np.isnan(distance)).sum(axis=1)
    mean = np.nansum(distance, axis=1) / np.maximum(n, 1)
    limit = np.fmax(reach * MAD_SIGMA * median(distance), mean)[:, None]
    return np.asarray(np.clip(values, -limit, limit), np.float32)


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
