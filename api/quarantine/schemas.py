"""What the API says about quarantine."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.fields import Name, When
from api.page import Filter
from core.words import Reason


class QuarantineFilter(Filter):
    """Which payloads."""

    reason: Reason | None = None
    meter: Name | None = Field(None, description="Serial of the meter, as the topic named it.")
    since: When | None = Field(None, description="Received at or after this instant, or day of the utility.")


class Quarantined(BaseModel):
    """A payload, or a part of one, that could not be stored."""

    id: int
    received_at: datetime
    topic: str
    reason: Reason
    detail: str
    meter: str | None
    payload_bytes: int
    requeue_asked_at: datetime | None
    requeue_asked_by: str | None
    requeued_at: datetime | None


class QuarantinedDetail(Quarantined):
    """The payload itself."""

    payload_base64: str
    payload_text: str | None = Field(description="The payload as text; null where it isn't UTF-8.")


EXAMPLE: dict[str, Any] = {
    "id": 5,
    "received_at": "2026-11-21T08:00:04Z",
    "topic": "meters/JC-00417/readings",
    "reason": "bad_value",
    "detail": "register_l is negative: -3",
    "meter": "JC-00417",
    "payload_bytes": 47,
    "requeue_asked_at": None,
    "requeue_asked_by": None,
    "requeued_at": None,
}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "payload_base64": "eyJ0cyI6IjIwMjYtMTEtMjFUMDg6MDA6MDBaIiwicmVnaXN0ZXJfbCI6LTN9",
    "payload_text": '{"ts":"2026-11-21T08:00:00Z","register_l":-3}',
}
ASKED: dict[str, Any] = {
    **EXAMPLE,
    "requeue_asked_at": "2026-11-21T09:12:00Z",
    "requeue_asked_by": "key:operations",
}
