"""What the API says about outages, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.fields import Name, Text, When, Why
from api.page import Filter
from api.tickets.schemas import Body, Said

Kind = Literal["planned", "unplanned"]
State = Literal["draft", "announced", "started", "restored", "cancelled"]
Status = Literal["draft", "announced", "started", "delayed", "overdue", "restored", "cancelled"]
Cause = Literal[
    "valve_work",
    "mains_renewal",
    "connection_work",
    "flushing",
    "tank_cleaning",
    "main_burst",
    "leak_repair",
    "pump_failure",
    "power_failure",
    "third_party_damage",
    "water_quality",
    "other",
]
Language = Literal["zh", "en"]
Brief = Annotated[Text, Field(max_length=500)]
Code = Annotated[str, Field(pattern=r"^[\w.:/-]{1,60}$")]
Version = Annotated[int | None, Field(None, ge=1, description="As you saw it: 409 if somebody was faster.")]
MOST_LIST = 4_000_000
WHEN: dict[str, list[State]] = {
    "current": ["started"],
    "planned": ["draft", "announced"],
    "past": ["restored", "cancelled"],
}


class OutageFilter(Filter):
    """Which outages."""

    when: Literal["current", "planned", "past"] | None = Field(
        None, description="current: the water is off; planned: drafts too; past: cancelled ones too."
    )
    kind: Kind | None = None
    dma: Name | None = Field(None, description="Code of a DMA in its area.")
    account_no: Name | None = Field(None, description="At this customer's place.")
    since: When | None = Field(None, description="Begins at or after this instant, or day of the utility.")
    until: When | None = Field(None, description="Begins before this instant, or day of the utility.")


class Supply(Body):
    """Where water is to be had meanwhile."""

    place: Annotated[Brief, Field(min_length=1)]
    since: When | None = None
    until: When | None = None
    note: Brief = ""


class Proposal(Body):
    """What an outage says; whatever is left out of a change stays."""

    cause: Cause = Field(
        "other", description="What customers read in their language where reason says nothing."
    )
    reason: Brief = Field("", description="Why, as customers will read it.")
    reason_in: dict[Language, Brief] = Field({}, description="The reason in other languages.")
    supply: list[Supply] = Field([], max_length=50, description="Emergency supply.")
    contact: Annotated[Text, Field(max_length=100)] = Field("", description="Whom to ask.")
    starts_at: When | None = Field(None, description="Now, or the event's onset, unless planned.")
    expected_end: When | None = Field(
        None, description="Null: nobody can say yet; customers are promised news within two hours."
    )
    dmas: list[Name] = Field([], max_length=1_000, description="Codes of DMAs.")
    accounts: Annotated[Text, Field(max_length=MOST_LIST)] = Field(
        "", description="A line each: an account number or the code of a service point."
    )


class NewOutage(Proposal):
    """An outage to be drafted; nobody is told yet."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "kind": "planned",
                    "cause": "valve_work",
                    "reason": "江南大道 DN300 阀门更换",
                    "starts_at": "2026-11-24T09:00:00+08:00",
                    "expected_end": "2026-11-24T17:00:00+08:00",
                    "dmas": ["DMA-04"],
                    "supply": [{"place": "滨江小学东门"}],
                    "contact": "96390",
                }
            ]
        }
    }

    kind: Kind = "unplanned"
    code: Code | None = Field(None, description="The utility's own number; one is given unless you do.")
    event_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None, description="The event it is opened for: area, start and cause come from there."
    )


class Step(Body):
    """A step, and why."""

    why: Why = Field("", description="For the history; customers don't read it.")
    version: Version = None


class Announce(Step):
    """Tell everybody concerned."""

    override: bool = Field(False, description="Announce planned work on too short a notice; needs why.")


class Change(Proposal):
    """What is to be different."""

    why: Why = ""
    version: Version = None
    tell: bool = Field(True, description="False: customers aren't told, for a slip of the pen.")
    override: bool = False


class Start(Step):
    """The water is off."""

    started_at: When | None = Field(None, description="Now, unless given.")


class Extend(Step):
    """A new promise."""

    expected_end: When | None = Field(description="Null: nobody can say; news within two hours.")


class Restore(Step):
    """The water is back."""

    ended_at: When | None = Field(None, description="Now, unless given.")


class Cancel(Step):
    """It won't take place."""

    why: Said


class Call(Body):
    """A customer was called."""

    account_no: Name
    answer: Said = Field(description="What was said.")


class Outage(BaseModel):
    """An interruption of the supply."""

    id: int
    code: str
    kind: Kind
    state: State
    status: Status = Field(
        description="The state; of one that goes on also delayed (later than first promised) or overdue."
    )
    cause: Cause
    reason: str
    starts_at: datetime
    expected_end: datetime
    end_known: bool = Field(description="False: expected_end is when there will be news, not water.")
    announced_at: datetime | None = Field(description="Null: nobody was told; imported, or a draft.")
    started_at: datetime | None
    ended_at: datetime | None
    dmas: list[str]
    event_id: int | None
    created_by: str
    version: int


class Entry(BaseModel):
    """One line of an outage's history; none is ever changed."""

    at: datetime
    actor: str
    kind: str
    from_state: str | None
    to_state: str | None
    why: str
    detail: dict[str, Any]
    account_no: str | None


class Notice(BaseModel):
    """What customers were told at one turn, and how far that has come."""

    revision: int
    step: str
    made_at: datetime
    state: Literal["waiting", "filling", "filled", "superseded"]
    customers: int
    unreachable: int
    sent: int
    pending: int
    failed: int
    withdrawn: int = Field(description="Taken back unsent: a later notice tells more.")


class Unread(BaseModel):
    """A line of the list that names nothing we know."""

    line: int
    value: str
    why: str


class OutageDetail(Outage):
    """An outage with its history, its notices and the tickets that it answers."""

    reason_in: dict[str, str]
    supply: list[dict[str, Any]]
    contact: str
    first_end: datetime | None = Field(description="The end that was promised first.")
    service_points: int = Field(description="How many were named one by one.")
    unread: list[Unread]
    tickets: list[int]
    allowed: list[str] = Field(description="The steps that may be taken now.")
    entries: list[Entry] = Field(description="The latest 500.")
    notices: list[Notice]


class Overlap(BaseModel):
    """Another outage that some of the same customers are told of."""

    id: int
    code: str
    state: State
    starts_at: datetime
    expected_end: datetime
    customers: int


class Words(BaseModel):
    """A letter as it will be read."""

    subject: str
    text: str
    brief: str = Field(description="As a text message.")


class ToCall(BaseModel):
    """Somebody who must be called: water matters more to them than to others."""

    account_no: str
    name: str
    segment: str
    sector: str
    address: str | None
    phone: str | None
    manager: str | None
    written_to: bool
    called_at: datetime | None
    called_by: str | None
    answer: str | None


class Unreachable(BaseModel):
    """Somebody who can't be written to."""

    account_no: str
    name: str
    segment: str
    address: str | None
    why: Literal["nothing_on_record", "not_usable"]


class PreviewAnswer(BaseModel):
    """What announcing would do."""

    step: Literal["announced", "started"]
    customers: int
    segments: dict[str, int]
    languages: dict[str, int]
    channels: dict[str, int]
    unreachable: int
    unreachable_list: list[Unreachable] = Field(description="At most 200.")
    to_call: list[ToCall] = Field(description="Special and vulnerable customers; at most 200.")
    overlapping: list[Overlap]
    unread: list[Unread]
    warnings: list[str]
    letters: dict[str, Words] = Field(description="By language.")


class Calls(BaseModel):
    """Who must be called, those first who have not been."""

    items: list[ToCall] = Field(description="At most 1,000.")


EXAMPLE: dict[str, Any] = {
    "id": 7,
    "code": "HW-7",
    "kind": "planned",
    "state": "announced",
    "status": "announced",
    "cause": "valve_work",
    "reason": "江南大道 DN300 阀门更换",
    "starts_at": "2026-11-24T01:00:00Z",
    "expected_end": "2026-11-24T09:00:00Z",
    "end_known": True,
    "announced_at": "2026-11-21T02:00:00Z",
    "started_at": None,
    "ended_at": None,
    "dmas": ["DMA-04"],
    "event_id": None,
    "created_by": "zhao.min",
    "version": 3,
}
_ENTRY: dict[str, Any] = {
    "at": "2026-11-21T02:00:00Z",
    "actor": "zhao.min",
    "kind": "announced",
    "from_state": "draft",
    "to_state": "announced",
    "why": "",
    "detail": {},
    "account_no": None,
}
_NOTICE: dict[str, Any] = {
    "revision": 1,
    "step": "announced",
    "made_at": "2026-11-21T02:00:00Z",
    "state": "filled",
    "customers": 1240,
    "unreachable": 31,
    "sent": 1180,
    "pending": 28,
    "failed": 1,
    "withdrawn": 0,
}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "reason_in": {"en": "a new DN 300 valve in Jiangnan Road"},
    "supply": [{"place": "滨江小学东门", "note": "自备容器"}],
    "contact": "96390",
    "first_end": "2026-11-24T09:00:00Z",
    "service_points": 0,
    "unread": [],
    "tickets": [],
    "allowed": ["change", "start", "cancel"],
    "entries": [_ENTRY],
    "notices": [_NOTICE],
}
CALL: dict[str, Any] = {
    "account_no": "10023417",
    "name": "江城第三医院",
    "segment": "special",
    "sector": "institutional",
    "address": "滨江区江南大道 120 号",
    "phone": "+86 571 8800 1234",
    "manager": "王丽",
    "written_to": True,
    "called_at": None,
    "called_by": None,
    "answer": None,
}
PREVIEW: dict[str, Any] = {
    "step": "announced",
    "customers": 1240,
    "segments": {"general": 1228, "special": 1, "vulnerable": 11},
    "languages": {"zh": 1236, "en": 4},
    "channels": {"email": 700, "sms": 509},
    "unreachable": 31,
    "unreachable_list": [
        {
            "account_no": "10023999",
            "name": "李华",
            "segment": "general",
            "address": None,
            "why": "nothing_on_record",
        }
    ],
    "to_call": [CALL],
    "overlapping": [],
    "unread": [{"line": 3, "value": "1002341X", "why": "no such account or service point"}],
    "warnings": ["There is no emergency supply."],
    "letters": {
        "zh": {
            "subject": "【停水通知】11月24日（周二）09:00至17:00停水",
            "text": "尊敬的用户：...",
            "brief": "【江城水务】用户您好，...",
        },
        "en": {
            "subject": "No water Tue 24 Nov, 09:00 to 17:00",
            "text": "Dear customer, ...",
            "brief": "Jiangcheng Water: no water ...",
        },
    },
}
