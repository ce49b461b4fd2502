"""Text messages: a signed post to the utility's gateway, whose own code is read (docs/webhooks.md)."""

import json
from collections.abc import Callable

from core.clock import Clock
from notify.channels import Message, Receipt, Result
from notify.channels.fitting import first_link
from notify.channels.post import EXCERPT, by_status, client, document, post
from notify.channels.webhook import signed
from notify.writer import Writer
from sql.pool import Connection

_LATER = 429


class SmsChannel:
    """`{"id", "to", "text"}` by POST; the answer's `code` 0 is accepted, 429 and 5xx are for now."""

    name = "sms"
    shared = True
    per_minute: int | None = None

    def __init__(self, url: str, secret: str, clock: Clock, writer: Writer) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._writer = writer
        self._client = client()

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Make the body; return what posts it."""
        letter = self._writer.letter(conn, message)
        link = first_link(letter.text)
        text = letter.brief or "\n".join(part for part in (letter.subject, link) if part)
        body = json.dumps(
            {"id": message.token, "to": message.recipient, "text": text}, ensure_ascii=False
        ).encode()
        return lambda: self._send(message, body)

    def _send(self, message: Message, body: bytes) -> Receipt:
        answer = post(self._client, self._url, body, signed(self._secret, self._clock.now(), message, body))
        if isinstance(answer, Receipt):
            return answer
        said = document(answer)
        code = said.get("code") if said is not None else None
        if said is None or not isinstance(code, int):
            found = by_status(answer)
            if found.result is Result.SENT:
                return Receipt(Result.REFUSED, f"an answer without a code: {found.text}")
            return found
        words = f"{code} {said.get('message', '')}"[:EXCERPT].strip()
        if code == 0 and answer.is_success:
            return Receipt(Result.SENT, words)
        later = code == _LATER or 500 <= code < 600 or answer.is_server_error
        return Receipt(Result.RETRY if later else Result.REFUSED, words)

    def idle(self) -> None:
        """Keep the connections: the client closes those that the other end closed."""
