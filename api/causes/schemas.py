"""What the API says of causes and known problems, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.events.schemas import Group
from api.fields import Name, Text, When
from api.page import Filter
from api.tickets.bodies import Version
from api.tickets.schemas import Body, Help, Said, Topic
from core.words import Sector

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$", description="Small letters, digits and _.")]
Label = Annotated[Said, Field(max_length=100)]


class CauseFilter(BaseModel):
    """Which causes."""

    model_config = ConfigDict(extra="forbid")

    active: bool | None = Field(True, description="Those in use; false: those that no longer are.")
    topic: Topic | None = None
    group: Group | None = None


class Cause(BaseModel):
    """What it may turn out to be."""

    code: str
    zh: str
    en: str
    topics: list[str] = Field(description="Complaints it explains.")
    groups: list[str] = Field(description="Groups of findings it explains.")
    active: bool
    version: int
    changed_by: str
    changed_at: datetime


class Causes(BaseModel):
    """Every cause."""

    items: list[Cause]


class CauseWords(Body):
    """A cause's labels, and where it is offered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"zh": "马桶水箱漏水", "en": "Leaking toilet cistern", "topics": ["leak"], "groups": ["leak"]}
            ]
        }
    )

    zh: Label
    en: Label
    topics: list[Topic] = Field([], max_length=20)
    groups: list[Group] = Field([], max_length=20)
    active: bool = Field(True, description="False takes it out of use; tickets that have it keep it.")


class NewCause(CauseWords):
    """A cause that isn't there yet."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "pool_leak", "zh": "泳池漏水", "en": "Leaking pool"}]}
    )

    code: Code


class CauseChange(CauseWords):
    """A cause as it is to be."""

    version: Version = None


class ProblemFilter(Filter):
    """Which known problems."""

    active: bool | None = Field(True, description="Those in use; false: those that no longer are.")
    topic: Topic | None = None
    group: Group | None = None
    detector: Name | None = None


class KnownProblem(BaseModel):
    """What is known to go wrong, and the way to put it right."""

    id: int
    zh: Help
    en: Help
    topics: list[str]
    groups: list[str]
    detectors: list[str]
    sectors: list[str] = Field(description="None: every sector.")
    cause_code: str | None
    active: bool
    version: int
    changed_by: str
    changed_at: datetime


class NewHelp(Body):
    """How it shows and what to do, in one language."""

    title: Label
    symptoms: Annotated[Text, Field(max_length=1000)] = ""
    steps: list[Annotated[Said, Field(max_length=500)]] = Field(min_length=1, max_length=20)


class NewProblem(Body):
    """A known problem; it is offered on tickets where a topic, group or detector fits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "zh": {"title": "泳池漏水", "symptoms": "夏季夜间流量高", "steps": ["关闭补水阀一夜"]},
                    "en": {
                        "title": "Leaking pool",
                        "symptoms": "High flow on summer nights",
                        "steps": ["Close the pool's inlet for a night"],
                    },
                    "groups": ["leak"],
                    "sectors": ["commercial"],
                }
            ]
        }
    )

    zh: NewHelp
    en: NewHelp
    topics: list[Topic] = Field([], max_length=20)
    groups: list[Group] = Field([], max_length=20)
    detectors: list[Name] = Field([], max_length=50)
    sectors: list[Sector] = Field([], max_length=10, strict=False)
    cause_code: Code | None = None
    active: bool = True


class ProblemChange(NewProblem):
    """A known problem as it is to be."""

    version: Version = None


class RecurringFilter(BaseModel):
    """Which causes that come back."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    by: Literal["customer", "dma", "meter"] = Field("customer", description="What it came back to.")
    days: int = Field(365, ge=1, le=1100, description="Of tickets resolved in so many days up to `until`.")
    until: When | None = Field(None, description="Now, unless said.")
    cause: Name | None = Field(None, description="This cause alone.")
    least: int = Field(2, ge=1, le=1000, description="Fewest tickets to be listed.")
    limit: int = Field(100, ge=1, le=1000)
    format: Literal["json", "csv"] | None = Field(None, description="Else the header Accept decides.")


class Recurring(BaseModel):
    """A cause at a customer, in a district or at a meter."""

    cause: str
    zh: str
    en: str
    subject: str = Field(description="Account number, code of the DMA, or serial of the meter.")
    name: str | None
    tickets: int = Field(description="Resolved with this cause in the period.")
    again: int = Field(description="Of these, opened within 90 days of the resolution before.")
    shortest_rest_days: float | None = Field(
        description="Shortest time from a resolution to the next ticket."
    )
    last_resolved_at: datetime
    ticket_ids: list[int] = Field(description="The latest 20.")


class RecurringCauses(BaseModel):
    """What comes back, the most often first."""

    since: datetime
    until: datetime
    items: list[Recurring]


CAUSE: dict[str, Any] = {
    "code": "toilet_leak",
    "zh": "马桶水箱漏水",
    "en": "Leaking toilet cistern",
    "topics": ["leak", "bill"],
    "groups": ["leak"],
    "active": True,
    "version": 1,
    "changed_by": "system",
    "changed_at": "2026-11-20T14:00:04Z",
}
KNOWN: dict[str, Any] = {
    "id": 1,
    "zh": {"title": "马桶水箱长流水", "symptoms": "水表昼夜不停", "steps": ["关闭马桶角阀，看水表是否停走"]},
    "en": {
        "title": "Toilet cistern runs on",
        "symptoms": "The meter never rests",
        "steps": ["Close the toilet's stop valve and look whether the meter rests"],
    },
    "topics": ["leak", "bill"],
    "groups": ["leak"],
    "detectors": ["continuous_flow"],
    "sectors": ["residential"],
    "cause_code": "toilet_leak",
    "active": True,
    "version": 1,
    "changed_by": "system",
    "changed_at": "2026-11-20T14:00:04Z",
}
RECURRING: dict[str, Any] = {
    "since": "2025-11-21T09:00:00Z",
    "until": "2026-11-21T09:00:00Z",
    "items": [
        {
            "cause": "toilet_leak",
            "zh": "马桶水箱漏水",
            "en": "Leaking toilet cistern",
            "subject": "10023417",
            "name": "江城第三医院",
            "tickets": 3,
            "again": 2,
            "shortest_rest_days": 12.5,
            "last_resolved_at": "2026-11-20T14:00:04Z",
            "ticket_ids": [17, 12, 9],
        }
    ],
}
