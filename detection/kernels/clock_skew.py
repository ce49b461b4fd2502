"""Clock skew: what is left of the delay between a reading's own time and its receipt."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import run_length

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


def clock_skew(
    least_s: Floats, covered: Bools, behind_s: Floats, ahead_s: Floats, days: NDArray[np.int64]
) -> tuple[Bools, Bools]:
    """Mark the days that raise, and those that clear.

        off(t)    = least(t) > behind, or least(t) < -ahead
        raises(t) = off on the days t - days + 1 .. t
        clears(t) = t is known and not off

    Parameters
    ----------
    least_s : (meters, days) least of receipt time less the reading's own time over a day's receipts, s
    covered : (meters, days) something was received
    behind_s, ahead_s, days : (meters,)

    Returns
    -------
    raises, clears : (meters, days)

    Notes
    -----
    Transport and storage on the way only add delay, so the least of many delays tells the clock (the minimum
    filter of NTP, RFC 5905, 10).

    Examples
    --------
    >>> s = np.array([[4, 900, 900, 5]], np.float32)
    >>> limit = np.full(1, 600, np.float32)
    >>> r, c = clock_skew(s, np.ones_like(s, bool), limit, limit, np.array([2]))
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 0]], [[1, 0, 0, 1]])
    """
    off = covered & ((least_s > behind_s[:, None]) | (least_s < -ahead_s[:, None]))
    return run_length(off) >= days[:, None], covered & ~off
