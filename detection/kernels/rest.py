"""Rest: how deeply a site comes to rest each day, and whether it has left its own history."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

DAY_H = 24
#: A day is known when so many of its hours are.
_KNOWN_H = 14
_KNOWN_SHARE = 0.6
_LEAST_DAYS = 8


@dataclass(frozen=True)
class Days:
    """Whole days of sites, (meters, days): longest rest that ends in it (h), lowest hour (l), is it known."""

    rest_h: NDArray[np.int16]
    lowest_l: Floats
    known: Bools

    @property
    def level(self) -> Floats:
        """How far from rest a day was: its lowest hour, l; where it rested, minus its longest rest, h."""
        return np.where(self.rest_h > 0, -self.rest_h, self.lowest_l).astype(np.float32)


def days(volume_l: Floats, covered: Bools, step_l: Floats) -> Days:
    """Sum up days of 24 slots; an hour below one step of the register is still, an unknown one ends a rest.

    Parameters
    ----------
    volume_l : (meters, days * 24) litres in the hour
    covered : (meters, days * 24) hour is known, not estimated
    step_l : (meters,) resolution of the register, litres

    Examples
    --------
    >>> v = np.full((1, 48), 7, np.float32); v[0, 20:27] = 0; v[0, 40] = 3
    >>> d = days(v, np.ones_like(v, bool), np.ones(1, np.float32))
    >>> d.rest_h.tolist(), d.lowest_l.tolist(), d.level.tolist()
    ([[4, 7]], [[0.0, 0.0]], [[-4.0, -7.0]])
    """
    shape = (len(volume_l), volume_l.shape[1] // DAY_H, DAY_H)
    still = covered & (volume_l < step_l[:, None])
    slot = np.arange(volume_l.shape[1], dtype=np.int16)
    moved = np.maximum.accumulate(np.where(still, np.int16(-1), slot), axis=1)
    rest = (slot - moved).reshape(shape).max(axis=2)
    lowest = np.where(covered, volume_l, np.float32(np.inf)).reshape(shape).min(axis=2)
    known = covered.reshape(shape).sum(axis=2) >= _KNOWN_H
    return Days(rest, np.where(np.isfinite(lowest), lowest, np.float32(0)), known)


def left_history(level: Floats, known: Bools, past: Floats, past_known: Bools) -> NDArray[np.float64]:
    """Return the evidence, in nats, that the recent days rest less deeply than the days before.

        Y = min level of the n known recent days;   F = (past days with level >= Y, + 1) / (past days + 2)
        nats = -n log F

    0 where fewer than 60 % of the recent days or 8 of the past ones are known.

    Parameters
    ----------
    level, known : (meters, recent days) from `Days`
    past, past_known : (meters, past days)

    Notes
    -----
    Were the days alike and independent, n in a row would all lie at or above Y with the chance F^n; F is
    Laplace's estimate. A tap that drips once an hour leaves no rest of two hours, in any night: the longest
    rest of a fortnight bounds the drip from above, and people alone seldom keep to such a bound.

    Examples
    --------
    >>> quiet, dripping = np.full((1, 19), -7, np.float32), np.full((1, 14), -2, np.float32)
    >>> yes = lambda a: np.ones_like(a, bool)
    >>> left_history(dripping, yes(dripping), quiet, yes(quiet)).round(1).tolist()
    [42.6]
    """
    n, before = known.sum(axis=1), past_known.sum(axis=1)
    deepest = deepest_level(level, known)
    share = ((past_known & (past >= deepest[:, None])).sum(axis=1) + 1) / (before + 2)
    enough = (n >= _KNOWN_SHARE * level.shape[1]) & (before >= _LEAST_DAYS)
    return np.asarray(np.where(enough, -n * np.log(share), 0.0))


def deepest_level(level: Floats, known: Bools) -> Floats:
    """Return the lowest level of the days, one value a meter; infinite where nothing is known.

    A rest is one even on a day of which little is known; a lowest hour is not.

    >>> deepest_level(np.array([[-7, -2, 3, 1]], np.float32), np.array([[0, 1, 1, 0]], bool)).tolist()
    [-7.0]
    """
    counts = np.where(known | (level < 0), level, np.float32(np.inf))
    return np.asarray(counts.min(axis=1, initial=np.float32(np.inf)))


def lowest_mean(volume_l: Floats, covered: Bools, hours: int) -> Floats:
    """Return the lowest mean of any `hours` known hours in a row, by day; NaN where there are none.

    >>> v = np.array([[0, 0, 3, 0, 0, 0] + [9] * 18], np.float32)
    >>> lowest_mean(v, np.ones_like(v, bool), 6).tolist()
    [[0.5]]
    """
    total = np.zeros((len(volume_l), volume_l.shape[1] + 1))
    np.cumsum(np.where(covered, volume_l, 0), axis=1, out=total[:, 1:])
    gaps = np.zeros(total.shape, np.int64)
    np.cumsum(~covered, axis=1, out=gaps[:, 1:])
    mean = np.full((len(volume_l), volume_l.shape[1]), np.inf)
    whole = gaps[:, hours:] == gaps[:, :-hours]
    mean[:, hours - 1 :] = np.where(whole, (total[:, hours:] - total[:, :-hours]) / hours, np.inf)
    lowest = mean.reshape(len(mean), mean.shape[1] // DAY_H, DAY_H).min(axis=2)
    return np.where(np.isfinite(lowest), lowest, np.nan).astype(np.float32)
