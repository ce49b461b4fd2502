"""Stuck: a register that stands still where it always moved, or a pressure that never changes."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import run_length, trailing_count

#: Bits of a day: two readings with another register, with the same; the same although flow was told;
#: two pressures that are the same, that are not.
MOVED, STILL, FLOWED, SAME, VARIED = 1, 2, 4, 8, 16

Bools = NDArray[np.bool_]
HISTORY = 14


def stuck(
    bits: NDArray[np.float32], covered: Bools, days: NDArray[np.int64], pressure_days: NDArray[np.int64],
    share: NDArray[np.float32],
) -> tuple[Bools, Bools]:  # fmt: skip
    """Mark the days that raise, and those that clear.

        still(t)  = the register was read again on t and never moved
        raises(t) = still(t) and the meter itself told flow on t, or
                    still on t - days + 1 .. t, after 14 known days of which it moved on `share` or more; or
                    the pressure was the same on each reading of t - pressure_days + 1 .. t
        clears(t) = what was read on t moved: register and pressure, where read

    Parameters
    ----------
    bits : (meters, days) bits of the day
    covered : (meters, days) the day is known
    days, pressure_days : (meters,)
    share : (meters,) of days with movement that make a site one that always draws

    Returns
    -------
    raises, clears : (meters, days)

    Examples
    --------
    >>> b = np.array([[MOVED] * 14 + [STILL, STILL, MOVED]], np.float32)
    >>> r, c = stuck(b, np.ones_like(b, bool), np.array([2]), np.array([2]), np.ones(1, np.float32))
    >>> r[0, 13:].astype(int).tolist(), c[0, 13:].astype(int).tolist()
    ([0, 0, 1, 0], [1, 0, 0, 1])
    """
    told = np.where(covered, np.nan_to_num(bits), 0).astype(np.int64)
    moved, varied = told & MOVED > 0, told & VARIED > 0
    still = (told & STILL > 0) & ~moved
    frozen = (told & SAME > 0) & ~varied
    run = run_length(still)
    window = np.full(len(told), HISTORY)
    known, drew = trailing_count(moved | still, window), trailing_count(moved, window)
    before = np.arange(told.shape[1]) - run
    at = np.maximum(before, 0)
    always = np.where(before >= 0, np.take_along_axis(drew, at, axis=1), 0) >= share[:, None] * HISTORY
    always &= np.where(before >= 0, np.take_along_axis(known, at, axis=1), 0) == HISTORY
    raises = still & (told & FLOWED > 0)
    raises |= (run >= days[:, None]) & always
    raises |= run_length(frozen) >= pressure_days[:, None]
    clears = covered & ~still & ~frozen & (moved | varied)
    return raises, clears
