"""Zero use: a site that always draws has stopped."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import run_length

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def zero_use(volume_l: Floats, covered: Bools, still_l: Floats, hours: Floats) -> tuple[Bools, Bools]:
    """Mark the hours that complete a stand-still of `hours`, and those in which water is drawn again.

        still(t) = covered and volume <= still_l
        raises(t) = still(t - hours + 1 .. t);   clears(t) = covered(t) and not still(t)

    An hour that isn't covered does neither and breaks the run.

    Parameters
    ----------
    volume_l : (meters, slots) litres in the hour
    covered : (meters, slots) hour is known, not estimated
    still_l : (meters,) an hour of up to this volume is still
    hours : (meters,) run that raises; NaN: nothing is known, or the site rests often

    Returns
    -------
    raises, clears : (meters, slots)

    Examples
    --------
    >>> v = np.array([[40, 0, 0, 0, 30]], np.float32)
    >>> r, c = zero_use(v, np.ones_like(v, bool), np.zeros(1, np.float32), np.array([2], np.float32))
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 1, 0]], [[1, 0, 0, 0, 1]])
    """
    still = covered & (volume_l <= still_l[:, None])
    return run_length(still) >= np.nan_to_num(hours, nan=np.inf)[:, None], covered & ~still
