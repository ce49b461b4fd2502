"""What the API says about how a member of staff is reached, and what it takes."""

from datetime import datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import WithJsonSchema

from api.fields import Name, Text
from api.messages.schemas import State
from api.tickets.schemas import Body


def _hour(value: object) -> time:
    if not isinstance(value, str):
        raise ValueError("Give a time of day as text, such as 22:00.")
    try:
        found = time.fromisoformat(value)
    except ValueError:
        raise ValueError("Give a time of day such as 22:00.") from None
    if found.tzinfo is not None or len(value) not in (5, 8):
        raise ValueError("Give a time of day such as 22:00, without a zone: it is the utility's.")
    return found


Channel = Literal["email", "webhook", "sms", "wecom", "dingtalk", "feishu", "apprise"]
"""service.reach.CHANNELS: how people are reached; programs subscribe to webhooks."""
Hour = Annotated[
    time,
    WithJsonSchema({"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2})?$", "examples": ["22:00"]}),
]
NewHour = Annotated[Hour, BeforeValidator(_hour)]


class Way(BaseModel):
    """A channel and the address there; the secret that it signs with is never shown."""

    channel: Channel
    address: str = Field(description="Of an address that is a key in itself, where it leads and its end.")
    uses: Literal["all", "urgent"]
    signed: bool = Field(description="Whether there is a secret.")


class Reach(BaseModel):
    """How a member of staff is reached, in the utility's local time."""

    login: str
    email: str | None
    channels: list[Way]
    quiet_from: Hour | None
    quiet_until: Hour | None
    digest_at: Hour | None


class NewWay(Body):
    """A channel: a robot's or apprise's address, a phone number, an e-mail address."""

    channel: Channel
    address: Name
    secret: Annotated[Text, Field(max_length=400)] = Field(
        "", description="What a robot's posts are signed with."
    )
    uses: Literal["all", "urgent"] = Field(
        "all", description="`all`: in place of e-mail; `urgent`: in addition, for what is urgent."
    )


class NewReach(Body):
    """All of it: what is left out is none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channels": [
                        {
                            "channel": "wecom",
                            "address": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=7a2c3f1a",
                            "uses": "all",
                        }
                    ],
                    "quiet_from": "22:00",
                    "quiet_until": "07:00",
                    "digest_at": "08:30",
                }
            ]
        }
    )

    channels: list[NewWay] = Field(default_factory=list, max_length=10)
    quiet_from: NewHour | None = None
    quiet_until: NewHour | None = None
    digest_at: NewHour | None = None


class Trial(Body):
    """Which channels to try; without a body all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"channels": ["wecom"]}]})

    channels: Annotated[list[Channel], Field(min_length=1, max_length=7)] | None = None


class TrialMessage(BaseModel):
    """A test message and what has become of it; GET /v1/messages/{id} has every attempt."""

    id: int
    channel: Channel
    address: str
    at: datetime = Field(description="When it was written.")
    state: State
    last_error: str | None = Field(description="What the other end said last, where it wasn't yes.")


class Trials(BaseModel):
    """Test messages, the latest first."""

    items: list[TrialMessage]


TRIALS: dict[str, Any] = {
    "items": [
        {
            "id": 1204,
            "channel": "wecom",
            "address": "https://qyapi.weixin.qq.com/…3f1a",
            "at": "2026-11-21T09:00:00Z",
            "state": "pending",
            "last_error": None,
        }
    ]
}
EXAMPLE: dict[str, Any] = {
    "login": "li.wei",
    "email": "li.wei@example.com",
    "channels": [
        {
            "channel": "wecom",
            "address": "https://qyapi.weixin.qq.com/…3f1a",
            "uses": "all",
            "signed": False,
        }
    ],
    "quiet_from": "22:00:00",
    "quiet_until": "07:00:00",
    "digest_at": "08:30:00",
}
