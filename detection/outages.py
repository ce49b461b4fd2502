"""Outages speak for the events that they explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detection.detector import Detector
from detection.lifecycle import Change, Entry, Event, detail
from detection.roster import Roster

_GRACE_S = 3600


@dataclass(frozen=True)
class Outage:
    """An interruption: its districts and service points, from when to when (seconds, end exclusive).

    `event_id` is the event that it was announced for, if any: the cause, which no outage explains.
    One that was cancelled ends before it begins.
    """

    id: int
    code: str
    dmas: frozenset[int]
    points: frozenset[int]
    starts_s: int
    ends_s: int
    event_id: int | None = None


def explain(
    change: Change, outages: Sequence[Outage], detectors: Mapping[str, Detector], roster: Roster
) -> Change:
    """Let an outage that explains the event speak for it; when the event outlasts it, let it speak again."""
    event = change.event
    if event.retracted_s is not None:
        return change
    explicable = all(detectors[d].explained_by_outage for d in event.detectors)
    if event.suppressed_by is not None:
        return _outlasting(change, outages, explicable, roster)
    if not explicable or (event.cleared_s is not None and not change.entries):
        return change
    for outage in outages:
        if _in_time(outage, event) and _reaches(outage, event, roster):
            entry = Entry("suppressed", f"outage {outage.code} explains it", detail(event))
            others = tuple(e for e in change.entries if e.kind != "opened")
            return Change(replace(event, suppressed_by=outage.id), (entry, *others))
    return change


def _outlasting(change: Change, outages: Sequence[Outage], explicable: bool, roster: Roster) -> Change:
    event = change.event
    outage = next((o for o in outages if o.id == event.suppressed_by), None)
    if outage is None or event.cleared_s is not None:
        return change
    within = _reaches(outage, event, roster)
    if explicable and within and event.last_s <= outage.ends_s + _GRACE_S:
        return change
    what = (
        "it is more than is explained by"
        if not explicable
        else "it outlasts"
        if within
        else "it lies outside"
    )
    entry = Entry("opened", f"{what} outage {outage.code}", detail(event))
    return Change(replace(event, suppressed_by=None), (*change.entries, entry))


def _in_time(outage: Outage, event: Event) -> bool:
    began = outage.starts_s - _GRACE_S <= event.onset_s < outage.ends_s + _GRACE_S
    return began and event.last_s <= outage.ends_s + _GRACE_S


def _reaches(outage: Outage, event: Event, roster: Roster) -> bool:
    if outage.event_id is not None and outage.event_id == event.id:
        return False
    if event.dma_id in outage.dmas:
        return True
    if event.meter_id is None:
        return False
    site = int(roster.find(np.array([event.meter_id]))[0])
    return site >= 0 and int(roster.point_id[site]) in outage.points
