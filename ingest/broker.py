"""The network thread: from the broker into the inbox, acknowledgements and notices back out."""

import contextlib
import select
import socket
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from paho.mqtt.client import ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.clock import Clock
from core.supervise import Supervisor
from ingest import metrics
from ingest.backoff import Backoff
from ingest.inbox import Inbox
from ingest.intake import Message
from ingest.session import Session

log = structlog.get_logger(__name__)

THREAD = "mqtt"
_PACKETS_A_TURN = 2_000
_TURN_S = 0.25
_SEND_NEW_RETAINED_ONLY = 1
_SESSION_TAKEN_OVER = 0x8E


class Broker:
    """Keeps the connection; the only one that touches the socket.

    Whoever has stored a message calls `settle`. The acknowledgement goes out on the connection that the
    message came with or not at all: packet identifiers mean something else on the next one, and the broker
    delivers again there what it has not seen acknowledged.
    """

    def __init__(
        self,
        session: Session,
        subscriptions: Sequence[str],
        inbox: Inbox,
        clock: Clock,
        supervisor: Supervisor,
    ) -> None:
        self._session = session
        self._subscriptions = subscriptions
        self._inbox = inbox
        self._clock = clock
        self._supervisor = supervisor
        self._backoff = Backoff(0.2, 3.0)
        self._connection = 0
        self._subscribed_before = False
        self._now = 0
        self._arrived: list[Message] = []
        self._settled: deque[tuple[int, Sequence[int]]] = deque()
        self._notices: deque[tuple[str, bytes]] = deque(maxlen=100_000)
        self._waking, self._wake = socket.socketpair()
        self._waking.setblocking(False)
        self._wake.setblocking(False)
        self.finished = threading.Event()
        """Set when nothing more will be settled; the connection is then closed in order."""
        session.on_connect = self._on_connect
        session.on_disconnect = self._on_disconnect
        session.on_subscribe = self._on_subscribe
        session.on_received = self._on_received

    def settle(self, connection: int, mids: Sequence[int], notices: Sequence[tuple[str, bytes]] = ()) -> None:
        """Acknowledge messages that are committed, and publish notices (topic, payload). From any thread."""
        self._settled.append((connection, mids))
        self._notices.extend(notices)
        with contextlib.suppress(BlockingIOError):
            self._wake.send(b"\0")

    def run(self) -> None:
        """Connect, serve, and connect again, until asked to stop."""
        while not self._supervisor.stopping.is_set():
            self._supervisor.beat(THREAD)
            try:
                self._session.reconnect()
            except OSError as problem:
                log.error(
                    "broker can't be reached", error=str(problem), cure="Start it, or set HEADWATER_MQTT_URL."
                )
            else:
                self._serve()
            self._supervisor.stopping.wait(self._backoff.next_s())
        self._session.disconnect()
        metrics.CONNECTED.set(0)

    def _serve(self) -> None:
        """Move packets until the connection is lost or, after a stop, the last acknowledgement is out."""
        while (sock := self._session.socket()) is not None:
            self._supervisor.beat(THREAD)
            stopping = self._supervisor.stopping.is_set()
            listening = not stopping and self._inbox.has_room()
            wait_s = 0.0 if listening and self._session.has_unread else 0.05 if stopping else _TURN_S
            writers = [sock] if self._session.want_write() else []
            readers = [sock, self._waking] if listening else [self._waking]
            try:
                ready, writable, _ = select.select(readers, writers, [], wait_s)
            except (OSError, ValueError):
                return
            finished = self.finished.is_set()
            if self._waking in ready:
                with contextlib.suppress(BlockingIOError):
                    self._waking.recv(4096)
            self._send_settled()
            if writable or self._session.want_write():
                self._session.loop_write()
            if (sock in ready or (listening and self._session.has_unread)) and not self._read():
                return
            if self._session.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            if finished and stopping and not self._session.want_write():
                return

    def _read(self) -> bool:
        self._now = int(self._clock.now().timestamp() * 1e6)
        code = self._session.read_all(_PACKETS_A_TURN)
        if self._arrived:
            self._inbox.put(self._arrived)
            self._arrived = []
        metrics.QUEUE.set(len(self._inbox))
        return code == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _send_settled(self) -> None:
        while self._settled:
            connection, mids = self._settled.popleft()
            if connection == self._connection and mids:
                self._session.ack_all(mids)
        while self._notices and self._session.is_connected():
            topic, payload = self._notices.popleft()
            self._session.publish(topic, payload, qos=1)

    def _on_received(self, topic: str, payload: bytes, mid: int, qos: int, again: bool) -> None:
        self._arrived.append(Message(topic, payload, self._now, mid, qos, self._connection, again))

    def _on_connect(
        self,
        _client: object,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error(
                "broker refuses the ingester",
                reason=str(reason),
                cure="Check user and password in HEADWATER_MQTT_URL and the broker's access rules.",
            )
            return
        self._connection += 1
        self._backoff.reset()
        metrics.CONNECTED.set(1)
        metrics.RECONNECTIONS.inc()
        if self._subscribed_before and not flags.session_present:
            metrics.SESSIONS_LOST.inc()
            log.error(
                "the broker has forgotten our session; what it held for us is lost",
                cure="Use a broker with durable sessions, or receipts: see docs/reliability.md.",
            )
        log.info("connected to the broker", session_present=flags.session_present)
        options = SubscribeOptions(qos=1, retainHandling=_SEND_NEW_RETAINED_ONLY)
        self._session.subscribe([(topic, options) for topic in self._subscriptions])

    def _on_subscribe(
        self, _client: object, _userdata: object, _mid: int, reasons: list[ReasonCode], _: Any
    ) -> None:
        for topic, reason in zip(self._subscriptions, reasons, strict=False):
            if reason.is_failure:
                log.error(
                    "broker refuses a subscription",
                    topic=topic,
                    reason=str(reason),
                    cure="Let the ingester's user read this topic, or change HEADWATER_INGEST_TOPICS.",
                )
        self._subscribed_before = True

    def _on_disconnect(
        self,
        _client: object,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        metrics.CONNECTED.set(0)
        if reason.value == _SESSION_TAKEN_OVER:
            log.error(
                "another client has our client id",
                cure="Give every ingester its own HEADWATER_INGEST_CLIENT_ID, with $share topics.",
            )
        elif not self._supervisor.stopping.is_set():
            log.warning("connection to the broker lost", reason=str(reason))
