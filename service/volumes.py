"""What each customer used by month of the utility's zone: the table `customer_month`.

The running month is made anew with every run, the one before while readings may be late; an older month for
the customers of whom readings have come since, and one that was never made for everybody.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sql.pool import Connection
from sql.query import Queries

Q = Queries("volumes")
BATCH = 500
LATE = timedelta(days=7)
"""So long after its end a month is made anew for everybody."""
_HEARD = timedelta(days=2)
_BACK_MONTHS = 36


def first_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the first day of the month that `at` lies in."""
    return at.astimezone(zone).date().replace(day=1)


def step(month: date, months: int) -> date:
    """Return the first day of the month so many months later, or earlier.

    >>> step(date(2026, 11, 1), 2), step(date(2026, 1, 1), -1)
    (datetime.date(2027, 1, 1), datetime.date(2025, 12, 1))
    """
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the instants at which the month begins and ends, in UTC."""
    start, end = (datetime(m.year, m.month, 1, tzinfo=zone) for m in (month, step(month, 1)))
    return start.astimezone(UTC), end.astimezone(UTC)


def wanted(conn: Connection, zone: ZoneInfo, at: datetime) -> list[date]:
    """Return the months that are made for everybody, the newest first."""
    running = first_of(at, zone)
    months = {running, first_of(at - LATE, zone)}
    (first,) = conn.execute(Q["first_usage"]).fetchall()[0]
    if first is not None:
        month = max(first_of(first, zone), step(running, -_BACK_MONTHS))
        while month < running:
            if not conn.execute(Q["month_is_made"], {"month": month}).fetchall()[0][0]:
                months.add(month)
            month = step(month, 1)
    return sorted(months, reverse=True)


def late(conn: Connection, zone: ZoneInfo, at: datetime) -> list[tuple[date, list[str]]]:
    """Return older months with the customers of whom readings have come in the last two days."""
    running = first_of(at, zone)
    span = {
        "heard_since": at - _HEARD,
        "before": bounds(first_of(at - LATE, zone), zone)[0],
        "first": bounds(step(running, -_BACK_MONTHS), zone)[0],
        "zone": zone.key,
    }
    found = conn.execute(Q["late_accounts"], span).fetchall()
    return [(month, [row[0] for row in rows]) for month, rows in groupby(found, key=lambda row: row[1])]


def make(conn: Connection, month: date, zone: ZoneInfo, at: datetime) -> int:
    """Make a month for everybody; return how many rows are new or changed."""
    return int(conn.execute(Q["make_month"], _given(month, zone, at)).fetchall()[0][0])


def make_of(conn: Connection, month: date, zone: ZoneInfo, at: datetime, accounts: Sequence[str]) -> int:
    """Make a month for some customers; return how many rows are new or changed."""
    made = 0
    for first in range(0, len(accounts), BATCH):
        given = _given(month, zone, at) | {"accounts": list(accounts[first : first + BATCH])}
        made += int(conn.execute(Q["make_month_of"], given).fetchall()[0][0])
    return made


def _given(month: date, zone: ZoneInfo, at: datetime) -> dict[str, Any]:
    start, end = bounds(month, zone)
    whole = int((end - start).total_seconds() // 3600)
    return {"month": month, "from": start, "until": min(end, at), "at": at, "whole": whole}
