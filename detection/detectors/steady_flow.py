"""How continuous_flow asks for steady runs: candidates from the newest hours, history for those alone."""

from dataclasses import dataclass

import numpy as np

from detection.detector import Bools, Chunk, Floats, Index, Ints
from detection.kernels.steady import RUN_H, SHARE, may_run, recurrence, steady_level

RECENT_H = 168
_HISTORY_H = 28 * 24
_KNOWN_H = 168
_AT_ONCE = 1024


@dataclass(frozen=True)
class Steady:
    """What is known of (rows, slots of [lo, hi)): is it raised, and does the leak rest in between."""

    raised: Bools
    comes_and_goes: Bools


def step(chunk: Chunk) -> Floats:
    """Return the resolution of each row's register, litres; at least one, and one where it is unknown."""
    return np.fmax(chunk.roster.resolution_l[chunk.site], np.float32(1))


def runs(chunk: Chunk) -> Bools:
    """Return in which rows an hour of the chunk ends a steady run."""
    found = chunk.params["steady_nats"] > 0
    if chunk.series.start > chunk.day_lo - RECENT_H - _KNOWN_H:
        return np.zeros(len(found), bool)
    volume, covered = chunk.values(RUN_H - 1)
    if found.any():
        found &= may_run(volume, covered, step(chunk))
    some = np.flatnonzero(found)
    level = steady_level(volume[some], covered[some], step(chunk)[some])
    found[some] = ~np.isnan(level[:, RUN_H - 1 :]).all(axis=1)
    return found


def weigh(chunk: Chunk, index: Index, lo: int) -> Steady:
    """Weigh the steady runs of some rows that end in [lo, hi)."""
    raised = np.zeros((len(index), chunk.hi - lo), bool)
    rested = raised.copy()
    for part in range(0, len(index), _AT_ONCE):
        some = slice(part, part + _AT_ONCE)
        raised[some], rested[some] = _weigh(chunk, index[some], lo)
    return Steady(raised, raised & rested)


def _weigh(chunk: Chunk, index: Index, lo: int) -> tuple[Bools, Bools]:
    base = chunk.day_lo - _HISTORY_H
    volume, covered = chunk.series.read(chunk.rows[index], base, chunk.hi)
    steps = step(chunk)[index]
    levels = steady_level(volume, covered, steps)
    row, at = np.nonzero(~np.isnan(levels[:, lo - base :]))
    nats, rested = np.zeros(len(row)), np.zeros(len(row), bool)
    for part in range(0, len(row), _AT_ONCE):
        some = slice(part, part + _AT_ONCE)
        found = recurrence(
            levels, volume, covered, steps, row[some], at[some] + lo - base, _HISTORY_H, RECENT_H
        )
        nats[some], rested[some] = found.nats, found.rested
    raised = np.zeros((len(index), chunk.hi - lo), bool)
    pauses = raised.copy()
    need = chunk.params["steady_nats"][index][row]
    raised[row, at] = (nats >= need) & (need > 0)
    pauses[row, at] = rested
    return raised, pauses


def first_run(chunk: Chunk, index: Index, at: Ints) -> Ints:
    """Return when the spell of steady runs that ends at the slots `at` began; -1: no run ends there."""
    found = np.full(len(index), -1, np.int64)
    base = chunk.day_lo - _HISTORY_H
    volume, covered = chunk.series.read(chunk.rows[index], base, chunk.hi)
    steps = step(chunk)[index]
    levels = steady_level(volume, covered, steps)
    where = np.clip(at - base, 0, volume.shape[1] - 1)
    has = np.flatnonzero(~np.isnan(levels[np.arange(len(index)), where]))
    weighed = recurrence(levels, volume, covered, steps, has, where[has], _HISTORY_H, RECENT_H)
    found[has] = base + weighed.first
    return found


def level_since(volume: Floats, covered: Bools, steps: Floats, since: Bools) -> Floats:
    """Return the median level of the steady runs within `since`, one value a row; NaN without any."""
    levels = np.where(since, steady_level(volume, covered, steps), np.float32(np.nan))
    levels.sort(axis=1)
    n = (~np.isnan(levels)).sum(axis=1)
    middle = np.take_along_axis(levels, np.maximum(n - 1, 0)[:, None] // 2, axis=1)[:, 0]
    return np.asarray(middle)


def hours_on(chunk: Chunk, index: Index, volume: Floats, where: Bools, level: Floats) -> Ints:
    """Return for how many of the hours `where` it ran: by share d, usual + d - usual d reach the level."""
    least = (level - SHARE * level - step(chunk)[index])[:, None]
    past, known = chunk.history(index, 28)
    usual = (known & (past >= least)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    n, on = where.sum(axis=1), (where & (volume >= least)).sum(axis=1)
    share = 1 - (1 - on / np.maximum(n, 1)) / np.maximum(1 - usual, 0.01)
    return np.asarray(np.rint(n * np.clip(share, 0, 1)), np.int64)
