"""Outbox rows become letters, each kind by its own file."""

from collections.abc import Mapping
from typing import Protocol

from core.errors import NotFoundError
from notify.channels import Message
from notify.kinds import (
    case,
    contact_code,
    customer,
    hand_over,
    listing,
    outage,
    outage_staff,
    password,
    plan,
    report,
    survey,
    ticket,
    trial,
    visit,
    webhook,
)
from notify.letter import Letter
from notify.words import Words
from sql.pool import Connection


class Kind(Protocol):
    """How one kind of message is put into words."""

    def __call__(self, words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
        """Return the letter in the message's language; `pictures` says whether the channel shows them."""
        ...


KINDS: Mapping[str, Kind] = {
    "ticket": ticket.letter,
    "case": case.letter,
    "customer": customer.letter,
    "contact_code": contact_code.letter,
    "survey": survey.letter,
    "report": report.letter,
    "outage": outage.letter,
    "outage_staff": outage_staff.letter,
    "failures": listing.failures,
    "hand_over": hand_over.letter,
    "visit": visit.letter,
    "plan": plan.letter,
    "webhook": webhook.letter,
    "test": trial.letter,
    "password": password.letter,
}


class Writer:
    """Puts claimed messages into words."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def letter(self, conn: Connection, message: Message, *, pictures: bool = False) -> Letter:
        """Return the letter of a message; that of a digest lists the letters it stands for."""
        if message.kind == "digest":
            letters = [self.letter(conn, item) for item in listing.items_of(conn, message)]
            return listing.digest(self._words, conn, message, letters)
        kind = KINDS.get(message.kind)
        if kind is None:
            raise NotFoundError(f"No kind of message is called {message.kind!r}.")
        return kind(self._words, conn, message, pictures=pictures)
