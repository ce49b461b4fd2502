"""A district as a hydraulic whole: its pressures and inflow, what of them is not as usual, and why.

Where its sensors stand on the network's map, a leak on each pipe has a signature of its own; what the
district shows is held against all of them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.words import MeterKind
from detection import hydraulic, signatures
from detection.detector import Chunk
from detection.kernels import main_burst as kernel
from detection.network import Network
from detection.roster import Roster
from detection.signatures import Answers, Place

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

#: A district is looked at whenever the UTC hour is a multiple of this.
STEP_H = 6
#: What is usual is learned from the first two weeks of the last year and a bit.
LOOKBACK_H = 380 * kernel.DAY
LEARN_H = 14 * kernel.DAY
#: How far back changes are sought, and from how many days the unrest of the channels is taken.
_RECENT_H = kernel.BACK_H[-1] + 7 * kernel.DAY
_UNREST_DAYS = 60
#: A customer's use counts as known where so many of them were heard from.
_HEARD = 0.8
#: Spread of a day that learning doesn't show: kPa (2 mm of water), flows as a part of the usual inflow.
_FLOOR_KPA = 0.021
_FLOOR_SPLIT = 0.002
_FLOOR_INFLOW = 0.01
_FLOOR_METERED = 0.005
#: How much further apart two days a day apart may be, for each day more: seasons, growth.
_CREEP_KPA = 0.0005
_CREEP_INFLOW = 0.0007
_CREEP_METERED = 0.0002
#: The part by which a signature of the model may be wrong.
_WRONG = 0.05


@dataclass(frozen=True)
class View:
    """A district up to an hour: hours count from 1970 UTC, arrays start at `lo`.

    `signature` (channels, pipes) belongs to the channels of `sums`: sensors, inlets but one, inflow.
    """

    lo: int
    hi: int
    sums: kernel.Sums
    rest: Floats
    signature: Floats
    seen: Bools
    noise: kernel.Noise
    between: Floats
    names: tuple[str, ...]
    seat: dict[str, int]
    sensors: tuple[str, ...]
    usual: float
    scans: dict[tuple[int, int], tuple[kernel.Found, kernel.Found] | None]

    @property
    def channels(self) -> int:
        """How many series are looked at."""
        return len(self.signature)

    def scan(self, now: int, base: int) -> tuple[kernel.Found, kernel.Found] | None:
        """Return the leak and the end of a leak that best explain the change up to hour `now`."""
        base = max(base, self.lo)
        if (now, base) not in self.scans:
            self.scans[now, base] = (
                kernel.scan(self.sums, now - self.lo, base - self.lo, self.signature, self.seen, self.noise)
                if now - self.lo > 2 * kernel.DAY
                else None
            )
        return self.scans[now, base]

    def onset(self, found: kernel.Found, place: int, now: int) -> int:
        """Return the hour from which on what the leak explains stands out most."""
        own = np.maximum(self.noise.spread, 1e-6)
        lo = max(now - found.back - kernel.DAY - self.lo, 0)
        rest = self.rest[lo : now - self.lo]
        told = np.nansum(rest * (self.signature[:, place] / own**2), axis=1)
        count = np.arange(1, len(told))
        before = np.cumsum(told)[:-1] / count
        after = (told.sum() - np.cumsum(told)[:-1]) / count[::-1]
        apart = (after - before) * np.sqrt(count * count[::-1])
        return self.lo + lo + 1 + int(np.argmax(apart))


def watched(chunk: Chunk, i: int) -> bool:
    """Return whether the i-th district can be looked at: its sensors are on a map, report, and were learned.

    At least half of them in the two days before the day, and the inflow for two weeks before.
    """
    network, roster = chunk.roster.network, chunk.roster
    if network is None or not (len(network.pipe) or network.inp):
        return False
    site, _, covered = chunk.sensors(i, chunk.day_lo - 2 * kernel.DAY, chunk.day_lo)
    if len(site) == 0 or covered.any(axis=1).mean() < 1 / 2:
        return False
    model = hydraulic.model(network)
    if model.pipes.nodes > hydraulic.LARGEST or (model.find(roster.node[site]) < 0).all():
        return False
    start = chunk.day_lo - LOOKBACK_H
    known = chunk.inflow_of(int(roster.dma_id[chunk.site[i]]), start, chunk.day_lo)[1]
    return bool(known.any()) and int(np.argmax(known)) + LEARN_H <= len(known)


def look(chunk: Chunk, i: int) -> View | None:
    """Return the i-th district of the chunk up to its end; None without a map, sensors or two weeks."""
    network, roster = chunk.roster.network, chunk.roster
    if network is None or (not len(network.pipe) and not network.inp):
        return None
    start = chunk.day_lo - LOOKBACK_H
    site, kpa, covered = chunk.sensors(i, start, chunk.hi)
    if len(site) == 0:
        return None
    dma_id = int(roster.dma_id[chunk.site[i]])
    volume, whole = chunk.inflow_of(dma_id, start, chunk.hi)
    some = np.flatnonzero(whole & covered.any(axis=0))
    if len(some) == 0 or start + some[0] + LEARN_H > chunk.day_lo:
        return None
    first = start + int(some[0])
    recent = max(first, chunk.day_lo - _RECENT_H)
    hours = np.concatenate(
        [np.arange(first, first + LEARN_H), np.arange(max(recent, first + LEARN_H), chunk.hi)]
    )
    learn = hours < first + LEARN_H
    at = hours - start
    inflow = np.where(whole, volume, np.nan)[at] / 1000.0
    usual = float(np.nanmean(inflow[learn]))
    if not usual > 0:
        return None
    bounds = _bounds(chunk, i, dma_id, start, at)
    place = _place(
        roster, dma_id, site, bounds.site[bounds.feeds], bounds.site[~bounds.feeds & ~bounds.stores]
    )
    passed = float(np.nanmean(bounds.passed[learn]))
    found = _answers(network, place, _rounded(usual), _rounded(passed))
    if found is None:
        return None
    model = hydraulic.model(network)
    through, usual_through = inflow + bounds.passed, usual + passed
    weight = signatures.weights(through, usual_through)
    names = tuple(str(roster.serial[s]) for s in site)
    how = np.concatenate([chunk.timetable.hour_of_week(int(a), int(b)) for a, b in _runs(hours)])
    split = bounds.volume[bounds.feeds][:-1]
    values = np.vstack([np.where(covered, kpa, np.nan)[:, at], split])
    metered, expected, inflow_spread = _expected(chunk, i, dma_id, start, at, inflow, how, learn)
    drives = expected if metered else inflow
    rest, spread = kernel.residuals(
        values, kernel.features(drives, bounds.passed, bounds.level, how, usual), learn, kernel.FLOWS
    )
    rest = np.column_stack([rest, inflow - expected])
    spread = np.append(spread, inflow_spread)
    signed = signatures.signature(found, through[learn], weight[learn], usual_through, beyond=not metered)
    signed = np.vstack([signed[: len(values)], np.ones((1, signed.shape[1]))])
    use = np.isfinite(signed).all(axis=1) & np.isfinite(spread)
    keep = hours >= recent
    weights = np.where(np.arange(len(spread)) < len(values), weight[keep][:, None], 1.0)
    sums = kernel.Sums.of(rest[keep][:, use], weights[:, use])
    pressures = np.arange(len(spread)) < len(site)
    floor = np.where(pressures, _FLOOR_KPA, _FLOOR_SPLIT * usual)
    floor[-1] = usual * (_FLOOR_METERED if metered else _FLOOR_INFLOW)
    creep = np.where(pressures, _CREEP_KPA, 0.0)
    creep[-1] = usual * (_CREEP_METERED if metered else _CREEP_INFLOW)
    unrest = kernel.unrest(sums, chunk.day_lo - recent, _UNREST_DAYS, floor[use])
    noise = kernel.Noise(spread[use], floor[use], creep[use], unrest, _WRONG, pressures[use])
    return View(
        lo=recent,
        hi=chunk.hi,
        sums=sums,
        rest=(rest[keep] * weights)[:, use],
        signature=signed[use],
        seen=found.seen,
        noise=noise,
        between=model.between_pipes(),
        names=model.names,
        seat=_seats(model),
        sensors=tuple(name for name, used in zip(names, use, strict=False) if used),
        usual=usual,
        scans={},
    )


@dataclass(frozen=True)
class _Bounds:
    """The meters around a district over some hours: roster positions, volumes in m3 (meters, hours)."""

    site: Index
    volume: Floats
    feeds: Bools
    stores: Bools
    passed: Floats
    level: Floats


def _bounds(chunk: Chunk, i: int, dma_id: int, start: int, at: Index) -> _Bounds:
    site, volume, covered = chunk.boundary(i, start, chunk.hi)
    told = np.where(covered, volume, np.nan) / 1000.0
    kind = chunk.roster.kind[site]
    stores = kind == MeterKind.STORAGE
    feeds = ~stores & (kind == MeterKind.DMA_INLET) & (chunk.roster.dma_id[site] == dma_id)
    level = np.cumsum(np.nan_to_num(told[stores].sum(axis=0)))[at]
    told = told[:, at]
    return _Bounds(site, told, feeds, stores, told[~feeds & ~stores].sum(axis=0), level)


def _expected(
    chunk: Chunk,
    i: int,
    dma_id: int,
    start: int,
    at: Index,
    inflow: Floats,
    how: NDArray[np.int64],
    learn: Bools,
) -> tuple[bool, Floats, float]:
    """Return whether use is metered, the inflow that is expected (hours,), and its error while learning.

    What the customers' meters say leads to what is expected; without them, the hour of the week.
    """
    used, heard = (a[at] for a in chunk.use(i, start, chunk.hi))
    roster = chunk.roster
    customers = int(((roster.kind == MeterKind.CUSTOMER) & (roster.dma_id == dma_id)).sum())
    known = heard >= max(_HEARD * customers, 1)
    if customers and (known & learn).sum() > learn.sum() / 2:
        share = np.where(known, used / np.maximum(heard, 1) * customers, np.nan) / 1000.0
        of = np.column_stack([np.ones(len(share)), share]).astype(np.float64)
        rest, spread = kernel.residuals(inflow[None], of, learn, 2)
        gone = np.where(np.isnan(rest[:, 0]), np.nan, inflow - rest[:, 0])
        return True, gone, float(spread[0])
    weeks = np.full((168, int(learn.sum()) // 24), np.nan)
    order = np.argsort(how[learn], kind="stable")
    which = how[learn][order]
    weeks[which, np.arange(len(which)) - np.searchsorted(which, which)] = inflow[learn][order]
    weeks[np.isnan(weeks).all(axis=1)] = np.nanmean(inflow[learn])
    expected = np.nanmedian(weeks, axis=1)[how]
    return False, expected, float(np.nanstd((inflow - expected)[learn]))


def _place(roster: Roster, dma_id: int, sensors: Index, inlets: Index, outlets: Index) -> Place:
    node, other = roster.node, (roster.dma_id != dma_id) & (roster.kind == MeterKind.PRESSURE)
    stores = (roster.kind == MeterKind.STORAGE) & (roster.dma_id == dma_id)
    return Place(
        sensors=tuple(node[sensors].tolist()),
        inlets=tuple(node[inlets].tolist()),
        outlets=tuple(node[outlets].tolist()),
        stores=tuple(node[stores].tolist()),
        others=tuple(sorted({n for n in node[other].tolist() if n})),
    )


@lru_cache(maxsize=256)
def _answers(network: Network, place: Place, usual: float, passed: float) -> Answers | None:
    return signatures.answers(hydraulic.model(network), place, usual, passed)


@lru_cache(maxsize=2)
def _seats(model: hydraulic.Model) -> dict[str, int]:
    return {name: j for j, name in enumerate(model.names)}


def _rounded(flow: float) -> float:
    """Return a flow to two digits, so that what is worked out for it lasts."""
    return float(f"{max(flow, 0.0):.1e}")


def _runs(hours: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the spans [lo, hi) that ascending hours consist of.

    >>> _runs(np.array([3, 4, 7]))
    [(3, 5), (7, 8)]
    """
    cuts = np.flatnonzero(np.diff(hours) != 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(hours, cuts)]
