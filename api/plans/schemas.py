"""What the API says about water plans, and what it takes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import WithJsonSchema

from api.fields import Name
from api.page import Filter
from api.tickets.schemas import Body, Said
from service.water_plans import MOST_M3, parse_month

Standing = Literal["unknown", "within", "near", "overrun", "over"]


def _month(value: object) -> date:
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError("Give a month as text: 2026-12.")
    return parse_month(value)


# A month of the utility.
Month = Annotated[
    date,
    BeforeValidator(_month),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}$", "examples": ["2026-12"]}),
]


class PlanFilter(Filter):
    """Which plans."""

    month: Month | None = Field(None, description="The running month unless given.")
    standing: list[Standing] | None = Field(None, max_length=5, description="One or several.")
    manager: Name | None = Field(None, description="Login of the account manager.")
    account_no: Name | None = None


class Plan(BaseModel):
    """What a customer may use in a month, and how that stands."""

    account_no: str
    customer: str = Field(description="The customer's name.")
    manager: str | None
    month: date
    plan_m3: float
    used_m3: float | None = Field(description="Measured so far, as of `made_at`.")
    used_share: float | None = Field(description="Use so far / plan.")
    forecast_m3: float | None = Field(description="Expected by the end of the month.")
    low_m3: float | None
    high_m3: float | None
    made_at: datetime | None
    standing: Standing = Field(
        description="`over`: used up; `overrun`: the forecast's low end passes the plan; `near`: 80 %."
    )
    noticed: list[str] = Field(description="What was told: `forecast`, `80`, `100`.")
    decided_by: str
    decided_at: datetime | None
    why: str
    version: int


class ProposalFilter(Filter):
    """Which proposals."""

    month: Month | None = Field(None, description="Next month unless given.")
    state: Literal["proposed", "agreed", "declined"] | None = None
    manager: Name | None = Field(None, description="Login of the account manager.")


class Proposal(BaseModel):
    """What a month's plan could be."""

    account_no: str
    customer: str
    manager: str | None
    month: date
    plan_m3: float
    low_m3: float = Field(description="What single months bear out: the least and the most.")
    high_m3: float
    basis: Literal["last_year", "median"]
    facts: dict[str, Any]
    zh: str = Field(description="What it rests on, in words.")
    en: str
    state: Literal["proposed", "agreed", "declined"]
    made_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class SetPlan(Body):
    """A plan."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"plan_m3": 1900, "why": "New line from May."}]}
    )

    plan_m3: Annotated[float, Field(ge=0, le=MOST_M3)]
    why: Said
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="The version you saw, 0 for none: 409 where another came since."
    )


class Decide(Body):
    """Which proposals of a month."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"month": "2026-12", "accounts": ["10023417"]}]}
    )

    month: Month
    accounts: Annotated[list[Name], Field(min_length=1, max_length=10_000)]


class Accept(Body):
    """Which proposals of a month; null: all that you see."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"month": "2026-12", "accounts": None}]})

    month: Month
    accounts: Annotated[list[Name], Field(min_length=1, max_length=10_000)] | None = None


class Decided(BaseModel):
    """How many proposals it concerned."""

    count: int


class Import(Body):
    """A file of plans: header `account_no,month,plan_m3`, a plan a line."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"csv": "account_no,month,plan_m3\n10023417,2026-12,1900\n", "why": "Plans of 2026."}
            ]
        }
    )

    csv: Annotated[str, Field(min_length=1, max_length=10_000_000)]
    why: Said


class Imported(BaseModel):
    """What a file brought."""

    lines: int
    changed: int = Field(description="New plans and changed ones.")


EXAMPLE: dict[str, Any] = {
    "account_no": "10023417",
    "customer": "江城第三医院",
    "manager": "li.wei",
    "month": "2026-11-01",
    "plan_m3": 1900.0,
    "used_m3": 1320.4,
    "used_share": 0.694947,
    "forecast_m3": 1985.2,
    "low_m3": 1931.0,
    "high_m3": 2039.4,
    "made_at": "2026-11-20T22:10:00Z",
    "standing": "overrun",
    "noticed": ["forecast"],
    "decided_by": "import",
    "decided_at": None,
    "why": "",
    "version": 1,
}
PROPOSAL: dict[str, Any] = {
    "account_no": "10023417",
    "customer": "江城第三医院",
    "manager": "li.wei",
    "month": "2026-12-01",
    "plan_m3": 1974.0,
    "low_m3": 1880.0,
    "high_m3": 2068.0,
    "basis": "last_year",
    "facts": {"last_year_m3": 1880.0, "trend": 5.0, "months": 6},
    "zh": "以去年同月用水 1880 m³（按日折算）为基数；最近 6 个月比上年同期增加 5%。",
    "en": "Last year's same month, 1880 m³ by the day; the last 6 months used 5 % more than a year before.",
    "state": "proposed",
    "made_at": "2026-11-19T22:30:00Z",
    "decided_by": None,
    "decided_at": None,
}
