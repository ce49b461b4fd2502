"""Who is visited when: one visit a customer and period, spread evenly over the manager's working days."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service import calendars, months
from service.months import Period, period
from sql.pool import Connection
from sql.query import Queries

Q = Queries("visits")
#: A period is planned so long before it begins, or at once when it runs already.
AHEAD = timedelta(days=10)

Works = Callable[[date], bool]
#: The calendar on record that says which days are worked.
CALENDAR = "office"


def office_days(conn: Connection, zone: ZoneInfo) -> Works:
    """Return what says whether the office works on a day, public holidays and make-up days counted."""
    calendar = calendars.load(conn, CALENDAR)

    def works(day: date) -> bool:
        start = datetime.combine(day, time(), zone)
        return calendar.worked(start, datetime.combine(day + timedelta(days=1), time(), zone)) > 0

    return works


def plan(conn: Connection, zone: ZoneInfo, works: Works, *, at: datetime) -> int:
    """Plan the visits of the running periods, and of those that begin soon; return how many are new.

    `works` says which days are worked. Run twice it changes nothing. Nobody is planned to be visited again
    before half the cadence has passed.
    """
    today = at.astimezone(zone).date()
    made = 0
    for (every,) in conn.execute(Q["cadences"]).fetchall():
        for each in dict.fromkeys((period(today, every), period(today + AHEAD, every))):
            made += plan_period(conn, each, zone, works, today=today)
    return made


def plan_period(conn: Connection, whole: Period, zone: ZoneInfo, works: Works, *, today: date) -> int:
    """Plan one period, from tomorrow on where it runs already; return how many visits are new."""
    first = max(whole.start, today + timedelta(days=1))
    given = {
        "every_months": whole.months,
        "period": whole.name,
        "start": whole.start,
        "first": first,
        "end": whole.end,
        "since": months.add_months(whole.start, -2 * whole.months),
        "half_days": half_days(whole.months),
        "days": [day for day in months.days(first, whole.end) if works(day)],
        "today": today,
        "timezone": zone.key,
    }
    return conn.execute(Q["plan_period"], given).rowcount


def half_days(every_months: int) -> int:
    """Return the least days between two visits of a cadence: half of it."""
    return every_months * months.HALF_MONTH_DAYS


def next_worked(day: date, works: Works) -> date:
    """Return the day, or the next that is worked; the day itself where none is within two months."""
    return next((d for d in months.days(day, day + timedelta(days=62)) if works(d)), day)
