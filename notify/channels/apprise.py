"""The long tail of services, by the apprise library: the recipient is an apprise address."""

import logging
import re
from collections.abc import Callable

import apprise

from notify.channels import Message, Receipt, Result
from notify.channels.post import EXCERPT
from notify.letter import Letter
from notify.writer import Writer
from sql.pool import Connection

_OURS = {"dingtalk": "dingtalk", "wecombot": "wecom", "feishu": "feishu", "lark": "feishu"}
"""Services whose refusals the library takes for success; they have channels of their own."""


class AppriseChannel:
    """Whatever apprise speaks; it says only whether it went well, and its warnings are the receipt."""

    name = "apprise"
    shared = False
    per_minute: int | None = None

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        logging.getLogger("apprise").propagate = False  # its lines may hold what is secret

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Make the letter; return what hands it over. What is secret in the address is in no receipt."""
        letter = self._writer.letter(conn, message)
        return lambda: self._send(message.recipient, letter)

    def _send(self, address: str, letter: Letter) -> Receipt:
        scheme, ours, _ = address.partition("://")
        scheme = scheme.lower()
        if scheme in _OURS:
            return Receipt(Result.REFUSED, f"{scheme}:// is the channel {_OURS[scheme]}: use that")
        service = apprise.Apprise.instantiate(address) if ours else None
        if not isinstance(service, apprise.NotifyBase):
            return Receipt(Result.REFUSED, f"{scheme if ours else '…'}:// is no address that apprise knows")
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
            went_well = bool(service.notify(body=letter.text, title=letter.subject))
            words = " ".join(said.getvalue().split())
        for secret in _secrets(address):
            words = words.replace(secret, "…")
        if went_well:
            return Receipt(Result.SENT, f"{service.service_name} took it")
        return Receipt(Result.RETRY, f"{service.service_name}: {words or 'did not take it'}"[:EXCERPT])

    def idle(self) -> None:
        """Nothing is kept."""


def _secrets(address: str) -> list[str]:
    """Return what follows the scheme of an address, whole and in its longer pieces."""
    rest = address.partition("://")[2]
    pieces = set(re.split(r"[/?@&:=]", rest))
    return sorted((piece for piece in {rest, *pieces} if len(piece) > 5), key=len, reverse=True)
