"""Post what changed to a program that subscribed, signed like every webhook, and never into our own network.

A name is looked up for every post and the connection goes to the very number that was looked at, so a name
that answers differently a second time gains nothing; the certificate must still be in the name.
"""

import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import httpx2

from core.clock import Clock
from core.errors import BadDataError
from notify.channels import Message, Receipt, Result
from notify.channels.post import by_status, client, post
from notify.channels.webhook import signed
from service import addresses
from sql.pool import Connection
from sql.query import Queries

Q = Queries("webhooks")
Lookup = Callable[[str, int], list[str]]


def look_up(host: str, port: int) -> list[str]:
    """Return the numbers of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class SubscriptionChannel:
    """JSON by POST, answers read as `WebhookChannel` does; each subscription signs with its own secrets."""

    name = "subscription"
    shared = False
    per_minute: int | None = None

    def __init__(self, clock: Clock, *, private_too: bool, look_up: Lookup = look_up) -> None:
        self._clock = clock
        self._private_too = private_too
        self._look_up = look_up
        self._clients: dict[str, httpx2.Client] = {}

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
        try:
            url, host, name = self._pinned(message.recipient)
        except BadDataError as problem:
            return Receipt(Result.REFUSED, problem.message)
        except OSError as problem:
            return Receipt(Result.AWAY, f"the name can't be looked up: {problem}")
        headers = {**signed(secrets, self._clock.now(), message, body), "Host": host}
        answer = post(self._clients.setdefault(name, client()), url, body, headers, name)
        if not isinstance(answer, Receipt):
            return by_status(answer)
        if answer.result is Result.UNANSWERED:  # sent again, the receiver knows it by its id
            return replace(answer, result=Result.AWAY)
        return answer

    def _pinned(self, url: str) -> tuple[str, str, str]:
        """Return the address with a number for the name, what the header Host says, and the name."""
        parts = urlsplit(addresses.check(url, private_too=self._private_too))
        name = parts.hostname or ""
        found = self._look_up(name, parts.port or (443 if parts.scheme == "https" else 80))
        usable = [number for number in found if self._private_too or addresses.public(number)]
        if len(usable) < len(found) or not usable:
            raise BadDataError(f"{name} leads into a private network: not posted.")
        number = f"[{usable[0]}]" if ":" in usable[0] else usable[0]
        where = number if parts.port is None else f"{number}:{parts.port}"
        return urlunsplit(parts._replace(netloc=where)), parts.netloc, name

    def idle(self) -> None:
        """Close the connections: receivers are many, and each has a client of its own."""
        for one in self._clients.values():
            one.close()
        self._clients.clear()
