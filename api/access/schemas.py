"""What the API says about keys, and about who read and changed what."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Name, When
from api.keys import KeyScope
from api.page import Filter
from api.tickets.schemas import Body


class KeyEntry(BaseModel):
    """A key, without its secret."""

    prefix: str = Field(description="What follows `hw_`: its name for the other operations.")
    name: str
    scopes: list[str]
    staff: str | None = Field(description="Login of whose it is; null: nobody's, it sees everybody.")
    created_at: datetime
    created_by: str = Field(description="Who made it; empty: the command line.")
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    rotated_at: datetime | None
    old_until: datetime | None = Field(description="Until when the secret before the last rotation is good.")
    requests_a_minute: int | None = Field(description="Its own limit; null: the one for all.")


class MadeKey(KeyEntry):
    """A key with its secret, shown this once."""

    SAID_ONCE: ClassVar = ("key",)

    key: str | None = Field(description="The key itself. Null where the request is repeated: it isn't kept.")


class NewKey(Body):
    """A key to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "billing", "scopes": ["customers:read"], "expires_at": "2027-11-21T00:00:00Z"}
            ]
        }
    )

    name: Name = Field(description="What uses the key; it signs what the key does.")
    scopes: list[KeyScope] = Field(min_length=1, max_length=100, description="Of those that you have.")
    staff: Name | None = Field(None, description="Login of whose it is: it sees what that person may see.")
    expires_at: When | None = None
    requests_a_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="For an admin to set."
    )


class Rotate(Body):
    """How long both secrets are good."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grace_h": 24}]})

    grace_h: float = Field(24, ge=0, le=720, description="Hours that the old secret is still good.")


class AuditFilter(Filter):
    """Which lines of the audit log."""

    actor: Name | None = Field(None, description="Login, or `key:` and the name of the key.")
    subject_kind: Name | None = Field(None, description="`customers`, `tickets`, `meters`, ...")
    subject: Name | None = Field(None, description="Account number, id, serial number, ...")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    since: When | None = Field(None, description="At or after this instant, or day of the utility.")
    until: When | None = Field(None, description="Before this instant, or day of the utility.")
    format: Literal["json", "csv"] | None = Field(None, description="CSV comes whole.")


class AuditLine(BaseModel):
    """Who did what, through which door, and how it ended."""

    at: datetime
    actor: str = Field(description="Login, or `key:` and the name of the key.")
    via: str = Field(description="Prefix of the key, or `session`.")
    method: str
    route: str
    subject_kind: str | None
    subject: str | None = Field(description="What the address names: an account number, the id of a ticket.")
    status: int
    request_id: str
    address: str | None


KEY: dict[str, Any] = {
    "prefix": "1f3a9c02",
    "name": "billing",
    "scopes": ["customers:read"],
    "staff": None,
    "created_at": "2026-11-21T08:00:00Z",
    "created_by": "chen.jing",
    "expires_at": "2027-11-21T00:00:00Z",
    "revoked_at": None,
    "last_used_at": "2026-11-21T08:30:00Z",
    "rotated_at": None,
    "old_until": None,
    "requests_a_minute": None,
}
MADE: dict[str, Any] = {
    **KEY,
    "last_used_at": None,
    "key": "hw_1f3a9c02_0b61c19dd0f6d4a5ba4a1b4c2d1f4f5e8c4f0de90b6d0e7d0a1f4e3c2b1a0f9e",
}
LINE: dict[str, Any] = {
    "at": "2026-11-21T08:30:00Z",
    "actor": "li.wei",
    "via": "session",
    "method": "GET",
    "route": "/v1/customers/{account_no}",
    "subject_kind": "customers",
    "subject": "10023417",
    "status": 200,
    "request_id": "5f2d6c0f2b0a4f0e8f0a5d9b7c1e3a42",
    "address": "10.1.4.7",
}
