"""Spread draws of water over the bins of the time axis."""

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.plan import BIN_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def spread(
    subject: Ints, start_s: Floats, duration_s: Floats, litres: Floats, shape: tuple[int, int]
) -> Floats:
    """Return litres per (subject, bin) of draws at a steady flow from `start_s` for `duration_s` seconds.

    What lies outside the axis is cut off. Each draw adds its exact share to every bin that it touches.
    """
    subjects, bins = shape
    end_s = start_s + np.maximum(duration_s, 1.0)
    first = np.floor(start_s / BIN_S).astype(np.int64)
    touched = np.floor(end_s / BIN_S).astype(np.int64) - first + 1
    which = np.repeat(np.arange(len(subject)), touched)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(touched) - touched, touched)
    at = first[which] + offset
    overlap = np.minimum(end_s[which], (at + 1) * BIN_S) - np.maximum(start_s[which], at * BIN_S)
    share = np.maximum(overlap, 0.0) / (end_s - start_s)[which] * litres[which]
    inside = (at >= 0) & (at < bins)
    flat = subject[which[inside]] * bins + at[inside]
    amount = np.bincount(flat, share[inside], minlength=subjects * bins)
    return amount.astype(np.float64).reshape(subjects, bins)


def wander(rng: np.random.Generator, shape: tuple[int, int], sigma: float, memory: float) -> Floats:
    """Return first-order autoregressive noise of standard deviation `sigma` along the last axis."""
    steps = rng.normal(0.0, sigma * np.sqrt(1 - memory**2), shape)
    length = int(np.ceil(np.log(1e-3) / np.log(memory)))
    kernel = memory ** np.arange(length)
    size = shape[1] + length
    spectrum = np.fft.rfft(steps, size, axis=1) * np.fft.rfft(kernel, size)
    return np.asarray(np.fft.irfft(spectrum, size, axis=1)[:, : shape[1]])
