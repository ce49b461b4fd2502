"""What the API says about segments, and what it takes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Id, Name
from api.page import Filter
from api.tickets.schemas import Body, Said
from core.words import Sector, Segment

Share = Annotated[float, Field(ge=0, le=1)]
Words = Annotated[list[Name], Field(max_length=100)]


class SegmentSum(BaseModel):
    """One segment at the last run."""

    segment: Segment
    customers: int
    unmanaged: int = Field(description="Of these, without an account manager who works here.")
    volume_m3: float = Field(description="What they used in the 12 months before.")


class Segments(BaseModel):
    """The segments at the last run; empty before the first."""

    month: date | None = Field(description="The 12 whole months before this one count.")
    items: list[SegmentSum]


class Moved(BaseModel):
    """How many go from one segment to another."""

    was: Segment
    becomes: Segment
    customers: int


class Proposal(BaseModel):
    """What the rule makes, or has made, of the 12 whole months before `month`."""

    month: date
    customers: int
    moved: list[Moved]


class ChangeFilter(Filter):
    """Which changes."""

    month: date | None = Field(None, description="First of the month; the running one, unless given.")
    becomes: Segment | None = None
    applied: bool | None = Field(None, description="False: proposed only.")
    format: Literal["json", "csv"] = "json"


class Change(BaseModel):
    """A change of segment with its numbers."""

    month: date
    account_no: str
    name: str
    sector: Sector
    was: Segment
    becomes: Segment
    why: str
    volume_m3: float
    rank: int
    customers: int
    share_through: float = Field(description="Share of the volume of all customers up to this rank.")
    proposed_at: datetime
    applied_at: datetime | None
    applied_by: str | None


class UnmanagedFilter(Filter):
    """Which high-value customers."""

    segment: list[Segment] | None = Field(None, description="Large and special, unless given.", max_length=3)
    format: Literal["json", "csv"] = "json"


class Unmanaged(BaseModel):
    """A customer of high value whom nobody looks after."""

    account_no: str
    name: str
    segment: Segment
    sector: Sector
    category: str | None
    address: str | None
    phone: str | None
    dma: str | None
    region: str | None
    left_by: str | None = Field(description="Login of a manager who has left; null: there was none.")
    volume_m3: float = Field(description="What they used in the last 12 whole months.")


class Policy(BaseModel):
    """Who is large, special or vulnerable."""

    large_share: float = Field(description="Large are the largest who together carry this share.")
    large_keep_share: float = Field(description="Who is large stays so up to this share.")
    large_least_m3: float = Field(description="Nobody is large who uses less in a year.")
    large_most_share: float = Field(description="Never more than this share of the customers is large.")
    least_days: int = Field(description="An imported large customer stays so until this much use is known.")
    special_categories: list[str]
    vulnerable_needs: list[str] = Field(description="Needs that make vulnerable.")
    vulnerable_needs_alone: list[str] = Field(description="Needs that do where somebody lives alone.")
    version: int
    updated_by: str


class ChangePolicy(Body):
    """What is to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"large_share": 0.4, "large_least_m3": 3650}]})

    large_share: Share | None = None
    large_keep_share: Share | None = None
    large_least_m3: Annotated[float, Field(ge=0, le=1e9)] | None = None
    large_most_share: Share | None = None
    least_days: Annotated[int, Field(ge=0, le=366)] | None = None
    special_categories: Words | None = None
    vulnerable_needs: Words | None = None
    vulnerable_needs_alone: Words | None = None
    version: Id | None = Field(None, description="The version that was seen.")


class Rule(BaseModel):
    """What follows from a segment in a sector."""

    segment: Segment
    sector: Sector
    urgent: bool = Field(description="Every finding takes the green channel.")
    lift: int = Field(description="Levels of priority above what the severity gives.")
    visit_every_months: int | None = Field(description="Null: not visited by cadence.")
    channel: str = Field(description="How a customer is written to who has not said otherwise.")
    version: int
    updated_by: str


class Rules(BaseModel):
    """The rules, one a segment and sector."""

    items: list[Rule]


class ChangeRule(Body):
    """What is to change; what isn't given stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"visit_every_months": 3}]})

    urgent: bool = False
    lift: Annotated[int, Field(ge=0, le=3)] = 0
    visit_every_months: Annotated[int, Field(ge=1, le=60)] | None = None
    channel: Literal["email", "sms"] = "email"
    version: Id | None = Field(None, description="The version that was seen.")


class SaySegment(Body):
    """A person's word."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"segment": "special", "why": "Dialysis."}]})

    segment: Segment | None = Field(description="Null hands it back to the rule.", strict=False)
    why: Said
    version: Id | None = Field(None, description="The version of the customer that was seen.")


class SaidSegment(BaseModel):
    """The customer's segment, and whose word it is."""

    account_no: str
    segment: Segment
    segment_by: str
    version: int


SUMS: dict[str, Any] = {
    "month": "2026-11-01",
    "items": [{"segment": "large", "customers": 41, "unmanaged": 2, "volume_m3": 2104331.0}],
}
PROPOSAL: dict[str, Any] = {
    "month": "2026-11-01",
    "customers": 3,
    "moved": [{"was": "general", "becomes": "large", "customers": 3}],
}
CHANGE: dict[str, Any] = {
    "month": "2026-11-01",
    "account_no": "10023417",
    "name": "江城钢铁",
    "sector": "industrial",
    "was": "general",
    "becomes": "large",
    "why": "large: 41,230 m3 in 12 months, rank 3 of 5,120, together 38.6 %",
    "volume_m3": 41230.4,
    "rank": 3,
    "customers": 5120,
    "share_through": 0.386,
    "proposed_at": "2026-11-02T19:42:00Z",
    "applied_at": "2026-11-02T19:42:00Z",
    "applied_by": "job",
}
UNMANAGED: dict[str, Any] = {
    "account_no": "10023417",
    "name": "江城钢铁",
    "segment": "large",
    "sector": "industrial",
    "category": None,
    "address": "江城市工业路 2 号",
    "phone": None,
    "dma": "DMA-04",
    "region": "城北",
    "left_by": "wu.fang",
    "volume_m3": 41230.4,
}
POLICY: dict[str, Any] = {
    "large_share": 0.4,
    "large_keep_share": 0.45,
    "large_least_m3": 3650.0,
    "large_most_share": 0.01,
    "least_days": 180,
    "special_categories": ["hospital", "school"],
    "vulnerable_needs": ["medical"],
    "vulnerable_needs_alone": ["elderly"],
    "version": 1,
    "updated_by": "system",
}
RULE: dict[str, Any] = {
    "segment": "large",
    "sector": "industrial",
    "urgent": True,
    "lift": 0,
    "visit_every_months": 1,
    "channel": "email",
    "version": 1,
    "updated_by": "system",
}
SAID: dict[str, Any] = {"account_no": "10023417", "segment": "special", "segment_by": "li.wei", "version": 4}
