"""paho's MQTT client, made fit for many small messages that are acknowledged in bulk.

paho reads a packet with three system calls and writes each acknowledgement with one of its own; here both go
through a buffer. Everything else, from CONNECT to keep-alive, is paho's.
"""

import ssl
from collections.abc import Sequence
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


class Session(paho.Client):
    """A client whose loop is driven by its owner, from one thread."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
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

    def _forget_unread(self) -> None:
        self._unread, self._at, self._dry = b"", 0, True


def redacted(url: str) -> str:
    """Return `url` without its password."""
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
