"""An hour far beyond what the site draws around that time of the week."""

import numpy as np

from core.words import Severity
from detection.detector import Chunk, Detector, Floats, Index, Marks, Measured, Param, Spans, by_size
from detection.detectors.usual import EVENTS, MIN_HISTORY, SECTORS, Usual, learn, screen
from detection.episode import Episode
from detection.kernels.excess import excess


def _usual(chunk: Chunk, known: Usual, lo: int, hi: int) -> Floats:
    """Return the highest usual of the hour and its neighbours: work that begins an hour early is no spike."""
    wide = known.at(chunk, lo - 1, hi + 1)
    return np.fmax(np.fmax(wide[:, :-2], wide[:, 1:-1]), wide[:, 2:])


def _threshold(chunk: Chunk, index: Index, known: Usual) -> Floats:
    """Return the least excess of a spike, (rows,)."""
    threshold = np.maximum.reduce(
        [
            chunk.params["k_sigma"][index] * known.hour_sigma_l,
            chunk.params["min_excess_share"][index] * known.mean_l,
            chunk.params["tail"][index] * known.tail_l,
            chunk.params["min_excess_lph"][index],
        ]
    )
    return np.where(known.enough, threshold, np.float32(np.nan))


def mark(chunk: Chunk) -> Marks:
    """Raise in the first hour that is far beyond."""
    rows = np.arange(len(chunk.rows))
    volume, covered = chunk.values()
    known = learn(chunk, rows)
    above = volume - _usual(chunk, known, chunk.lo, chunk.hi)
    one = np.ones(len(rows), np.int64)
    raises, clears = excess(above, covered & ~np.isnan(above), _threshold(chunk, rows, known), one)
    return Marks(raises, clears, one)


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Count what was drawn beyond the usual since the onset."""
    onset = np.where(spans.onset < 0, spans.raised, spans.onset)
    volume, covered, start = chunk.whole(spans.index)
    known = learn(chunk, spans.index)
    usual = _usual(chunk, known, start, chunk.hi)
    at = np.arange(volume.shape[1]) + start
    since = covered & (at >= onset[:, None]) & (at < spans.end[:, None]) & ~np.isnan(usual)
    over = np.where(since, np.maximum(volume - usual, 0), 0)
    threshold = _threshold(chunk, spans.index, known)
    evidence = [
        {
            "volume_l": round(float(np.where(since[i], volume[i], 0).sum()), 1),
            "usual_l": round(float(np.where(since[i], usual[i], 0).sum()), 1),
            "excess_threshold_l": round(float(threshold[i]), 1),
            "hours": int(since[i].sum()),
            "slot": chunk.timetable.text(int(spans.raised[i]) * 3600),
        }
        for i in range(len(onset))
    ]
    highest = over.max(axis=1, initial=0).astype(np.float64)
    return Measured(onset, highest, over.sum(axis=1).astype(np.float64), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by the highest excess: 1, 10 and 100 m3/h."""
    return by_size(episode.magnitude, 1000, 10_000, 100_000)


DETECTOR = Detector(
    name="spike",
    group="industrial",
    finds="An hour far beyond what the site draws then: a filling, a flushing, a burst, hydrants.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    sectors=SECTORS,
    params=(
        Param(
            "k_sigma",
            10.0,
            "sigma",
            "Least excess in 1.4826 MAD of the hours about their profile.",
            "Rousseeuw and Croux 1993; 10: own, hours have long tails",
            low=2,
            high=100,
        ),
        Param(
            "min_excess_share", 0.7, "share", "Least excess as a share of the site's mean.", "own", high=100
        ),
        Param(
            "tail",
            2.0,
            "times",
            "Least excess as so many times the 0.998 quantile of the history's (of five weeks, the "
            "second-highest hour): what a site does every month is its way.",
            "own",
            high=100,
        ),
        Param("min_excess_lph", 100, "L/h", "Least excess.", "own: a tap draws 500 L/h"),
        MIN_HISTORY,
    ),
    leaves_out=EVENTS,
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
)
