"""Off-shift use: water drawn when nobody should be at work, beyond what that hour usually draws."""

import numpy as np
from numpy.typing import NDArray

from detection.kernels.runs import quantile, run_length

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

#: Standard deviations of a normal distribution in one median absolute deviation.
MAD_SIGMA = np.float32(1.4826)


def weekly_profile(volume_l: Floats, covered: Bools, hour_of_week: NDArray[np.int64]) -> Floats:
    """Return each meter's median by hour of the week, (meters, 168); NaN where an hour was never known.

    >>> v = np.array([[1, 5, 3]], np.float32)
    >>> weekly_profile(v, np.ones_like(v, bool), np.array([0, 0, 1]))[0, :3].tolist()
    [3.0, 3.0, nan]
    """
    order = np.argsort(hour_of_week, kind="stable")
    count = np.bincount(hour_of_week, minlength=168)
    deep = max(int(count.max(initial=0)), 1)
    first = np.cumsum(count) - count
    pick = first[:, None] + np.arange(deep)
    real = np.arange(deep) < count[:, None]
    at = np.concatenate([order, [0]])[np.where(real, pick, len(order))]
    values = np.where(covered[:, at] & real, volume_l[:, at], np.float32(np.nan))
    values.sort(axis=2)
    n = (covered[:, at] & real).sum(axis=2)
    low = np.take_along_axis(values, np.maximum((n - 1) // 2, 0)[..., None], axis=2)[..., 0]
    high = np.take_along_axis(values, np.minimum(n // 2, deep - 1)[..., None], axis=2)[..., 0]
    # An even count has two middle values; with none known both are NaN.
    return np.where(n > 0, (low + np.where(n % 2 == 0, high, low)) / 2, np.float32(np.nan))


def spread(volume_l: Floats, covered: Bools, usual_l: Floats) -> Floats:
    """Return each meter's robust standard deviation about what is usual: 1.4826 * median |v - usual|, litres.

    >>> v = np.array([[1, 2, 3, 90]], np.float32)
    >>> spread(v, np.ones_like(v, bool), np.full_like(v, 2))
    array([1.4826], dtype=float32)
    """
    known = covered & ~np.isnan(usual_l)
    return MAD_SIGMA * quantile(np.abs(volume_l - usual_l), known, 0.5)


def off_shift(
    volume_l: Floats, covered: Bools, off: Bools, threshold_l: Floats, hours: NDArray[np.int64]
) -> tuple[Bools, Bools]:
    """Mark the off-shift hours that complete a run of `hours` above the threshold, and those back below it.

        raises(t) = off and covered and volume > threshold in the hours t - hours + 1 .. t
        clears(t) = off and covered and volume <= threshold

    Hours in a shift do neither.

    Parameters
    ----------
    volume_l : (meters, slots) litres in the hour
    covered : (meters, slots) hour is known, not estimated
    off : (meters, slots) hour lies outside the shifts
    threshold_l : (meters, slots) usual + max(k * spread, least excess), litres; NaN: nothing is known
    hours : (meters,) run that raises

    Returns
    -------
    raises, clears : (meters, slots)

    Notes
    -----
    Median and MAD instead of mean and deviation: half of the history may be wrong before they move
    (Rousseeuw and Croux 1993, doi:10.1080/01621459.1993.10476408).

    Examples
    --------
    >>> v = np.array([[500, 80, 80, 5, 80]], np.float32)
    >>> off = np.array([[0, 1, 1, 1, 1]], bool)
    >>> r, c = off_shift(v, np.ones_like(v, bool), off, np.full_like(v, 20), np.array([2]))
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 0, 0]], [[0, 0, 0, 1, 0]])
    """
    asked = off & covered & ~np.isnan(threshold_l)
    above = asked & (volume_l > threshold_l)
    return run_length(above) >= hours[:, None], asked & ~above
