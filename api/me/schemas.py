"""What a customer is told of the own account, and what is taken from one."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Day, Name, Text, When
from api.page import Filter
from api.tickets.schemas import Body, Said, State, Topic
from service.surveys import REMARK_MOST


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class Issue(Body):
    """For whom the app asks, as the app has made sure of."""

    model_config = _example(account_no="10023417", life_s=900)

    account_no: Name
    life_s: int = Field(900, ge=60, le=3600, description="Seconds that the token is good for.")


class Token(BaseModel):
    """A customer's token."""

    SAID_ONCE: ClassVar = ("token",)

    token: str | None = Field(description="To be sent as Bearer to /v1/me; null in a repeated answer.")
    account_no: str
    expires_at: datetime


class AccountManager(BaseModel):
    """Who answers for the customer."""

    name: str
    phone: str | None


class Balance(BaseModel):
    """What billing says."""

    balance: float = Field(description="In `currency`; negative where the customer owes it.")
    as_of: date


class Me(BaseModel):
    """The customer's own record, price and balance."""

    account_no: str
    name: str
    address: str | None
    phone: str | None
    email: str | None
    language: Literal["zh", "en"]
    places: list[str] = Field(description="Addresses of the supplied places.")
    manager: AccountManager | None
    price_m3: float = Field(description="In `currency`.")
    currency: str
    balance: Balance | None = Field(description="Null until billing has given one.")


class UseFilter(BaseModel):
    """Which use."""

    model_config = ConfigDict(extra="forbid")

    step: Literal["hour", "day", "month"] = "day"
    since: When | None = Field(None, description="A week, 31 days or 13 months before `until` unless given.")
    until: When | None = Field(None, description="Now unless given.")


class Used(BaseModel):
    """The use of an hour (from `start`), a day or a month."""

    start: date | datetime
    volume_l: float
    measured: bool = Field(description="False where a part of it is estimated.")


class Use(BaseModel):
    """Use by hour, by day, or by month of the utility; what isn't known is left out."""

    step: Literal["hour", "day", "month"]
    items: list[Used]


class OwnPlan(BaseModel):
    """The running month: what is planned, used and expected, as far as known."""

    month: date
    plan_m3: float | None
    used_m3: float | None
    forecast_m3: float | None
    low_m3: float | None
    high_m3: float | None
    made_at: datetime | None


class OwnTicket(BaseModel):
    """A matter of the customer's, and how it stands."""

    id: int
    state: State
    topic: str | None
    subject: str
    source: str
    opened_at: datetime
    response_due: datetime
    resolution_due: datetime
    resolved_at: datetime | None
    survey_until: datetime | None = Field(description="Until when an answer is awaited; null: none is.")


class OwnTicketFilter(Filter):
    """A page of them."""


class Report(Body):
    """What the customer reports."""

    model_config = _example(topic="leak", subject="楼道漏水", text="二楼水表旁边一直滴水。", source="message")

    topic: Topic
    subject: Annotated[Said, Field(max_length=200)] = Field(description="The matter in short.")
    text: Annotated[Text, Field(max_length=5_000)] = ""
    source: Literal["web", "message"] = "web"
    phone: Annotated[Text, Field(max_length=50)] = Field("", description="To be called back, if another.")


class Reported(BaseModel):
    """`joined`: it went to a matter that is worked on already."""

    how: Literal["opened", "joined"]
    ticket: OwnTicket


class Judged(Body):
    """The customer's answer to whether a matter is settled."""

    model_config = _example(satisfied=True, score=5, remark="很快")

    satisfied: bool = Field(description="False opens the ticket again, with a higher priority.")
    score: int | None = Field(None, ge=1, le=5)
    remark: Text = Field("", max_length=REMARK_MOST)


class OwnOutage(BaseModel):
    """An interruption at a place of the customer's."""

    code: str
    kind: Literal["planned", "unplanned"]
    status: Literal["announced", "started", "delayed", "overdue", "restored"]
    cause: str | None
    reason: str
    reason_in: dict[str, str]
    supply: list[dict[str, Any]]
    contact: str
    began_at: datetime
    expected_end: datetime | None = Field(description="Null where nobody can say yet.")
    ended_at: datetime | None


class OwnOutages(BaseModel):
    """Those that go on first, then those of the last seven days."""

    items: list[OwnOutage]


class NewContact(Body):
    """What is to be on record."""

    model_config = _example(field="phone", value="13900005678")

    field: Literal["phone", "email"]
    value: Annotated[Said, Field(max_length=200)]


class CodeSent(BaseModel):
    """A code is on its way to the new address; the record stays until it comes back."""

    id: int
    channel: Literal["sms", "email"]
    expires_at: datetime


class Code(Body):
    """The code, as it arrived."""

    model_config = _example(code="042917")

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class BalanceLine(Body):
    """One customer's balance."""

    account_no: Name
    balance: float = Field(ge=-1e10, le=1e10, description="Negative where the customer owes it.")
    as_of: Day


class Balances(Body):
    """What billing says of many customers."""

    model_config = _example(items=[{"account_no": "10023417", "balance": -86.4, "as_of": "2026-11-20"}])

    items: list[BalanceLine] = Field(min_length=1, max_length=1_000)


class BalancesTaken(BaseModel):
    """What was done with them."""

    taken: int
    older: int = Field(description="Left, since a later one stands.")
    unknown: list[str] = Field(description="Account numbers that nobody, or none of yours, has.")


TOKEN = {"token": "hwc_eyJhdWQi...", "account_no": "10023417", "expires_at": "2026-11-21T09:15:00Z"}
ME = {
    "account_no": "10023417",
    "name": "王芳",
    "address": "滨江路12号",
    "phone": "13800001234",
    "email": None,
    "language": "zh",
    "places": ["滨江路12号"],
    "manager": {"name": "李伟", "phone": "027 5550 0101"},
    "price_m3": 4.1,
    "currency": "CNY",
    "balance": {"balance": -86.4, "as_of": "2026-11-20"},
}
USE = {"step": "day", "items": [{"start": "2026-11-20", "volume_l": 412.0, "measured": True}]}
PLAN = {
    "month": "2026-11-01",
    "plan_m3": 12.0,
    "used_m3": 8.2,
    "forecast_m3": 11.9,
    "low_m3": 11.2,
    "high_m3": 12.7,
    "made_at": "2026-11-21T02:10:00Z",
}
TICKET: dict[str, Any] = {
    "id": 17,
    "state": "open",
    "topic": "leak",
    "subject": "楼道漏水",
    "source": "message",
    "opened_at": "2026-11-21T08:00:00Z",
    "response_due": "2026-11-21T10:00:00Z",
    "resolution_due": "2026-11-22T08:00:00Z",
    "resolved_at": None,
    "survey_until": None,
}
REPORTED = {"how": "opened", "ticket": TICKET}
OUTAGES: dict[str, Any] = {
    "items": [
        {
            "code": "2026-0007",
            "kind": "planned",
            "status": "announced",
            "cause": "valve_work",
            "reason": "江南大道 DN300 阀门更换",
            "reason_in": {},
            "supply": [{"place": "滨江小学东门"}],
            "contact": "96390",
            "began_at": "2026-11-24T01:00:00Z",
            "expected_end": "2026-11-24T09:00:00Z",
            "ended_at": None,
        }
    ]
}
SENT = {"id": 5, "channel": "sms", "expires_at": "2026-11-21T09:15:00Z"}
TAKEN = {"taken": 998, "older": 1, "unknown": ["1002341X"]}
