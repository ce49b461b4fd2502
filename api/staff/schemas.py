"""What the API says about staff, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Id, Name, Text, When, Why
from api.page import Filter
from api.tickets.schemas import Body

Role = Literal["admin", "operations", "manager", "reader"]
Roles = Annotated[list[Role], Field(min_length=1, max_length=4)]


class StaffFilter(Filter):
    """Which members of staff."""

    region: Name | None = Field(None, description="Code of the region they look after.")
    active: bool | None = Field(True, description="False: who has left.")


class Load(BaseModel):
    """What lies on somebody's desk now."""

    open: int = Field(description="Open tickets.")
    urgent: int
    high: int
    normal: int
    low: int
    not_taken_on: int = Field(description="Open or reopened, and not acknowledged yet.")
    acknowledged: int
    responded: int
    waiting: int = Field(description="Of the open ones, those that wait for the customer.")
    overdue: int = Field(description="A deadline has passed.")
    due_24h: int = Field(description="The next deadline is within 24 hours.")
    next_due: datetime | None
    customers: int = Field(description="Customers whose account manager it is.")
    visits_due: int = Field(description="Visits due by a week from today, the overdue ones with them.")
    visits_overdue: int
    weight: float = Field(description="Open tickets weighted: urgent 4, high 2, normal 1, low 0.5.")


class StaffBrief(BaseModel):
    """A member of staff in a list."""

    login: str
    name: str
    email: str | None
    phone: str | None
    language: Literal["zh", "en"]
    roles: list[str]
    active: bool
    region: str | None = Field(description="Code of the region.")
    superior: str | None
    deputy: str | None = Field(description="Who usually stands in.")
    away: bool
    away_until: datetime | None = Field(description="Null while here, and where the end is open.")
    stands_in: str | None = Field(description="Who stands in now, or would.")
    on_duty_desk: bool = Field(description="Always on the duty desk, beside the roster.")
    on_duty: bool = Field(description="On the duty desk by the roster now.")
    load: Load | None = Field(description="Null where the caller may not see it: a manager sees the own.")


class AbsenceShown(BaseModel):
    """A planned or running absence."""

    id: int
    starts_at: datetime | None
    ends_at: datetime | None = Field(description="Null: until further notice.")
    why: str | None = Field(description="Null where it is not the caller's to know.")
    deputy: str | None = Field(description="Who stands in this time; null: the usual deputy.")
    covered_at: datetime | None = Field(description="When urgent tickets went to who stands in.")
    handed: int = Field(description="How many tickets these were.")
    created_by: str


class StaffDetail(StaffBrief):
    """A member of staff with the absences that run or are planned."""

    absences: list[AbsenceShown]


class NewStaff(Body):
    """Somebody who begins to work here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "login": "wu.fang",
                    "name": "吴芳",
                    "email": "wu.fang@example.com",
                    "roles": ["manager"],
                    "superior": "li.wei",
                }
            ]
        }
    )

    login: Name
    name: Name
    email: Name | None = None
    phone: Name | None = None
    language: Literal["zh", "en"] = "zh"
    roles: Roles = Field(["manager"])
    region: Name | None = Field(None, description="Code of the region.")
    superior: Name | None = None
    deputy: Name | None = None
    on_duty_desk: bool = False


class ChangeStaff(Body):
    """What is to change; null takes it away. A manager may set the own deputy, administrators all of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"deputy": "chen.jing"}]})

    deputy: Name | None = None
    superior: Name | None = None
    region: Name | None = Field(None, description="Code of the region.")
    on_duty_desk: bool = False
    name: Name = ""
    email: Name | None = None
    phone: Name | None = None
    language: Literal["zh", "en"] = "zh"
    roles: Roles = Field(["manager"])


class NewAbsence(Body):
    """When somebody is away; a day begins at midnight of the utility."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"starts_at": "2026-12-24", "ends_at": "2026-12-31", "why": "annual leave"}]
        }
    )

    starts_at: When
    ends_at: When | None = Field(None, description="First instant or day back; null: until further notice.")
    why: Annotated[Text, Field(max_length=200)] = ""
    deputy: Name | None = Field(None, description="Who stands in this time; null: the usual deputy.")


class HandOver(Body):
    """All open tickets of somebody, to one person or by region."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to": None, "note": "On sick leave.", "urgent_only": True}]}
    )

    to: Name | None = Field(description="Login of who takes them; null: by region, evenly.")
    note: Annotated[Why, Field(min_length=1)]
    urgent_only: bool = False


class Leave(Body):
    """Everything of somebody who leaves, to one person or by region."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "chen.jing", "note": "Has moved."}]})

    to: Name | None = Field(description="Login of who takes over; null: by region, evenly.")
    note: Annotated[Why, Field(min_length=1)]


class TakeBack(Body):
    """A remark for the history."""

    note: Why = ""


class HandedOver(BaseModel):
    """What went to whom, by login."""

    tickets: dict[str, int]
    customers: dict[str, int]


class HasLeft(HandedOver):
    """What went to whom, and what no longer names who left."""

    visits: int
    districts: list[str]
    crews: list[str]
    shifts: int
    keys: int


class Shift(BaseModel):
    """A turn on the duty desk."""

    id: int
    login: str
    name: str
    starts_at: datetime
    ends_at: datetime
    note: str
    created_by: str


class Roster(BaseModel):
    """The turns of a period, up to 500."""

    items: list[Shift]


class NewShift(Body):
    """A turn on the duty desk; a day begins at midnight of the utility."""

    login: Name
    starts_at: When
    ends_at: When
    note: Annotated[Text, Field(max_length=200)] = ""


class NewShifts(Body):
    """Turns to put on the roster, all or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"shifts": [{"login": "li.wei", "starts_at": "2026-12-01", "ends_at": "2026-12-02"}]}
            ]
        }
    )

    shifts: Annotated[list[NewShift], Field(min_length=1, max_length=500)]


class Region(BaseModel):
    """A region in the tree."""

    code: str
    name: str
    parent: str | None
    dmas: int
    staff: list[str] = Field(description="Logins of who looks after it.")


class Regions(BaseModel):
    """All regions."""

    items: list[Region]


class PutRegion(Body):
    """Name and place in the tree."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "城北", "parent": None}]})

    name: Name
    parent: Name | None = Field(None, description="Code of the region above.")


class Assign(Body):
    """Who takes the ticket."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to": "chen.jing", "note": "Called twice; valve is shut."}]}
    )

    to: Name = Field(description="Login.")
    note: Why = Field("", description="What has been done and what is next; needed where somebody had it.")
    version: Id | None = Field(None, description="The version of the ticket that was seen.")


class Assigned(BaseModel):
    """In whose hands the ticket is now; who gave it away may no longer see it."""

    id: int
    assignee: str | None = Field(description="Null: nobody's yet.")
    version: int


class PasswordLink(BaseModel):
    """A link by which somebody sets a password, shown this once."""

    SAID_ONCE: ClassVar = ("url",)

    login: str
    url: str | None = Field(description="Null where the request is repeated: it isn't kept.")
    until: datetime = Field(description="It is good once, before this.")
    mailed_to: str | None = Field(description="The e-mail it is on its way to; null: hand it over yourself.")


LINK: dict[str, Any] = {
    "login": "wu.fang",
    "url": "https://water.example.com/password/0cUh8cWq3Zk1mY7XbR5nT2vA9sLdE4fG6hJ8kPqWxYz",
    "until": "2026-11-22T09:00:00Z",
    "mailed_to": "wu.fang@example.com",
}
LOAD: dict[str, Any] = {
    "open": 14,
    "urgent": 2,
    "high": 3,
    "normal": 8,
    "low": 1,
    "not_taken_on": 4,
    "acknowledged": 7,
    "responded": 3,
    "waiting": 1,
    "overdue": 1,
    "due_24h": 3,
    "next_due": "2026-11-21T14:00:04Z",
    "customers": 412,
    "visits_due": 6,
    "visits_overdue": 1,
    "weight": 22.5,
}
BRIEF: dict[str, Any] = {
    "login": "li.wei",
    "name": "李伟",
    "email": "li.wei@example.com",
    "phone": None,
    "language": "zh",
    "roles": ["manager"],
    "active": True,
    "region": "north",
    "superior": "zhao.min",
    "deputy": "chen.jing",
    "away": False,
    "away_until": None,
    "stands_in": "chen.jing",
    "on_duty_desk": False,
    "on_duty": False,
    "load": LOAD,
}
DETAIL: dict[str, Any] = {
    **BRIEF,
    "absences": [
        {
            "id": 5,
            "starts_at": "2026-12-23T16:00:00Z",
            "ends_at": "2026-12-30T16:00:00Z",
            "why": "annual leave",
            "deputy": None,
            "covered_at": None,
            "handed": 0,
            "created_by": "li.wei",
        }
    ],
}
HANDED: dict[str, Any] = {"tickets": {"chen.jing": 11, "wu.fang": 10}, "customers": {}}
LEFT: dict[str, Any] = {
    "tickets": {"chen.jing": 250, "wu.fang": 250},
    "customers": {"chen.jing": 206, "wu.fang": 206},
    "visits": 6,
    "districts": ["DMA-04"],
    "crews": [],
    "shifts": 2,
    "keys": 1,
}
SHIFT: dict[str, Any] = {
    "id": 5,
    "login": "li.wei",
    "name": "李伟",
    "starts_at": "2026-12-01T00:00:00Z",
    "ends_at": "2026-12-01T12:00:00Z",
    "note": "",
    "created_by": "zhao.min",
}
REGION: dict[str, Any] = {"code": "north", "name": "城北", "parent": None, "dmas": 6, "staff": ["li.wei"]}
