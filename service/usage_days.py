"""What each meter used by day of the utility's zone: the table `usage_daily`, summed once a day is over.

Whoever writes hours of a past day marks the day in the same statement, and it is summed again here. What is
marked, or not made yet, is read from the hours (the function `days_used`), so nobody reads an old sum.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from service import volumes
from sql.pool import Connection
from sql.query import Queries

Q = Queries("usage_days")
REST = timedelta(hours=6)
"""So long after its end a day is left to its hours."""
BLOCK = timedelta(days=28)
MARKED = 5_000
"""Most marked days that are summed in one transaction."""


def wanted(conn: Connection, zone: ZoneInfo, at: datetime) -> list[tuple[date, date]]:
    """Return the spans of days that are over and not made, the first and the day after the last of each.

    A utility whose zone is another than it was has other days: what was made is forgotten.
    """
    made = conn.execute(Q["made"]).fetchone()
    if made is not None and made[0] != zone.key:
        conn.execute(Q["forget_days"])
        made = None
    if made is None:
        ((first,),) = conn.execute(volumes.Q["first_usage"]).fetchall()
        if first is None:
            return []
        made = (zone.key, first.astimezone(zone).date())
        conn.execute(Q["begin"], {"zone": zone.key, "day": made[1]})
    ((end,),) = conn.execute(Q["end"], {"zone": zone.key, "at": at, "rest": REST}).fetchall()
    spans, since = [], made[1]
    while since < end:
        spans.append((since, min(since + BLOCK, end)))
        since += BLOCK
    return spans


def make(conn: Connection, zone: ZoneInfo, since: date, until: date) -> int:
    """Sum the days from `since` to before `until` in one transaction of the caller; return the rows made."""
    span = {"zone": zone.key, "since": since, "until": until}
    conn.execute(Q["unmark"], span)
    return int(conn.execute(Q["make_days"], span).fetchall()[0][0])


def sum_marked(conn: Connection, zone: ZoneInfo) -> int:
    """Sum marked days again, at most MARKED, in one transaction of the caller; return how many.

    They are locked before their hours are read: who marks one meanwhile waits, and marks it again.
    """
    marked = conn.execute(Q["lock_marked"], {"zone": zone.key, "limit": MARKED}).fetchall()
    meters, days = [meter for meter, _ in marked], [day for _, day in marked]
    conn.execute(Q["sum_marked"], {"meters": meters, "days": days, "zone": zone.key})
    return len(marked)
