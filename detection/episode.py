"""One detector's alarm at one meter, from onset to end: what events are made of."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Episode:
    """One alarm. Times are whole seconds since 1970-01-01 UTC.

    `raised_s` is the start of the slot that raised it and `closed_s` of the slot that cleared it: readings
    that change those slots change the decision. `onset_s` and `cleared_s` date the cause itself, `detected_s`
    is when enough was known, `last_s` the end of the last slot in alarm. `rebased` says that the baseline was
    learned anew before, so that this is a second cause and not more of the first. `account_no` is the
    customer then, where the alarm is one meter's own; `dma` the district then, where one event of it speaks
    for all its meters.
    """

    detector: str
    meter_id: int
    raised_s: int
    onset_s: int
    detected_s: int
    last_s: int
    magnitude: float
    loss_l: float
    evidence: dict[str, Any]
    closed_s: int | None = None
    cleared_s: int | None = None
    rebased: bool = False
    account_no: str = ""
    dma: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored with the event."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Episode":
        """Return the episode that `to_json` stored."""
        return cls(**stored)


class Book:
    """Every episode the window may still touch, by detector and meter, in order of raising."""

    def __init__(self) -> None:
        self._episodes: dict[str, dict[int, list[Episode]]] = {}

    def of(self, detector: str) -> dict[int, list[Episode]]:
        """Return a detector's episodes by meter."""
        return self._episodes.setdefault(detector, {})

    def clear(self) -> None:
        """Forget everything."""
        self._episodes.clear()

    def put(self, detector: str, meter_id: int, episodes: list[Episode]) -> None:
        """Replace one meter's episodes of one detector."""
        if episodes:
            self.of(detector)[meter_id] = episodes
        else:
            self.of(detector).pop(meter_id, None)

    def add(self, episode: Episode) -> None:
        """Add one episode, as the book is read back from the store."""
        listed = self.of(episode.detector).setdefault(episode.meter_id, [])
        listed.append(episode)
        listed.sort(key=lambda e: e.raised_s)

    def at(self, meter_id: int, detectors: frozenset[str]) -> list[Episode]:
        """Return one meter's episodes of the detectors named."""
        return [e for name in detectors for e in self._episodes.get(name, {}).get(meter_id, ())]

    def part(self, detectors: Iterable[str], meter_ids: NDArray[np.int64]) -> "Book":
        """Return a book of its own with what this one holds of some detectors and meters."""
        wanted, made = set(meter_ids.tolist()), Book()
        for name in detectors:
            listed = self.of(name)
            made._episodes[name] = {m: listed[m] for m in wanted & listed.keys()}
        return made

    def remove(self, episodes: Iterable[Episode]) -> None:
        """Drop episodes that no longer can change."""
        for gone in episodes:
            left = [e for e in self.of(gone.detector).get(gone.meter_id, ()) if e.raised_s != gone.raised_s]
            self.put(gone.detector, gone.meter_id, left)
