"""Low pressure: below the service minimum for half an hour."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import run_length

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def low_pressure(
    pressure_kpa: Floats, covered: Bools, minimum_kpa: Floats, slots: int
) -> tuple[Bools, Bools]:
    """Mark the slots that complete a run below the minimum, and those that complete a run back at it.

        raises(t) = pressure < minimum in the covered slots t - slots + 1 .. t
        clears(t) = pressure >= minimum in the covered slots t - slots + 1 .. t

    Parameters
    ----------
    pressure_kpa : (meters, slots) mean pressure of the slot, kPa
    covered : (meters, slots) a pressure was received in the slot
    minimum_kpa : (meters,) service minimum, kPa
    slots : half an hour in slots, at least two: one reading alone is no proof

    Returns
    -------
    raises, clears : (meters, slots)

    Notes
    -----
    Service minimum: 20 psi = 138 kPa at ground level under all conditions (Ten States Standards for Water
    Works, 8.2.1) unless the district has its own.

    Examples
    --------
    >>> p = np.array([[300, 90, 80, 300, 310]], np.float32)
    >>> r, c = low_pressure(p, np.ones_like(p, bool), np.array([140], np.float32), 2)
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 0, 0]], [[0, 0, 0, 0, 1]])
    """
    below = covered & (pressure_kpa < minimum_kpa[:, None])
    enough = covered & ~below
    return run_length(below) >= slots, run_length(enough) >= slots
