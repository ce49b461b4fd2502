"""The utility that is served: its zone decides what a day is."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")


@dataclass(frozen=True)
class Utility:
    """Name, time zone, country (ISO 3166), currency (ISO 4217), and price in currency a cubic metre."""

    name: str
    zone: ZoneInfo
    country: str
    currency: str
    price_m3: float


def utility(conn: Connection) -> Utility:
    """Return the utility; before it has been imported, a nameless one in UTC."""
    row = conn.execute(Q["utility"]).fetchone()
    if row is None:
        return Utility("", ZoneInfo("UTC"), "", "", 0.0)
    name, timezone, country, currency, price_m3 = row
    return Utility(name, ZoneInfo(timezone), country, currency, price_m3)
