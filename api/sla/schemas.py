"""What the API says about service levels, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.calendars.schemas import Code
from api.fields import Id, Name, When
from api.tickets.schemas import Body, Said
from core.words import Segment

Hours = Annotated[float, Field(ge=0.01, le=10_000)]
Share = Annotated[float, Field(ge=0, lt=1)]
Priority = Literal["urgent", "high", "normal", "low"]


class Sla(BaseModel):
    """A service level: what is promised, in hours of its calendar's working time."""

    code: str
    priority: Priority
    segment: Segment | None = Field(description="Null: whatever the customer's segment.")
    topic: str | None = Field(description="Group of the finding or topic of the complaint; null: any.")
    calendar: str
    response_h: float
    resolution_h: float
    response_warn_share: float = Field(description="Warned when this share of the time is left; 0: not.")
    resolution_warn_share: float
    escalate_h: float = Field(description="Past a deadline, and on to each further superior.")
    active: bool = Field(description="False: no ticket is opened by it; those that were keep to it.")
    version: int
    changed_by: str | None = Field(description="Null: as shipped.")
    changed_at: datetime | None
    why: str | None


class Slas(BaseModel):
    """The service levels: one for a topic goes before one for a segment, and that before the rest."""

    items: list[Sla]


class NewSla(Body):
    """A service level to be made for a segment, a topic, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "hospitals",
                    "priority": "normal",
                    "segment": "special",
                    "calendar": "round_the_clock",
                    "response_h": 12,
                    "resolution_h": 36,
                    "why": "Agreed with the hospitals.",
                }
            ]
        }
    )

    code: Code
    priority: Priority
    segment: Segment | None = Field(None, strict=False)
    topic: Name | None = None
    calendar: Name = "round_the_clock"
    response_h: Hours
    resolution_h: Hours
    response_warn_share: Share = 0.25
    resolution_warn_share: Share = 0.25
    escalate_h: Hours = 24.0
    why: Said


class ChangeSla(Body):
    """What is to change, and why; what isn't given stays, the shares of warning too."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"response_h": 8, "calendar": "office", "why": "The desk has grown.", "version": 1}]
        }
    )

    calendar: Name = ""
    response_h: Hours = 1.0
    resolution_h: Hours = 1.0
    response_warn_share: Share = 0.25
    resolution_warn_share: Share = 0.25
    escalate_h: Hours = 24.0
    active: bool = True
    why: Said
    version: Id | None = Field(None, description="The version that was seen.")


class Opened(BaseModel):
    """When a ticket would be opened."""

    model_config = ConfigDict(extra="forbid")

    at: When | None = Field(None, description="Now, unless given.")


class Promised(BaseModel):
    """By when a ticket under this level would be warned of, answered and resolved."""

    code: str
    priority: Priority
    segment: Segment | None
    topic: str | None
    calendar: str
    response_warned: datetime | None = Field(description="Null: nobody is warned.")
    response_due: datetime
    resolution_warned: datetime | None
    resolution_due: datetime


class SlaPreview(BaseModel):
    """What each level in force promises to a ticket opened at an instant."""

    at: datetime
    items: list[Promised]


EXAMPLE: dict[str, Any] = {
    "code": "normal",
    "priority": "normal",
    "segment": None,
    "topic": None,
    "calendar": "office",
    "response_h": 24.0,
    "resolution_h": 80.0,
    "response_warn_share": 0.25,
    "resolution_warn_share": 0.25,
    "escalate_h": 8.0,
    "active": True,
    "version": 2,
    "changed_by": "zhao.min",
    "changed_at": "2026-11-21T09:00:00Z",
    "why": "The desk works office hours.",
}
PREVIEW: dict[str, Any] = {
    "at": "2026-11-21T09:00:00Z",
    "items": [
        {
            "code": "green_channel",
            "priority": "urgent",
            "segment": None,
            "topic": None,
            "calendar": "round_the_clock",
            "response_warned": "2026-11-22T03:00:00Z",
            "response_due": "2026-11-22T09:00:00Z",
            "resolution_warned": "2026-11-22T21:00:00Z",
            "resolution_due": "2026-11-23T09:00:00Z",
        }
    ],
}
