"""What a month of service was like: by manager, region, segment and for the whole utility.

docs/service.md defines each figure; sql/queries/figures.sql is where it is counted.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from sql.query import Queries

Q = Queries("figures")

Dimension = Literal["utility", "manager", "region", "segment"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
#: What the time to a fix is held against where a group has too little of a past of its own, in hours.
BASELINE_H = 168.0
#: From so many events on, a group has a past of its own.
BASELINE_EVENTS = 10
#: Months before the running one that are made again: their tickets are still worked on.
MONTHS_OPEN = 3

Behind = Literal[
    "opened",
    "response_kept",
    "response_missed",
    "resolution_kept",
    "resolution_missed",
    "resolved",
    "reopened",
    "answered",
    "satisfied",
    "dissatisfied",
]
"""Figures that are made of tickets, each of which can be looked up."""


@dataclass(frozen=True)
class Figures:
    """The figures of one month and key; None where there is nothing to take a mean or share of."""

    month: date
    dimension: Dimension
    key: str
    name: str = ""
    opened: int = 0
    response_kept: int = 0
    response_missed: int = 0
    response_h: float | None = None
    resolution_kept: int = 0
    resolution_missed: int = 0
    resolution_h: float | None = None
    resolved: int = 0
    reopened: int = 0
    asked: int = 0
    answered: int = 0
    satisfied: int = 0
    score: float | None = None
    visits_due: int = 0
    visits_done: int = 0
    visits_on_time: int = 0
    confirmed_events: int = 0
    saved_m3: float = 0.0
    saved_money: float = 0.0
    customers: int = 0
    volume_m3: float | None = None
    revenue: float | None = None
    planned: int = 0
    within_plan: int = 0
    made_at: datetime | None = None

    @property
    def response_share(self) -> float | None:
        """Share of first responses within their deadline."""
        return share(self.response_kept, self.response_kept + self.response_missed)

    @property
    def resolution_share(self) -> float | None:
        """Share of resolutions within their deadline."""
        return share(self.resolution_kept, self.resolution_kept + self.resolution_missed)

    @property
    def reopened_share(self) -> float | None:
        """Share of what was resolved that had to be opened again."""
        return share(self.reopened, self.resolved)

    @property
    def satisfied_share(self) -> float | None:
        """Share of the answers that are satisfied."""
        return share(self.satisfied, self.answered)

    @property
    def visits_share(self) -> float | None:
        """Share of the visits due that were made by their day."""
        return share(self.visits_on_time, self.visits_due)

    @property
    def plan_share(self) -> float | None:
        """Share of the customers with a plan who stayed within it."""
        return share(self.within_plan, self.planned)


def share(part: int, whole: int) -> float | None:
    """Return part of whole, None of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Span:
    """A month of the utility: its first day, and the instants it begins and ends."""

    month: date
    start: datetime
    end: datetime


def span(month: date, zone: ZoneInfo) -> Span:
    """Return the month that the day lies in, in the utility's zone."""
    first = month.replace(day=1)
    start = datetime(first.year, first.month, 1, tzinfo=zone)
    after = next_month(first)
    return Span(first, start, datetime(after.year, after.month, 1, tzinfo=zone))


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def months_before(month: date, count: int) -> date:
    """Return the first day of the month `count` months before."""
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)
