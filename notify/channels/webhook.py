"""Post a ticket's message to another program, signed. docs/webhooks.md is for the receiver."""

import hashlib
import hmac
import json

import httpx2

from core.clock import Clock
from notify.channels import Message, Receipt, Result
from notify.writer import Writer
from sql.pool import Connection

TIMEOUT_S = 10.0
_EXCERPT = 500
_RETRIED = (408, 425, 429)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return `v1=` and the hex HMAC-SHA256 of `timestamp.body`."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


class WebhookChannel:
    """JSON by POST; any 2xx is a receipt, 408, 425, 429 and 5xx are tried again, the rest is refused."""

    name = "webhook"
    shared = False

    def __init__(self, secret: str, clock: Clock, writer: Writer) -> None:
        self._secret = secret
        self._clock = clock
        self._writer = writer
        self._client = httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False)

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

    def send(self, conn: Connection, message: Message) -> Receipt:
        """Post once."""
        body = self.body(conn, message)
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Headwater",
            "Headwater-Timestamp": timestamp,
            "Headwater-Delivery": message.token,
            "Headwater-Signature": signature(self._secret, timestamp, body),
        }
        try:
            answer = self._client.post(message.recipient, content=body, headers=headers)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as problem:
            return Receipt(Result.REFUSED, f"{type(problem).__name__}: {problem}")
        except httpx2.HTTPError as problem:
            return Receipt(Result.AWAY, f"{type(problem).__name__}: {problem}")
        text = f"HTTP {answer.status_code} {answer.reason_phrase}: {answer.text[:_EXCERPT]}".strip(": ")
        if answer.is_success:
            return Receipt(Result.SENT, text)
        if answer.status_code in _RETRIED or answer.is_server_error:
            return Receipt(Result.RETRY, text, _retry_after_s(answer.headers.get("Retry-After")))
        return Receipt(Result.REFUSED, text)

    def idle(self) -> None:
        """Keep the connections: the client closes those that the other end closed."""


def _retry_after_s(value: str | None) -> float | None:
    """Read the header's seconds, an hour at most; its other form, a date, is left to our own back-off."""
    return min(float(value), 3_600.0) if value is not None and value.isdecimal() else None
