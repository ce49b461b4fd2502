import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core.batch import concat
from core.errors import InfrastructureError, SettingsError
from core.words import Flag
from ingest.codecs.native import Native
from ingest.draft import Draft
from jobs.dataset import Dataset, MeterRow, ReadingWriter, open_dataset, write_table
from jobs.dataset.readings import instant
from jobs.publisher import Publisher
from jobs.replay import Course, messages, replay, weeks_to
from jobs.simulate import Plan, simulate
from jobs.stack import PrivateBroker, StackUrls
from tests.town.folders import batch
from tests.waiting import until


class Listener:
    """Keeps every message under a prefix."""

    def __init__(self, url: str, prefix: str) -> None:
        self.got: list[tuple[str, bytes]] = []
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = lambda _c, _u, m: self.got.append((m.topic.split("/")[1], bytes(m.payload)))
        self._client.on_subscribe = lambda *_: self._ready.set()
        host, port = url.removeprefix("mqtt://").split(":")
        self._client.connect(host, int(port))
        self._client.subscribe(f"{prefix}/#", qos=1)
        self._client.loop_start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(url: str, prefix: str) -> Iterator[Listener]:
    listener = Listener(url, prefix)
    try:
        yield listener
    finally:
        listener.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("town")
    simulate(Plan(homes=25, factories=2, days=4, first=date(2026, 3, 2)), folder)
    return open_dataset(folder)


def decoded(got: list[tuple[str, bytes]]) -> list[tuple[str, int, float, float]]:
    """Read payloads with the ingester's own codec: (meter, ts, register_l, pressure_kpa)."""
    codec, draft = Native(), Draft()
    for meter, payload in got:
        draft.begin(meter)
        codec.decode(meter, payload, draft)
    columns = draft.columns()
    assert not draft.refusals
    return sorted(
        zip(
            [draft.meters[n] for n in columns.message],
            columns.ts.tolist(),
            np.nan_to_num(columns.value("register_l"), nan=-1).tolist(),
            np.nan_to_num(columns.value("pressure_kpa"), nan=-1).tolist(),
            strict=True,
        )
    )


def stored(dataset: Dataset) -> list[tuple[str, int, float, float]]:
    rows = concat(list(dataset.readings()))
    return sorted(
        zip(
            [dataset.serials[n] for n in rows.meter_id],
            rows.ts.tolist(),
            np.nan_to_num(rows.register_l, nan=-1).tolist(),
            np.nan_to_num(rows.pressure_kpa, nan=-1).tolist(),
            strict=True,
        )
    )


def test_replay_delivers_every_reading_exactly(stack: StackUrls, town: Dataset) -> None:
    prefix = f"town-{uuid.uuid4().hex[:8]}"
    progress: list[int] = []
    with listening(stack.mqtt_url, prefix) as listener:
        with Publisher(stack.mqtt_url, window=50) as publisher:
            course = Course(topic=prefix + "/{meter}/readings")
            done = replay(town, publisher, course, progress.append)
        until(lambda: len(listener.got) >= done.messages)
    assert (done.readings, done.unheard) == (town.extent.rows, 0)
    assert sum(progress) == done.readings
    assert len(listener.got) == done.messages
    assert decoded(listener.got) == stored(town)


def test_messages_come_window_by_window_and_late_readings_late(town: Dataset) -> None:
    made = list(messages(town, Course(window_s=3600)))
    due = [message.due for message in made]
    assert due == sorted(due)
    rows = concat(list(town.readings()))
    latest = {}
    for n in range(len(rows)):
        latest[(town.serials[rows.meter_id[n]], int(rows.ts[n]))] = int(rows.received_at[n])
    for message in made:
        for meter, ts, _, _ in decoded([(message.meter, message.payload)]):
            assert latest[(meter, ts)] // 3_600_000_000 >= message.due // 3_600_000_000


def test_a_course_chooses_meters_and_times_and_moves_them(town: Dataset) -> None:
    middle = town.extent.first + (town.extent.last - town.extent.first) // 2
    week = 7 * 86_400_000_000
    course = Course(meters=(town.serials[0],), end=instant(middle), shift_us=week)
    got = decoded([(m.meter, m.payload) for m in messages(town, course)])
    wanted = [(m, ts + week, r, p) for m, ts, r, p in stored(town) if m == town.serials[0] and ts < middle]
    assert got == wanted


def test_the_pace_is_that_of_the_data(stack: StackUrls, town: Dataset) -> None:
    waits: list[float] = []
    with Publisher(stack.mqtt_url) as publisher:
        course = Course(
            speed=86_400, window_s=21_600, topic=f"town-{uuid.uuid4().hex[:8]}/{{meter}}/readings"
        )
        replay(town, publisher, course, pause=waits.append)
    # Nobody slept, so each wait is counted from the start: the last one is the length of the replay.
    assert max(waits) == pytest.approx((town.extent.last - town.extent.first) / 86_400e6, rel=0.15)


def test_a_restart_of_the_broker_loses_nothing(town: Dataset) -> None:
    with PrivateBroker() as broker, Publisher(broker.url, window=20) as publisher:
        seen: list[int] = []

        def restart(acknowledged: int) -> None:
            seen.append(acknowledged)
            if len(seen) == 200:
                broker.stop()
                broker.start()

        done = replay(town, publisher, Course(window_s=3600), restart)
    assert len(seen) > 400
    assert done.readings == town.extent.rows


def payloads(folder: Path, **columns: Any) -> list[Any]:
    serials = ["m1"]
    write_table(folder, "meters", [MeterRow("m1")])
    with ReadingWriter(folder, serials) as writer:
        writer.write(batch([0] * len(columns["ts_s"]), **columns))
    return [json.loads(m.payload) for m in messages(open_dataset(folder), Course(window_s=86_400))]


def test_even_steps_go_as_columns_with_null_for_a_gap(tmp_path: Path) -> None:
    assert payloads(tmp_path, ts_s=[0, 900, 2700], register_l=[1, 2, 4], battery_v=[np.nan, 3.6, np.nan]) == [
        {
            "start": "1970-01-01T00:00:00Z", "step_s": 900,
            "register_l": [1.0, 2.0, None, 4.0], "battery_v": [None, 3.6, None, None],
        }
    ]  # fmt: skip


def test_uneven_steps_flags_and_fractions_go_as_objects(tmp_path: Path) -> None:
    assert payloads(
        tmp_path, ts_s=[0, 7, 20.5], register_l=[1, 2, np.nan], flags=[0, Flag.LEAK | Flag.DRY, 0],
        pressure_kpa=[np.nan, np.nan, 300.5],
    ) == [
        [
            {"ts": "1970-01-01T00:00:00.000000Z", "register_l": 1.0},
            {"ts": "1970-01-01T00:00:07.000000Z", "register_l": 2.0, "flags": ["leak", "dry"]},
            {"ts": "1970-01-01T00:00:20.500000Z", "pressure_kpa": 300.5},
        ]
    ]  # fmt: skip


def test_a_reading_sent_twice_is_sent_twice(tmp_path: Path) -> None:
    made = payloads(tmp_path, ts_s=[0, 900, 900], register_l=[1, 2, 2], received_s=[1, 901, 950])
    assert made == [
        {"start": "1970-01-01T00:00:00Z", "step_s": 900, "register_l": [1.0, 2.0]},
        {"ts": "1970-01-01T00:15:00Z", "register_l": 2.0},
    ]


def test_times_move_by_whole_weeks_to_just_before_now() -> None:
    week = 7 * 86_400_000_000
    moved = weeks_to(5 * week + 3, 9 * week)
    assert moved % week == 0
    assert 8 * week < 5 * week + 3 + moved <= 9 * week


def test_a_broker_that_is_away_is_named_with_the_cure() -> None:
    with pytest.raises(InfrastructureError, match=r"127\.0\.0\.1:1 can't be reached.*headwater stack up"):
        Publisher("mqtt://127.0.0.1:1").__enter__()
    with pytest.raises(SettingsError, match="no address of a broker"):
        Publisher("localhost:1883")
