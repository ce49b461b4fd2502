"""Letters before they are sent: what somebody would read. Who can write them is handed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sql.pool import Connection


@dataclass(frozen=True)
class Written:
    """A letter: `text` as a mail says it, `brief` as a text message."""

    subject: str
    text: str
    brief: str


class Letters(Protocol):
    """The notifier's words for a message that isn't in the outbox."""

    def write(
        self, conn: Connection, kind: str, step: str, language: str, message: Mapping[str, Any], at: datetime
    ) -> Written:
        """Return the letter that this message would become."""
