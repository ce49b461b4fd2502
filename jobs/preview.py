"""What a policy would have raised: the detectors run over stored readings twice, without it and with it.

The same engine as live, on the meters that the policy concerns, from a window before the period on. It knows
what is known today: readings that came late are there in time.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from core.errors import BadDataError
from detection import store
from detection.catalogue import DETECTORS
from detection.detector import Detector
from detection.engine import Engine
from detection.fetch import fetch
from detection.lifecycle import Event
from detection.policy import Policy, check, covers
from detection.roster import DMA, Roster
from detection.store import Arrived
from detection.tail import Tail
from detection.zones import DAYS as ZONE_DAYS
from jobs.backtest.ledger import Ledger
from service.policies import Draft, Preview, Told, Week
from sql.pool import Connection, connect

MOST_READINGS = 3_000_000
WARM_UP_DAYS = 7
_DAY_S, _HOUR_S, _US = 86_400, 3600, 1_000_000
_TIMEOUT_MS = 30_000
Ints = NDArray[np.int64]


class LiveRules:
    """The detectors' word on a policy, from the database: `service.policies.Rules`."""

    def __init__(self, database_url: str, window_days: int) -> None:
        self._database_url = database_url
        self._window_days = window_days

    def check(self, draft: Draft) -> None:
        """Refuse a draft for an unknown detector or parameter, or with a value that isn't allowed."""
        check(_policy(draft, 0), DETECTORS)

    def preview(self, draft: Draft, days: int, now: datetime) -> Preview:
        """Return what the last `days` would have brought; BadDataError where that would take too long."""
        self.check(draft)
        with connect(self._database_url, "detect") as conn:
            conn.execute(store.Q["calm"], {"timeout": str(_TIMEOUT_MS)})
            return preview(conn, draft, days, now, self._window_days)


def preview(conn: Connection, draft: Draft, days: int, now: datetime, window_days: int) -> Preview:
    """Return what the last `days` before `now` would have brought without the draft and with it."""
    detector = DETECTORS[draft.detector]
    roster, policies = store.roster(conn), store.policies(conn)
    policy = _policy(draft, max((p.id for p in policies), default=0) + 1)
    concerned = covers(policy, roster) & detector.applies(roster)
    meters = _needed(roster, concerned, detector)
    until_s = int(now.timestamp()) // _HOUR_S * _HOUR_S
    start_s = until_s - days * _DAY_S
    history_days = _history_days(roster, meters, concerned, days + WARM_UP_DAYS, window_days)
    group = {d.name: d for d in DETECTORS.values() if d.group == detector.group}
    named = {name for d in group.values() for name in d.leaves_out}
    detectors = {name: d for name, d in DETECTORS.items() if name in group or name in named}
    engines = [
        Engine(roster, held, window_days=window_days, detectors=detectors)
        for held in (policies, [*policies, policy])
    ]
    ledgers = (Ledger(), Ledger())
    tail = Tail(roster.meter_id)
    warm_s = start_s - WARM_UP_DAYS * _DAY_S
    outages = store.outages(conn, warm_s)
    at_s = warm_s - history_days * _DAY_S
    while at_s < until_s and len(meters):
        end_s = min(at_s + _DAY_S, until_s)
        span = (np.full(len(meters), at_s * _US + 1, np.int64), np.full(len(meters), end_s * _US, np.int64))
        portion = fetch(conn, engines[0], tail, Arrived(meters, *span), after=False)
        for engine, ledger in zip(engines, ledgers, strict=True):
            if end_s <= warm_s:
                engine.load(portion)
            else:
                engine.feed(portion)
                changes = engine.settle(end_s, [o for o in outages if o.starts_s <= end_s]).changes
                ledger.note(changes, end_s, _HOUR_S, piecemeal=True)
        at_s = end_s
    subjects = _subjects(roster, concerned)
    without, with_draft = (_told(ledger, detector.group, subjects, start_s) for ledger in ledgers)
    return Preview(
        group=detector.group,
        start=_instant(start_s),
        end=_instant(until_s),
        meters=int(concerned.sum()),
        weeks=_weeks(start_s, until_s, without, with_draft),
        without=without,
        with_draft=with_draft,
    )


def _policy(draft: Draft, policy_id: int) -> Policy:
    """Return the draft as the detectors read it, valid at all times."""
    return Policy(
        policy_id,
        draft.detector,
        draft.scope,
        draft.scope_key,
        draft.params,
        draft.enabled,
        exemption=draft.exemption,
    )


def _needed(roster: Roster, concerned: NDArray[np.bool_], detector: Detector) -> Ints:
    """Return the meters to read: those concerned, and all of their DMAs where an event is a DMA's."""
    wanted = concerned.copy()
    if detector.by_dma or (roster.kind[concerned] == DMA).any():
        dmas = np.unique(roster.dma_id[concerned & (roster.dma_id >= 0)])
        wanted |= np.isin(roster.dma_id, dmas) | np.isin(roster.from_dma_id, dmas)
    return np.asarray(roster.meter_id[wanted & (roster.kind != DMA)])


def _history_days(
    roster: Roster, meters: Ints, concerned: NDArray[np.bool_], days: int, window_days: int
) -> int:
    """Return how many days to learn from: the window, or as much of the longer one of DMAs as is allowed.

    Raises BadDataError where even the window is too much.
    """
    interval_s = np.maximum(roster.interval_s[roster.find(meters)], 1)
    a_day = float((_DAY_S / interval_s).sum())
    readings = int(a_day * (days + window_days))
    if readings > MOST_READINGS:
        raise BadDataError(
            f"The preview would read about {readings:,} readings of {len(meters):,} meters; "
            f"at most {MOST_READINGS:,}.",
            cure="Choose a narrower scope (a DMA, a customer, a meter) or fewer days.",
        )
    if not (roster.kind[concerned] == DMA).any():
        return window_days
    return max(window_days, min(ZONE_DAYS, int(MOST_READINGS / max(a_day, 1.0)) - days))


def _subjects(roster: Roster, concerned: NDArray[np.bool_]) -> set[tuple[str, str]]:
    meters = {("meter", str(serial)) for serial in roster.serial[concerned & (roster.kind != DMA)]}
    return meters | {("dma", str(code)) for code in np.unique(roster.dma[concerned]) if code}


def _told(ledger: Ledger, group: str, subjects: set[tuple[str, str]], start_s: int) -> list[Told]:
    return [
        _one(event, detector, detected_s)
        for event, detector, detected_s in ledger.told()
        if event.grp == group and (event.subject_kind, event.subject) in subjects and detected_s >= start_s
    ]


def _one(event: Event, detector: str, detected_s: int) -> Told:
    return Told(
        subject_kind=event.subject_kind,
        subject=event.subject,
        detector=detector,
        onset=_instant(event.onset_s),
        detected=_instant(detected_s),
        cleared=None if event.cleared_s is None else _instant(event.cleared_s),
        severity=str(event.severity),
        magnitude=round(event.magnitude, 3),
        unit=event.unit,
    )


def _weeks(start_s: int, until_s: int, without: list[Told], with_draft: list[Told]) -> list[Week]:
    weeks = []
    for at_s in range(start_s, until_s, 7 * _DAY_S):
        begin, end = _instant(at_s), _instant(at_s) + timedelta(days=7)
        counted = [sum(begin <= t.detected < end for t in told) for told in (without, with_draft)]
        weeks.append(Week(begin, *counted))
    return weeks


def _instant(ts_s: int) -> datetime:
    return datetime.fromtimestamp(ts_s, UTC)
