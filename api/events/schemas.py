"""What the API says about events."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Name, When, Why
from api.page import Filter
from core.words import Severity

Group = Literal["leak", "network", "pressure", "industrial", "plan", "device", "welfare", "profile"]
State = Literal["open", "cleared", "retracted"]
Reach = Literal["event", "meter", "dma", "customer"]


class EventFilter(Filter):
    """Which events."""

    state: State | None = None
    detector: Name | None = Field(None, description="Only events that this detector saw.")
    group: Group | None = None
    dma: Name | None = Field(None, description="Code of the district metered area.")
    account_no: Name | None = None
    since: When | None = Field(None, description="Detected at or after this instant, or day of the utility.")
    until: When | None = Field(None, description="Detected before this instant, or day of the utility.")
    segment: Literal["large", "special", "vulnerable", "general"] | None = Field(
        None, description="Of the customer."
    )


class EventBrief(BaseModel):
    """An event in short."""

    id: int
    state: State
    subject_kind: Literal["meter", "customer", "dma"]
    subject: str = Field(description="Serial of the meter, account number, or code of the DMA.")
    group: Group
    detectors: list[str]
    onset: datetime = Field(description="When it began, back-dated.")
    detected_at: datetime
    cleared_at: datetime | None
    severity: Severity
    magnitude: float
    unit: str = Field(description="Unit of the magnitude.")
    loss_m3: float
    money: float


class Event(EventBrief):
    """What a detector found."""

    epoch: int
    meter: str | None
    account_no: str | None
    dma: str | None
    last_seen: datetime
    updated_at: datetime
    revision: int
    evidence: dict[str, Any] = Field(description="Figures by detector, with the unit in the name.")
    outage: str | None = Field(description="Code of the outage that explains it.")
    announced_as: str | None = Field(description="Code of the outage that was opened for it.")
    ticket_id: int | None


class Standing(BaseModel):
    """What somebody has said of an event."""

    verdict: Literal["confirmed", "normal"]
    scope: Reach = Field(description="How far it reaches: this event, or whatever is found there.")
    until: datetime | None = Field(description="End of the exemption; null: for good, or there is none.")
    why: str
    actor: str
    at: datetime
    policies: list[int] = Field(description="The exemptions it made.")


class EventEntry(BaseModel):
    """One line of an event's history."""

    at: datetime
    kind: str
    why: str
    detail: dict[str, Any]


class EventDetail(Event):
    """An event with its history, oldest first, and the verdict that stands."""

    verdict: Standing | None
    entries: list[EventEntry]


class GiveVerdict(BaseModel):
    """What somebody says of an event."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"verdict": "confirmed", "why": "Found a running cistern."},
                {"verdict": "normal", "scope": "meter", "until": "2026-12-01", "why": "The pool is filled."},
            ]
        },
    )

    verdict: Literal["confirmed", "normal"]
    scope: Reach = Field(
        "event",
        description="With `normal`: its detectors leave that meter, DMA or customer alone from now on.",
    )
    until: When | None = Field(None, description="End of the exemption; without it, it holds for good.")
    why: Why = Field("", description="A remark for the history.")


class UndoVerdict(BaseModel):
    """Why a verdict is taken back."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"why": "It was the neighbour's."}]}
    )

    why: Why = Field("", description="A remark for the history.")


def shaped(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table as the API names it."""
    state = "retracted" if row["retracted_at"] else "cleared" if row["cleared_at"] else "open"
    return {**row, "state": state, "group": row["grp"]}


BRIEF: dict[str, Any] = {
    "id": 981,
    "state": "open",
    "subject_kind": "meter",
    "subject": "JC-00417",
    "group": "leak",
    "detectors": ["continuous_flow"],
    "onset": "2026-11-19T14:00:00Z",
    "detected_at": "2026-11-20T14:00:03Z",
    "cleared_at": None,
    "severity": "high",
    "magnitude": 212.5,
    "unit": "L/h",
    "loss_m3": 5.1,
    "money": 20.9,
}
EXAMPLE: dict[str, Any] = {
    **BRIEF,
    "epoch": 0,
    "meter": "JC-00417",
    "account_no": "10023417",
    "dma": "DMA-04",
    "last_seen": "2026-11-21T08:00:00Z",
    "updated_at": "2026-11-21T08:00:02Z",
    "revision": 2,
    "evidence": {
        "continuous_flow": {"rate_lph": 212.5, "threshold_lph": 3.8, "window_h": 24, "coverage": 1.0}
    },
    "outage": None,
    "announced_as": None,
    "ticket_id": 17,
}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "verdict": {
        "verdict": "confirmed",
        "scope": "event",
        "until": None,
        "why": "Found a running cistern.",
        "actor": "li.wei",
        "at": "2026-11-21T09:12:00Z",
        "policies": [],
    },
    "entries": [
        {
            "at": "2026-11-20T14:00:03Z",
            "kind": "opened",
            "why": "24 hours without a still one",
            "detail": {"rate_lph": 190.0},
        }
    ],
}
