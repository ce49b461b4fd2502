"""The events that may still change, kept in step with the alarms that they are made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from detection.causes import causes, claims, family, group_of, subject
from detection.detector import Detector
from detection.episode import Book, Episode
from detection.lifecycle import RANK, Change, Event, Subject, compared, opened, retracted
from detection.outages import Outage, explain
from detection.roster import Roster

_FOREVER = 2**62


class Diary:
    """The events that may still change."""

    def __init__(self, detectors: Mapping[str, Detector], *, rearm_h: float) -> None:
        self._detectors = detectors
        self._rearm_s = int(rearm_h * 3600)
        self._events: dict[Subject, list[Event]] = {}
        self._epochs: dict[Subject, int] = {}

    def remember(self, events: Iterable[Event], epochs: Mapping[Subject, int]) -> None:
        """Take over events from the store, and the highest epoch of every subject and group."""
        self._events, self._epochs = {}, dict(epochs)
        for event in sorted(events, key=lambda e: e.epoch):
            self._put(event)

    def events(self) -> list[Event]:
        """Return every event that is remembered."""
        return [e for listed in self._events.values() for e in listed]

    def open_by_group(self) -> dict[str, int]:
        """Return how many events are open, by group; a group that ever had one is named."""
        counted = {key[2]: 0 for key in self._epochs}
        for event in self.events():
            counted[event.grp] += event.cleared_s is None and event.retracted_s is None
        return counted

    def stored(self, event: Event, event_id: int) -> None:
        """Note the id under which the store keeps an event."""
        self._put(replace(event, id=event_id))

    def forget(self, before_s: int, book: Book, *, network_before_s: int) -> None:
        """Drop events that were over before `before_s`, those of the network later, and their alarms."""
        for key, listed in list(self._events.items()):
            horizon_s = network_before_s if key[2] == "network" else before_s
            over = [e for e in listed if max(e.cleared_s or _FOREVER, e.last_s) < horizon_s]
            if not over:
                continue
            for event in over:
                book.remove(event.episodes)
            listed[:] = [e for e in listed if e not in over]
            if not listed:
                del self._events[key]

    def _put(self, event: Event) -> None:
        listed = self._events.setdefault(event.key, [])
        listed[:] = sorted([*(e for e in listed if e.epoch != event.epoch), event], key=lambda e: e.epoch)
        self._epochs[event.key] = max(event.epoch, self._epochs.get(event.key, -1))

    def settle(
        self,
        touched: set[tuple[str, int]],
        late: set[int],
        book: Book,
        roster: Roster,
        outages: Sequence[Outage],
        now_s: int,
    ) -> list[Change]:
        """Return the changes that the touched alarms and the outages make."""
        look = _Look(self._detectors, roster, book)
        asked: dict[tuple[str, str, frozenset[str]], set[int]] = {}
        for name, meter in touched:
            for kind, code, group in look.subjects(name, meter):
                asked.setdefault((kind, code, family(group)), set()).add(meter)
        changes = []
        for (kind, code, groups), meters in sorted(asked.items(), key=lambda item: item[0][:2]):
            changes += self._subject((kind, code), groups, look, bool(meters & late), now_s)
        settled = {(c.event.key, c.event.epoch): c for c in changes}
        for event in self.events():
            at = (event.key, event.epoch)
            change = settled.get(at, Change(event, ()))
            explained = explain(change, outages, self._detectors, roster)
            if explained is not change or at in settled:
                settled[at] = explained
                self._put(explained.event)
        return [settled[at] for at in sorted(settled)]

    def _subject(
        self, who: tuple[str, str], groups: frozenset[str], look: "_Look", late: bool, now_s: int
    ) -> list[Change]:
        stored = [
            e
            for group in sorted(groups)
            for e in self._events.get((*who, group), ())
            if e.retracted_s is None
        ]
        found = causes(look.episodes(who, groups), self._detectors, self._rearm_s)
        claimed, lost = claims(stored, found, self._rearm_s)
        changes = []
        for i, cause in enumerate(found):
            old = claimed.get(i)
            key = old.key if old else (*who, group_of(cause, self._detectors))
            epoch = old.epoch if old else self._epochs.get(key, -1) + 1
            made = look.event(key, epoch, cause)
            changes.append(compared(old, made, late) if old else opened(made))
            self._put(changes[-1].event)
        for event in lost:
            changes.append(retracted(event, now_s))
            self._put(changes[-1].event)
        return changes


@dataclass(frozen=True)
class _Look:
    """Looks up subjects and their alarms."""

    detectors: Mapping[str, Detector]
    roster: Roster
    book: Book

    def _site(self, meter_id: int) -> int:
        return int(self.roster.find(np.array([meter_id]))[0])

    def _serial(self, meter_id: int) -> str:
        at = self._site(meter_id)
        return str(self.roster.serial[at]) if at >= 0 else str(meter_id)

    def subjects(self, name: str, meter_id: int) -> set[Subject]:
        """Return whose events the detector's alarms at the meter are, those that are gone included."""
        detector, serial = self.detectors[name], self._serial(meter_id)
        found = {subject(e, detector, serial) for e in self.book.of(name).get(meter_id, ())}
        at = self._site(meter_id)
        dma = str(self.roster.dma[at]) if at >= 0 else ""
        here = ("dma", dma) if dma and (detector.by_dma or meter_id < 0) else ("meter", serial)
        return found | {(*here, detector.group)}

    @cached_property
    def _elsewhere(self) -> dict[str, set[int]]:
        """Meters with alarms that belong to a district that they have left."""
        found: dict[str, set[int]] = {}
        for detector in self.detectors.values():
            if detector.by_dma:
                for meter, episodes in self.book.of(detector.name).items():
                    for e in episodes:
                        found.setdefault(e.dma, set()).add(meter)
        return found

    def episodes(self, who: tuple[str, str], groups: frozenset[str]) -> list[Episode]:
        """Return a subject's alarms in some groups."""
        meters = set(self.roster.meters_of.get(who, ()))
        if who[0] == "dma":
            meters |= self._elsewhere.get(who[1], set())
        return [
            e
            for d in self.detectors.values()
            if d.group in groups
            for meter in meters & self.book.of(d.name).keys()
            for e in self.book.of(d.name)[meter]
            if subject(e, d, self._serial(meter))[:2] == who
        ]

    def event(self, key: Subject, epoch: int, episodes: list[Episode]) -> Event:
        """Return the event that the episodes make."""
        first = episodes[0]
        at = self._site(first.meter_id)
        roster, own = self.roster, key[0] != "dma"
        going = [e for e in episodes if e.cleared_s is None]
        own_group = [e for e in going or episodes if self.detectors[e.detector].group == key[2]]
        worst = max(own_group or going or episodes, key=lambda e: e.magnitude)
        loss_l = max(
            sum(e.loss_l for e in episodes if e.detector == name) for name in {e.detector for e in episodes}
        )
        return Event(
            subject_kind=key[0],
            subject=key[1],
            grp=key[2],
            epoch=epoch,
            detectors=tuple(sorted({e.detector for e in episodes})),
            meter_id=first.meter_id if own else None,
            account_no=first.account_no or None,
            dma_id=self._dma_id(key, at),
            onset_s=min(e.onset_s for e in episodes),
            detected_s=min(e.detected_s for e in episodes),
            last_s=max(e.last_s for e in episodes),
            cleared_s=None if going else max(e.cleared_s or 0 for e in episodes),
            severity=max((self.detectors[e.detector].severity(e) for e in episodes), key=RANK.__getitem__),
            magnitude=worst.magnitude,
            unit=self.detectors[worst.detector].unit,
            loss_m3=loss_l / 1000,
            money=loss_l / 1000 * (float(roster.price_m3[at]) if at >= 0 else 0.0),
            evidence=self._evidence(episodes),
            episodes=tuple(episodes),
            announced=worst.magnitude,
        )

    def _dma_id(self, key: Subject, at: int) -> int | None:
        if key[0] == "dma":
            return next((int(i) for i in self.roster.dma_id[self.roster.dma == key[1]][:1]), None)
        return int(self.roster.dma_id[at]) if at >= 0 and self.roster.dma_id[at] >= 0 else None

    def _evidence(self, episodes: list[Episode]) -> dict[str, Any]:
        serials = {e.meter_id: self._serial(e.meter_id) for e in episodes}
        found = {}
        for name in sorted({e.detector for e in episodes}):
            mine = [e for e in episodes if e.detector == name]
            join = self.detectors[name].join
            found[name] = join(mine, serials) if join else dict(mine[-1].evidence)
        return found
