"""What the API says about policies, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Name, Text, When, Why
from api.page import Filter
from core.words import Scope, Severity

Exemption = Literal["expected_flow", "holiday", "that_is_normal"]
Said = Annotated[Why, StringConstraints(min_length=1, strip_whitespace=True)]


class PolicyFilter(Filter):
    """Which policies."""

    detector: Name | None = None
    scope: Scope | None = None
    scope_key: Name | None = Field(None, description="Sector, segment, DMA, account number or serial.")
    valid: bool = Field(False, description="Only those that hold now.")
    exempt: bool | None = Field(None, description="True: exemptions only; false: none of them.")


class Proposal(BaseModel):
    """What a policy says; a field that isn't known is refused."""

    model_config = ConfigDict(extra="forbid")

    detector: Name
    scope: Scope = Scope.DEFAULT
    scope_key: Annotated[Text, Field(max_length=200)] = Field(
        "", description="Sector, segment, DMA, account number or serial; empty for scope `default`."
    )
    params: dict[Name, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        {}, max_length=50, description="Parameters by name (docs/detectors.md)."
    )
    enabled: bool = Field(True, description="False switches the detector off for the scope.")
    exemption: Exemption | None = Field(None, description="Why the scope is exempt; switches it off too.")


class NewPolicy(Proposal):
    """A policy to be saved."""

    valid_from: When | None = Field(None, description="Now, unless given.")
    valid_until: When | None = Field(None, description="For good, unless given; itself excluded.")
    why: Said


class PreviewRequest(Proposal):
    """A policy to be tried on the past."""

    days: int = Field(28, ge=1, le=92, description="How many days back from now.")


class End(BaseModel):
    """Why a policy is to hold no longer."""

    model_config = ConfigDict(extra="forbid")

    why: Said


class Policy(BaseModel):
    """A policy, who set it and who ended it."""

    id: int
    detector: str
    scope: Scope
    scope_key: str
    params: dict[str, Any]
    enabled: bool
    exemption: Exemption | None
    valid_from: datetime | None = Field(description="Null: it always held.")
    valid_until: datetime | None = Field(description="Null: for good.")
    why: str
    created_by: str
    created_at: datetime
    ended_by: str | None
    ended_why: str | None
    event_id: int | None = Field(description="The event whose verdict made it.")


class PreviewEvent(BaseModel):
    """An event that would have been raised."""

    subject_kind: Literal["meter", "customer", "dma"]
    subject: str
    detector: str = Field(description="The one that would have raised it first.")
    onset: datetime
    detected: datetime
    cleared: datetime | None
    severity: Severity
    magnitude: float
    unit: str


class PreviewWeek(BaseModel):
    """Events detected in seven days."""

    start: datetime
    without: int
    with_draft: int


class PreviewAnswer(BaseModel):
    """What the detector's group would have raised, without the draft and with it."""

    group: str
    start: datetime
    end: datetime
    meters: int = Field(description="How many meters the draft concerns.")
    without: int = Field(description="Events without the draft.")
    with_draft: int = Field(description="Events with it.")
    weeks: list[PreviewWeek]
    subjects: list[str] = Field(description="Whose events differ; at most 200.")
    gone: list[PreviewEvent] = Field(description="Events that the draft does away with; at most 200.")
    new: list[PreviewEvent] = Field(description="Events that it brings; at most 200.")


EXAMPLE: dict[str, Any] = {
    "id": 12,
    "detector": "continuous_flow",
    "scope": "customer",
    "scope_key": "10023417",
    "params": {"threshold_lph": 20.0},
    "enabled": True,
    "exemption": None,
    "valid_from": "2026-11-21T09:00:00Z",
    "valid_until": None,
    "why": "The fountain in the court runs day and night.",
    "created_by": "li.wei",
    "created_at": "2026-11-21T09:00:00Z",
    "ended_by": None,
    "ended_why": None,
    "event_id": None,
}
_EVENT: dict[str, Any] = {
    "subject_kind": "meter",
    "subject": "JC-00417",
    "detector": "continuous_flow",
    "onset": "2026-11-02T03:00:00Z",
    "detected": "2026-11-03T03:00:00Z",
    "cleared": "2026-11-05T11:00:00Z",
    "severity": "medium",
    "magnitude": 14.0,
    "unit": "L/h",
}
PREVIEW: dict[str, Any] = {
    "group": "leak",
    "start": "2026-11-07T09:00:00Z",
    "end": "2026-11-21T09:00:00Z",
    "meters": 1,
    "without": 1,
    "with_draft": 0,
    "weeks": [
        {"start": "2026-11-07T09:00:00Z", "without": 1, "with_draft": 0},
        {"start": "2026-11-14T09:00:00Z", "without": 0, "with_draft": 0},
    ],
    "subjects": ["JC-00417"],
    "gone": [_EVENT],
    "new": [],
}
