"""Steady flow: hours of one and the same volume, again and again, are an orifice and not people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Fewer steps of the register an hour are alike by chance.
_LEAST_STEPS = 4
#: So many hours alike are a run.
RUN_H = 3
#: Runs further apart than this are not one spell of coming and going.
PAUSE_H = 48
#: The flow through an orifice goes with the root of the pressure: 10 % of pressure are 5 % of flow.
SHARE = np.float32(0.05)
#: A run that stands alone may be an appliance: its evidence counts this much less.
_ALONE = 2.0
#: No coincidence is taken for rarer than this: a history of weeks can't know better.
_RAREST = 0.01
#: Steady at this level at a tenth of the present rate before: it is this home's habit.
_HABIT = 0.1
_PRIOR_H = 20


def steady_level(volume_l: Floats, covered: Bools, step_l: Floats) -> Floats:
    """Return the mean volume of the `RUN_H` hours that end with each hour where these are alike, else NaN.

        alike(t) = covered, min >= 4 step and max - min <= step + 0.05 min   over the hours t - 2 .. t

    Parameters
    ----------
    volume_l : (meters, slots) litres in the hour
    covered : (meters, slots) hour is known, not estimated
    step_l : (meters,) resolution of the register, litres

    Returns
    -------
    levels : (meters, slots) litres an hour

    Examples
    --------
    >>> v = np.array([[0, 21, 22, 21, 60]], np.float32)
    >>> steady_level(v, np.ones_like(v, bool), np.ones(1, np.float32)).round(1).tolist()
    [[nan, nan, nan, 21.299999237060547, nan]]
    """
    known = np.where(covered, volume_l, np.float32(np.nan))
    n = known.shape[1]
    lowest, highest, total = known.copy(), known.copy(), known.copy()
    for by in range(1, RUN_H):
        for kept, into in ((lowest, np.minimum), (highest, np.maximum), (total, np.add)):
            into(kept[:, by:], known[:, : n - by], out=kept[:, by:])
            kept[:, :by] = np.nan
    step = step_l[:, None]
    alike = (lowest >= _LEAST_STEPS * step) & (highest - lowest <= step + SHARE * lowest)
    return np.where(alike, total / np.float32(RUN_H), np.float32(np.nan))


def may_run(volume_l: Floats, covered: Bools, step_l: Floats) -> Bools:
    """Return which meters may have a steady run: quick, and never wrong where it says no; (meters,).

    >>> v = np.array([[0, 21, 22, 21, 60], [0, 21, 40, 21, 60]], np.float32)
    >>> may_run(v, np.ones_like(v, bool), np.ones(2, np.float32)).tolist()
    [True, False]
    """
    step = step_l[:, None]
    enough = covered & (volume_l >= _LEAST_STEPS * step)
    apart = volume_l[:, 1:] - volume_l[:, :-1]
    np.abs(apart, out=apart)
    pair = enough[:, 1:] & enough[:, :-1]
    pair &= apart <= step + SHARE * volume_l[:, 1:]
    return np.asarray((pair[:, 1:] & pair[:, :-1]).any(axis=1))


@dataclass(frozen=True)
class Recurrence:
    """Of each hour asked about: evidence (nats), hour at which its spell of runs began, did it rest since."""

    nats: NDArray[np.float64]
    first: Ints
    rested: Bools


def recurrence(
    levels: Floats,
    volume_l: Floats,
    covered: Bools,
    step_l: Floats,
    row: NDArray[np.intp],
    at: Ints,
    day: int,
    recent: int,
) -> Recurrence:
    """Weigh how often the level of an hour has run of late against how often chance would make it.

    With x the level, near(t) = |level(t) - x| <= 0.7 step + 0.05 x, and over the hours (at - recent, at]:

        steps = pairs of successive hours within runs near x;   nats = steps * -log(p)

    where p is the share of x among the hours with any use in the history, slots [0, day - recent). A run
    that stands alone counts half; nothing counts where the history has runs near x at a tenth of the
    present rate, or is known for less than a week.

    Parameters
    ----------
    levels : (meters, slots) from `steady_level`
    volume_l, covered, step_l : as there
    row, at : (hours asked about,) meter and slot; the slot must have a level
    day : slot at which the local day begins; what is usual is learned from before `day - recent`
    recent : slots

    Notes
    -----
    A log-likelihood ratio: people hit a volume again with the chance p, an open orifice always does.

    Examples
    --------
    >>> v = np.zeros((1, 1000), np.float32); v[0, ::7] = 40; v[0, 900:905] = v[0, 930:935] = 21
    >>> one = np.ones(1, np.float32); known = np.ones_like(v, bool)
    >>> row, at = np.array([0]), np.array([934])
    >>> found = recurrence(steady_level(v, known, one), v, known, one, row, at, 912, 168)
    >>> found.nats.round(1).tolist(), found.first.tolist(), found.rested.tolist()
    ([36.8], [900], [True])
    """
    # Runs of late lie in the newest slots, habits in the past: neither needs the whole.
    lo, hi = (max(int(at.min()) - recent + 1, 0), int(at.max()) + 1) if len(at) else (0, 0)
    slot = np.arange(lo, hi, dtype=np.int16)
    x = levels[row, at]
    step = step_l[row]
    width = np.float32(0.7) * step + SHARE * x
    near = np.abs(levels[row, lo:hi] - x[:, None]) <= width[:, None]
    at = at.astype(np.int16)
    inside = near & (slot > at[:, None] - np.int16(recent)) & (slot <= at[:, None])
    last = np.maximum.accumulate(np.where(inside, slot, np.int16(lo - PAUSE_H - 1)), axis=1)
    begins = inside.copy()
    begins[:, 1:] &= slot[1:] - last[:, :-1] > RUN_H
    n, runs = inside.sum(axis=1), begins.sum(axis=1)
    steps = n + runs * (RUN_H - 2)
    past = max(day - recent, 0)
    known, volume = covered[row, :past], volume_l[row, :past]
    used = (known & (volume >= step[:, None])).sum(axis=1)
    like = (known & (np.abs(volume - x[:, None]) <= (width + step / 2)[:, None])).sum(axis=1)
    p = np.maximum((like + 1) / (used + _PRIOR_H), _RAREST)
    habit = (np.abs(levels[row, :past] - x[:, None]) <= width[:, None]).sum(axis=1) * recent / max(past, 1)
    nats = steps * -np.log(p) / np.where(runs > 1, 1.0, _ALONE)
    nats[(habit > _HABIT * n) | (known.sum(axis=1) < 168)] = 0
    begins[:, 1:] &= slot[1:] - last[:, :-1] > PAUSE_H
    first = np.where(begins, slot, np.int16(-1)).max(axis=1, initial=-1) - np.int16(RUN_H - 1)
    since = max(lo - RUN_H, 0)
    slot = np.arange(since, hi, dtype=np.int16)
    still = covered[row, since:hi] & (volume_l[row, since:hi] < step[:, None])
    rested = (still & (slot > first[:, None]) & (slot < at[:, None])).any(axis=1)
    return Recurrence(nats, first.astype(np.int64), rested)
