"""The levels of the leaks of one DMA: what each adds to its inflow, from when to when.

A leak's level is a line through knots, each set at some hour out of what was known then. It is subtracted
from the inflow before anything is learned or judged, so that a leak on top of an open one is seen as it is,
and the inflow after a leak's end is held against what is usual. The knots stand in the alarm's evidence: the
ledger is read back from the book, and what was decided from some hour on can be taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detection.episode import Episode

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_HOUR = 3600
_NEVER = 2**40
#: A level that moves by less than this share of itself needs no knot of its own within a week.
_SAME, _WEEK_H = 0.03, 168


class Knot(NamedTuple):
    """A level from some hour on: hour it was decided in, hour it is dated to, L/h, does a new look begin."""

    decided: int
    at: int
    lph: float
    acted: bool


@dataclass
class Leak:
    """One leak of the ledger; hours since 1970, `end` exclusive."""

    how: str
    onset: int
    raised: int
    usual_lph: float
    knots: list[Knot]
    end: int | None = None
    closed: int | None = None
    last: int = 0
    rebased: bool = False
    told: Episode | None = None

    @property
    def open(self) -> bool:
        """Is it still running?"""
        return self.end is None

    @property
    def lph(self) -> float:
        """The newest level, L/h."""
        return self.knots[-1].lph

    @property
    def peak_lph(self) -> float:
        """The highest level so far, L/h."""
        return max(k.lph for k in self.knots)

    def level(self, hours: Ints) -> Floats:
        """Return what it adds in each of the hours, L/h."""
        line: list[Knot] = []
        for knot in self.knots:
            while line and line[-1].at >= knot.at:
                line.pop()
            line.append(knot)
        lph = np.interp(hours, [k.at for k in line], [k.lph for k in line])
        until = _NEVER if self.end is None else self.end
        return np.where((hours >= self.onset) & (hours < until), lph, 0.0)

    def set(self, decided: int, at: int, lph: float, *, acted: bool) -> None:
        """Set the level from an hour on; what was dated to later hours gives way."""
        last, at = self.knots[-1], max(at, self.onset)
        if acted or at - last.at >= _WEEK_H or abs(lph - last.lph) > _SAME * abs(last.lph):
            self.knots = [*self.knots, Knot(decided, at, round(lph, 1), acted)]

    def finish(self, decided: int, end: int) -> None:
        """Date its end."""
        self.end, self.closed = max(end, self.onset + 1), decided
        self.last = self.end


class Ledger:
    """The leaks of one DMA, as they were decided before some hour."""

    def __init__(self, episodes: Sequence[Episode], before: int) -> None:
        self.leaks = [leak for e in episodes if (leak := _read(e, before)) is not None]

    @property
    def running(self) -> list[Leak]:
        """The leaks that run."""
        return [leak for leak in self.leaks if leak.open]

    @property
    def since(self) -> int:
        """The hour from which the newest decision looked anew; a test does not reach beyond it."""
        acted = [k.at for leak in self.leaks for k in leak.knots if k.acted]
        return max([0, *acted, *(leak.end for leak in self.leaks if leak.end is not None)])

    def level(self, hours: Ints) -> Floats:
        """Return what all leaks add in each of the hours, L/h."""
        total = np.zeros(len(hours))
        for leak in self.leaks:
            if leak.onset <= hours[-1] and (leak.end is None or leak.end > hours[0]):
                total += leak.level(hours)
        return total

    def open(self, leak: Leak) -> None:
        """Enter a new leak; on top of a running one it is a second cause."""
        leak.rebased = bool(self.running)
        self.leaks.append(leak)

    def changed(self, detector: str, meter_id: int) -> list[Episode]:
        """Return the alarms that are new or have changed."""
        made = [(_write(leak, detector, meter_id), leak.told) for leak in self.leaks]
        return [episode for episode, told in made if episode != told]


def _read(episode: Episode, before: int) -> Leak | None:
    """Read a leak back as it was known before an hour; None if it was raised since."""
    if episode.raised_s >= before * _HOUR:
        return None
    stored: dict[str, Any] = episode.evidence
    knots = [Knot(int(d), int(a), float(lph), bool(acted)) for d, a, lph, acted in stored["levels"]]
    kept = [k for k in knots if k.decided < before]
    over = episode.closed_s is not None and episode.closed_s < before * _HOUR
    return Leak(
        how=str(stored["how"]),
        onset=episode.onset_s // _HOUR,
        raised=episode.raised_s // _HOUR,
        usual_lph=float(stored["usual_lph"]),
        knots=kept,
        end=episode.cleared_s // _HOUR if over and episode.cleared_s is not None else None,
        closed=episode.closed_s // _HOUR if over and episode.closed_s is not None else None,
        last=min(episode.last_s // _HOUR, before) if not over else episode.last_s // _HOUR,
        rebased=episode.rebased,
        told=episode,
    )


def _write(leak: Leak, detector: str, meter_id: int) -> Episode:
    last = max(leak.last, leak.raised + 1) if leak.open else max(leak.end or 0, leak.onset + 1)
    hours = np.arange(leak.onset, last)
    share = leak.lph / leak.usual_lph if leak.usual_lph > 0 else 0.0
    made = Episode(
        detector=detector,
        meter_id=meter_id,
        raised_s=leak.raised * _HOUR,
        onset_s=leak.onset * _HOUR,
        detected_s=(leak.raised + 1) * _HOUR,
        last_s=last * _HOUR,
        magnitude=leak.lph,
        loss_l=round(float(leak.level(hours).sum()), 1),
        evidence={
            "how": leak.how,
            "usual_lph": leak.usual_lph,
            "rise_lph": leak.lph,
            "peak_lph": leak.peak_lph,
            "share": round(share, 4),
            "levels": [[k.decided, k.at, k.lph, int(k.acted)] for k in leak.knots],
        },
        closed_s=None if leak.closed is None else leak.closed * _HOUR,
        cleared_s=None if leak.end is None else leak.end * _HOUR,
        rebased=leak.rebased,
    )
    return made if leak.told is None else replace(made, detected_s=leak.told.detected_s)
