"""What a month of service was like: by manager, region, segment and for the whole utility.

docs/service.md defines each figure; sql/queries/figures.sql is where it is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from psycopg.rows import class_row, dict_row

from service.volumes import bounds, first_of, step
from sql.pool import Connection
from sql.query import Queries

Q = Queries("figures")

Dimension = Literal["utility", "manager", "region", "segment", "region_manager", "manager_segment"]
#: Of the last two the keys are `code/login` and `login/segment`.
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
#: What the time to a fix is held against where a group has too little of a past of its own, in hours.
BASELINE_H = 168.0
#: From so many events on, a group has a past of its own.
BASELINE_EVENTS = 10
#: Months before the running one that are made again: their tickets are still worked on.
MONTHS_OPEN = 3
#: So far back a month that was never made is made.
MONTHS_BACK = 36
#: More rows are never read at once.
MOST = 100_000

Behind = Literal[
    "opened",
    "response_kept",
    "response_missed",
    "resolution_kept",
    "resolution_missed",
    "resolved",
    "reopened",
    "asked",
    "answered",
    "satisfied",
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
    visits_postponed: int = 0
    visits_overdue: int = 0
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


SHARES = (
    "response_share",
    "resolution_share",
    "reopened_share",
    "satisfied_share",
    "visits_share",
    "plan_share",
)


def share(part: int, whole: int) -> float | None:
    """Return part of whole, None of nothing."""
    return part / whole if whole else None


def make(conn: Connection, month: date, zone: ZoneInfo, *, at: datetime) -> int:
    """Make the figures of a month as of `at`; return the number of keys. Made again, they are made anew."""
    given = span(month, zone, at) | {
        "zone": zone.key,
        "baseline_h": BASELINE_H,
        "baseline_events": BASELINE_EVENTS,
    }
    ((count,),) = conn.execute(Q["make_figures"], given).fetchall()
    conn.execute(Q["forget_figures"], given)
    return int(count)


def wanted(conn: Connection, zone: ZoneInfo, *, at: datetime) -> list[date]:
    """Return the months to make: the running one, those before it that still change, and any never made."""
    running = first_of(at, zone)
    still = {step(running, -back) for back in range(MONTHS_OPEN + 1)}
    params = {"zone": zone.key, "running": running, "earliest": step(running, -MONTHS_BACK)}
    return sorted(still.union(month for (month,) in conn.execute(Q["months_without"], params)))


def span(month: date, zone: ZoneInfo, at: datetime) -> dict[str, Any]:
    """Return the month's bounds as the queries take them."""
    start, end = bounds(month, zone)
    year_before, _ = bounds(step(month, -12), zone)
    return {"month": month, "from": start, "until": end, "year_before": year_before, "at": at}


def read(
    conn: Connection,
    first: date,
    last: date,
    *,
    dimension: Dimension | None = None,
    key: str | None = None,
    within: str | None = None,
    after: tuple[Any, ...] = (date.min, "", ""),
    limit: int = MOST,
) -> list[Figures]:
    """Return what was made of the months `first` to `last`, in order of month, dimension and key.

    `within` is the region or manager whose parts are wanted: their keys then are those of the parts.
    """
    after_month, after_dimension, after_key = after
    params = {
        "from": first,
        "until": last,
        "dimension": dimension,
        "key": key,
        "within": within,
        "after_month": after_month,
        "after_dimension": after_dimension,
        "after_key": after_key,
        "limit": limit,
    }
    with conn.cursor(row_factory=class_row(Figures)) as cursor:
        return cursor.execute(Q["figures"], params).fetchall()


def behind(
    conn: Connection,
    month: date,
    zone: ZoneInfo,
    figure: Behind,
    *,
    at: datetime,
    key: tuple[Dimension, str] = ("utility", ""),
    after: tuple[Any, ...] = (0, 0),
    limit: int = 100,
) -> Sequence[dict[str, Any]]:
    """Return the rounds of tickets that a figure of a dimension and key counts, as they stand at `at`."""
    params = span(month, zone, at) | {
        "figure": figure,
        "dimension": key[0],
        "key": key[1],
        "after_id": after[0],
        "after_round": after[1],
        "limit": limit,
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(Q["tickets_behind"], params).fetchall()
