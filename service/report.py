"""What the monthly report is made of: a month's figures, those before it, and what stands behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from service.figures import Dimension, Figures
from sql.query import Queries

Q = Queries("figures")
ScopeKind = Literal["utility", "region", "manager"]
SCOPES: tuple[ScopeKind, ...] = get_args(ScopeKind)
#: Months in a chart that looks back.
LOOK_BACK = 12
MISSED = 20
_CAUSES = 12


@dataclass(frozen=True)
class Scope:
    """Whom the report is about: the utility, the region with this code or the manager with this login."""

    kind: ScopeKind = "utility"
    key: str = ""
    name: str = ""


@dataclass(frozen=True)
class Week:
    """A week of the month, from its first day within the month."""

    first: date
    opened: int
    resolved: int


@dataclass(frozen=True)
class Cause:
    """A cause: tickets of it resolved in the month, those at places that had it in the 12 months before."""

    code: str
    tickets: int
    again: int
    name_zh: str = ""
    name_en: str = ""


@dataclass(frozen=True)
class Missed:
    """A ticket that is, or was, past its deadline."""

    id: int
    customer: str
    opened_at: datetime
    resolution_due: datetime
    resolved_at: datetime | None
    priority: str


@dataclass(frozen=True)
class Report:
    """A month's report, as yet without words; instants aware UTC, the zone is the utility's."""

    utility: str
    currency: str
    zone: ZoneInfo
    month: date
    scope: Scope
    as_of: datetime
    running: bool
    now: Figures
    before: Figures | None
    months: Sequence[tuple[date, Figures | None]]
    weeks: Sequence[Week]
    groups: dict[Dimension, Sequence[Figures]]
    causes: Sequence[Cause]
    missed: Sequence[Missed]
