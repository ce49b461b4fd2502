"""Signs that a meter or its readings give by the hour: they raise, and clear when they stay away."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import trailing_count

#: Bits of an hour. Flags of the meter:
TAMPER, MAGNETIC, REMOVED, BACKFLOW_FLAG = 1, 2, 4, 8
#: A mean flow below zero; steps of the register: back, and back by more than ten counts.
NEGATIVE, STEP_BACK, JUMP_BACK = 16, 32, 64
#: Other steps of the register.
ROLLOVER, EXCHANGE, MISREAD = 128, 256, 512

Bools = NDArray[np.bool_]


def shown(
    bits: NDArray[np.float32], covered: Bools, at_once: int, steady: int, least: NDArray[np.int64],
    window: NDArray[np.int64], quiet: NDArray[np.int64],
) -> tuple[Bools, Bools]:  # fmt: skip
    """Mark the hours that raise, and those that clear.

        raises(t) = a bit of `at_once` in t, or bits of `steady` in t and in at least `least` of the hours
                    t - window + 1 .. t
        clears(t) = t is known, and none of the bits in the known hours t - quiet + 1 .. t

    Parameters
    ----------
    bits : (meters, hours) bits of the hour
    covered : (meters, hours) readings of the hour are known
    at_once, steady : bits that raise at once, and bits that must come again
    least, window, quiet : (meters,) hours

    Returns
    -------
    raises, clears : (meters, hours)

    Notes
    -----
    A flag of a meter may be lifted as soon as the magnet is gone: what it has told stands for `quiet` hours.

    Examples
    --------
    >>> b = np.array([[0, 1, 0, 0, 0]], np.float32)
    >>> one = np.ones(1, int)
    >>> r, c = shown(b, np.ones_like(b, bool), TAMPER, 0, one, one, 2 * one)
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 1, 0, 0, 0]], [[1, 0, 0, 1, 1]])
    """
    told = np.where(covered, np.nan_to_num(bits), 0).astype(np.int64)
    single, again = told & at_once > 0, told & steady > 0
    raises = single | (again & (trailing_count(again, window) >= least[:, None]))
    clears = covered & (trailing_count(single | again, quiet) == 0)
    return raises, clears
