"""What an operator would have been told, one row an event."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from detection.lifecycle import Change, Event, Subject
from detection.roster import Roster


@dataclass(frozen=True)
class Row:
    """One event. Times are ISO 8601 in UTC; `cleared` is empty while it goes on."""

    event: int
    detector: str
    subject_kind: str
    subject: str
    dma: str
    onset: str
    detected: str
    cleared: str
    severity: str
    magnitude: float
    unit: str
    loss_m3: float
    area: str


@dataclass(frozen=True)
class _Told:
    """An event when it was told: the detector that raised it, when, and the place it named."""

    detector: str
    detected_s: int
    area: str


class Ledger:
    """Every event that was opened, those included that were retracted later."""

    def __init__(self) -> None:
        self._told: dict[tuple[Subject, int], _Told] = {}
        self._events: dict[tuple[Subject, int], Event] = {}

    def __len__(self) -> int:
        return len(self._told)

    def note(self, changes: Iterable[Change], now_s: int, every_s: int, *, piecemeal: bool) -> None:
        """Take down what a cycle came to, or several cycles `every_s` apart, the last one at `now_s`."""
        for change in changes:
            event = change.event
            key = (event.key, event.epoch)
            if key not in self._told and any(entry.kind == "opened" for entry in change.entries):
                first = min(event.episodes, key=lambda e: (e.detected_s, e.raised_s, e.detector))
                detected_s = now_s
                if piecemeal and key not in self._events:  # else it was suppressed, and outlasted its outage
                    detected_s = min(-(-event.detected_s // every_s) * every_s, now_s)
                self._told[key] = _Told(first.detector, detected_s, _area(event, first.detector))
            self._events[key] = event

    def told(self) -> list[tuple[Event, str, int]]:
        """Return the events in order of detection: each with its first detector and when that was."""
        told = sorted(self._told.items(), key=lambda item: (item[1].detected_s, item[0]))
        return [(self._events[key], first.detector, first.detected_s) for key, first in told]

    def rows(self, roster: Roster) -> list[Row]:
        """Return the events in order of detection, as they are written."""
        dma_of = dict(zip(roster.dma_id.tolist(), roster.dma.tolist(), strict=True))
        told = sorted(self._told.items(), key=lambda item: (item[1].detected_s, item[0]))
        return [_row(n, self._events[key], first, dma_of) for n, (key, first) in enumerate(told, 1)]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write events.csv."""
    names = [f.name for f in fields(Row)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(row, name) for name in names] for row in rows)


def _row(n: int, event: Event, told: _Told, dma_of: dict[int, str]) -> Row:
    gone_s = event.retracted_s
    cleared_s = gone_s if gone_s is not None else event.cleared_s
    return Row(
        event=n,
        detector=told.detector,
        subject_kind=event.subject_kind,
        subject=event.subject,
        dma=dma_of.get(event.dma_id, "") if event.dma_id is not None else "",
        onset=_text(event.onset_s),
        detected=_text(told.detected_s),
        cleared="" if cleared_s is None else _text(cleared_s),
        severity=str(event.severity),
        magnitude=round(event.magnitude, 3),
        unit=event.unit,
        loss_m3=round(event.loss_m3, 3),
        area=told.area,
    )


def _area(event: Event, first: str) -> str:
    found = [event.evidence.get(name, {}).get("area") for name in (first, *event.detectors)]
    return ";".join(str(place) for place in next((area for area in found if area), ()))


def _text(ts_s: int) -> str:
    return datetime.fromtimestamp(ts_s, UTC).isoformat().replace("+00:00", "Z")
