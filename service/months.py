"""Months as people count them: a month on from the 31st is the last day of a shorter month."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

#: Days of half a month, as the least distance of two visits counts them.
HALF_MONTH_DAYS = 15


@dataclass(frozen=True)
class Period:
    """So many whole months that begin on the first of a month; `end` is the first day after it."""

    start: date
    months: int

    @property
    def end(self) -> date:
        """The first day after it."""
        return add_months(self.start, self.months)

    @property
    def name(self) -> str:
        """How it is called: its first month, and how many it has.

        >>> Period(date(2026, 10, 1), 3).name
        '2026-10 +3'
        """
        return f"{self.start:%Y-%m} +{self.months}"

    def days(self) -> list[date]:
        """Every day of it."""
        return days(self.start, self.end)


def add_months(day: date, months: int) -> date:
    """Return the same day so many months on or back, or the last of a month that is too short.

    >>> add_months(date(2028, 2, 29), 12), add_months(date(2026, 1, 31), 1)
    (datetime.date(2029, 2, 28), datetime.date(2026, 2, 28))
    """
    number = day.year * 12 + day.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def period(day: date, months: int) -> Period:
    """Return the period of so many months that holds the day; a quarter begins in January, April, ...

    >>> period(date(2026, 11, 22), 3).start
    datetime.date(2026, 10, 1)
    """
    number = day.year * 12 + day.month - 1
    return Period(add_months(day.replace(day=1), -(number % months)), months)


def days(first: date, end: date) -> list[date]:
    """Return the days from `first` until before `end`."""
    return [first + timedelta(days=n) for n in range((end - first).days)]
