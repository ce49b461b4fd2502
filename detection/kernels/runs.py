"""Runs and trailing counts along the slots of (meters, slots) masks."""

import numpy as np
from numpy.typing import NDArray


def run_length(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many slots in a row, this one included, the mask has held; (meters, slots).

    >>> run_length(np.array([[1, 1, 0, 1]], bool)).tolist()
    [[1, 2, 0, 1]]
    """
    at = np.arange(mask.shape[1])
    return np.asarray(at - np.maximum.accumulate(np.where(mask, -1, at), axis=1))


def trailing_count(mask: NDArray[np.bool_], window: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return how often the mask held in the last `window` slots (one value a meter), this one included.

    >>> trailing_count(np.array([[1, 1, 0, 1]], bool), np.array([2])).tolist()
    [[1, 2, 1, 1]]
    """
    total = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int32)
    np.cumsum(mask, axis=1, out=total[:, 1:])
    counted = np.empty(mask.shape, np.int32)
    for w in np.unique(window):
        same = window == w
        rows = total if same.all() else total[same]
        before = np.concatenate(
            [np.zeros((len(rows), min(w, mask.shape[1])), np.int32), rows[:, 1:-w]], axis=1
        )
        counted[same] = rows[:, 1:] - before[:, : mask.shape[1]]
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
