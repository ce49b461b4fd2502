"""A site that always draws has stopped."""

import numpy as np

from core.words import Severity
from detection.detector import Bools, Chunk, Detector, Floats, Index, Marks, Measured, Param, Spans, by_size
from detection.detectors.usual import DAYS, MIN_HISTORY, SECTORS, learn, screen
from detection.episode import Episode
from detection.kernels.runs import run_length
from detection.kernels.zero_use import zero_use

#: The longest stand-still looked for; a run is counted from so far back.
_LONGEST = 168


def _still(chunk: Chunk, index: Index, volume: Floats, known: Bools) -> Floats:
    """Return the volume up to which an hour is still: the register's step or a share of the mean."""
    mean = np.where(known, volume, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    step = np.nan_to_num(chunk.roster.resolution_l[chunk.site[index]])
    still = np.maximum(step * 0.99, chunk.params["still_share"][index] * mean)
    return np.asarray(still, np.float32)


def _ask(chunk: Chunk, index: Index) -> tuple[Floats, Floats]:
    """Return the still volume and the hours of stand-still that raise, (rows,); NaN: not looked at."""
    still_l, hours = chunk.learn("still", index, lambda lacking: _learn(chunk, lacking))
    return still_l, hours


def _learn(chunk: Chunk, index: Index) -> tuple[Floats, Floats]:
    volume, covered = chunk.history(index, DAYS)
    still_l = _still(chunk, index, volume, covered)
    still = covered & (volume <= still_l[:, None])
    longest = run_length(still).max(axis=1, initial=0)
    n = covered.sum(axis=1)
    always = still.sum(axis=1) <= (1 - chunk.params["min_drawn_share"][index]) * n
    enough = n >= chunk.params["min_history_days"][index] * 24
    hours = np.maximum(chunk.params["min_hours"][index], chunk.params["times_longest"][index] * longest)
    return still_l, np.where(always & enough & (hours <= _LONGEST), hours, np.nan).astype(np.float32)


def mark(chunk: Chunk) -> Marks:
    """Raise where a site stands still for far longer than it ever has."""
    rows = np.arange(len(chunk.rows))
    volume, covered = chunk.values(_LONGEST - 1)
    raises, clears = zero_use(volume, covered, *_ask(chunk, rows))
    return Marks(raises[:, _LONGEST - 1 :], clears[:, _LONGEST - 1 :], np.ones(len(rows), np.int64))


def measure(chunk: Chunk, spans: Spans) -> Measured:
    """Date the onset to the first still hour; the size is what the site would have drawn since."""
    still_l, hours = _ask(chunk, spans.index)
    need = np.nan_to_num(hours, nan=1.0).astype(np.int64)
    onset = np.where(spans.onset < 0, spans.raised - np.maximum(need, 1) + 1, spans.onset)
    volume, _, start = chunk.whole(spans.index)
    usual = learn(chunk, spans.index).at(chunk, start, chunk.hi)
    at = np.arange(volume.shape[1]) + start
    since = (at >= onset[:, None]) & (at < np.maximum(spans.end, spans.raised + 1)[:, None])
    missed = np.where(since & ~np.isnan(usual), usual, 0).sum(axis=1, dtype=np.float64)
    n = np.maximum(since.sum(axis=1), 1)
    evidence = [
        {
            "hours": int(n[i]),
            "usual_lph": round(float(missed[i] / n[i]), 1),
            "still_l": round(float(still_l[i]), 2),
        }
        for i in range(len(onset))
    ]
    return Measured(onset, np.maximum(missed / n, 0), np.zeros(len(onset)), evidence)


def severity(episode: Episode) -> Severity:
    """Grade by what the site would have drawn: 100, 1,000 and 10,000 L/h."""
    return by_size(episode.magnitude, 100, 1000, 10_000)


DETECTOR = Detector(
    name="zero_use",
    group="industrial",
    finds="A site that always draws has stopped: shut off, by-passed, a seized meter, or closed down.",
    plane="hourly",
    unit="L/h",
    kinds=frozenset({"customer"}),
    sectors=SECTORS,
    params=(
        Param("min_hours", 12, "h", "Least stand-still.", "own: half a day", low=1, high=_LONGEST),
        Param(
            "times_longest",
            2.0,
            "times",
            "Least stand-still in so many times the longest of the five weeks before.",
            "own",
            low=1,
            high=20,
        ),
        Param(
            "min_drawn_share",
            0.9,
            "share",
            "Only sites that drew in this share of the known hours.",
            "own: others rest by night or at weekends",
            high=1,
        ),
        Param(
            "still_share",
            0.01,
            "share",
            "An hour up to this share of the mean, or below one step of the register, is still.",
            "own: a dripping tap is no operation",
            high=0.5,
        ),
        MIN_HISTORY,
    ),
    leaves_out=frozenset({"zero_use"}),
    screen=screen,
    mark=mark,
    measure=measure,
    severity=severity,
    explained_by_outage=True,
)
