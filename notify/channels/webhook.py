"""Post a message to another program, signed. docs/webhooks.md is for the receiver."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from core.clock import Clock
from notify.channels import Message, Receipt, Result
from notify.channels.guard import Guard
from notify.channels.post import by_status, client, post
from notify.writer import Writer
from sql.pool import Connection


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return `v1=` and the hex HMAC-SHA256 of `timestamp.body`."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


def signed(secret: str | Sequence[str], now: datetime, message: Message, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a post is ours, and which message it is.

    Of several secrets each gives a signature, with a comma between.
    """
    timestamp = str(int(now.timestamp()))
    keys = [secret] if isinstance(secret, str) else secret
    return {
        "Headwater-Timestamp": timestamp,
        "Headwater-Delivery": message.token,
        "Headwater-Signature": ",".join(signature(one, timestamp, body) for one in keys),
    }


class WebhookChannel:
    """JSON by POST; any 2xx is a receipt, 408, 425, 429 and 5xx are tried again, the rest is refused."""

    name = "webhook"
    shared = False
    per_minute: int | None = None

    def __init__(self, secret: str, clock: Clock, writer: Writer, guard: Guard, own: str = "") -> None:
        """Post with a secret; `own` is the utility's address, of the settings, which may be anywhere."""
        self._secret = secret
        self._guard = guard
        self._own = own
        self._clock = clock
        self._writer = writer
        self._client = client()

    def body(self, conn: Connection, message: Message) -> bytes:
        """Return the JSON that is posted: the facts, and the message in words."""
        said = self._writer.letter(conn, message)
        document = {
            "delivery": message.token,
            "type": f"{message.kind}.{message.step}",
            "created_at": message.created_at.isoformat(),
            "language": message.language,
            "subject": said.subject,
            "text": said.text,
            **message.message,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Make the body; return what posts it."""
        body = self.body(conn, message)
        return lambda: self._send(message, body)

    def _send(self, message: Message, body: bytes) -> Receipt:
        headers = signed(self._secret, self._clock.now(), message, body)
        if message.recipient == self._own:
            answer = post(self._client, message.recipient, body, headers)
        else:
            answer = self._guard.post(message.recipient, body, headers)
        if not isinstance(answer, Receipt):
            return by_status(answer)
        if answer.result is Result.UNANSWERED:  # sent again, the receiver knows it by its id
            return replace(answer, result=Result.AWAY)
        return answer

    def idle(self) -> None:
        """Keep the utility's connections: the client closes those that the other end closed."""
        self._guard.idle()
