"""Runs and trailing counts along the slots of (meters, slots) masks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _counting(slots: int) -> type[np.signedinteger[Any]]:
    """Return the smallest type that counts so many slots: along an axis it is several times quicker."""
    return np.int16 if slots < 2**15 else np.int32


def run_length(mask: NDArray[np.bool_]) -> NDArray[np.signedinteger[Any]]:
    """Return how many slots in a row, this one included, the mask has held; (meters, slots).

    >>> run_length(np.array([[1, 1, 0, 1]], bool)).tolist()
    [[1, 2, 0, 1]]
    """
    at = np.arange(mask.shape[1], dtype=_counting(mask.shape[1]))
    broken = np.where(mask, at.dtype.type(-1), at)
    np.maximum.accumulate(broken, axis=1, out=broken)
    return np.subtract(at, broken, out=broken)


def held(mask: NDArray[np.bool_], slots: int) -> NDArray[np.bool_]:
    """Return where the mask has held for at least `slots` slots in a row, this one included; (meters, slots).

    The same as `run_length(mask) >= slots`, and much quicker.

    >>> held(np.array([[1, 1, 0, 1, 1, 1]], bool), 2).astype(int).tolist()
    [[0, 1, 0, 0, 1, 1]]
    """
    if slots > mask.shape[1]:
        return np.zeros_like(mask)
    found, have = mask.copy(), 1
    while have < slots:
        step = min(have, slots - have)
        found[:, step:] &= found[:, :-step].copy()
        found[:, :step] = False
        have += step
    found[:, : slots - 1] = False
    return found


def trailing_count(mask: NDArray[np.bool_], window: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return how often the mask held in the last `window` slots (one value a meter), this one included.

    >>> trailing_count(np.array([[1, 1, 0, 1]], bool), np.array([2])).tolist()
    [[1, 2, 1, 1]]
    """
    total = np.cumsum(mask, axis=1, dtype=np.int32)
    counted = total.copy()
    for w in np.unique(window):
        same = window == w
        if w >= mask.shape[1]:
            continue
        if same.all():
            counted[:, w:] -= total[:, :-w]
        else:
            counted[same, w:] -= total[same, :-w]
    return counted


def last_before(mask: NDArray[np.bool_], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last slot before `at` (one value a meter) in which the mask held; -1 if there is none.

    >>> last_before(np.array([[1, 0, 0, 1]], bool), np.array([3])).tolist()
    [0]
    """
    where = np.where(mask & (np.arange(mask.shape[1]) < at[:, None]), np.arange(mask.shape[1]), -1)
    return np.asarray(where.max(axis=1, initial=-1))


def quantile(values: NDArray[np.float32], covered: NDArray[np.bool_], q: float) -> NDArray[np.float32]:
    """Return each meter's quantile over its covered slots (nearest rank, rounded up); NaN without any.

    >>> quantile(np.array([[1, 2, 3, 9]], np.float32), np.array([[1, 1, 1, 0]], bool), 0.5).tolist()
    [2.0]
    """
    ordered = np.sort(np.where(covered, values, np.float32(np.nan)), axis=1)
    n = covered.sum(axis=1)
    rank = np.clip(np.ceil(q * n).astype(np.int64) - 1, 0, max(values.shape[1] - 1, 0))
    return np.take_along_axis(ordered, rank[:, None], axis=1)[:, 0]
