"""What the API says about messages, and what it takes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Id, Name, When, Why
from api.page import Filter
from api.tickets.schemas import Body
from service.reach import masked

Channel = Literal["email", "webhook", "sms", "wecom", "dingtalk", "feishu", "apprise", "subscription"]
Failed = Literal["dead", "bounced", "unknown"]
State = Literal["pending", "sent", "dead", "held", "bundled", "bounced", "unknown", "dismissed"]
RANKS = ("urgent", "normal", "bulk")


class MessageFilter(Filter):
    """Which messages."""

    state: list[State] | None = Field(
        None, max_length=8, description="One or several; what failed is `dead`, `bounced` and `unknown`."
    )
    channel: Channel | None = None
    kind: Name | None = Field(None, description="What it is about: ticket, outage, survey, ...")
    ticket: Id | None = None
    account_no: Name | None = None
    bundled_in: Id | None = Field(None, description="The digest that stands for it.")
    since: When | None = Field(None, description="Written at or after this instant, or day of the utility.")
    until: When | None = Field(None, description="Written before this instant, or day of the utility.")
    dma: Name | None = Field(None, description="Code of the DMA of the customer it concerns.")
    mine: bool = Field(
        False,
        description="Only those to the member of staff whose key it is, on tickets with them, and of"
        " customers they answer for.",
    )


class Message(BaseModel):
    """A message to one recipient by one way. An address that is a key in itself is shown by its end."""

    id: int
    kind: str
    step: str
    channel: Channel
    recipient: str
    staff: str | None = Field(description="Login of the member of staff it goes to.")
    account_no: str | None
    ticket_id: int | None
    language: str
    urgency: Literal["urgent", "normal", "bulk"]
    state: State
    attempts: int
    created_at: datetime
    not_before: datetime = Field(description="When it is tried (again), or gathered with others.")
    sent_at: datetime | None
    bundled_in: int | None
    passed_to: int | None = Field(description="The message that went by the person's next way instead.")
    last_error: str | None = Field(description="What the other end said last, where it wasn't yes.")


class Receipt(BaseModel):
    """A line of a message's log: an attempt, what others said of it later, or what a person did."""

    at: datetime
    kind: Literal["attempt", "bounced", "delayed", "retried", "dismissed", "passed_on"]
    attempt: int
    ok: bool
    receipt: str = Field(description="The other end's own words; the reason, where a person did it.")
    took_s: float
    actor: str


class MessageDetail(Message):
    """A message with its log, oldest first."""

    log: list[Receipt]


class Seen(Body):
    """Somebody has looked at it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "Address corrected by phone."}]})

    why: Why = Field("", description="A remark for the log.")


class RetryMany(Seen):
    """Which of the failed messages are sent again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"state": ["dead"], "channel": "wecom", "why": "The robot is back."}]}
    )

    state: list[Failed] = Field(default=["dead", "bounced", "unknown"], min_length=1, max_length=3)
    channel: Channel | None = None
    kind: Name | None = None
    since: When | None = Field(None, description="Written at or after this instant, or day of the utility.")


class Retried(BaseModel):
    """How many are sent again; at most 10,000 at a time, oldest first: ask again while it is that many."""

    retried: int


def shaped(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table as the API shows it."""
    recipient = masked(row["channel"], row["recipient"])
    return {**row, "recipient": recipient, "urgency": RANKS[row["rank"]]}


EXAMPLE: dict[str, Any] = {
    "id": 40,
    "kind": "ticket",
    "step": "opened",
    "channel": "wecom",
    "recipient": "https://qyapi.weixin.qq.com/…3f1a",
    "staff": "li.wei",
    "account_no": "10023417",
    "ticket_id": 17,
    "language": "zh",
    "urgency": "urgent",
    "state": "dead",
    "attempts": 1,
    "created_at": "2026-11-20T14:00:04Z",
    "not_before": "2026-11-20T14:03:04Z",
    "sent_at": None,
    "bundled_in": None,
    "passed_to": None,
    "last_error": "93000 invalid webhook url",
}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "log": [
        {
            "at": "2026-11-20T14:00:05Z",
            "kind": "attempt",
            "attempt": 1,
            "ok": False,
            "receipt": "93000 invalid webhook url",
            "took_s": 0.21,
            "actor": "system",
        }
    ],
}
