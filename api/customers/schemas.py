"""What the API says about customers."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.events.schemas import EventBrief
from api.fields import Name
from api.page import Filter
from api.tickets.schemas import TicketBrief
from core.words import Sector, Segment

MOST = 200
"""Most items of each list in a profile."""


class CustomerFilter(Filter):
    """Which customers."""

    segment: Segment | None = None
    sector: Sector | None = None
    manager: Name | None = Field(None, description="Login of the account manager.")
    dma: Name | None = Field(None, description="Code of the district metered area.")


class CustomerBrief(BaseModel):
    """A customer in a list."""

    account_no: str
    name: str
    sector: Sector
    segment: Segment
    address: str | None
    manager: str | None = Field(description="Login of the account manager.")
    manager_name: str | None
    dma: str | None
    dma_name: str | None


class Manager(BaseModel):
    """Who answers for the customer."""

    login: str
    name: str
    email: str | None
    phone: str | None
    deputy: str | None = Field(None, description="Login of who stands in.")


class Contacts(BaseModel):
    """How the customer is reached."""

    language: Literal["zh", "en"]
    channel: str
    phone: str | None
    email: str | None
    address: str | None
    confirmed_at: datetime | None = Field(description="When somebody last made sure of them.")


class FieldChange(BaseModel):
    """One field, as it was and as it became."""

    field: str
    before: Any
    after: Any


class Change(BaseModel):
    """A version of the profile: who made it, why, and what was changed."""

    version: int
    at: datetime
    actor: str
    why: str
    fields: list[FieldChange]


class Doubt(BaseModel):
    """Something about the contact data that somebody is to verify."""

    id: int
    kind: Literal["bounced", "occupancy_change", "old", "conflicting"]
    field: Literal["phone", "email", "address"] | None
    why: str
    event_id: int | None
    opened_at: datetime


class Answer(BaseModel):
    """What the customer thought of how a ticket was served."""

    ticket_id: int
    answered_at: datetime
    satisfied: bool | None
    score: int | None
    remark: str | None


class OutageHere(BaseModel):
    """An outage at a place of the customer, now or to come."""

    code: str
    kind: Literal["planned", "unplanned"]
    state: str
    reason: str
    starts_at: datetime
    expected_end: datetime


class ServicePoint(BaseModel):
    """A place that is supplied."""

    code: str
    address: str | None
    dma: str | None


class CustomerMeter(BaseModel):
    """A meter at one of the customer's service points, now or earlier."""

    serial: str
    kind: str
    service_point: str
    interval_s: int
    installed_at: datetime | None
    removed_at: datetime | None = Field(description="Null while it is installed.")
    last_reading_at: datetime | None


class Day(BaseModel):
    """Use of one day in the utility's time zone."""

    day: date
    volume_m3: float


class Month(BaseModel):
    """Use of one month of the utility."""

    month: date
    volume_m3: float
    hours: int = Field(description="Hours of the month for which the use is known.")


class Plan(BaseModel):
    """The water plan of this month."""

    month: date
    plan_m3: float
    used_share: float | None = Field(description="Use of this month so far / plan; null for a plan of 0.")
    decided_by: str


class Use(BaseModel):
    """How much was used, by the utility's days."""

    today: date
    this_month_m3: float = Field(description="From the first of this month until now.")
    last_30_days_m3: float = Field(description="The 30 whole days before today.")
    days: list[Day] = Field(description="The days of the last 30 that have data, and today.")
    months: list[Month] = Field(description="The last 25 months with data, made every night; latest first.")
    same_month_last_year_m3: float | None = Field(description="The whole month; null where it isn't known.")


class Visit(BaseModel):
    """A visit that is due, put off, done or called off."""

    id: int
    due_on: date
    kind: Literal["cadence", "inspection", "ad_hoc"]
    form: Literal["on_site", "call", "letter"]
    state: Literal["due", "postponed", "done", "cancelled"]
    done_at: datetime | None
    manager: str | None


class Profile(BaseModel):
    """Everything about one customer; each list holds at most 200 items."""

    account_no: str
    name: str
    sector: Sector
    segment: Segment
    segment_by: str = Field(description="Who decided the segment: `import`, `rule`, or the name of who did.")
    contacts: Contacts
    manager: Manager | None
    dma: str | None
    dma_name: str | None
    tariff_price_m3: float | None
    currency: str
    shifts: str | None
    dwellings: int
    household_size: int | None
    lives_alone: bool
    category: str | None = Field(description="What kind of place it is: hospital, school, ...")
    needs: list[str] = Field(description="What makes somebody vulnerable.")
    version: int
    updated_at: datetime
    service_points: list[ServicePoint]
    meters: list[CustomerMeter] = Field(description="Installed ones first.")
    use: Use
    plan: Plan | None
    open_events: list[EventBrief]
    past_events: list[EventBrief] = Field(description="The last 20.")
    open_tickets: list[TicketBrief]
    past_tickets: list[TicketBrief] = Field(description="The last 20 that are resolved, confirmed or merged.")
    visits: list[Visit]
    answers: list[Answer] = Field(description="The last 20 answers to surveys.")
    outages: list[OutageHere] = Field(description="Under way or to come.")
    doubts: list[Doubt] = Field(description="Open contact checks.")
    changes: list[Change] = Field(description="The last 20 versions.")


BRIEF: dict[str, Any] = {
    "account_no": "10023417",
    "name": "江城第三医院",
    "sector": "institutional",
    "segment": "special",
    "address": "江城市解放路 17 号",
    "manager": "li.wei",
    "manager_name": "李伟",
    "dma": "DMA-04",
    "dma_name": "Old Town",
}
