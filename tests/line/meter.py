"""A meter at the other end of the broker."""

import json

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


class Meter:
    """Publishes as a meter does: MQTT 5, QoS 1, and waits for the PUBACK."""

    def __init__(self, url: str, prefix: str) -> None:
        host, port = url.removeprefix("mqtt://").split(":")
        self.prefix = prefix
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.connect(host, int(port))
        self.client.loop_start()

    def publish(self, serial: str, message: object) -> None:
        info = self.client.publish(f"{self.prefix}/{serial}/readings", json.dumps(message), qos=1)
        info.wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
