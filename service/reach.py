"""How a person is reached: by which channels, in which language."""

from dataclasses import dataclass
from datetime import datetime

from sql.pool import Connection
from sql.query import Queries

Q = Queries("outbox")


@dataclass(frozen=True)
class Way:
    """A channel and the address there."""

    channel: str
    recipient: str
    language: str
    name: str


def of_staff(conn: Connection, staff_id: int, *, urgent: bool, at: datetime) -> list[Way]:
    """Return the ways to a member of staff, none where there is no address."""
    row = conn.execute(Q["staff_ways"], {"staff_id": staff_id}).fetchone()
    if row is None:
        return []
    name, email, language, webhook_url = row
    given = (("email", email), ("webhook", webhook_url))
    return [Way(channel, address, language, name) for channel, address in given if address]


def of_customer(conn: Connection, account_no: str) -> list[Way]:
    """Return the way to a customer, none where there is no address on record."""
    return [Way(*row) for row in conn.execute(Q["customer_ways"], {"account_no": account_no})]
