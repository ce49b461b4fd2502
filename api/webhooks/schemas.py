"""What the API says about subscriptions, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from api.fields import Id, Text, When
from api.page import Filter
from api.tickets.schemas import Body

Topic = Literal["events", "tickets", "outages"]
Topics = Annotated[list[Topic], Field(min_length=1, max_length=3)]
Url = Annotated[Text, StringConstraints(min_length=9, max_length=2_000)]
Description = Annotated[Text, Field(max_length=500)]


class NewWebhook(Body):
    """A program that is to be posted to."""

    url: Url = Field(description="Where to; https, unless HEADWATER_WEBHOOK_PRIVATE allows more.")
    topics: Topics
    description: Description = Field("", description="Whose program it is, and what it does.")


class ChangedWebhook(Body):
    """What is to be otherwise; what is left out stays."""

    url: Url | None = None
    topics: Topics | None = None
    description: Description | None = None
    active: bool | None = Field(
        None, description="Active again, it goes on where it stopped, as far as the log of changes reaches."
    )


class Rotate(Body):
    """How long the secret before goes on signing beside the new one."""

    overlap_h: int = Field(24, ge=0, le=720)


class Redeliver(Body):
    """Which deliveries: one, or all that are dead (and written since a time)."""

    delivery: Id | None = None
    since: When | None = None


class Webhook(BaseModel):
    """A subscription."""

    id: int
    url: str
    topics: list[Topic]
    description: str
    active: bool
    owner: str | None = Field(
        description="Login of whose sight bounds what is posted; null: everything is posted."
    )
    created_by: str
    created_at: datetime
    version: int
    old_until: datetime | None = Field(description="Until when the secret before signs as well.")
    paused_at: datetime | None = Field(
        description="When it was paused because it had failed for days; `active` takes it up again."
    )
    paused_why: str
    waiting: int = Field(description="Posts that wait to be sent, or to be tried again.")
    dead: int = Field(description="Posts that were refused for good, or given up.")


class WebhookSecret(Webhook):
    """A subscription with the secret that signs its posts: shown this once."""

    SAID_ONCE: ClassVar[tuple[str, ...]] = ("secret",)

    secret: str | None = Field(description="Null where the answer is a repeated one: it is kept nowhere.")


class DeliveryFilter(Filter):
    """Which deliveries."""

    state: list[Literal["pending", "sent", "dead", "unknown", "dismissed"]] | None = Field(
        None, max_length=5, description="One or several; `dead` is the list of dead letters."
    )


class Delivery(BaseModel):
    """A post. Its attempts in the receiver's own words are at /v1/messages/{id}."""

    id: int
    type: str
    sequence: int | None = Field(description="The number of the change; null of a ping.")
    state: Literal["pending", "sent", "dead", "unknown", "dismissed"]
    attempts: int
    created_at: datetime
    not_before: datetime = Field(description="When it is tried (again).")
    sent_at: datetime | None
    last_error: str | None


class Redelivered(BaseModel):
    """How many are sent again."""

    redelivered: int


EXAMPLE: dict[str, Any] = {
    "id": 5,
    "url": "https://erp.example.org/headwater",
    "topics": ["outages", "tickets"],
    "description": "Work orders of the ERP",
    "active": True,
    "owner": None,
    "created_by": "key:erp",
    "created_at": "2026-11-21T08:00:00Z",
    "version": 1,
    "old_until": None,
    "paused_at": None,
    "paused_why": "",
    "waiting": 0,
    "dead": 2,
}
SECRET = {**EXAMPLE, "secret": "whs_" + "0" * 64}
DELIVERY: dict[str, Any] = {
    "id": 40,
    "type": "ticket.acknowledge",
    "sequence": 41,
    "state": "dead",
    "attempts": 1,
    "created_at": "2026-11-21T08:05:00Z",
    "not_before": "2026-11-21T08:05:00Z",
    "sent_at": None,
    "last_error": "HTTP 410 Gone",
}
