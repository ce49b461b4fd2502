"""An MQTT publisher at QoS 1 with a bounded number of messages in flight."""

import queue
import ssl
import time
import uuid
from types import TracebackType
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.errors import InfrastructureError, SettingsError

WINDOW = 500
SESSION_S = 3_600
_NO_SUBSCRIBERS = 0x10
_CURE = "Start it with `headwater stack up`, or set HEADWATER_MQTT_URL."


class Publisher:
    """Publishes from one thread; a lost connection is made again and what was in flight goes out once more.

    `acknowledged` counts messages the broker took, `acknowledged_size` the sum of their sizes, `unheard`
    those of them that nobody was subscribed to. The session begins anew and is gone at the end.
    """

    def __init__(
        self, url: str, *, window: int = WINDOW, patience_s: float = 60.0, client_id: str = ""
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise SettingsError(
                "The MQTT URL is no address of a broker.",
                cure="Set HEADWATER_MQTT_URL to mqtt://host:1883, or mqtts://user:password@host:8883.",
            )
        self._where = (parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883))
        self._limit, self._patience_s = window, patience_s
        self._acks: queue.SimpleQueue[tuple[int, ReasonCode]] = queue.SimpleQueue()
        self._sizes: dict[int, int] = {}
        self._last_sign, self._refused, self._taken = time.monotonic(), "", 0
        self.acknowledged = self.acknowledged_size = self.unheard = 0
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"headwater-replay-{uuid.uuid4().hex[:8]}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if parts.username is not None:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())
        # The window is kept here: paho would look through all of it at each PUBACK.
        self._client.max_inflight_messages_set(0)
        self._client.reconnect_delay_set(1, 5)
        self._client.on_connect = self._on_connect
        self._client.on_publish = lambda _c, _u, mid, reason, _p: self._acks.put((mid, reason))

    def __enter__(self) -> "Publisher":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_S
        try:
            self._client.connect(*self._where, properties=properties)
        except OSError as problem:
            raise InfrastructureError(
                f"The MQTT broker at {self._where[0]}:{self._where[1]} can't be reached: {problem}.",
                cure=_CURE,
            ) from problem
        self._client.loop_start()
        deadline = time.monotonic() + self._patience_s
        while not self._client.is_connected():
            self._check(deadline)
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        self._client.disconnect(properties=properties)
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, size: int = 1) -> None:
        """Publish one message; waits while the window is full, InfrastructureError when nothing moves."""
        while len(self._sizes) >= self._limit:
            self._collect(wait=True)
        sent = self._client.publish(topic, payload, qos=1)
        if sent.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            raise InfrastructureError(
                f"A message can't be published: {mqtt.error_string(sent.rc)}", cure=_CURE
            )
        self._sizes[sent.mid] = size
        self._collect(wait=False)

    def finish(self) -> None:
        """Wait until every message is acknowledged."""
        while self._sizes:
            self._collect(wait=True)

    def take_acknowledged(self) -> int:
        """Return the size acknowledged since the last call."""
        new, self._taken = self.acknowledged_size - self._taken, self.acknowledged_size
        return new

    def _collect(self, *, wait: bool) -> None:
        """Count the acknowledgements that have come; with `wait`, wait for at least one."""
        while self._sizes:
            try:
                mid, reason = self._acks.get(block=wait, timeout=0.2)
            except queue.Empty:
                if wait:
                    self._check(self._last_sign + self._patience_s)
                return
            self._count(mid, reason)
            wait = False

    def _count(self, mid: int, reason: ReasonCode) -> None:
        size = self._sizes.pop(mid, 0)
        self._last_sign = time.monotonic()
        if reason.is_failure:
            raise InfrastructureError(
                f"The broker refuses a message: {reason}.",
                cure="Check the broker's access rules and its quota for this user.",
            )
        self.acknowledged += 1
        self.acknowledged_size += size
        self.unheard += reason.value == _NO_SUBSCRIBERS

    def _check(self, deadline: float) -> None:
        if self._refused:
            raise InfrastructureError(
                f"The broker refuses the connection: {self._refused}.",
                cure="Check user and password in HEADWATER_MQTT_URL.",
            )
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"The broker has acknowledged nothing for {self._patience_s:g} s; "
                f"{len(self._sizes)} messages wait.",
                cure=_CURE,
            )

    def _on_connect(
        self,
        _client: object,
        _userdata: object,
        _flags: object,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._refused = str(reason) if reason.is_failure else ""
        allowed = getattr(properties, "ReceiveMaximum", self._limit)
        self._limit = min(self._limit, allowed)
