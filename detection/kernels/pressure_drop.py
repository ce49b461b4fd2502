"""Pressure drop: a sensor that reads lower than it did, and lower than its neighbours do."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DAY = 24
#: A day counts from so many known hours on; so many days tell the spread.
ENOUGH_H, ENOUGH_DAYS = 18, 14
#: Spread of the median absolute deviation for normal noise (Rousseeuw and Croux, 1993), and the least, kPa.
_MAD, _LEAST_KPA = 1.4826, 0.5


def departures(kpa: Floats, hour_of_week: Ints, past: int) -> Floats:
    """Return how far each sensor is from its own hour of the week (sensors, hours), kPa; NaN where unknown.

        r(t) = p(t) - median of p over the same hour of the week in the first `past` hours

    Parameters
    ----------
    kpa : (sensors, hours) hourly mean pressures, NaN where unknown
    hour_of_week : (hours,) 0 = Monday 00:00, local
    past : hours that tell what is usual

    >>> p = np.array([[300.0, 310.0, 302.0, 310.0, 290.0]])
    >>> departures(p, np.array([0, 1, 0, 1, 0]), 4).tolist()
    [[-1.0, 0.0, 1.0, 0.0, -11.0]]
    """
    order = np.argsort(hour_of_week[:past], kind="stable")
    which = hour_of_week[:past][order]
    nth = np.arange(past) - np.searchsorted(which, which)
    weeks = np.full((len(kpa), int(nth.max(initial=0)) + 1, 168), np.nan)
    weeks[:, nth, which] = kpa[:, order]
    known = ~np.isnan(weeks).all(axis=1)
    usual = np.full((len(kpa), 168), np.nan)
    usual[known] = np.nanmedian(np.moveaxis(weeks, 1, 2)[known], axis=1)
    return np.asarray(kpa - usual[:, hour_of_week])


def against(departed: Floats) -> Floats:
    """Return each sensor's departure less the median of the others' (sensors, hours); alone, its own.

    >>> against(np.array([[-5.0], [1.0], [2.0], [np.nan]]))[:, 0].tolist()
    [-6.5, 2.5, 4.0, nan]
    """
    ranked = np.sort(departed, axis=0)
    rank = np.argsort(np.argsort(departed, axis=0, kind="stable"), axis=0)
    count = (~np.isnan(departed)).sum(axis=0)
    middle = np.zeros_like(departed)
    for k in ((count - 2) // 2, (count - 1) // 2):
        seat = np.clip(k + (k >= rank), 0, len(departed) - 1)
        middle += np.take_along_axis(ranked, seat, axis=0) / 2
    return np.where(count >= 2, departed - middle, departed)


def level(departed: Floats, at: int) -> Floats:
    """Return the mean of the 24 hours before `at` (sensors,); NaN with fewer than 18 known.

    >>> level(np.ones((1, 30)), 30).tolist(), level(np.ones((1, 30)), 10).tolist()
    ([1.0], [nan])
    """
    last = departed[:, max(at - _DAY, 0) : at]
    known = ~np.isnan(last)
    enough = known.sum(axis=1) >= ENOUGH_H
    mean = np.nansum(last, axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(enough, mean, np.nan)


def spread(departed: Floats, past: int) -> Floats:
    """Return how far a sensor's days usually lie apart (sensors,), kPa; infinite with fewer than 14 known.

        max(0.5, 1.4826 * median of |day's mean - median day's mean|) over the days of the first `past` hours

    >>> spread(np.tile(np.repeat([0.0, 2.0], 24), 10)[None], 480).round(2).tolist()
    [1.48]
    """
    days = np.stack([level(departed, at) for at in range(past % _DAY + _DAY, past + 1, _DAY)])
    known = (~np.isnan(days)).sum(axis=0) >= ENOUGH_DAYS
    found = np.full(departed.shape[0], np.inf)
    off = np.abs(days[:, known] - np.nanmedian(days[:, known], axis=0))
    found[known] = np.maximum(_MAD * np.nanmedian(off, axis=0), _LEAST_KPA)
    return found
