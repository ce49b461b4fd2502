"""What the API says about how the line is doing."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.messages.schemas import Channel
from core.words import Reason


class IngestSpan(BaseModel):
    """How far back."""

    model_config = ConfigDict(extra="forbid")

    minutes: int = Field(15, ge=1, le=180, description="Of rates and lags.")
    days: int = Field(7, ge=1, le=31, description="Of quarantine, today with them.")


class Minute(BaseModel):
    """What was stored in a minute."""

    minute: datetime
    readings: int
    messages: int


class Backlog(BaseModel):
    """What follows the feed, and since when something waits for it."""

    consumer: str = Field(description="`detect`: readings; `notify.tickets`: turns of events.")
    moved_at: datetime
    waiting_since: datetime | None = Field(
        description="When the oldest that it hasn't seen came; null: none."
    )
    backlog_s: float


class QuarantineDay(BaseModel):
    """How many payloads came into quarantine on a day of the utility."""

    day: date
    reason: Reason
    payloads: int


class IngestHealth(BaseModel):
    """What arrives, how late, what waits, and what could not be understood."""

    at: datetime
    readings_per_s: float
    messages_per_s: float = Field(description="Of the broker, those with new readings.")
    last_at: datetime | None = Field(description="When readings were stored last.")
    lag_p50_s: float | None = Field(
        description="From the time of a meter's newest reading to when it was stored, over the latest"
        " 200 batches; null: none."
    )
    lag_p99_s: float | None
    minutes: list[Minute]
    backlogs: list[Backlog]
    quarantine: list[QuarantineDay]


class ChannelHealth(BaseModel):
    """A channel's part of the outbox."""

    channel: Channel
    pending: int = Field(description="Not sent yet, with those that wait for a later hour or another try.")
    due: int = Field(description="Of these, to be sent now.")
    due_since: datetime | None
    held: int = Field(description="Gathered for a digest or a storm.")
    dead: int = Field(description="Refused, or failed too often.")
    bounced: int
    unknown: int = Field(description="May or may not have arrived.")
    oldest_pending: datetime | None = Field(description="When the oldest of them was written.")
    oldest_failed: datetime | None


class OutboxHealth(BaseModel):
    """The outbox by channel; what was sent or dismissed is not counted."""

    at: datetime
    items: list[ChannelHealth]


INGEST: dict[str, Any] = {
    "at": "2026-11-21T09:00:00Z",
    "readings_per_s": 111.2,
    "messages_per_s": 37.5,
    "last_at": "2026-11-21T08:59:58Z",
    "lag_p50_s": 4.1,
    "lag_p99_s": 912.0,
    "minutes": [{"minute": "2026-11-21T08:59:00Z", "readings": 6672, "messages": 2250}],
    "backlogs": [
        {
            "consumer": "detect",
            "moved_at": "2026-11-21T08:59:50Z",
            "waiting_since": "2026-11-21T08:59:51Z",
            "backlog_s": 9.0,
        }
    ],
    "quarantine": [{"day": "2026-11-21", "reason": "unknown_meter", "payloads": 12}],
}
OUTBOX: dict[str, Any] = {
    "at": "2026-11-21T09:00:00Z",
    "items": [
        {
            "channel": "email",
            "pending": 14,
            "due": 2,
            "due_since": "2026-11-21T08:59:58Z",
            "held": 5,
            "dead": 1,
            "bounced": 0,
            "unknown": 0,
            "oldest_pending": "2026-11-21T06:12:00Z",
            "oldest_failed": "2026-11-19T11:40:00Z",
        }
    ],
}
