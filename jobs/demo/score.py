"""What of the labelled faults was found, and what was raised without one; docs/demo.md defines it."""

import csv
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

GRACE = timedelta(hours=24)
SAME_INCIDENT = timedelta(hours=72)
GROUP = {
    "continuous_flow": "leak",
    "rising_minimum": "leak",
    "burst": "leak",
    "low_pressure": "pressure",
    "off_shift": "industrial",
}


@dataclass(frozen=True)
class Fault:
    """A labelled fault."""

    kind: str
    subject: str
    start: datetime
    end: datetime
    detectors: frozenset[str]

    @property
    def groups(self) -> frozenset[str]:
        """The detector groups that answer for it."""
        return frozenset(GROUP[name] for name in self.detectors)


@dataclass(frozen=True)
class Raised:
    """An event as it stands in the store; not one that was retracted."""

    subject: str
    grp: str
    detectors: frozenset[str]
    detected_at: datetime
    onset: datetime


@dataclass
class Line:
    """One detector's part of the score."""

    events: int = 0
    faults: int = 0
    found: int = 0
    false: int = 0


@dataclass(frozen=True)
class Score:
    """By detector; `unlabelled` counts events at subjects that nobody has labelled."""

    lines: dict[str, Line] = field(default_factory=dict)
    faults: int = 0
    found: int = 0
    false: int = 0
    unlabelled: int = 0
    meter_days: float = 0.0

    @property
    def false_per_1000_meter_days(self) -> float:
        """False alarms for each 1,000 days of a simulated meter."""
        return 1000 * self.false / self.meter_days if self.meter_days else 0.0


def read_labels(file: Path, until: datetime) -> list[Fault]:
    """Read the faults of labels.csv that began before `until`."""
    with file.open(encoding="utf-8") as stream:
        faults = [
            Fault(
                row["kind"],
                row["subject"],
                datetime.fromisoformat(row["start"]),
                datetime.fromisoformat(row["end"]),
                frozenset(row["detectors"].split(";")),
            )
            for row in csv.DictReader(stream)
        ]
    return [fault for fault in faults if fault.start < until]


def score(
    faults: Sequence[Fault], events: Iterable[Raised], labelled_subjects: Set[str], meter_days: float
) -> Score:
    """Compare events with labels.

    A fault is found by an event at its subject, of a detector group that answers for it, detected between
    its start and 24 h after its end. An event detected in that time at the subject of a fault is explained by
    it, whatever its group. Every other event at a labelled subject is a false alarm, but for one of the same
    subject and group within 72 h of an earlier one, which is the same incident.
    """
    lines: dict[str, Line] = {}
    found: set[int] = set()
    false = unlabelled = 0
    last: dict[tuple[str, str], datetime] = {}
    for name in sorted({d for fault in faults for d in fault.detectors}):
        lines[name] = Line()
    for event in sorted(events, key=lambda e: e.detected_at):
        for name in event.detectors:
            lines.setdefault(name, Line()).events += 1
        if event.subject not in labelled_subjects:
            unlabelled += 1
            continue
        within = [
            n
            for n, fault in enumerate(faults)
            if fault.subject == event.subject and fault.start <= event.detected_at <= fault.end + GRACE
        ]
        found.update(n for n in within if event.grp in faults[n].groups)
        key = (event.subject, event.grp)
        if not within and (key not in last or event.detected_at - last[key] > SAME_INCIDENT):
            false += 1
            for name in event.detectors:
                lines[name].false += 1
        last[key] = event.detected_at
    for n, fault in enumerate(faults):
        for name in fault.detectors:
            lines[name].faults += 1
            lines[name].found += n in found
    return Score(lines, len(faults), len(found), false, unlabelled, meter_days)
