"""What the API says about tickets, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.events.schemas import BRIEF as EVENT
from api.events.schemas import EventBrief, Group
from api.fields import Name, When, Why
from api.page import Filter

State = Literal["open", "acknowledged", "responded", "resolved", "confirmed", "reopened", "merged"]
UNFINISHED: tuple[State, ...] = ("open", "acknowledged", "responded", "reopened")
Said = Annotated[Why, StringConstraints(min_length=1, strip_whitespace=True)]


class TicketFilter(Filter):
    """Which tickets."""

    state: list[State] | None = Field(None, max_length=7, description="One or several.")
    assignee: Name | None = Field(None, description="Login of who works on it.")
    account_no: Name | None = None
    urgent: bool | None = None
    group: Group | None = None
    since: When | None = Field(None, description="Opened at or after this instant, or day of the utility.")


class TicketBrief(BaseModel):
    """A ticket in short."""

    id: int
    state: State
    priority: Literal["urgent", "high", "normal", "low"]
    urgent: bool
    group: str
    assignee: str | None
    opened_at: datetime
    response_due: datetime
    resolution_due: datetime


class Ticket(TicketBrief):
    """A service case."""

    source: str
    sla: str = Field(description="The policy its deadlines come from.")
    account_no: str | None
    customer: str | None = Field(description="The customer's name.")
    dma: str | None
    routed_by: str
    acknowledged_at: datetime | None
    responded_at: datetime | None
    resolved_at: datetime | None
    confirmed_at: datetime | None
    merged_into: int | None
    cause: str | None
    version: int


class TicketEntry(BaseModel):
    """One line of a ticket's history; none is ever changed."""

    at: datetime
    actor: str
    kind: str
    from_state: str | None
    to_state: str | None
    why: str
    detail: dict[str, Any]


class Related(BaseModel):
    """Another ticket that belongs with this one."""

    id: int
    why: str


class Message(BaseModel):
    """A message about the ticket, and what became of it."""

    id: int
    step: str
    channel: str
    recipient: str
    language: str
    state: Literal["pending", "sent", "dead", "held", "bundled", "bounced", "unknown", "dismissed"]
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    receipt: str | None = Field(description="What the mail server or receiver answered.")
    last_error: str | None


class TicketDetail(Ticket):
    """A ticket with its history, its events, related tickets and messages; each list up to 500."""

    entries: list[TicketEntry]
    events: list[EventBrief]
    related: list[Related]
    messages: list[Message]


class Body(BaseModel):
    """What a request says; strict, and nothing that isn't known."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Acknowledge(Body):
    """Somebody has seen it and takes it on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "On my way."}]})

    why: Why = Field("", description="A remark for the history.")


class Respond(Body):
    """The customer has been told what will be done first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"why": "Told the caretaker to shut the cellar valve."}]}
    )

    why: Said = Field(description="The preliminary solution.")


class Resolve(Body):
    """It is done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"cause": "worn cistern seal", "why": "Seal replaced, flow is still."}]
        }
    )

    cause: Annotated[Said, Field(max_length=200)] = Field(description="What it was.")
    why: Said = Field(description="What was done.")


def shaped(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table as the API names it."""
    return {**row, "group": row["grp"]}


EXAMPLE: dict[str, Any] = {
    "id": 17,
    "state": "acknowledged",
    "priority": "urgent",
    "urgent": True,
    "group": "leak",
    "assignee": "li.wei",
    "opened_at": "2026-11-20T14:00:04Z",
    "response_due": "2026-11-21T14:00:04Z",
    "resolution_due": "2026-11-22T14:00:04Z",
    "source": "meter",
    "sla": "green_channel",
    "account_no": "10023417",
    "customer": "江城第三医院",
    "dma": "DMA-04",
    "routed_by": "account_manager",
    "acknowledged_at": "2026-11-20T14:31:00Z",
    "responded_at": None,
    "resolved_at": None,
    "confirmed_at": None,
    "merged_into": None,
    "cause": None,
    "version": 2,
}
BRIEF: dict[str, Any] = {name: EXAMPLE[name] for name in TicketBrief.model_fields}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "entries": [
        {
            "at": "2026-11-20T14:31:00Z",
            "actor": "li.wei",
            "kind": "acknowledged",
            "from_state": "open",
            "to_state": "acknowledged",
            "why": "On my way.",
            "detail": {},
        }
    ],
    "events": [EVENT],
    "related": [{"id": 12, "why": "same main"}],
    "messages": [
        {
            "id": 40,
            "step": "opened",
            "channel": "email",
            "recipient": "li.wei@example.com",
            "language": "zh",
            "state": "sent",
            "attempts": 1,
            "created_at": "2026-11-20T14:00:04Z",
            "sent_at": "2026-11-20T14:00:05Z",
            "receipt": "250 Message accepted for delivery",
            "last_error": None,
        }
    ],
}
