"""No use: hardly any water through all the hours in which somebody at home would be up."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_KNOWN_SHARE = 0.9


def no_use(
    volume_l: Floats, covered: Bools, waking: Bools, hours: int, limit_l: Floats
) -> tuple[Bools, Bools]:
    """Mark the waking hours up to which hardly anything was used, and the hours by which enough was.

    The span of t reaches from the waking hour `hours` - 1 before it (nights in between belong to it) to t:

        used(t) = sum of the known volumes of the span
        raises(t) = waking(t) and used < limit and 90 % of the span known;   clears(t) = used >= limit

    Parameters
    ----------
    volume_l : (meters, slots) litres in the hour
    covered : (meters, slots) hour is known, not estimated
    waking : (slots,) local hour at which people are up
    hours : waking hours in the span
    limit_l : (meters,) litres

    Returns
    -------
    raises, clears : (meters, slots); neither where the span begins before the slots

    Examples
    --------
    >>> v = np.array([[9, 0, 0, 0, 0, 30]], np.float32)
    >>> awake = np.array([1, 1, 0, 1, 1, 1], bool)
    >>> r, c = no_use(v, np.ones_like(v, bool), awake, 3, np.array([10], np.float32))
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 0, 1, 1, 0]], [[0, 0, 0, 0, 0, 1]])
    """
    slots = volume_l.shape[1]
    up = np.flatnonzero(waking)
    rank = np.cumsum(waking)  # waking hours so far
    whole = rank >= hours
    first = np.zeros(slots, np.int64)
    first[whole] = up[rank[whole] - hours]
    used = _since(np.where(covered, volume_l, np.float32(0)), first)
    known = _since(covered.astype(np.float32), first)
    little = used < limit_l[:, None]
    span = np.arange(slots) - first + 1
    raises = little & (known >= _KNOWN_SHARE * span) & covered & waking & whole
    return raises, ~little & whole & covered


def _since(values: Floats, first: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sums over the slots [first, t] for each t."""
    total = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return np.asarray(total[:, 1:] - total[:, first])
