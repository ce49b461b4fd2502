"""Which alarms are one event: one cause, whoever sees it, and no more than that."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.words import Severity
from detection.causes import causes, claims
from detection.detector import Detector
from detection.diary import Diary
from detection.engine import Engine
from detection.episode import Book, Episode
from detection.lifecycle import Event
from detection.outages import Outage
from detection.roster import Roster, Site, district
from tests.detection.builders import DAY, HOUR, T0, home, kinds, live, play, readings, register, roster

REARM = 72 * HOUR


def detector(name: str, group: Any, **more: Any) -> Detector:
    return Detector(name, group, "", "zone", "L/h", frozenset({"dma"}), (), lambda _: Severity.MEDIUM, **more)


DETECTORS = {
    d.name: d
    for d in (
        detector("continuous_flow", "leak"),
        detector("burst", "leak"),
        detector("level_shift", "industrial"),
        detector("night_flow", "network", by_dma=True),
        detector("main_burst", "network", by_dma=True, explained_by_outage=True),
        detector("low_pressure", "pressure", by_dma=True, explained_by_outage=True),
    )
}


def alarm(name: str, onset_h: int, detected_h: int, cleared_h: int | None = None, **more: Any) -> Episode:
    end_s = T0 + (detected_h if cleared_h is None else cleared_h) * HOUR
    made = Episode(
        detector=name,
        meter_id=1,
        raised_s=T0 + (detected_h - 1) * HOUR,
        onset_s=T0 + onset_h * HOUR,
        detected_s=T0 + detected_h * HOUR,
        last_s=end_s,
        magnitude=10.0,
        loss_l=0.0,
        evidence={},
        closed_s=None if cleared_h is None else end_s,
        cleared_s=None if cleared_h is None else end_s,
    )
    return replace(made, **more)


def names(found: list[list[Episode]]) -> list[list[str]]:
    return [[e.detector for e in cause] for cause in found]


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        # the same leak, seen again within three days, and later
        ([("burst", 0, 1, 5), ("burst", 60, 61, 70)], [["burst", "burst"]]),
        ([("burst", 0, 1, 5), ("burst", 77, 78, 80)], [["burst"], ["burst"]]),
        # two leak detectors at one meter, whenever the second comes
        ([("continuous_flow", 0, 24), ("burst", 500, 501)], [["continuous_flow", "burst"]]),
        # a leak and what industry's detectors see of it
        ([("level_shift", 0, 48), ("continuous_flow", 3, 75)], [["level_shift", "continuous_flow"]]),
        ([("level_shift", 0, 48), ("continuous_flow", 500, 572)], [["level_shift"], ["continuous_flow"]]),
        # a main burst that the night shows too, and a burst weeks into an open leak
        ([("main_burst", 10, 12), ("night_flow", 24, 29)], [["main_burst", "night_flow"]]),
        ([("night_flow", 0, 29), ("main_burst", 500, 502)], [["night_flow"], ["main_burst"]]),
    ],
)
def test_one_cause_is_one_event(
    alarms: list[tuple[str, int, int, int] | tuple[str, int, int]], expected: list[list[str]]
) -> None:
    assert names(causes([alarm(*a) for a in alarms], DETECTORS, REARM)) == expected


def test_second_leak_on_an_open_one_is_one_event_whoever_rebases() -> None:
    """Both detectors see both leaks; the second one is rebased by each of them."""
    first = [alarm("night_flow", 0, 29), alarm("main_burst", 2, 4, 20)]
    second = [alarm("main_burst", 400, 402), alarm("night_flow", 408, 413, rebased=True)]
    assert names(causes([*first, *second], DETECTORS, REARM)) == [
        ["night_flow", "main_burst"],
        ["main_burst", "night_flow"],
    ]
    third = alarm("night_flow", 410, 437, rebased=True)
    assert names(causes([*first, *second, third], DETECTORS, REARM))[2:] == [["night_flow"]]


def test_meter_that_goes_to_another_customer_begins_anew() -> None:
    first = alarm("burst", 0, 1, 5, account_no="A1")
    assert len(causes([first, alarm("burst", 8, 9, account_no="A1")], DETECTORS, REARM)) == 1
    assert len(causes([first, alarm("burst", 8, 9, account_no="A2")], DETECTORS, REARM)) == 2


def settle(diary: Diary, book: Book, who: Roster, *, late: bool = False) -> list[str]:
    touched = {(name, meter) for name in DETECTORS for meter in book.of(name)} | {("night_flow", 1)}
    return kinds(diary.settle(touched, {1} if late else set(), book, who, (), T0))


def test_event_keeps_its_alarms_when_an_earlier_one_is_retracted() -> None:
    """Of two events the first loses its ground: the second one is still itself."""
    one, two = alarm("night_flow", 0, 29, 200), alarm("night_flow", 210, 240, rebased=True)
    events = [
        Event(
            *("dma", "D", "network", n, ("night_flow",), None, None, 1, e.onset_s, e.detected_s, e.last_s),
            *(e.cleared_s, "medium", 1.0, "L/h", 0.0, 0.0, {}, (e,)),
        )  # type: ignore[misc]
        for n, e in enumerate((one, two))
    ]
    claimed, lost = claims(events, [[two]], REARM)
    assert [e.epoch for e in claimed.values()] == [1] and [e.epoch for e in lost] == [0]


def test_group_of_an_event_is_that_of_the_detector_that_saw_it_first() -> None:
    who = roster(Site(1, "f-1", account_no="A1", sector="industrial"))
    diary, book = Diary(DETECTORS, rearm_h=72), Book()
    book.add(alarm("level_shift", 0, 48))
    assert settle(diary, book, who) == ["opened"]
    book.add(alarm("continuous_flow", 3, 75))
    assert settle(diary, book, who) == ["updated"]
    (event,) = diary.events()
    assert event.grp == "industrial" and event.detectors == ("continuous_flow", "level_shift")


def test_late_readings_that_take_one_of_two_causes_retract_one_event() -> None:
    who = roster(district(0, "D"), Site(1, "x", dma_id=0, dma="D"))
    diary, book = Diary(DETECTORS, rearm_h=72), Book()
    for e in (alarm("night_flow", 0, 29), alarm("night_flow", 210, 240, rebased=True)):
        book.add(replace(e, meter_id=-1, dma="D"))
    assert settle(diary, book, who) == ["opened", "opened"]
    book.put("night_flow", -1, book.of("night_flow")[-1][1:])
    assert settle(diary, book, who, late=True) == ["retracted"]
    assert [e.epoch for e in diary.events() if e.retracted_s is None] == [1]


HOME = Site(1, "m-1", account_no="A1", dma_id=1, dma="D1", q3_lph=2500, resolution_l=1)


def test_meter_that_changes_hands_leaves_its_event_with_the_first_customer() -> None:
    batch = register(1, home(700, leak=(409, 700, 30)))
    engine = Engine(roster(HOME))
    play(engine, batch.take(batch.ts <= (T0 + 500 * HOUR) * 10**6))
    engine.know(roster(replace(HOME, account_no="A2")))
    told = play(engine, batch.take(batch.ts > (T0 + 494 * HOUR) * 10**6), every_s=HOUR)
    first, second = live(engine)
    assert (first.account_no, second.account_no) == ("A1", "A2")
    assert first.cleared_s is not None and second.cleared_s is None
    assert kinds(told)[:1] == ["cleared"]


def test_meter_that_moves_to_another_district_takes_its_own_event_along() -> None:
    batch = register(1, home(700, leak=(409, 700, 30)))
    engine = Engine(roster(HOME))
    play(engine, batch.take(batch.ts <= (T0 + 500 * HOUR) * 10**6))
    engine.know(roster(replace(HOME, dma_id=2, dma="D2")))
    play(engine, batch.take(batch.ts > (T0 + 494 * HOUR) * 10**6))
    (event,) = live(engine)
    assert event.dma_id == 2 and event.cleared_s is None


def test_sensor_that_moves_to_another_district_leaves_that_districts_event_behind() -> None:
    sensor = Site(1, "p-1", "pressure", 900, 1, "D1", min_pressure_kpa=200)
    kpa = readings(1, T0 + 900 * (1 + 1.0 * np.arange(100)), pressure_kpa=[90.0] * 100)
    engine = Engine(roster(sensor))
    play(engine, kpa.take(kpa.ts <= (T0 + DAY // 2) * 10**6))
    engine.know(roster(replace(sensor, dma_id=2, dma="D2")))
    play(engine, kpa.take(kpa.ts > (T0 + DAY // 2) * 10**6))
    one, two = live(engine)
    assert (one.subject, two.subject) == ("D1", "D2")
    assert one.cleared_s is not None and two.cleared_s is None and two.onset_s >= T0 + DAY // 2 - 900


def test_outage_does_not_explain_the_event_that_it_was_announced_for() -> None:
    sensor = Site(1, "p-1", "pressure", 900, 1, "D1", min_pressure_kpa=200)
    kpa = readings(1, T0 + 900 * (1 + 1.0 * np.arange(60)), pressure_kpa=[90.0] * 60)
    cause = Engine(roster(sensor))
    play(cause, kpa.take(kpa.ts <= (T0 + 3 * HOUR) * 10**6))
    (event,) = live(cause)
    outage = Outage(7, "O-7", frozenset({1}), frozenset(), T0, T0 + DAY, event.id)
    play(cause, kpa.take(kpa.ts > (T0 + 2 * HOUR) * 10**6), outages=(outage,))
    assert [e.suppressed_by for e in live(cause)] == [None]
