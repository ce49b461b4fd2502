"""Continuous flow: a site that has not rested for a day has a leak, a running cistern or an open tap."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import last_before, trailing_count

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def continuous_flow(
    volume_l: Floats,
    covered: Bools,
    threshold_l: Floats,
    window: NDArray[np.int64],
    min_coverage: Floats,
) -> tuple[Bools, Bools]:
    """Mark the hours at which a site has flowed through its whole window, and those at which it is still.

    With f(t) = covered(t) and volume(t) >= threshold, s(t) = covered(t) and not f(t), over the window of W
    hours that ends with t:

        raises(t) = f(t) and sum s = 0 and sum covered >= min_coverage * W;   clears(t) = s(t)

    An hour that isn't covered does neither.

    Parameters
    ----------
    volume_l : (meters, slots) litres in the hour
    covered : (meters, slots) hour is known, not estimated
    threshold_l, window, min_coverage : (meters,) litres an hour, hours, share 0..1

    Returns
    -------
    raises, clears : (meters, slots)

    Notes
    -----
    The rule of the leak flag in meter data management: no hour of 24 at rest (EPA WaterSense Labs 2015;
    AWWA M36; registers flag 96 of 96 quarter-hours as continuous).

    Examples
    --------
    >>> v = np.array([[0, 5, 5, 5, 0]], np.float32)
    >>> one = np.ones(1, np.float32)
    >>> r, c = continuous_flow(v, np.ones_like(v, bool), 4 * one, np.array([3]), 0.9 * one)
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 0, 1, 0]], [[1, 0, 0, 0, 1]])
    """
    flowing = covered & (volume_l >= threshold_l[:, None])
    still = covered & ~flowing
    known = trailing_count(covered, window) >= np.ceil(min_coverage * window - 1e-4)[:, None]
    return flowing & known & (trailing_count(still, window) == 0), still


def flow_start(
    volume_l: Floats, covered: Bools, threshold_l: Floats, at: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the first flowing hour after the last still one before `at`, one value a meter.

    >>> v = np.array([[7, 0, 5, 5, 5]], np.float32)
    >>> flow_start(v, np.ones_like(v, bool), np.array([4], np.float32), np.array([4])).tolist()
    [2]
    """
    flowing = covered & (volume_l >= threshold_l[:, None])
    rest = last_before(covered & ~flowing, at)
    after = flowing & (np.arange(volume_l.shape[1]) > rest[:, None])
    return np.asarray(np.argmax(after, axis=1), np.int64)


def rested_share(volume_l: Floats, covered: Bools, threshold_l: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the share of known days with an hour at rest, and how many days are known, one value a meter.

    The slots are whole days of 24 hours; a day is known when 20 of its hours are.

    >>> v = np.tile(np.array([9] * 23 + [0], np.float32), (1, 2)); v[0, 47] = 9
    >>> rested_share(v, np.ones_like(v, bool), np.array([4], np.float32))
    (array([0.5], dtype=float32), array([2]))
    """
    days = (len(volume_l), volume_l.shape[1] // 24, 24)
    known = covered.reshape(days).sum(axis=2) >= 20
    rested = (covered & (volume_l < threshold_l[:, None])).reshape(days).any(axis=2) & known
    n = known.sum(axis=1)
    return (rested.sum(axis=1) / np.maximum(n, 1)).astype(np.float32), n


def still_share(volume_l: Floats, covered: Bools, threshold_l: Floats) -> NDArray[np.float64]:
    """Return the share of known hours that are still, one value a meter; 0 where none is known.

    >>> v, known = np.array([[0, 5, 9, 0]], np.float32), np.array([[1, 1, 1, 0]], bool)
    >>> still_share(v, known, np.full(1, 4, np.float32))
    array([0.33333333])
    """
    still = (covered & (volume_l < threshold_l[:, None])).sum(axis=1)
    return np.asarray(still / np.maximum(covered.sum(axis=1), 1))
