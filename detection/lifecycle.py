"""Events and what is told of them: opened, updated, cleared, reopened, amended, retracted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.words import Severity
from detection.episode import Episode

RANK = {severity: rank for rank, severity in enumerate(Severity)}
_NOTABLE = 0.25

Subject = tuple[str, str, str]  # subject_kind, subject, group


@dataclass(frozen=True)
class Event:
    """One event, as it is stored. Times are seconds since 1970-01-01 UTC; no `id` until it is stored."""

    subject_kind: str
    subject: str
    grp: str
    epoch: int
    detectors: tuple[str, ...]
    meter_id: int | None
    account_no: str | None
    dma_id: int | None
    onset_s: int
    detected_s: int
    last_s: int
    cleared_s: int | None
    severity: Severity
    magnitude: float
    unit: str
    loss_m3: float
    money: float
    evidence: Mapping[str, Any]
    episodes: tuple[Episode, ...]
    announced: float = 0.0
    suppressed_by: int | None = None
    retracted_s: int | None = None
    id: int | None = None

    @property
    def key(self) -> Subject:
        """Subject and group."""
        return self.subject_kind, self.subject, self.grp


@dataclass(frozen=True)
class Entry:
    """One line of an event's history."""

    kind: str
    why: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """An event in its new state, and what is entered into its history; nothing if only figures moved on."""

    event: Event
    entries: tuple[Entry, ...]


def detail(event: Event, old: Event | None = None) -> dict[str, Any]:
    """Return the figures of an event, and where they differ those of before."""
    now = {
        "severity": str(event.severity),
        "magnitude": round(event.magnitude, 3),
        "unit": event.unit,
        "loss_m3": round(event.loss_m3, 3),
        "detectors": list(event.detectors),
        "onset_s": event.onset_s,
        "cleared_s": event.cleared_s,
    }
    if old is None:
        return now
    was = detail(old)
    was["magnitude"] = round(old.announced, 3)
    return {**now, "before": {k: v for k, v in was.items() if v != now[k]}}


def opened(event: Event) -> Change:
    """Return the change that a new event is."""
    entries = [Entry("opened", "", detail(event))]
    if event.cleared_s is not None:
        entries.append(Entry("cleared", "", detail(event)))
    return Change(event, tuple(entries))


def retracted(event: Event, now_s: int) -> Change:
    """Return the change of an event that has lost all its alarms."""
    gone = replace(event, retracted_s=now_s, cleared_s=event.cleared_s or event.last_s)
    return Change(gone, (Entry("retracted", "late or corrected readings removed it", detail(event)),))


def compared(old: Event, new: Event, late: bool) -> Change:
    """Return the change from `old` to `new`, told as what happened.

    An event stays with the customer it was found at; an open one is of the district where the meter is now.
    """
    seen = new.severity
    severity = max(old.severity, seen, key=RANK.__getitem__)
    new = replace(
        new,
        id=old.id,
        detected_s=min(old.detected_s, new.detected_s),
        severity=severity,
        announced=old.announced,
        suppressed_by=old.suppressed_by,
        account_no=old.account_no or new.account_no,
        dma_id=new.dma_id if new.cleared_s is None else old.dma_id,
    )
    kinds: list[tuple[str, str]] = []
    more = len(new.episodes) > len(old.episodes)
    if old.cleared_s is not None and (new.cleared_s is None or (more and new.cleared_s > old.cleared_s)):
        kinds.append(
            ("reopened", "late readings show that it went on" if late and not more else "it came back")
        )
    moved = old.onset_s != new.onset_s or (
        old.cleared_s is not None
        and new.cleared_s is not None
        and old.cleared_s != new.cleared_s
        and not kinds
    )
    size = abs(new.magnitude - old.announced) >= _NOTABLE * max(abs(old.announced), 1e-9)
    if late and (moved or (size and new.magnitude != old.magnitude)):
        kinds.append(("amended", "late or corrected readings changed it"))
        new = replace(new, severity=seen)
    else:
        reasons = [
            text
            for true, text in (
                (severity != old.severity, f"severity rose to {severity}"),
                (set(new.detectors) != set(old.detectors), "seen by " + ", ".join(new.detectors)),
                (size, f"magnitude {old.announced:.4g} -> {new.magnitude:.4g} {new.unit}"),
                (moved and not size, "onset or end moved"),
            )
            if true
        ]
        if reasons and not kinds and new.cleared_s is None:
            kinds.append(("updated", "; ".join(reasons)))
    if new.cleared_s is not None and (old.cleared_s is None or any(k == "reopened" for k, _ in kinds)):
        kinds.append(("cleared", ""))
    if kinds:
        new = replace(new, announced=new.magnitude)
    return Change(new, tuple(Entry(kind, why, detail(new, old)) for kind, why in kinds))
