"""Silent: nothing has come from a meter for too long; and which silences began together."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def limit_s(interval_s: Ints, intervals: NDArray[np.float32], least_h: NDArray[np.float32]) -> Ints:
    """Return for how many seconds each meter may be silent: so many intervals, at least so many hours.

    >>> limit_s(np.array([900, 86_400]), np.full(2, 3, np.float32), np.full(2, 24, np.float32)).tolist()
    [86400, 259200]
    """
    seconds: Ints = np.maximum(interval_s * intervals, least_h * 3600.0).astype(np.int64)
    return seconds


def together(
    start_s: Ints, end_s: Ints, limit_s: Ints, within_s: Ints, least: int
) -> tuple[NDArray[np.intp], int] | None:
    """Find the first silences that began together, of one group of meters.

        a silence j began with i if start(i) <= start(j) <= start(i) + within(j)
        it counts once it has lasted for limit(j)

    Parameters
    ----------
    start_s, end_s : (silences,) last receipt and the next one, seconds; in order of start; end far ahead
        while it lasts
    limit_s, within_s : (silences,) seconds
    least : so many make a group

    Returns
    -------
    Positions of the silences, and the instant at which `least` of them counted at once; or None.

    Examples
    --------
    >>> start, far = np.array([0, 10, 20, 9000]), np.full(4, 2**62)
    >>> found = together(start, far, np.full(4, 10_800), np.full(4, 3600), 3)
    >>> found[0].tolist(), found[1]
    ([0, 1, 2], 10820)
    """
    for i in range(len(start_s) - least + 1):
        members = np.flatnonzero((start_s >= start_s[i]) & (start_s <= start_s[i] + within_s))
        counted = start_s[members] + limit_s[members]
        lasting = members[end_s[members] > counted]
        if len(lasting) < least:
            continue
        at = int(np.sort(start_s[lasting] + limit_s[lasting])[least - 1])
        if (end_s[lasting] > at).sum() >= least:
            return lasting, at
    return None
