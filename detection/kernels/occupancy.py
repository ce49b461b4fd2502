"""Occupancy: a home whose days have become larger or smaller, and stay so."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Shift:
    """Median daily litres before and after, and the chance that a later day lies above an earlier one."""

    before_l: Floats
    after_l: Floats
    above: NDArray[np.float64]


def shift(daily_l: Floats, known: Bools, recent: int) -> Shift:
    """Compare the last `recent` days with the days before them.

        above = share of pairs (earlier day, later day) in which the later is larger; ties count half

    1 or 0: every later day lies beyond every earlier one; 0.5: no difference. NaN where either side has
    fewer than ten known days.

    Parameters
    ----------
    daily_l : (meters, days) litres a day, oldest first
    known : (meters, days)
    recent : days

    Notes
    -----
    The Mann-Whitney statistic divided by its largest value (the area under the ROC curve): free of any
    distribution, and unmoved by a few parties or days away.

    Examples
    --------
    >>> d = np.array([[200] * 12 + [90] * 12], np.float32)
    >>> s = shift(d, np.ones_like(d, bool), 12)
    >>> s.before_l.tolist(), s.after_l.tolist(), s.above.tolist()
    ([200.0], [90.0], [0.0])
    """
    early = np.where(known, daily_l, np.float32(np.nan))[:, :-recent]
    late = np.where(known, daily_l, np.float32(np.nan))[:, -recent:]
    pairs = np.zeros(len(daily_l))
    for k in range(recent):
        now = late[:, k : k + 1]
        pairs += (early < now).sum(axis=1) + 0.5 * (early == now).sum(axis=1)
    n, m = (~np.isnan(early)).sum(axis=1), (~np.isnan(late)).sum(axis=1)
    enough = (n >= 10) & (m >= 10)
    above = np.where(enough, pairs / np.maximum(n * m, 1), np.nan)
    return Shift(median(early), median(late), above)


def median(values: Floats) -> Floats:
    """Return each row's median (the lower of two) of what is known; 0 where nothing is.

    >>> median(np.array([[3, np.nan, 1, 2]], np.float32)).tolist()
    [2.0]
    """
    ordered = np.sort(values, axis=1)
    n = (~np.isnan(ordered)).sum(axis=1)
    middle = np.take_along_axis(ordered, np.maximum(n - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.asarray(np.nan_to_num(middle), np.float32)


def change_day(daily_l: Floats, known: Bools) -> NDArray[np.int64]:
    """Return the first day of the later part, where a step from one median to another fits best.

    The step that leaves the least sum of absolute deviations, at least three days from either end.

    >>> d = np.array([[200] * 9 + [90] * 5], np.float32)
    >>> change_day(d, np.ones_like(d, bool)).tolist()
    [9]
    """
    values = np.where(known, daily_l, np.float32(np.nan))
    days = values.shape[1]
    cost = np.full((len(values), days), np.inf)
    for split in range(3, days - 2):
        parts = (values[:, :split], values[:, split:])
        left = [np.nan_to_num(np.abs(part - median(part)[:, None])).sum(axis=1) for part in parts]
        cost[:, split] = left[0] + left[1]
    return np.asarray(np.argmin(cost, axis=1), np.int64)
