"""Meters that report at a steady rate, in a process of their own.

Started as `python -m bench.steady URL TOPIC METERS RATE`; TOPIC has `{}` for the meter. It prints `ready`
once it publishes, and ends when its standard input is closed.
"""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


@contextlib.contextmanager
def steady(mqtt_url: str, topic: str, meters: int, rate: float) -> Iterator[None]:
    """Publish single readings of meters 0 .. `meters` - 1 in turn, `rate` a second in all, QoS 1."""
    command = [sys.executable, "-m", "bench.steady", mqtt_url, topic, str(meters), str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the steady publisher did not get ready")
        try:
            yield
        finally:
            process.stdin.close()
            process.wait(30)


def main() -> None:
    """Publish until nobody listens any more."""
    url, (topic, meters, rate) = urlsplit(sys.argv[1]), sys.argv[2:]
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(20_000)
    client.connect(url.hostname or "127.0.0.1", url.port or 1883)
    client.loop_start()
    closed = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        closed.set()

    threading.Thread(target=listen, daemon=True).start()
    began, sent = time.monotonic(), 0
    print("ready", flush=True)
    while not closed.wait(0.01):
        for _ in range(int((time.monotonic() - began) * float(rate)) - sent):
            meter, turn = sent % int(meters), sent // int(meters)
            now = time.time()
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
            client.publish(topic.format(meter), f'{{"ts":"{stamp}","register_l":{turn}}}', qos=1)
            sent += 1
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
