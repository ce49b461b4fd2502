"""Leak level: how much flows into a DMA at every hour beyond its usual pattern.

A leak adds the same flow at every hour; demand that grows or shrinks scales the pattern of the week. So

    inflow(t) = (1 + a) * level * pattern(hour of the week) + leak + noise(hour)

is solved for `leak` over some hours, weighted by how quiet an hour is. Where demand follows its pattern
closely, the night counts most and this is the minimum night flow against its history; the other hours join in
as far as they can be relied upon.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_WEEK = 168
_DAY = 24
_MAD = 1.4826  # to the standard deviation of a normal distribution
#: No inflow is known better than this share of itself: resolution and error of a DMA's meters.
_LEAST_NOISE = 0.0015
#: A day's level needs three quarters of its hours, its leak level half of them.
_DAY_HOURS, _LEVEL_HOURS = 18, 12
#: The level of the last days is that of the last whole week.
_HELD = 4
#: An hour counts at most this many times its noise, so that no single hour makes an alarm.
CLIP = 5.0


@dataclass(frozen=True)
class Usual:
    """What is usual of some DMAs: learned from whole days before a day begins.

    pattern : (rows, 168) share of the level at each hour of the week
    noise : (rows, 24) deviation from it, by hour since the day began
    level : (rows, days + 1) litres an hour of each day of the history, and of today
    stiffness : (rows,) one over the variance of the level from day to day
    spread : (rows,) deviation of a day's leak level, as a share of the level
    """

    pattern: Floats
    noise: Floats
    level: Floats
    stiffness: Floats
    spread: Floats


def median(values: Floats) -> Floats:
    """Return the median along the last axis of what is known (NaN: unknown).

    >>> median(np.array([[3.0, np.nan, 1.0, 7.0], [np.nan] * 4])).tolist()
    [3.0, nan]
    """
    ordered = np.sort(values, axis=-1)
    n = (~np.isnan(ordered)).sum(axis=-1)[..., None]
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0), -1)
    high = np.take_along_axis(ordered, np.minimum(n // 2, values.shape[-1] - 1), -1)
    return np.asarray(np.where(n > 0, (low + high) / 2, np.nan)[..., 0])


def week_mean(values: Floats) -> Floats:
    """Return the mean over the seven days around each day of what is known; shorter at the ends.

    >>> week_mean(np.array([[1.0, 2.0, np.nan, 3.0]])).tolist()
    [[2.0, 2.0, 2.0, 2.0]]
    """
    known = ~np.isnan(values)
    nought = np.zeros((len(values), 1))
    total = np.cumsum(np.concatenate([nought, np.where(known, values, 0)], axis=1), axis=1)
    count = np.cumsum(np.concatenate([nought, known], axis=1), axis=1)
    at = np.arange(values.shape[1])
    a, b = np.maximum(at - 3, 0), np.minimum(at + 4, values.shape[1])
    n = count[:, b] - count[:, a]
    return np.where(n > 0, (total[:, b] - total[:, a]) / np.maximum(n, 1), np.nan)


def _pattern(shares: Floats, hour_of_week: Ints) -> Floats:
    """Return the median share of each hour of the week; without any, that of the hour of the day."""
    rows, hours = shares.shape
    order = np.argsort(hour_of_week, kind="stable")
    ordered = hour_of_week[order]
    count = np.bincount(hour_of_week, minlength=_WEEK)
    table = np.full((_WEEK, int(count.max())), hours)
    table[ordered, np.arange(hours) - (np.cumsum(count) - count)[ordered]] = order
    found = median(np.concatenate([shares, np.full((rows, 1), np.nan)], axis=1)[:, table])
    by_day = median(np.moveaxis(found.reshape(rows, 7, _DAY), 1, 2))
    return np.where(np.isnan(found), np.tile(by_day, (1, 7)), found)


def usual(history: Floats, hour_of_week: Ints, *, least_level_noise: float = 0.01) -> Usual:
    """Learn pattern, noise and level from whole days, without what leaks were known to add.

    Parameters
    ----------
    history : (rows, 24 * days) litres an hour, NaN where it is not known or on a public holiday
    hour_of_week : (24 * days,) 0 = Monday 00:00, local
    least_level_noise : share by which a DMA's demand may move from one day to the next, at least

    Examples
    --------
    >>> week = np.tile(1 + np.sin(np.arange(24) / 4) ** 2, 7)
    >>> known = usual(np.tile(100 * week, (1, 3)), np.tile(np.arange(168), 3))
    >>> bool(np.allclose(known.level * known.pattern[0, 8], 100 * week[8]))
    True
    """
    rows = len(history)
    days = history.reshape(rows, -1, _DAY)
    known = ~np.isnan(days)
    n = known.sum(axis=2)
    daily = np.where(n >= _DAY_HOURS, np.where(known, days, 0).sum(axis=2) / np.maximum(n, 1), np.nan)
    weekly = week_mean(daily)
    level = np.where(weekly > 0, weekly, median(daily)[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = history / np.repeat(level, _DAY, axis=1)
        pattern = _pattern(shares, hour_of_week)
        off = np.abs(shares - pattern[:, hour_of_week])
        noise = _MAD * median(np.moveaxis(off.reshape(rows, -1, _DAY), 1, 2))
        noise = np.sqrt((noise**2 + np.roll(noise, 1, 1) ** 2 + np.roll(noise, -1, 1) ** 2) / 3)
        noise = np.maximum(noise, _LEAST_NOISE)
        steps = np.diff(np.log(np.where(weekly > 0, weekly, np.nan)), axis=1)
    # The mean of a week moves by a seventh of what days do: four times its steps for the level of a day.
    moves = np.maximum(4 * _deviation(steps), least_level_noise)
    held = np.concatenate([level[:, :-_HELD], np.repeat(level[:, -_HELD, None], _HELD + 1, axis=1)], axis=1)
    made = Usual(pattern, noise, held, moves**-2.0, np.full(rows, np.nan))
    off, shape = relative(history, made, hour_of_week, hour_of_week)
    leaks = leak_level(day_sums(sums(off, shape, made)), made.stiffness[:, None])
    enough = known.sum(axis=2) >= _LEVEL_HOURS
    leaks = np.where(enough, leaks, np.nan)
    # The days learned from fit better than the next one will: (1 + 1/n) / (1 - 1/n) for a mean of n weeks.
    weeks = np.maximum(n.sum(axis=1) / _WEEK, 1.5)
    unseen = np.sqrt((1 + 1 / weeks) / (1 - 1 / weeks))
    spread = _MAD * median(np.abs(leaks - median(leaks)[:, None])) * unseen
    return Usual(pattern, noise, held, made.stiffness, np.maximum(spread, _LEAST_NOISE * unseen))


def _deviation(values: Floats) -> Floats:
    """Return the standard deviation of what is known of each row; nought of nothing."""
    known = ~np.isnan(values)
    n = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, values, 0).sum(axis=1) / n
    return np.asarray(np.sqrt((np.where(known, values - mean[:, None], 0) ** 2).sum(axis=1) / n))


def relative(inflow: Floats, known: Usual, hour_of_week: Ints, as_sunday: Ints) -> tuple[Floats, Floats]:
    """Return how far (rows, hours) lie from the pattern, as a share of the level, and the pattern itself.

    The hours begin with the history that `known` was learned from, and may go on into the day after it.
    `as_sunday` is the hour of the week that a public holiday has if it is spent like a Sunday: of the two the
    nearer one is usual, for nobody knows beforehand how a district spends its holidays.
    """
    each = np.repeat(known.level[:, :-1], _DAY, axis=1)
    more = inflow.shape[1] - each.shape[1]
    level = np.concatenate([each, np.repeat(known.level[:, -1:], max(more, 0), axis=1)], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = inflow / level[:, : inflow.shape[1]]
    pattern = known.pattern[:, hour_of_week]
    free = np.flatnonzero(hour_of_week != as_sunday)
    sunday = known.pattern[:, as_sunday[free]]
    nearer = np.abs(share[:, free] - sunday) < np.abs(share[:, free] - pattern[:, free])
    pattern[:, free] = np.where(nearer, sunday, pattern[:, free])
    return share - pattern, pattern


def weights(known: Usual, hours: int) -> Floats:
    """Return one over the variance of each of (rows, hours), counted from the start of the history."""
    return np.tile(known.noise**-2.0, (1, -(-hours // _DAY)))[:, :hours]


def sums(off: Floats, pattern: Floats, known: Usual) -> Floats:
    """Return what `leak_level` needs of each hour: (rows, hours, 5), all nought where it is not known."""
    weight = weights(known, off.shape[1])
    most = CLIP / np.sqrt(weight)
    good = np.isfinite(off) & np.isfinite(pattern)
    weight = np.where(good, weight, 0)
    e, p = np.where(good, np.clip(off, -most, most), 0), np.where(good, pattern, 0)
    return np.stack([weight, weight * p, weight * p * p, weight * e, weight * p * e], axis=-1)


def day_sums(each: Floats) -> Floats:
    """Add up hours to days: (rows, 24 * days, 5) to (rows, days, 5)."""
    return np.asarray(each.reshape(len(each), -1, _DAY, 5).sum(axis=2))


def trailing(each: Floats, hours: int) -> Floats:
    """Add up the `hours` up to each hour; fewer at the start.

    >>> trailing(np.ones((1, 4, 1)), 3)[0, :, 0].tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    total = np.concatenate([np.zeros_like(each[:, :1]), np.cumsum(each, axis=1)], axis=1)
    at = np.arange(1, each.shape[1] + 1)
    return np.asarray(total[:, at] - total[:, np.maximum(at - hours, 0)])


def leak_level(added: Floats, stiffness: Floats) -> Floats:
    """Solve for the leak level, a share of the DMA's level, out of sums (..., 5).

    Weighted least squares of the residual on (pattern, 1), with a normal prior of the given precision on the
    coefficient of the pattern (ridge regression, Hoerl and Kennard 1970); NaN where nothing is known.

    >>> e, p = np.array([0.1, 0.1, 0.1]), np.array([0.5, 1.0, 1.5])
    >>> s = np.array([3, p.sum(), (p * p).sum(), e.sum(), (p * e).sum()])
    >>> round(float(leak_level(s, np.array(100.0))), 3)
    0.1
    """
    w, wp, wpp, we, wpe = np.moveaxis(added, -1, 0)
    stiff = wpp + stiffness
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((we * stiff - wpe * wp) / (w * stiff - wp * wp))


def jumps(scaled: Floats, hours: int = 4, before: int = 6) -> Floats:
    """Return by how much each stretch of `hours` lies wholly above (or, negative, below) what went before.

        jump(t) = min(z(t - hours + 1) .. z(t)) - max(0, median of the `before` hours ahead of them)

    and the mirror image for falls; nought where neither, or where an hour of the stretch is not known.

    Parameters
    ----------
    scaled : (hours,) residuals in units of their noise, NaN where not known

    Examples
    --------
    >>> jumps(np.array([0, 0, 1, 0, 0, 1, 6, 7, 5, 8.0])).tolist()[-1]
    5.0
    """
    padded = np.concatenate([np.full(hours + before, np.nan), scaled])
    views = np.lib.stride_tricks.sliding_window_view(padded, hours + before)[1:]
    now, ahead = views[:, before:], np.nan_to_num(median(np.array(views[:, :before])))
    up, down = now.min(axis=1) - np.maximum(ahead, 0), now.max(axis=1) - np.minimum(ahead, 0)
    return np.where(up > 0, up, np.where(down < 0, down, 0.0))


def change_point(off: Floats, weight: Floats) -> tuple[int, float]:
    """Return where a step up most likely began and its height; it goes on to the end.

        argmax over i of (sum of w e from i on)^2 / (sum of w from i on), for positive sums

    Parameters
    ----------
    off, weight : (hours,) residuals and their weights, nought where not known

    Examples
    --------
    >>> change_point(np.array([0.1, -0.1, 0.0, 1.0, 1.2]), np.ones(5))
    (3, 1.1)
    """
    e, w = np.cumsum((weight * off)[::-1])[::-1], np.cumsum(weight[::-1])[::-1]
    at = int(np.argmax(np.where(e > 0, e, 0) ** 2 / np.maximum(w, 1e-12)))
    return at, float(e[at] / max(w[at], 1e-12))


def cusum(scores: Floats, allowance: float) -> tuple[float, int]:
    """Return the one-sided cumulative sum at the end and where it last left nought (Page 1954).

    >>> cusum(np.array([0.0, -1.0, 2.0, 2.0, 2.0]), 0.5)
    (4.5, 2)
    """
    total, since = 0.0, 0
    for i, score in enumerate(scores):
        total += float(score) - allowance
        if total <= 0:
            total, since = 0.0, i + 1
    return total, since
