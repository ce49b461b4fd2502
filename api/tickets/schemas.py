"""What the API says about tickets, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.events.schemas import BRIEF as EVENT
from api.events.schemas import EventBrief, Group
from api.fields import Name, When, Why
from api.page import Filter
from core.words import Segment

Source = Literal["meter", "hotline", "counter", "web", "message", "mail", "visit", "system"]
Topic = Literal["leak", "no_water", "low_pressure", "quality", "bill", "meter", "service", "other"]
State = Literal["open", "acknowledged", "responded", "resolved", "confirmed", "reopened", "merged"]
UNFINISHED: tuple[State, ...] = ("open", "acknowledged", "responded", "reopened")
Said = Annotated[Why, StringConstraints(min_length=1, strip_whitespace=True)]


class TicketFilter(Filter):
    """Which tickets."""

    state: list[State] | None = Field(None, max_length=7, description="One or several.")
    assignee: Name | None = Field(None, description="Login of who works on it.")
    whose: Literal["mine", "team", "unassigned"] | None = Field(
        None,
        description="`mine`: with the member of staff whose key it is; `team`: with them or with"
        " somebody whose superior they are; `unassigned`: with nobody yet.",
    )
    account_no: Name | None = None
    urgent: bool | None = None
    group: Group | None = Field(None, description="Of the findings it was opened for.")
    topic: Name | None = Field(None, description="Of the complaint.")
    source: Source | None = Field(None, description="The channel it came by.")
    dma: Name | None = Field(None, description="Code of the district metered area.")
    segment: Segment | None = Field(None, description="Of the customer.")
    overdue: bool | None = Field(None, description="Whether the deadline that is next has passed.")
    waiting: bool | None = Field(None, description="Whether it waits for the customer.")
    since: When | None = Field(None, description="Opened at or after this instant, or day of the utility.")
    until: When | None = Field(None, description="Opened before this instant, or day of the utility.")
    detector: Name | None = Field(None, description="Only tickets with an event that this detector saw.")
    snoozed: bool | None = Field(
        None, description="Whether the member of staff whose key it is has put it off: `snoozeTicket`."
    )
    q: Annotated[Name, Field(min_length=2)] | None = Field(None, description="Part of the subject.")
    sort: Literal["newest", "time_left"] = Field(
        "newest",
        description="`time_left`: the open ones as an inbox, urgent first, then by the deadline that is next;"
        " those that wait for the customer last.",
    )


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

    source: Source = Field(description="The channel it came by first.")
    topic: str | None
    subject: str = Field(description="The matter in short; empty where no person brought it.")
    opened_by: str
    sla: str = Field(description="The policy its deadlines come from.")
    next_due: datetime = Field(description="The deadline that is next: response, then resolution.")
    waiting_since: datetime | None = Field(
        description="Since when it waits for the customer; stops its clock."
    )
    account_no: str | None
    customer: str | None = Field(description="The customer's name.")
    segment: str | None
    dma: str | None
    routed_by: str
    acknowledged_at: datetime | None
    responded_at: datetime | None
    resolved_at: datetime | None
    confirmed_at: datetime | None
    merged_into: int | None
    cause_code: str | None
    cause: str | None = Field(description="The cause in words.")
    version: int = Field(description="Send it with a step, to be refused if somebody was quicker.")


class ListedTicket(Ticket):
    """A ticket in a list, as the member of staff whose key it is sees it."""

    snoozed_until: datetime | None = Field(description="When it comes back, where they have put it off.")


class Attachment(BaseModel):
    """A file that came with a mail: `GET /v1/tickets/{id}/attachments/{attachment_id}`."""

    id: int
    name: str
    media_type: str = Field(description="Told from the content.")
    size_bytes: int


class TicketEntry(BaseModel):
    """One line of a ticket's history; none is ever changed."""

    at: datetime
    actor: str
    kind: str
    from_state: str | None
    to_state: str | None
    why: str
    detail: dict[str, Any]
    attachments: list[Attachment] = []


class Related(BaseModel):
    """Another ticket that belongs with this one."""

    id: int
    state: State
    subject: str
    why: str


class Merged(BaseModel):
    """A ticket that was merged into this one."""

    id: int
    source: Source
    subject: str
    account_no: str | None
    opened_at: datetime
    merged_into: int


class Pause(BaseModel):
    """A time for which the ticket waited for the customer."""

    began_at: datetime
    began_by: str
    why: str
    ended_at: datetime | None
    ended_by: str | None


class Help(BaseModel):
    """What is known to go wrong, in one language."""

    title: str
    symptoms: str
    steps: list[str]


class Offer(BaseModel):
    """A known problem that may be the one."""

    id: int
    zh: Help
    en: Help
    cause_code: str | None
    before: bool = Field(description="Whether an earlier ticket of the customer had this cause.")


class Reporter(BaseModel):
    """Who brought it, as far as known."""

    name: str = ""
    phone: str = ""
    email: str = ""


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
    """A ticket with all that belongs to it and to what was merged into it; each list up to 500."""

    said: str = Field(description="The matter in the words of who brought it.")
    reporter: Reporter
    allowed: list[str] = Field(description="The steps that its state allows now; notes and relations always.")
    entries: list[TicketEntry]
    events: list[EventBrief]
    events_total: int
    related: list[Related]
    merged: list[Merged]
    pauses: list[Pause]
    known_problems: list[Offer] = Field(description="The likeliest first; none of a finished ticket.")
    messages: list[Message]


class Opened(BaseModel):
    """What became of a complaint."""

    how: Literal["opened", "joined"] = Field(
        description="`joined`: an open ticket about the matter took it in."
    )
    ticket: TicketDetail


class Body(BaseModel):
    """What a request says; strict, and nothing that isn't known."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


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
    "topic": None,
    "subject": "",
    "opened_by": "system",
    "sla": "green_channel",
    "next_due": "2026-11-21T14:00:04Z",
    "waiting_since": None,
    "account_no": "10023417",
    "customer": "江城第三医院",
    "segment": "special",
    "dma": "DMA-04",
    "routed_by": "account_manager",
    "acknowledged_at": "2026-11-20T14:31:00Z",
    "responded_at": None,
    "resolved_at": None,
    "confirmed_at": None,
    "merged_into": None,
    "cause_code": None,
    "cause": None,
    "version": 2,
}
LISTED: dict[str, Any] = {**EXAMPLE, "snoozed_until": None}
BRIEF: dict[str, Any] = {name: EXAMPLE[name] for name in TicketBrief.model_fields}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "said": "",
    "reporter": {"name": "", "phone": "", "email": ""},
    "allowed": ["respond", "resolve", "pause", "priority", "merge", "undo"],
    "entries": [
        {
            "at": "2026-11-20T14:31:00Z",
            "actor": "li.wei",
            "kind": "acknowledged",
            "from_state": "open",
            "to_state": "acknowledged",
            "why": "On my way.",
            "detail": {},
            "attachments": [],
        }
    ],
    "events": [EVENT],
    "events_total": 1,
    "related": [{"id": 12, "state": "resolved", "subject": "", "why": "same main"}],
    "merged": [
        {
            "id": 19,
            "source": "hotline",
            "subject": "马桶一直有水声",
            "account_no": "10023417",
            "opened_at": "2026-11-20T14:10:00Z",
            "merged_into": 17,
        }
    ],
    "pauses": [],
    "known_problems": [
        {
            "id": 1,
            "zh": {"title": "马桶水箱长流水", "symptoms": "水表昼夜不停", "steps": ["关闭马桶角阀"]},
            "en": {
                "title": "Toilet cistern runs on",
                "symptoms": "The meter never rests",
                "steps": ["Close the stop valve of the toilet"],
            },
            "cause_code": "toilet_leak",
            "before": False,
        }
    ],
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
OPENED: dict[str, Any] = {"how": "joined", "ticket": DETAIL}
