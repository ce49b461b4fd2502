"""The utility that is served: its zone decides what a day is."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from api.rows import first
from sql.pool import Connection


@dataclass(frozen=True)
class Utility:
    """Name, time zone, currency, and price in currency a cubic metre."""

    name: str
    zone: ZoneInfo
    currency: str
    price_m3: float


def utility(conn: Connection) -> Utility:
    """Return the utility; before it has been imported, a nameless one in UTC."""
    row = first(conn, "utility")
    if row is None:
        return Utility("", ZoneInfo("UTC"), "", 0.0)
    return Utility(row["name"], ZoneInfo(row["timezone"]), row["currency"], row["price_m3"])
