"""Receipts say precisely what is stored; with them not even a killed broker loses a reading."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from jobs.stack import PrivateBroker
from sql.pool import Connection
from tests.ingest.line import Line, ago, iso
from tests.waiting import until


class Heard:
    """What meters hear, by topic."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[dict[str, Any]]] = {}

    def of(self, meter: str, kind: str) -> list[dict[str, Any]]:
        return self.bodies.get(f"meters/{meter}/{kind}", [])

    def stored(self, meter: str) -> set[tuple[str, str, int]]:
        return {(s["from"], s["to"], s["n"]) for body in self.of(meter, "receipts") for s in body["stored"]}


@contextmanager
def listening(mqtt_url: str, meters: list[str]) -> Iterator[Heard]:
    heard, ready, url = Heard(), [], urlsplit(mqtt_url)
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)

    def on_message(_client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        heard.bodies.setdefault(message.topic, []).append(json.loads(message.payload))

    client.on_message = on_message

    def on_connect(*_: object) -> None:
        client.subscribe([(f"meters/{m}/{kind}", 1) for m in meters for kind in ("receipts", "requests")])

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: ready.append(True)
    client.reconnect_delay_set(1, 1)
    client.connect(url.hostname or "", url.port or 1883)
    client.loop_start()
    try:
        until(lambda: ready)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def day(start: datetime, n: int = 4) -> bytes:
    return json.dumps({"start": iso(start), "step_s": 900, "register_l": list(range(n))}).encode()


def test_receipt_names_each_stored_message_and_what_is_in_quarantine(line: Line) -> None:
    (meter,) = line.meters(1)
    start = datetime.now(UTC) - timedelta(days=2)
    odd = json.dumps(
        [{"ts": ago(minutes=2), "register_l": -1}, {"ts": ago(minutes=1), "register_l": 9}]
    ).encode()
    with listening(line.mqtt_url, [meter]) as heard, line.running(ingest_receipts=True):
        line.publish([(meter, day(start)), (meter, day(start + timedelta(hours=1))), (meter, odd)])
        until(lambda: len(heard.stored(meter)) == 3)
        line.publish([(meter, b"nonsense")])
        until(lambda: sum(len(body["quarantined"]) for body in heard.of(meter, "receipts")) == 2)
    last = json.loads(odd)[1]["ts"]
    expected = {
        (iso(start + timedelta(minutes=m)), iso(start + timedelta(minutes=m + 45)), 4) for m in (0, 60)
    }
    assert heard.stored(meter) == expected | {(last, last, 1)}
    assert heard.of(meter, "receipts")[-1] == {
        "high_water": last,
        "stored": [],
        "quarantined": [{"reason": "malformed", "n": None}],
    }


def test_gap_that_the_interval_gives_away_is_asked_for(line: Line) -> None:
    (meter,) = line.meters(1, interval_s=900)
    start = datetime.now(UTC) - timedelta(days=2)
    with listening(line.mqtt_url, [meter]) as heard, line.running(ingest_receipts=True):
        line.publish([(meter, day(start))])
        until(lambda: heard.stored(meter))
        line.publish([(meter, day(start + timedelta(hours=3)))])
        until(lambda: heard.of(meter, "requests"))
        line.publish([(meter, day(start + timedelta(hours=4)))])
        until(lambda: len(heard.stored(meter)) == 3)
    gap = {"from": iso(start + timedelta(hours=1)), "to": iso(start + timedelta(hours=2, minutes=45))}
    assert heard.of(meter, "requests") == [{"gaps": [gap]}]


def test_without_the_setting_meters_hear_nothing(line: Line) -> None:
    (meter,) = line.meters(1)
    with listening(line.mqtt_url, [meter]) as heard, line.running():
        line.publish([(meter, day(datetime.now(UTC) - timedelta(days=1)))])
        until(lambda: line.readings() == 4)
        line.settled()
    assert not heard.bodies


def test_with_receipts_nothing_is_lost_when_the_broker_is_killed(database_url: str, conn: Connection) -> None:
    """The meters keep what has no receipt, and send it again."""
    with PrivateBroker() as broker:
        line = Line(database_url, broker.url, conn, "private")
        meters = line.meters(10)
        start = datetime.now(UTC) - timedelta(days=20)
        kept = {
            (meter, iso(at)): day(at)
            for meter in meters
            for at in (start + timedelta(hours=h) for h in range(40))
        }
        line.subscribe_session()
        line.publish([(meter, payload) for (meter, _), payload in kept.items()])
        broker.kill()
        broker.start()
        assert line.readings() == 0
        with listening(broker.url, meters) as heard, line.running(ingest_receipts=True):

            def all_received() -> bool:
                for meter in meters:
                    for first, _, _ in heard.stored(meter):
                        kept.pop((meter, first), None)
                line.publish([(meter, payload) for (meter, _), payload in kept.items()])
                return not kept

            until(all_received, 60)
        assert line.readings() == 10 * 40 * 4
