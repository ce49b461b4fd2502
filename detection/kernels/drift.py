"""Drift: use that rises week after week."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from detection.kernels.weekly import median

Floats = NDArray[np.float32]

_NAN = np.float32(np.nan)


def weekly_levels(daily: Floats, weekday: NDArray[np.int64]) -> Floats:
    """Return the median of each seven days without what is usual for their day of the week, (meters, weeks).

    What a day of the week has of its own is the median of its distance from the median of the seven days
    around it. The last column is the newest week; NaN where fewer than four of its days are known.

    Parameters
    ----------
    daily : (meters, days) daily means, NaN where unknown; a whole number of weeks
    weekday : (days,) 0..6; a holiday is a Sunday

    Examples
    --------
    >>> d = np.array([[5, 5, 5, 5, 5, 1, 1, 6, 6, 6, 6, 6, 2, 2]], np.float32)
    >>> weekly_levels(d, np.arange(14) % 7).tolist()
    [[5.0, 6.0]]
    """
    edge = np.full((len(daily), 3), np.nan, np.float32)
    around = sliding_window_view(np.concatenate([edge, daily, edge], axis=1), 7, axis=1)
    off = daily - median(around)
    level = daily.copy()
    for day in np.unique(weekday):
        mine = weekday == day
        level[:, mine] -= np.nan_to_num(median(off[:, mine]))[:, None]
    weeks = level.reshape(len(daily), daily.shape[1] // 7, 7)
    known = (~np.isnan(weeks)).sum(axis=2) >= 4
    return np.where(known, median(weeks), _NAN)


def steady_rise(weeks: Floats) -> Floats:
    """Return the rise from the first to the last week as a share of the first, (meters,).

    NaN unless every week is higher than the known one before; one between them may be unknown.

    >>> steady_rise(np.array([[8, 9, 10], [8, np.nan, 10], [8, 11, 10]], np.float32)).tolist()
    [0.25, 0.25, nan]
    """
    known = ~np.isnan(weeks)
    highest = np.maximum.accumulate(np.where(known, weeks, -np.inf), axis=1)
    rising = (~known[:, 1:] | (weeks[:, 1:] > highest[:, :-1])).all(axis=1)
    rising &= known[:, 0] & known[:, -1] & ((~known).sum(axis=1) <= 1) & (weeks[:, 0] > 0)
    share = (weeks[:, -1] - weeks[:, 0]) / np.where(rising, weeks[:, 0], np.float32(1))
    return np.where(rising, share, _NAN)
