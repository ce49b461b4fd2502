"""Main burst: a change of pressures and inflow together that a leak at one place explains best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Loss of head goes with this power of the flow (Hazen-Williams), what a leak adds to it with this less one.
EXPONENT = 1.852
#: A change is sought between the last day and up to three days that ended so many hours ago.
BACK_H = (24, 48, 96, 168, 336, 672, 1344)
DAY = 24
_RIDGE = 1e-3
#: So many of the features are flows and levels; the others are times.
FLOWS = 7


def features(inflow: Floats, passed: Floats, level: Floats, hour_of_week: Ints, usual: float) -> Floats:
    """Return what pressures follow from in a district without leaks (hours, 14).

    Of inflow Q, what is passed on to other districts v = out / Q and h = (Q / usual) ** 1.852:
    1, h, h v, h v^2, Q, out, the level of storage, h by three harmonics of the day, and h at weekends.

    Parameters
    ----------
    inflow, passed, level : (hours,) what stays in the district, what goes on, m3/h; m3 in storage
    hour_of_week : (hours,) 0 = Monday 00:00, local
    usual : mean inflow, m3/h

    >>> one = np.array([100.0])
    >>> features(one, 0 * one, 0 * one, np.array([6]), 100.0).round(2).tolist()
    [[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, -1.0, -0.0, 0.0]]
    """
    kept = np.maximum(inflow, usual / 100)
    loss, part = (kept / usual) ** EXPONENT, passed / kept
    angle = 2 * np.pi * (hour_of_week % 24) / 24
    waves = [loss * wave(k * angle) for k in (1, 2, 3) for wave in (np.sin, np.cos)]
    columns = [np.ones(len(loss)), loss, loss * part, loss * part**2, inflow / usual, passed / usual]
    return np.stack([*columns, level / usual, *waves, loss * (hour_of_week >= 120)], axis=1)


def residuals(values: Floats, of: Floats, learn: Bools, first: int) -> tuple[Floats, Floats]:
    """Return each channel less its regression on the features, and the spread of that while learning.

    It is regressed on the `first` features, and the rest on the others: where use is alike from day to day,
    the time of day must not explain what the flow does.

    Parameters
    ----------
    values : (channels, hours) NaN where unknown
    of : (hours, features) NaN where unknown
    learn : (hours,) the hours to learn from

    Returns
    -------
    rest : (hours, channels) NaN where unknown, or nothing could be learned
    spread : (channels,) standard deviation

    >>> x = np.stack([np.ones(50), np.arange(50.0)], 1)
    >>> y = np.where(np.arange(50) < 40, 3 + 2 * np.arange(50.0), 0)[None]
    >>> rest, _ = residuals(y, x, np.arange(50) < 40, 2)
    >>> bool(abs(rest[:40]).max() < 0.01), round(float(rest[49, 0]))
    (True, -101)
    """
    sound = ~np.isnan(of).any(axis=1)
    rest, spread = np.full((len(of), len(values)), np.nan), np.full(len(values), np.inf)
    for c, value in enumerate(values):
        use = learn & sound & ~np.isnan(value)
        if use.sum() < 2 * of.shape[1]:
            continue
        rest[:, c] = value
        for some in (slice(None, first), slice(first, None)):
            x = of[use, some]
            if x.shape[1]:
                square = x.T @ x + _RIDGE * np.eye(x.shape[1])
                rest[:, c] -= of[:, some] @ np.linalg.solve(square, x.T @ rest[use, c])
        spread[c] = max(float(np.std(rest[use, c])), 1e-6)
    return rest, spread


@dataclass(frozen=True)
class Sums:
    """Running sums over the hours: of residual times weight and of weight squared (hours + 1, channels)."""

    moved: Floats
    weight: Floats

    @classmethod
    def of(cls, rest: Floats, weight: Floats) -> "Sums":
        """Sum up residuals (hours, channels), weighed by how strongly the hour answers to a leak."""
        known = np.where(np.isnan(rest), 0.0, weight)
        nothing = np.zeros((1, rest.shape[1]))
        return cls(
            np.vstack([nothing, np.cumsum(np.nan_to_num(rest) * known, axis=0)]),
            np.vstack([nothing, np.cumsum(known**2, axis=0)]),
        )

    def mean(self, lo: int, hi: int) -> tuple[Floats, Floats]:
        """Return the amplitude of the residual over the hours [lo, hi) and the weight behind it."""
        weight = self.weight[hi] - self.weight[lo]
        return (self.moved[hi] - self.moved[lo]) / np.maximum(weight, 1e-3), weight


def unrest(sums: Sums, end: int, days: int, scale: Floats) -> Floats:
    """Return how the channels wander together from day to day (channels, channels).

    Half the mean product of the differences of successive days before hour `end`; a day that moved more than
    twice as far as usual (in units of `scale`) counts for that much only, so events hardly enter.
    """
    days = min(days, end // DAY)
    if days < 3:
        return np.zeros((sums.moved.shape[1],) * 2)
    at = end - DAY * np.arange(days, -1, -1)
    weight = np.diff(sums.weight[at], axis=0)
    value = np.diff(sums.moved[at], axis=0) / np.maximum(weight, 1e-3)
    step = np.where((weight[1:] > 1) & (weight[:-1] > 1), np.diff(value, axis=0), 0.0)
    size = np.sqrt(((step / scale) ** 2).mean(axis=1))
    step = step * np.minimum(1.0, 2 * np.median(size) / np.maximum(size, 1e-9))[:, None]
    return np.asarray(step.T @ step / len(step) / 2)


@dataclass(frozen=True)
class Noise:
    """What moves a channel without a leak: `spread` of an hour, `floor` of a day, `creep` a day, `unrest`.

    `alike` is the part of the pressures' own change by which a signature may be wrong; `alike` channels are
    those that share in it.
    """

    spread: Floats
    floor: Floats
    creep: Floats
    unrest: Floats
    wrong: float
    pressures: Bools


@dataclass(frozen=True)
class Found:
    """The leak that explains a change best, and the change: how it looks `back` hours apart.

    `gain` (places,) is what a leak at each place explains of `change` (both squared, in units of noise);
    `flow` the leak there that explains it best, m3/h.
    """

    back: int
    place: int
    gain: Floats
    flow: Floats
    whole: float
    change: Floats

    @property
    def strength(self) -> float:
        """How many standard deviations stand behind the best place."""
        return float(np.sqrt(self.gain[self.place]))

    @property
    def part(self) -> float:
        """Which part of the change the best place explains."""
        return float(self.gain[self.place] / max(self.whole, 1e-9))


def scan(
    sums: Sums, now: int, base: int, signature: Floats, seen: Bools, noise: Noise
) -> tuple[Found, Found] | None:
    """Return the leak, and the end of a leak, that best explain a change up to hour `now`.

        change(b) = mean over [now - 24, now) - mean over up to three days that ended b hours before now
        gain(j)   = (s_j' N^-1 change)^2 / (s_j' N^-1 s_j)

    a generalised likelihood ratio over places j and spans b, N the covariance of the noise (Basseville and
    Nikiforov, Detection of Abrupt Changes, 1993, 7.2; for leaks: Pudar and Liggett, 1992).

    Parameters
    ----------
    base : nothing before this hour is looked at: the level before it was another
    signature : (channels, places) what 1 m3/h at each place moves
    seen : (places,) whether the sensors can see it at all

    Returns
    -------
    The best with positive flow and the best with negative; None while there is too little to compare.
    """
    best: list[Found | None] = [None, None]
    for back in BACK_H:
        end = now - back
        days = min((end - base) // DAY, 3)
        if days < 1:
            break
        late, behind_late = sums.mean(now - DAY, now)
        early, behind_early = sums.mean(end - days * DAY, end)
        change = late - early
        own = noise.spread**2 * (1 / np.maximum(behind_late, 0.1) + 1 / np.maximum(behind_early, 0.1)) / 2
        own += noise.floor**2 + (noise.creep * back / DAY) ** 2
        known = (behind_late >= 2) & (behind_early >= 2)
        moved = change[noise.pressures & known]
        slack = noise.wrong * float(np.sqrt(np.mean(moved**2))) if len(moved) else 0.0
        own[noise.pressures] += slack**2
        if known.sum() < 2:
            continue
        cov = np.diag(own[known]) + noise.unrest[np.ix_(known, known)] * (1 + 1 / days)
        white = np.linalg.inv(np.linalg.cholesky(cov))
        y, z = white @ change[known], white @ signature[known]
        power = np.maximum((z**2).sum(axis=0), 1e-12)
        flow = (y @ z) / power
        gain = flow**2 * power
        for k, sign in enumerate((1, -1)):
            towards = np.where((sign * flow > 0) & seen, gain, 0.0)
            place = int(np.argmax(towards))
            old = best[k]
            if old is None or towards[place] > old.gain[old.place]:
                best[k] = Found(back, place, towards, flow, float(y @ y), change)
    up, down = best
    return (up, down) if up is not None and down is not None else None


def likelihood(found: Found, channels: int) -> Floats:
    """Return how probable each place is, where exactly one leaks (places,); sums to 1.

    By the likelihood of the gains; where even the best place leaves more than noise, all gains count less.
    """
    best = found.gain[found.place]
    loose = max(1.0, (found.whole - best) / max(channels - 3, 1))
    p = np.where(found.gain > 0, np.exp(-0.5 * (best - found.gain) / loose), 0.0)
    return np.asarray(p / p.sum())


def middle(p: Floats, between: Floats, farthest: float) -> tuple[int, float]:
    """Return the place that lies nearest to all others by probability, and how far it is wrong on average.

    Parameters
    ----------
    p : (places,) probability
    between : (places, places) way between them, m
    farthest : a way beyond this counts as this

    >>> way = np.abs(np.subtract.outer([0.0, 100.0, 200.0], [0.0, 100.0, 200.0]))
    >>> middle(np.array([0.5, 0.0, 0.5]), way, 1000.0), middle(np.array([0.6, 0.3, 0.1]), way, 1000.0)
    ((0, 100.0), (0, 50.0))
    """
    off = np.minimum(between, farthest) @ p
    place = int(np.argmin(np.where(p > 0, off, np.inf)))
    return place, float(off[place])
