"""A paho subscriber that does nothing but acknowledge: `python -m bench.bare URL FILTER COUNT`."""

import sys
import time
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def main() -> None:
    """Print a line when subscribed, and one after the last message."""
    url, topic_filter, count = urlsplit(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    seen = 0
    client = paho.Client(
        CallbackAPIVersion.VERSION2, f"bare-{time.time_ns()}", protocol=MQTTProtocolVersion.MQTTv5
    )

    def on_connect(*_: Any) -> None:
        client.subscribe(topic_filter, 1)

    def on_subscribe(*_: Any) -> None:
        print("subscribed", flush=True)

    def on_message(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            print("done", flush=True)
            client.disconnect()

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = 20_000
    client.connect(url.hostname or "127.0.0.1", url.port or 1883, properties=properties)
    client.loop_forever()


if __name__ == "__main__":
    main()
