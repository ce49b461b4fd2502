"""Month's end: what will have been used by then, and how sure that is."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

#: Distance of the lower and upper end of the band, in standard deviations: nine tenths lie between.
_Z = 1.645
#: How much two days' errors have in common: a level that is missed is missed for days.
_COMMON = 0.5


def month_end(used_l: Doubles, rest_l: Doubles, day_sigma_l: Doubles, days_left: Doubles) -> Doubles:
    """Return the low, middle and high forecast of the month's volume, (3, ...), litres.

        middle = used + rest;   low, high = middle -+ 1.645 sigma
        sigma = day_sigma * sqrt(d + d * (d - 1) * 0.5)

    Parameters
    ----------
    used_l : used so far this month
    rest_l : what is usual for the rest of it
    day_sigma_l : standard deviation of a day's volume about its forecast, litres a day
    days_left : d, days of the rest; may be a fraction

    Notes
    -----
    The variance of a sum of d errors of which each two have the correlation 0.5.

    Examples
    --------
    >>> month_end(np.array([100.0]), np.array([50.0]), np.array([10.0]), np.array([1.0])).round(2).tolist()
    [[133.55], [150.0], [166.45]]
    """
    middle = used_l + rest_l
    sigma = day_sigma_l * np.sqrt(days_left + np.maximum(days_left * (days_left - 1), 0) * _COMMON)
    return np.stack([np.maximum(middle - _Z * sigma, used_l), middle, middle + _Z * sigma])
