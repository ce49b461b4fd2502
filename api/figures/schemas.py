"""What the API says about a month of service, and what it takes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from api.fields import Name
from api.page import Filter
from api.tickets.schemas import Body
from core.errors import BadDataError
from service.figures import Behind, Dimension
from service.report import ScopeKind


def _month(value: object) -> object:
    """Read `2026-10`."""
    if isinstance(value, str) and len(value) == len("2026-10"):
        try:
            return date.fromisoformat(f"{value}-01")
        except ValueError:
            pass
    raise ValueError("A month is written like 2026-10.")


Month = Annotated[
    date, BeforeValidator(_month, json_schema_input_type=Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")])
]
Share = Annotated[float | None, Field(description="0 to 1; null of nothing.")]


class FiguresFilter(Filter):
    """Which figures."""

    since: Month | None = Field(
        None, description="First month, like 2026-01; without it 12 months up to the last."
    )
    until: Month | None = Field(None, description="Last month; without it the running one.")
    dimension: Dimension | None = None
    key: Name | None = Field(
        None, description="Login, code of a region, or segment; of `region_manager` code/login, and so on."
    )
    format: Literal["json", "csv"] | None = Field(
        None, description="Without it the header Accept decides. CSV comes whole, not in pages."
    )


class Figures(BaseModel):
    """The figures of one month for the utility, a manager, region or segment, or a part of these."""

    month: date = Field(description="Its first day, in the utility's time zone.")
    dimension: Dimension
    key: str = Field(description="Login, code of the region, or segment; empty for the utility.")
    name: str
    opened: int = Field(description="Tickets opened in the month.")
    response_kept: int
    response_missed: int = Field(description="Given late, or overdue.")
    response_share: Share
    response_h: float | None = Field(description="Median hours to the first response.")
    resolution_kept: int
    resolution_missed: int
    resolution_share: Share
    resolution_h: float | None
    resolved: int = Field(description="Of the rounds that began in the month, resolved by people.")
    reopened: int
    reopened_share: Share
    asked: int = Field(description="Customers asked in the month whether a ticket is settled.")
    answered: int
    satisfied: int
    satisfied_share: Share
    score: float | None = Field(description="Mean of the scores, 1 to 5.")
    visits_due: int = Field(description="First planned for a day of the month that is past, or done.")
    visits_done: int
    visits_on_time: int = Field(description="Of these by their day, the one agreed last.")
    visits_postponed: int = Field(description="Put off to a day to come.")
    visits_overdue: int
    visits_share: Share
    confirmed_events: int = Field(description="Confirmed leaks that ended in the month.")
    saved_m3: float
    saved_money: float
    customers: int = Field(description="Customers whose use is known.")
    volume_m3: float | None
    revenue: float | None
    planned: int
    within_plan: int
    plan_share: Share
    made_at: datetime


class BehindFilter(Filter):
    """Which figure."""

    month: Month
    figure: Behind
    dimension: Dimension = "utility"
    key: Annotated[str, Field(max_length=200)] = ""


class BehindRow(BaseModel):
    """A round of a ticket: from its opening, or from one re-opening to the next."""

    id: int
    round: int
    started_at: datetime = Field(description="Of a figure from surveys: when the customer was asked.")
    account_no: str | None
    customer: str | None
    group: str
    priority: str
    state: str
    manager: str
    response_due: datetime
    responded_at: datetime | None
    response: Literal["kept", "missed"] | None
    resolution_due: datetime
    resolved_at: datetime | None
    resolution: Literal["kept", "missed"] | None
    reopened: bool


class Subscribe(Body):
    """Who gets which report by mail each month."""

    staff: Name = Field(description="Login.")
    scope: ScopeKind = "utility"
    key: Annotated[str, Field(max_length=200)] = Field(
        "", description="Code of the region, or login of the manager."
    )
    language: Literal["zh", "en"] | None = Field(None, description="Without it the subscriber's own.")

    def checked(self) -> "Subscribe":
        """Refuse a key without a region or manager, and the other way round."""
        if (self.scope == "utility") == bool(self.key):
            raise BadDataError(
                "A report of a region or manager names it by `key`, one of the utility has none.",
                cure="Give the region's code or the manager's login.",
            )
        return self


class Subscription(BaseModel):
    """A standing order for the monthly report."""

    id: int
    staff: str
    scope: ScopeKind
    key: str
    language: Literal["zh", "en"]
    created_by: str
    created_at: datetime


class Subscriptions(BaseModel):
    """Every subscription that the caller may see."""

    items: list[Subscription]


EXAMPLE: dict[str, Any] = {
    "month": "2026-10-01",
    "dimension": "manager",
    "key": "li.wei",
    "name": "李薇",
    "opened": 41,
    "response_kept": 38,
    "response_missed": 2,
    "response_share": 0.95,
    "response_h": 6.4,
    "resolution_kept": 33,
    "resolution_missed": 4,
    "resolution_share": 0.892,
    "resolution_h": 39.0,
    "resolved": 37,
    "reopened": 2,
    "reopened_share": 0.054,
    "asked": 30,
    "answered": 14,
    "satisfied": 13,
    "satisfied_share": 0.929,
    "score": 4.5,
    "visits_due": 12,
    "visits_done": 11,
    "visits_on_time": 10,
    "visits_postponed": 1,
    "visits_overdue": 0,
    "visits_share": 0.833,
    "confirmed_events": 9,
    "saved_m3": 412.5,
    "saved_money": 1691.25,
    "customers": 620,
    "volume_m3": 10482.0,
    "revenue": 42976.2,
    "planned": 14,
    "within_plan": 13,
    "plan_share": 0.929,
    "made_at": "2026-11-21T18:52:03Z",
}
BEHIND: dict[str, Any] = {
    "id": 17,
    "round": 1,
    "started_at": "2026-10-20T14:00:04Z",
    "account_no": "10023417",
    "customer": "江城第三医院",
    "group": "leak",
    "priority": "urgent",
    "state": "resolved",
    "manager": "li.wei",
    "response_due": "2026-10-21T14:00:04Z",
    "responded_at": "2026-10-20T15:10:00Z",
    "response": "kept",
    "resolution_due": "2026-10-22T14:00:04Z",
    "resolved_at": "2026-10-23T09:00:00Z",
    "resolution": "missed",
    "reopened": False,
}
SUBSCRIPTIONS: dict[str, Any] = {
    "items": [
        {
            "id": 5,
            "staff": "li.wei",
            "scope": "manager",
            "key": "li.wei",
            "language": "zh",
            "created_by": "admin",
            "created_at": "2026-11-21T09:00:00Z",
        }
    ]
}
