"""More than usual: for an hour (a spike), for a day (a shift of level), for the whole of a rest."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import run_length

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: What has fallen to a quarter of the threshold is over.
_OVER = 0.25
_COVERAGE = 0.75
#: A rest is looked at over its newest hours: a night. A weekend would hide what has just begun.
_REST_HOURS = 8


def excess(above_l: Floats, covered: Bools, threshold_l: Floats, window: Ints) -> tuple[Bools, Bools]:
    """Mark the hours at which the mean excess of the last W is beyond the threshold.

        m(t) = mean of volume - usual over the covered hours of t - W + 1 .. t, at least 3/4 of them
        raises(t) = covered(t) and m > threshold;   clears(t) = covered(t) and m <= threshold / 4

    Parameters
    ----------
    above_l : (meters, slots) volume - usual, litres in the hour
    covered : (meters, slots) hour is known, not estimated, and something is usual for it
    threshold_l : (meters,) litres an hour; NaN: nothing is known
    window : (meters,) W, hours

    Returns
    -------
    raises, clears : (meters, slots)

    Examples
    --------
    >>> a = np.array([[0, 9, 9, 0, 0]], np.float32)
    >>> r, c = excess(a, np.ones_like(a, bool), np.array([5], np.float32), np.array([2]))
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 0, 0]], [[0, 0, 0, 0, 1]])
    """
    mean, n = trailing_mean(above_l, covered, np.broadcast_to(window[:, None], above_l.shape))
    return _marks(mean, covered & (n >= np.ceil(_COVERAGE * window)[:, None]), threshold_l)


def rest_excess(
    above_l: Floats, covered: Bools, off: Bools, threshold_l: Floats, hours: Ints
) -> tuple[Bools, Bools]:
    """Mark the off-shift hours at which the mean excess of the rest so far is beyond the threshold.

        m(t) = mean of volume - usual over the covered hours since the rest began, eight at most
        raises(t) = off, covered, m > threshold, and at least `hours` of them are covered
        clears(t) = off, covered, m <= threshold / 4, and at least `hours` of them are covered

    Hours in a shift do neither.

    Parameters
    ----------
    above_l : (meters, slots) volume - usual, litres in the hour
    covered : (meters, slots) hour is known, not estimated, and something is usual for it
    off : (meters, slots) hour lies outside the shifts
    threshold_l : (meters,) litres an hour; NaN: nothing is known
    hours : (meters,) so many hours of the rest must be known

    Returns
    -------
    raises, clears : (meters, slots)

    Notes
    -----
    One hour of a rest is noisy, all of it together is not: the mean of n hours has 1 / sqrt(n) of the spread.

    Examples
    --------
    >>> a = np.array([[500, 90, 80, 85, 700, 0, 0]], np.float32)
    >>> off = np.array([[0, 1, 1, 1, 0, 1, 1]], bool)
    >>> r, c = rest_excess(a, np.ones_like(a, bool), off, np.array([50], np.float32), np.array([2]))
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 1, 0, 0, 0]], [[0, 0, 0, 0, 0, 0, 1]])
    """
    length = np.minimum(run_length(off), _REST_HOURS)
    mean, n = trailing_mean(above_l, covered, length)
    return _marks(mean, off & covered & (n >= hours[:, None]), threshold_l)


def trailing_mean(values: Floats, covered: Bools, window: Ints) -> tuple[Floats, Ints]:
    """Return the mean of the covered values among the last `window` (meters, slots), and their number.

    >>> v = np.array([[1, 2, 6]], np.float32)
    >>> trailing_mean(v, np.ones_like(v, bool), np.array([[1, 2, 2]]))
    (array([[1. , 1.5, 4. ]], dtype=float32), array([[1, 2, 2]]))
    """
    shape = (values.shape[0], values.shape[1] + 1)
    total, count = np.zeros(shape), np.zeros(shape, np.int64)
    np.cumsum(np.where(covered, values, 0), axis=1, dtype=np.float64, out=total[:, 1:])
    np.cumsum(covered, axis=1, out=count[:, 1:])
    before = np.maximum(np.arange(1, shape[1]) - window, 0)
    n = count[:, 1:] - np.take_along_axis(count, before, axis=1)
    summed = total[:, 1:] - np.take_along_axis(total, before, axis=1)
    return (summed / np.maximum(n, 1)).astype(np.float32), n


def began(above_l: Floats, covered: Bools, threshold_l: Floats) -> Ints:
    """Return the column from which on the excess over half the threshold adds up to the most, (meters,).

    The maximum-likelihood time of a step in the mean that lasts to the end (Page 1954, CUSUM).

    >>> a = np.array([[0, 1, 9, 8, 9]], np.float32)
    >>> began(a, np.ones_like(a, bool), np.array([6], np.float32)).tolist()
    [2]
    >>> began(a, a > 8, np.array([6], np.float32)).tolist()
    [2]
    """
    gain = np.where(covered, above_l - threshold_l[:, None] / 2, 0)
    since = np.cumsum(gain[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.argmax(np.where(covered, since, -np.inf), axis=1), np.int64)


def _marks(mean: Floats, known: Bools, threshold_l: Floats) -> tuple[Bools, Bools]:
    limit = threshold_l[:, None]
    known = known & ~np.isnan(limit)
    return known & (mean > limit), known & (mean <= _OVER * limit)
