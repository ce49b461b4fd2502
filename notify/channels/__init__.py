"""One file a way to deliver a message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from sql.pool import Connection


class Result(Enum):
    """How an attempt ended: what the outbox does next depends on nothing else."""

    SENT = "sent"
    RETRY = "retry"  # the other end said: not now
    AWAY = "away"  # the other end was not reached, or refuses us altogether: others need not be tried
    REFUSED = "refused"  # the other end said: never
    UNANSWERED = "unanswered"  # handed over, and the connection ended before the answer: it may have arrived


@dataclass(frozen=True)
class Receipt:
    """The result and the other end's own words; `retry_after_s` where it named a time."""

    result: Result
    text: str
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Message:
    """A claimed row of the outbox; `message` holds the facts as JSON."""

    id: int
    ticket_id: int | None
    event_id: int | None
    step: str
    recipient: str
    language: str
    message: Mapping[str, Any]
    attempt: int
    created_at: datetime
    kind: str = "ticket"
    rank: int = 1
    account_no: str | None = None
    staff_id: int | None = None
    repeated: bool = False
    """Whether an attempt before has no answer: it may have arrived already."""
    webhook_id: int | None = None

    @property
    def to_customer(self) -> bool:
        """Whether a customer reads it, and no member of staff or program."""
        return self.account_no is not None and self.staff_id is None

    @property
    def token(self) -> str:
        """The same at every attempt: what a receiver can tell a repetition by."""
        return f"{self.id}.{int(self.created_at.timestamp() * 1e6):x}"


class Channel(Protocol):
    """A way to deliver; used by one thread."""

    name: str
    shared: bool
    """Whether all recipients are reached through one server."""
    per_minute: int | None
    """How many messages a minute a recipient is sent, by all notifiers together; None: any number."""

    def prepare(self, conn: Connection, message: Message) -> Callable[[], Receipt]:
        """Make the message, from `conn` what it shows; return what hands it over, once.

        Only that talks to the other end; it never raises for what the other end does.
        """
        ...

    def idle(self) -> None:
        """Let go of what is kept between messages of a burst."""
        ...
