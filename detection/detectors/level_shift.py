"""Use has moved to a higher level, round the clock."""

import numpy as np

from core.words import Severity
from detection.detector import Chunk, Detector, Floats, Index, Marks, Measured, Param, Spans, by_size
from detection.detectors.usual import DAYS, EVENTS, SECTORS, Usual, learn, screen
from detection.episode import Episode
from detection.kernels.excess import began, excess


def _threshold(chunk: Chunk, index: Index, known: Usual) -> Floats:
    """Return the least mean excess, (rows,) litres an hour."""
    threshold = np.maximum.reduce(
        [
            chunk.params["k_sigma"][index] * known.day_sigma_l,
            chunk.params["min_excess_share"][index] * known.mean_l,
            chunk.params["min_excess_lph"][index],
        ]
    )
    return np.where(known.enough, threshold, np.float32(np.nan))


def mark(chunk: Chunk) -> Marks:
    """Raise where the mean of the window is beyond what is usual for it."""
    window = chunk.params["window_h"].astype(np.int64)
    lookback = int(window.max(initial=1)) - 1
    rows = np.arange(len(chunk.rows))
    volume, covered = chunk.values(lookback)
    known = learn(chunk, rows)
    above = volume - known.at(chunk, chunk.lo - lookback, chunk.hi)
    raises, clears = excess(above, covered & ~np.isnan(above), _threshold(chunk, rows, known), window)
    return Marks(raises[:, lookback:], clears[:, lookback:], window)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset within the window that raised; the mean excess since is the size."""
    window = chunk.params["window_h"][spans.index].astype(np.int64)
    volume, covered, start = chunk.whole(spans.index)
    known = learn(chunk, spans.index)
    threshold = _threshold(chunk, spans.index, known)
    usual = known.at(chunk, start, chunk.hi)
    at = np.arange(volume.shape[1]) + start
    first = (spans.raised - window + 1)[:, None]
    inside = covered & ~np.isnan(usual) & (at >= first) & (at <= spans.raised[:, None])
    onset = np.where(spans.onset < 0, start + began(volume - usual, inside, threshold), spans.onset)
    end = np.maximum(spans.end, spans.raised + 1)
    since = covered & (at >= onset[:, None]) & (at < end[:, None]) & ~np.isnan(usual)
    over = np.where(since, volume - usual, 0).sum(axis=1, dtype=np.float64)
    hours = np.maximum(since.sum(axis=1), 1)
    evidence = [
        {
            "level_lph": round(float(np.where(since[i], volume[i], 0).sum() / hours[i]), 1),
            "usual_lph": round(float(np.where(since[i], usual[i], 0).sum() / hours[i]), 1),
            "excess_threshold_lph": round(float(threshold[i]), 1),
            "hours": int(hours[i]),
        }
        for i in range(len(onset))
    ]
    return Measured(onset, np.maximum(over / hours, 0), np.maximum(over, 0), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by the mean excess: 100, 1,000 and 10,000 L/h."""
    return by_size(episode.magnitude, 100, 1000, 10_000)


DETECTOR = Detector(
    name="level_shift",
    group="industrial",
    finds="Use has moved to a higher level, night and day: a leak inside, an open valve, new plant.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    sectors=SECTORS,
    params=(
        Param("window_h", 24, "h", "The mean over so many hours is judged.", "own: a day", low=12, high=168),
        Param(
            "k_sigma",
            4.0,
            "sigma",
            "Least mean excess in 1.4826 MAD of the days about the week before them.",
            "Rousseeuw and Croux 1993; 4: own",
            low=2,
            high=50,
        ),
        Param(
            "min_excess_share",
            0.15,
            "share",
            "Least mean excess as a share of the site's mean.",
            "own",
            high=10,
        ),
        Param("min_excess_lph", 50, "L/h", "Least mean excess.", "own: 50 L/h is 1.2 m3 a day"),
        Param(
            "min_history_days",
            28,
            "d",
            "Known history (of 35 days) needed.",
            "own: days about the median of fewer than four weeks look calmer than they are",
            low=7,
            high=DAYS,
        ),
    ),
    leaves_out=EVENTS,
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
