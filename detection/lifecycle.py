"""Events: opened, updated, cleared, reopened, amended and retracted as the alarms they are made of change.

All alarms of one detector group at one subject that overlap, or follow each other within `rearm_h`, are one
event with several pieces of evidence. Later ones begin a new epoch, and so does an alarm whose baseline was
learned anew (`Episode.rebased`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.words import Severity
from detection.detector import Detector
from detection.episode import Book, Episode
from detection.roster import DMA, Roster

_FOREVER = 2**62
_GRACE_S = 3600
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_NOTABLE = 0.25

Subject = tuple[str, str, str]  # subject_kind, subject, group


@dataclass(frozen=True)
class Outage:
    """An interruption: its district and service points, from when to when (seconds, end exclusive)."""

    id: int
    code: str
    dma_id: int | None
    points: frozenset[int]
    starts_s: int
    ends_s: int


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

    def forget(self, before_s: int, book: Book) -> None:
        """Drop events that were over before `before_s`, and their alarms from the book."""
        for key, listed in list(self._events.items()):
            over = [e for e in listed if max(e.cleared_s or _FOREVER, e.last_s) < before_s]
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
        subjects: dict[Subject, set[int]] = {}
        for name, meter in touched:
            subjects.setdefault(look.subject(name, meter), set()).add(meter)
        changes = []
        for key, meters in sorted(subjects.items()):
            changes += self._subject(key, look, bool(meters & late), now_s)
        settled = {(c.event.key, c.event.epoch): c for c in changes}
        for event in self.events():
            at = (event.key, event.epoch)
            change = settled.get(at, Change(event, ()))
            explained = _suppress(change, outages, self._detectors, roster)
            if explained is not change or at in settled:
                settled[at] = explained
                self._put(explained.event)
        return [settled[at] for at in sorted(settled)]

    def _subject(self, key: Subject, look: "_Look", late: bool, now_s: int) -> list[Change]:
        stored = [e for e in self._events.get(key, ()) if e.retracted_s is None]
        clusters = _clusters(look.episodes(key), self._rearm_s)
        claimed: dict[int, Event] = {}
        lost: list[Event] = []
        for event in stored:
            near = [i for i, c in enumerate(clusters) if i not in claimed and _near(event, c, self._rearm_s)]
            if near:
                claimed[near[0]] = event
            else:
                lost.append(event)
        changes = []
        for i, cluster in enumerate(clusters):
            old = claimed.get(i)
            epoch = old.epoch if old else self._epochs.get(key, -1) + 1
            made = look.event(key, epoch, cluster)
            changes.append(_compare(old, made, late) if old else _open(made))
            self._put(changes[-1].event)
        for event in lost:
            changes.append(_retract(event, now_s))
            self._put(changes[-1].event)
        return changes


@dataclass(frozen=True)
class _Look:
    """Looks up subjects and their alarms."""

    detectors: Mapping[str, Detector]
    roster: Roster
    book: Book

    def subject(self, detector: str, meter_id: int) -> Subject:
        found = self.detectors[detector]
        at = int(self.roster.meter_id.searchsorted(meter_id))
        if self.roster.kind[at] == DMA or (found.by_dma and self.roster.dma[at]):
            return "dma", str(self.roster.dma[at]), found.group
        return "meter", str(self.roster.serial[at]), found.group

    def episodes(self, key: Subject) -> list[Episode]:
        kind, subject, group = key
        meters = set(self.roster.meters_of.get((kind, subject), ()))
        names = [d.name for d in self.detectors.values() if d.group == group]
        found = [
            e
            for name in names
            for meter in meters & self.book.of(name).keys()
            if self.subject(name, meter) == key
            for e in self.book.of(name)[meter]
        ]
        return sorted(found, key=lambda e: (e.onset_s, e.raised_s, e.detector, e.meter_id))

    def event(self, key: Subject, epoch: int, episodes: list[Episode]) -> Event:
        """Return the event that the episodes make."""
        first = episodes[0]
        at = int(self.roster.meter_id.searchsorted(first.meter_id))
        going = [e for e in episodes if e.cleared_s is None]
        worst = max(going or episodes, key=lambda e: e.magnitude)
        loss_l = max(
            sum(e.loss_l for e in episodes if e.detector == name) for name in {e.detector for e in episodes}
        )
        own = key[0] != "dma"
        return Event(
            subject_kind=key[0],
            subject=key[1],
            grp=key[2],
            epoch=epoch,
            detectors=tuple(sorted({e.detector for e in episodes})),
            meter_id=first.meter_id if own else None,
            account_no=str(self.roster.account_no[at]) or None if own else None,
            dma_id=int(self.roster.dma_id[at]) if self.roster.dma_id[at] >= 0 else None,
            onset_s=min(e.onset_s for e in episodes),
            detected_s=min(e.detected_s for e in episodes),
            last_s=max(e.last_s for e in episodes),
            cleared_s=None if going else max(e.cleared_s or 0 for e in episodes),
            severity=max((self.detectors[e.detector].severity(e) for e in episodes), key=_RANK.__getitem__),
            magnitude=worst.magnitude,
            unit=self.detectors[worst.detector].unit,
            loss_m3=loss_l / 1000,
            money=loss_l / 1000 * float(self.roster.price_m3[at]),
            evidence=self._evidence(episodes),
            episodes=tuple(episodes),
            announced=worst.magnitude,
        )

    def _evidence(self, episodes: list[Episode]) -> dict[str, Any]:
        serials = {
            e.meter_id: str(self.roster.serial[self.roster.meter_id.searchsorted(e.meter_id)])
            for e in episodes
        }
        found = {}
        for name in sorted({e.detector for e in episodes}):
            mine = [e for e in episodes if e.detector == name]
            join = self.detectors[name].join
            found[name] = join(mine, serials) if join else dict(mine[-1].evidence)
        return found


def _clusters(episodes: list[Episode], rearm_s: int) -> list[list[Episode]]:
    """Group episodes, in order of onset, into events."""
    clusters: list[list[Episode]] = []
    until = -_FOREVER
    for episode in episodes:
        end = _FOREVER if episode.cleared_s is None else episode.cleared_s
        if not clusters or episode.rebased or episode.onset_s - until >= rearm_s:
            clusters.append([episode])
            until = end
        else:
            clusters[-1].append(episode)
            until = max(until, end)
    return clusters


def _near(event: Event, cluster: list[Episode], rearm_s: int) -> bool:
    start, end = min(e.onset_s for e in cluster), max(e.cleared_s or _FOREVER for e in cluster)
    return start - (event.cleared_s or _FOREVER) < rearm_s and event.onset_s - end < rearm_s


def _detail(event: Event, old: Event | None = None) -> dict[str, Any]:
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
    was = _detail(old)
    was["magnitude"] = round(old.announced, 3)
    return {**now, "before": {k: v for k, v in was.items() if v != now[k]}}


def _open(event: Event) -> Change:
    entries = [Entry("opened", "", _detail(event))]
    if event.cleared_s is not None:
        entries.append(Entry("cleared", "", _detail(event)))
    return Change(event, tuple(entries))


def _retract(event: Event, now_s: int) -> Change:
    gone = replace(event, retracted_s=now_s, cleared_s=event.cleared_s or event.last_s)
    return Change(gone, (Entry("retracted", "late or corrected readings removed it", _detail(event)),))


def _compare(old: Event, new: Event, late: bool) -> Change:
    """Return the change from `old` to `new`, told as what happened."""
    severity = max(old.severity, new.severity, key=_RANK.__getitem__)
    new = replace(
        new,
        id=old.id,
        detected_s=min(old.detected_s, new.detected_s),
        severity=severity,
        announced=old.announced,
        suppressed_by=old.suppressed_by,
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
    return Change(new, tuple(Entry(kind, why, _detail(new, old)) for kind, why in kinds))


def _suppress(
    change: Change, outages: Sequence[Outage], detectors: Mapping[str, Detector], roster: Roster
) -> Change:
    """Let an outage that explains the event speak for it; when the event outlasts it, let it speak again."""
    event = change.event
    if event.retracted_s is not None or not all(detectors[d].explained_by_outage for d in event.detectors):
        return change
    by_id = {o.id: o for o in outages}
    if event.suppressed_by is not None:
        outage = by_id.get(event.suppressed_by)
        if outage is None or event.cleared_s is not None or event.last_s <= outage.ends_s + _GRACE_S:
            return change
        entry = Entry("opened", f"it outlasts outage {outage.code}", _detail(event))
        return Change(replace(event, suppressed_by=None), (*change.entries, entry))
    if event.cleared_s is not None and not change.entries:
        return change
    for outage in outages:
        in_time = (
            outage.starts_s <= event.onset_s < outage.ends_s and event.last_s <= outage.ends_s + _GRACE_S
        )
        if in_time and _reaches(outage, event, roster):
            entry = Entry("suppressed", f"outage {outage.code} explains it", _detail(event))
            others = tuple(e for e in change.entries if e.kind != "opened")
            return Change(replace(event, suppressed_by=outage.id), (entry, *others))
    return change


def _reaches(outage: Outage, event: Event, roster: Roster) -> bool:
    if outage.dma_id is not None and outage.dma_id == event.dma_id:
        return True
    if event.meter_id is None:
        return False
    return int(roster.point_id[roster.meter_id.searchsorted(event.meter_id)]) in outage.points
