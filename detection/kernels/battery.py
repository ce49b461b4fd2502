"""Low battery: by the meter's own flag, by voltage, and by how the voltage falls."""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
_LEAST_KNOWN, _LEAST_FALL_V = 7, 0.05


def slope(volts: Floats, known: Bools, window: int) -> tuple[Floats, Floats]:
    """Return the least-squares slope (V a day) over the `window` days up to each, and the line's value there.

    NaN with fewer than 7 known days.

    >>> v = np.array([[3.6, 3.5, 3.4, 3.3, 3.2, 3.1, 3.0]], np.float32)
    >>> s, at = slope(v, np.ones_like(v, bool), 28)
    >>> round(float(s[0, -1]), 3), round(float(at[0, -1]), 2)
    (-0.1, 3.0)
    """
    day = np.arange(volts.shape[1], dtype=np.float64)
    value = np.where(known, volts, 0).astype(np.float64)
    one = known.astype(np.float64)
    n, t, tt, v, tv = (
        _trailing(column, window) for column in (one, one * day, one * day**2, value, value * day)
    )
    spread = n * tt - t * t
    with np.errstate(invalid="ignore", divide="ignore"):
        gradient = (n * tv - t * v) / spread
        level = v / n + gradient * (day - t / n)
    enough = (n >= _LEAST_KNOWN) & (spread > 0)
    return (
        np.where(enough, gradient, np.nan).astype(np.float32),
        np.where(enough, level, np.nan).astype(np.float32),
    )


def _trailing(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    return np.asarray(total[:, 1:] - total[:, np.maximum(np.arange(values.shape[1]) + 1 - window, 0)])


def low_battery(
    volts: Floats, covered: Bools, low_v: Floats, empty_v: Floats, least_days: Floats, window: int
) -> tuple[Bools, Bools, Floats]:
    """Mark the days that raise, those that clear, and say how many days are left.

        left(t)   = (line(t) - empty) / -slope(t), where the line through the last `window` days falls by
                    0.05 V or more over them
        raises(t) = the meter says so (0 V), or volts(t) <= empty, or left(t) <= least_days and it was 0.05 V
                    higher before, or volts(t) <= low and it was 0.1 V above that before
        clears(t) = volts(t) > low + 0.05 V, and left(t) > 1.5 least_days or it was never 0.05 V higher

    Parameters
    ----------
    volts : (meters, days) lowest voltage of the day, V; 0 where the meter says that it is low
    covered : (meters, days) a voltage or the flag was received
    low_v, empty_v, least_days : (meters,)
    window : days

    Returns
    -------
    raises, clears, left : (meters, days); `left` in days, infinite where it does not fall

    Notes
    -----
    Lithium thionyl chloride cells (3.6 V) hold their voltage for years and fall in the last weeks; cells of
    other chemistries start lower, so the level counts only for a cell that was above it.

    Examples
    --------
    >>> v = np.array([[3.6, 3.6, 3.1, 3.6]], np.float32)
    >>> one = np.ones(1, np.float32)
    >>> r, c, _ = low_battery(v, np.ones_like(v, bool), 3.2 * one, 2.7 * one, 60 * one, 28)
    >>> r.astype(int).tolist(), c.astype(int).tolist()
    ([[0, 0, 1, 0]], [[1, 1, 0, 1]])
    """
    known = covered & (volts > 0)
    gradient, level = slope(volts, known, window)
    first = np.maximum(np.arange(volts.shape[1]) + 1 - window, 0)
    day = np.where(known, np.arange(volts.shape[1]), volts.shape[1])
    since = np.arange(volts.shape[1]) - np.maximum(first, day.min(axis=1, initial=volts.shape[1])[:, None])
    falls = (gradient < 0) & (-gradient * np.maximum(since, 0) >= _LEAST_FALL_V)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.where(falls, np.maximum(level - empty_v[:, None], 0) / -gradient, np.inf).astype(np.float32)
    highest = np.maximum.accumulate(np.where(known, volts, 0), axis=1)
    was_higher = highest >= low_v[:, None] + 0.1
    below = known & ((volts <= empty_v[:, None]) | ((volts <= low_v[:, None]) & was_higher))
    soon = known & (left <= least_days[:, None]) & (volts <= highest - _LEAST_FALL_V)
    raises = (covered & (volts <= 0)) | below | soon
    renewed = volts > highest - _LEAST_FALL_V
    fine = known & (volts > low_v[:, None] + 0.05) & ((left > 1.5 * least_days[:, None]) | renewed)
    return raises, fine & ~raises, left
