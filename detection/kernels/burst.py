"""Burst: far more flow than the site has ever been seen to draw, for half an hour."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import run_length

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def burst(flow_lph: Floats, covered: Bools, threshold_lph: Floats, slots: int) -> tuple[Bools, Bools]:
    """Mark the slots that complete a run of `slots` covered slots above the threshold, and those that end it.

        raises(t) = flow > threshold in the covered slots t - slots + 1 .. t
        clears(t) = flow <= threshold in the covered slots t - slots + 1 .. t

    A slot that isn't covered breaks both runs.

    Parameters
    ----------
    flow_lph : (meters, slots) mean flow in the slot, litres an hour
    covered : (meters, slots) slot is known, not estimated
    threshold_lph : (meters,) NaN: never raises (not enough is known of the site)
    slots : half an hour in slots, at least one

    Returns
    -------
    raises, clears : (meters, slots)

    Notes
    -----
    The threshold is the site's own high quantile plus a tenth of the meter's permanent flow Q3 (ISO 4064-1):
    a meter is chosen for its site, so Q3 scales "much" (burst flags of ultrasonic registers: > 10 % of Q3
    for 30 min).

    Examples
    --------
    >>> f = np.array([[10, 900, 900, 10, 10]], np.float32)
    >>> r, c = burst(f, np.ones_like(f, bool), np.array([300], np.float32), 2)
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 0, 0]], [[0, 0, 0, 0, 1]])
    """
    above = covered & (flow_lph > threshold_lph[:, None])
    below = covered & ~above
    return run_length(above) >= slots, run_length(below) >= slots
