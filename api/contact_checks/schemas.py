"""What the API says about contact checks, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Name, Text, Why
from api.page import Filter
from api.tickets.schemas import Body, Said
from service.profiles import LONGEST

Kind = Literal["bounced", "occupancy_change", "old", "conflicting"]
State = Literal["open", "confirmed", "corrected", "dismissed"]
Line = Annotated[Text, Field(max_length=LONGEST)]


class CheckFilter(Filter):
    """Which checks."""

    state: State | None = "open"
    kind: Kind | None = None
    account_no: Name | None = None
    manager: Name | None = Field(None, description="Login of the account manager.")


class CheckBrief(BaseModel):
    """A doubt about a customer's contact data."""

    id: int
    kind: Kind
    field: Literal["phone", "email", "address"] | None = Field(description="What is doubted; null: all.")
    why: str
    event_id: int | None
    opened_at: datetime


class Check(CheckBrief):
    """A doubt, the data as they are on record, and what came of it."""

    account_no: str
    customer: str = Field(description="The customer's name.")
    manager: str | None
    phone: str | None
    email: str | None
    address: str | None
    version: int = Field(description="The profile's version, to send with a correction.")
    state: State
    decided_by: str | None
    decided_at: datetime | None
    decided_why: str | None


class Confirm(Body):
    """The data hold."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "Called: all as before."}]})

    why: Why = ""


class Dismiss(Body):
    """There is nothing to verify."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "The mailbox was only full."}]})

    why: Said


class Correct(Body):
    """What it should be; what is left out stays, null empties."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "office@hospital.example", "why": "Called.", "version": 3}]}
    )

    why: Said
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="The profile's version that you saw.")
    phone: Line | None = None
    email: Line | None = None
    address: Line | None = None


EXAMPLE: dict[str, Any] = {
    "id": 5,
    "kind": "bounced",
    "field": "email",
    "why": "550 5.1.1 no such user",
    "event_id": None,
    "opened_at": "2026-11-20T01:02:03Z",
    "account_no": "10023417",
    "customer": "江城第三医院",
    "manager": "li.wei",
    "phone": "+86 27 5550 0147",
    "email": "facility@hospital.example",
    "address": "江城市解放路 17 号",
    "version": 3,
    "state": "open",
    "decided_by": None,
    "decided_at": None,
    "decided_why": None,
}
BRIEF: dict[str, Any] = {name: EXAMPLE[name] for name in CheckBrief.model_fields}
