"""paho's MQTT client, made fit for many small messages that are acknowledged in bulk.

paho reads a packet with three system calls, spends half its time on properties that a PUBLISH rarely has, and
writes each acknowledgement by itself. Here reading goes through a buffer, a PUBLISH is taken
apart directly, and acknowledgements go out together. All else, from CONNECT to keep-alive, is paho's.
"""

import ssl
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core.errors import SettingsError

_PUBACK = 0x40
_READ_BYTES = 1 << 16
_NEVER = 0xFFFF_FFFF
CONNECT_TIMEOUT_S = 3.0
KEEPALIVE_S = 20


Received = Callable[[str, bytes, int, int, bool], None]
"""Takes topic, payload, packet identifier (0 at QoS 0), QoS, and whether it was delivered before."""


def _ignore(_topic: str, _payload: bytes, _mid: int, _qos: int, _again: bool) -> None:
    """Take nothing."""


class Session(paho.Client):
    """A client whose loop is driven by its owner, from one thread."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self.on_received: Received = _ignore
        self._unread = b""
        self._at = 0
        self._dry = True
        self.connect_timeout = CONNECT_TIMEOUT_S
        self.max_inflight_messages_set(1_000)
        self.on_pre_connect = lambda *_: self._forget_unread()

    def aim(self, url: str, receive_maximum: int) -> None:
        """Set where to connect: `mqtt://user:password@host:port` or `mqtts://`; `reconnect` then does it."""
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise SettingsError(
                f"HEADWATER_MQTT_URL is {redacted(url)!r}, which is no address of a broker.",
                cure="Set it to mqtt://host:1883, or mqtts://user:password@host:8883.",
            )
        if parts.username is not None:
            self.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self.tls_set_context(ssl.create_default_context())
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = receive_maximum
        properties.SessionExpiryInterval = _NEVER
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self.connect_async(
            parts.hostname, port, keepalive=KEEPALIVE_S, clean_start=False, properties=properties
        )

    def read_all(self, most: int) -> MQTTErrorCode:
        """Handle what has arrived, up to `most` packets."""
        self._dry = False
        for _ in range(most):
            code = self.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or self._dry:
                return code
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    @property
    def has_unread(self) -> bool:
        """Whether `read_all` stopped before everything was handled."""
        return not self._dry

    def ack_all(self, mids: Sequence[int]) -> None:
        """Queue the PUBACK of many messages of the present connection as one write."""
        packets = np.empty(len(mids), np.dtype([("head", ">u2"), ("mid", ">u2")]))
        packets["head"] = _PUBACK << 8 | 2
        packets["mid"] = mids
        self._packet_queue(_PUBACK, packets.tobytes(), 0, 1)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at == len(self._unread):
            try:
                self._unread = super()._sock_recv(_READ_BYTES)
            except BlockingIOError:
                self._dry = True
                raise
            self._at = 0
        start = self._at
        self._at = min(start + bufsize, len(self._unread))
        return self._unread[start : self._at]

    def _handle_publish(self) -> MQTTErrorCode:
        # No property of a PUBLISH concerns us (aliases are not allowed to the broker), so none is decoded.
        command, packet = self._in_packet["command"], self._in_packet["packet"]
        try:
            at = 2 + (packet[0] << 8 | packet[1])
            topic = packet[2:at].decode("utf-8", "replace")
            mid, qos = 0, command >> 1 & 3
            if qos:
                mid, at = packet[at] << 8 | packet[at + 1], at + 2
            properties = shift = 0
            while True:
                byte, at = packet[at], at + 1
                properties |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
        except IndexError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self.on_received(topic, bytes(packet[at + properties :]), mid, qos, bool(command & 0x08))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _forget_unread(self) -> None:
        self._unread, self._at, self._dry = b"", 0, True


def redacted(url: str) -> str:
    """Return `url` without its password."""
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
