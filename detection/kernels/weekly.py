"""What a site usually draws: a median by hour of the week, its newest level, and how far both hold.

    usual(t) = profile[hour of week of t] + level

`profile` is the median of each hour of the week over some weeks, `level` the median of what the newest days
lay above it: the profile needs weeks, the level follows the season within days.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from detection.kernels.runs import quantile

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

#: Standard deviations of a normal distribution in one median absolute deviation.
MAD_SIGMA = np.float32(1.4826)
#: A day is known when so many of its hours are.
_DAY_HOURS = 18
#: The median of so many days before is what a day is held against; so few of them must be known.
_LEVEL_DAYS, _LEAST_DAYS = 7, 3
_NAN = np.float32(np.nan)


def weekly_profile(volume_l: Floats, covered: Bools, hour_of_week: NDArray[np.int64]) -> Floats:
    """Return each meter's median by hour of the week, (meters, 168); NaN where an hour was never known.

    >>> v = np.array([[1, 5, 3]], np.float32)
    >>> weekly_profile(v, np.ones_like(v, bool), np.array([0, 0, 1]))[0, :3].tolist()
    [3.0, 3.0, nan]
    """
    order = np.argsort(hour_of_week, kind="stable")
    count = np.bincount(hour_of_week, minlength=168)
    deep = max(int(count.max(initial=0)), 1)
    first = np.cumsum(count) - count
    known = np.where(covered & ~np.isnan(volume_l), volume_l, np.float32(np.inf))
    weeks = []
    for week in range(deep):
        values = known[:, order[np.minimum(first + week, max(len(order) - 1, 0))]]
        values[:, count <= week] = np.inf
        weeks.append(values)
    n = np.sum([np.isfinite(values) for values in weeks], axis=0, dtype=np.int8)
    _sort(weeks)
    low, high = np.full(n.shape, _NAN), np.full(n.shape, _NAN)
    for week, values in enumerate(weeks):
        np.copyto(low, values, where=(n - 1) // 2 == week)
        np.copyto(high, values, where=n // 2 == week)
    # An even count has two middle values; with none known both are NaN.
    return np.asarray((low + np.where(n % 2 == 0, high, low)) / 2, np.float32)


def _sort(columns: list[Floats]) -> None:
    """Sort each place over a few arrays, by comparing neighbours in turn: several times as fast as a sort."""
    for turn in range(len(columns)):
        for k in range(turn % 2, len(columns) - 1, 2):
            a, b = columns[k], columns[k + 1]
            columns[k], columns[k + 1] = np.minimum(a, b), np.maximum(a, b)


def spread(volume_l: Floats, covered: Bools, usual_l: Floats) -> Floats:
    """Return each meter's robust standard deviation about what is usual: 1.4826 * median |v - usual|, litres.

    >>> v = np.array([[1, 2, 3, 90]], np.float32)
    >>> spread(v, np.ones_like(v, bool), np.full_like(v, 2))
    array([1.4826], dtype=float32)
    """
    known = covered & ~np.isnan(usual_l)
    return MAD_SIGMA * quantile(np.abs(volume_l - usual_l), known, 0.5)


def daily_means(values: Floats, covered: Bools, least: int = _DAY_HOURS) -> Floats:
    """Return the mean of each 24 hours, (meters, days); NaN where fewer than `least` of them are covered.

    >>> v = np.array([[3.0] * 24 + [5.0] * 24], np.float32)
    >>> daily_means(v, np.ones_like(v, bool)).tolist()
    [[3.0, 5.0]]
    """
    shape = (len(values), values.shape[1] // 24, 24)
    known = covered.reshape(shape)
    n = known.sum(axis=2)
    total = np.where(known, values.reshape(shape), 0).sum(axis=2, dtype=np.float64)
    return np.where(n >= least, total / np.maximum(n, 1), np.nan).astype(np.float32)


def newest_level(daily: Floats, days: int = _LEVEL_DAYS) -> Floats:
    """Return the median of each meter's newest known `days`, (meters,); NaN where no day is known.

    >>> newest_level(np.array([[9, 1, 2, np.nan, 6]], np.float32), 3).tolist()
    [2.0]
    """
    known = ~np.isnan(daily)
    rank = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    return median(np.where(known & (rank <= days), daily, _NAN))


def day_spread(daily: Floats, days: int = _LEVEL_DAYS) -> Floats:
    """Return 1.4826 * the median distance of a day from the median of the `days` before it, (meters,).

    At least three of these must be known; NaN where no day can be compared.

    >>> day_spread(np.array([[5, 5, 5, 7, 5, 5]], np.float32), 3).tolist()
    [0.0]
    >>> day_spread(np.array([[5, 5, 5, 7, 3, 6]], np.float32), 3)
    array([2.9652], dtype=float32)
    """
    if daily.shape[1] <= days:
        return np.full(len(daily), np.nan, np.float32)
    before = sliding_window_view(daily, days, axis=1)[:, :-1]
    enough = (~np.isnan(before)).sum(axis=2) >= min(_LEAST_DAYS, days)
    distance = np.abs(daily[:, days:] - np.where(enough, median(before), _NAN))
    return MAD_SIGMA * median(distance)


def level_error(daily: Floats, days: int = _LEVEL_DAYS) -> Floats:
    """Return the root mean square of (mean of `days` days - median of the `days` before them), (meters,).

    At least three of each must be known; NaN where nothing can be compared.

    >>> level_error(np.array([[5, 5, 5, 7, 7, 7]], np.float32), 3)
    array([2.], dtype=float32)
    """
    if daily.shape[1] < 2 * days:
        return np.full(len(daily), np.nan, np.float32)
    spans = sliding_window_view(daily, days, axis=1)
    known = ~np.isnan(spans)
    n = known.sum(axis=2)
    mean = np.where(known, spans, 0).sum(axis=2) / np.maximum(n, 1)
    error = (
        np.where(n >= min(_LEAST_DAYS, days), mean, _NAN)[:, days:]
        - np.where(n >= min(_LEAST_DAYS, days), median(spans), _NAN)[:, :-days]
    )
    compared = ~np.isnan(error)
    square = np.where(compared, error**2, 0).sum(axis=1) / np.maximum(compared.sum(axis=1), 1)
    return np.where(compared.any(axis=1), np.sqrt(square), _NAN).astype(np.float32)


def median(values: Floats) -> Floats:
    """Return the median over the last axis of what is not NaN; NaN where nothing is."""
    ordered = np.sort(values, axis=-1)
    n = (~np.isnan(ordered)).sum(axis=-1)
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(n // 2, values.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.asarray(np.where(n > 0, (low + high) / 2, _NAN), np.float32)
