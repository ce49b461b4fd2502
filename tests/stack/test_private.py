"""Servers of one's own keep the promises that restarts are tested with."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from jobs.stack import PrivateBroker, PrivateDatabase, font_path


@contextmanager
def client(broker: PrivateBroker, name: str, got: list[bytes], enough: Event) -> Iterator[mqtt.Client]:
    made = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
    ready = Event()
    made.on_connect = lambda c, *_: c.subscribe("t/#", qos=1)
    made.on_subscribe = lambda *_: ready.set()

    def keep(_c: mqtt.Client, _u: object, message: mqtt.MQTTMessage) -> None:
        got.append(bytes(message.payload))
        enough.set()

    made.on_message = keep
    forever = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    forever.SessionExpiryInterval = 0xFFFFFFFF
    made.connect("127.0.0.1", urlsplit(broker.url).port or 0, clean_start=False, properties=forever)
    made.loop_start()
    assert ready.wait(10)
    try:
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def test_queue_of_an_absent_subscriber_survives_an_orderly_restart_of_the_broker() -> None:
    with PrivateBroker() as broker:
        got: list[bytes] = []
        url, enough = broker.url, Event()
        with client(broker, "subscriber", got, enough):
            pass
        publisher = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        publisher.connect("127.0.0.1", urlsplit(url).port or 0)
        publisher.loop_start()
        publisher.publish("t/big", b"x" * 10_000_000, qos=1).wait_for_publish(20)
        publisher.disconnect()
        publisher.loop_stop()
        broker.stop()
        with pytest.raises(RuntimeError):
            _ = broker.pid
        broker.start()
        assert broker.url == url
        with client(broker, "subscriber", got, enough):
            assert enough.wait(20)
        assert [len(payload) for payload in got] == [10_000_000]


def test_killed_broker_starts_again_on_its_port() -> None:
    with PrivateBroker() as broker:
        url, pid = broker.url, broker.pid
        broker.kill()
        broker.start()
        assert broker.url == url
        assert broker.pid != pid


def test_private_database_keeps_what_was_committed_before_an_immediate_stop() -> None:
    with PrivateDatabase() as database:
        url = database.url
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 7 as answer")
        database.stop("immediate")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        database.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("select answer from kept").fetchone() == (7,)


def test_font_for_chinese_labels_is_at_hand() -> None:
    path = font_path()
    assert path is not None
    assert path.stat().st_size > 1_000_000
