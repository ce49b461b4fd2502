"""Which alarms at one subject have one cause, and which event of before each cause is.

- Alarms of one detector that overlap, or follow each other within `rearm_s`, are one cause, until the
  detector says that it has learned its baseline anew (`Episode.rebased`).
- So are alarms of several detectors of one group at a meter: a leak is a leak, whoever sees it.
- What several detectors see of a DMA's network, or leak and industrial detectors of one site, is one cause
  if it began at the same time as far as the two can tell: between a day before the onset and the detection.
  Events of this kind stay open for weeks, and what comes then is something new.
- A meter that has gone to another customer, or another district, begins anew.
"""

from collections.abc import Iterable, Mapping, Sequence

from detection.detector import Detector
from detection.episode import Episode
from detection.lifecycle import Event, Subject

#: Groups in which one cause may show.
_TOGETHER = ({"leak", "industrial"},)
#: Groups in which alarms of several detectors are one cause only if they began together.
_APART = frozenset({"network"})
#: How far the onsets that two detectors give to one cause may be apart.
SLACK_S = 86_400
_FOREVER = 2**62


def family(group: str) -> frozenset[str]:
    """Return the groups in which a cause seen in `group` may show."""
    return frozenset(next((t for t in _TOGETHER if group in t), {group}))


def causes(
    episodes: Iterable[Episode], detectors: Mapping[str, Detector], rearm_s: int
) -> list[list[Episode]]:
    """Group the episodes of one subject and family, each cause and the list of them in order of onset."""
    found: list[list[Episode]] = []
    for episode in sorted(episodes, key=lambda e: (e.onset_s, e.raised_s, e.detector, e.meter_id)):
        mine = next(
            (cause for cause in reversed(found) if _belongs(episode, cause, detectors, rearm_s)),
            None,
        )
        if mine is None:
            found.append([episode])
        else:
            mine.append(episode)
    return found


def _belongs(
    episode: Episode, cause: Sequence[Episode], detectors: Mapping[str, Detector], rearm_s: int
) -> bool:
    if _moved(episode.account_no, cause[0].account_no) or _moved(episode.dma, cause[0].dma):
        return False
    group = detectors[episode.detector].group
    own = [e for e in cause if e.detector == episode.detector]
    if own and episode.rebased:
        return False
    alike = own if group in _APART else [e for e in cause if detectors[e.detector].group == group]
    if any(episode.onset_s - _end(e) < rearm_s for e in alike) and not episode.rebased:
        return True
    return not own and any(_began_together(episode, e) for e in cause)


def _moved(a: str, b: str) -> bool:
    return bool(a and b and a != b)


def _began_together(a: Episode, b: Episode) -> bool:
    return a.onset_s - SLACK_S <= b.detected_s and b.onset_s - SLACK_S <= a.detected_s


def _end(episode: Episode) -> int:
    return _FOREVER if episode.cleared_s is None else episode.cleared_s


def claims(
    events: Sequence[Event], found: Sequence[list[Episode]], rearm_s: int
) -> tuple[dict[int, Event], list[Event]]:
    """Return which event each cause (by position) is, and the events that none is.

    An event is the cause that holds most of its alarms; one that has lost them all is the nearest in time.
    """
    pairs = [
        (-_shared(event, cause), abs(event.onset_s - cause[0].onset_s), event.epoch, n, event)
        for event in events
        for n, cause in enumerate(found)
        if _near(event, cause, rearm_s)
    ]
    claimed: dict[int, Event] = {}
    for *_, n, event in sorted(pairs, key=lambda pair: pair[:4]):
        if n not in claimed and event not in claimed.values():
            claimed[n] = event
    return claimed, [event for event in events if event not in claimed.values()]


def _shared(event: Event, cause: Iterable[Episode]) -> int:
    return len({_identity(e) for e in event.episodes} & {_identity(e) for e in cause})


def _identity(episode: Episode) -> tuple[str, int, int]:
    return episode.detector, episode.meter_id, episode.raised_s


def _near(event: Event, cause: Sequence[Episode], rearm_s: int) -> bool:
    start, end = min(e.onset_s for e in cause), max(_end(e) for e in cause)
    return start - (event.cleared_s or _FOREVER) < rearm_s and event.onset_s - end < rearm_s


def group_of(cause: Iterable[Episode], detectors: Mapping[str, Detector]) -> str:
    """Return the group of a new event: that of the detector that saw it first."""
    groups = list(dict.fromkeys(d.group for d in detectors.values()))
    first = min(cause, key=lambda e: (e.detected_s, groups.index(detectors[e.detector].group), e.detector))
    return detectors[first.detector].group


def subject(episode: Episode, detector: Detector, serial: str) -> Subject:
    """Return whose event an alarm belongs to: the district's if one event speaks for all, else the meter's.

    A district's own site has its code as serial.
    """
    if episode.meter_id < 0 or (detector.by_dma and episode.dma):
        return "dma", episode.dma or serial, detector.group
    return "meter", serial, detector.group
