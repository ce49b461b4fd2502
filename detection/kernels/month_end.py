"""Month's end: what will have been used by then, and how sure that is."""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

#: Distance of the lower and upper end of the band, in standard deviations: one in forty lies beyond each.
_Z = 2.0


def month_end(used_l: Doubles, rest_l: Doubles, week_sigma_l: Doubles, days_left: Doubles) -> Doubles:
    """Return the low, middle and high forecast of the month's volume, (3, ...), litres.

        middle = used + rest;   low, high = middle -+ 2 sigma
        sigma = week_sigma * d * sqrt(max(d, 7) / 7)

    Parameters
    ----------
    used_l : used so far this month
    rest_l : what is usual for the rest of it
    week_sigma_l : standard deviation of a week's mean about its forecast, litres a day (`level_error`)
    days_left : d, days of the rest; may be a fraction

    Notes
    -----
    A level that is missed is missed on every day of the rest, so the error doesn't average out; and as the
    level wanders, it grows beyond the week with the square root of the time (a random walk).

    Examples
    --------
    >>> month_end(np.array([100.0]), np.array([50.0]), np.array([10.0]), np.array([1.0])).tolist()
    [[130.0], [150.0], [170.0]]
    """
    middle = used_l + rest_l
    sigma = week_sigma_l * days_left * np.sqrt(np.maximum(days_left, 7) / 7)
    return np.stack([np.maximum(middle - _Z * sigma, used_l), middle, middle + _Z * sigma])
