"""The broker's accounts, tried on a real Mosquitto with the deployed files."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from jobs.stack.fetch import ensure_root
from jobs.stack.paths import PROJECT, quiet
from jobs.stack.process import answers, free_port
from tests.waiting import until

PASSWORDS = {"headwater": "open sesame", "m1": "meter one"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a broker with deploy/mosquitto.conf; only its places are others."""
    folder, root, port = tmp_path_factory.mktemp("broker"), ensure_root(quiet).path, free_port()
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    for name, password in PASSWORDS.items():
        command = [str(root / "usr/bin/mosquitto_passwd"), "-b", str(passwords), name, password]
        subprocess.run(command, check=True, capture_output=True)
    text = (PROJECT / "deploy/mosquitto.conf").read_text()
    text = text.replace("listener 1883", f"listener {port} 127.0.0.1").replace(
        "log_dest stdout", "log_dest stderr"
    )
    text = text.replace("/mosquitto/secrets/passwords", str(passwords)).replace(
        "/mosquitto/data", str(folder)
    )
    text = text.replace("/mosquitto/config/acl", str(PROJECT / "deploy/mosquitto.acl"))
    if os.geteuid() == 0:
        text += "user root\n"
    (folder / "mosquitto.conf").write_text(text)
    command = [str(root / "usr/sbin/mosquitto"), "-c", str(folder / "mosquitto.conf")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as broker:
        until(lambda: answers("127.0.0.1", port), what=Path(log.name).read_text())
        yield port
        broker.terminate()


@dataclass
class Attempt:
    """What the broker answered to a client that connects and publishes or subscribes once."""

    connected: bool = False
    refused: bool = False


def attempt(port: int, user: str, topic: str, *, publish: bool) -> Attempt:
    made = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    if user:
        made.username_pw_set(user, PASSWORDS[user])
    answer, done = Attempt(), Event()

    def connected(client: mqtt.Client, _u: object, _f: object, code: ReasonCode, _p: object) -> None:
        answer.connected = not code.is_failure
        if code.is_failure:
            done.set()
        elif publish:
            client.publish(topic, b"{}", qos=1)
        else:
            client.subscribe(topic, qos=1)

    def published(_c: mqtt.Client, _u: object, _m: int, code: ReasonCode, _p: object) -> None:
        answer.refused = code.is_failure
        done.set()

    def subscribed(_c: mqtt.Client, _u: object, _m: int, codes: list[ReasonCode], _p: object) -> None:
        answer.refused = codes[0].is_failure
        done.set()

    made.on_connect, made.on_publish, made.on_subscribe = connected, published, subscribed
    made.connect("127.0.0.1", port)
    made.loop_start()
    assert done.wait(10)
    made.disconnect()
    made.loop_stop()
    return answer


def test_nobody_connects_without_an_account(port: int) -> None:
    assert not attempt(port, "", "meters/m1/readings", publish=True).connected


def test_meter_publishes_its_own_readings_and_nobody_elses(port: int) -> None:
    assert attempt(port, "m1", "meters/m1/readings", publish=True) == Attempt(connected=True)
    assert attempt(port, "m1", "meters/m2/readings", publish=True) == Attempt(connected=True, refused=True)
    assert attempt(port, "m1", "meters/m1/receipts", publish=True) == Attempt(connected=True, refused=True)


def test_ingester_reads_every_meter_and_sends_receipts(port: int) -> None:
    assert attempt(port, "headwater", "meters/+/readings", publish=False) == Attempt(connected=True)
    assert attempt(port, "headwater", "meters/m1/receipts", publish=True) == Attempt(connected=True)
