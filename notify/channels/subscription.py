"""Post what changed to a program that subscribed, signed like every webhook."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.clock import Clock
from notify.channels import Message, Receipt, Result
from notify.channels.guard import Guard
from notify.channels.post import by_status
from notify.channels.webhook import signed
from sql.pool import Connection
from sql.query import Queries

Q = Queries("webhooks")


class SubscriptionChannel:
    """JSON by POST, answers read as `WebhookChannel` does; each subscription signs with its own secrets."""

    name = "subscription"
    shared = False
    per_minute: int | None = None

    def __init__(self, clock: Clock, guard: Guard) -> None:
        self._clock = clock
        self._guard = guard

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Make the body, find the secrets; return what posts it."""
        row = conn.execute(Q["to_sign"], {"id": message.webhook_id, "at": self._clock.now()}).fetchone()
        if row is None:
            return lambda: Receipt(Result.REFUSED, "the subscription was deleted")
        secrets = [secret for secret in row if secret]
        document = {"delivery": message.token, "webhook": message.webhook_id, **message.message}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        return lambda: self._send(message, body, secrets)

    def _send(self, message: Message, body: bytes, secrets: Sequence[str]) -> Receipt:
        headers = signed(secrets, self._clock.now(), message, body)
        answer = self._guard.post(message.recipient, body, headers)
        if not isinstance(answer, Receipt):
            return by_status(answer)
        if answer.result is Result.UNANSWERED:  # sent again, the receiver knows it by its id
            return replace(answer, result=Result.AWAY)
        return answer

    def idle(self) -> None:
        """Close the connections."""
        self._guard.idle()
