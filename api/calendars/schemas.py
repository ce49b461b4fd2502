"""What the API says about calendars, and what it takes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Day, Id, When
from api.page import Filter
from api.tickets.schemas import Body, Said
from core import hours

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
Shift = Annotated[
    str, StringConstraints(pattern=r"^[0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d$"), Field(examples=["08:30-12:00"])
]
Shifts = Annotated[list[Shift], Field(max_length=12)]
Days = Annotated[list[Day], Field(max_length=1_000)]


class Week(Body):
    """The shifts of each weekday, in the utility's time; one may end on the next day."""

    mo: Shifts = Field([])
    tu: Shifts = Field([])
    we: Shifts = Field([])
    th: Shifts = Field([])
    fr: Shifts = Field([])
    sa: Shifts = Field([])
    su: Shifts = Field([])


class Terms(BaseModel):
    """When is worked."""

    week: Week
    hours: str = Field(description="The same as one line.")
    holidays: bool = Field(description="Public holidays are off, and their make-up days worked.")
    country: str = Field(description="Whose holidays, ISO 3166; empty: the utility's.")
    subdivision: str = Field(description="Such as `BY` of `DE`.")
    closed_days: list[date] = Field(description="Days off of the utility's own.")
    extra_days: list[date] = Field(description="Days worked beside the week.")


class Calendar(Terms):
    """A calendar, who changed it last, and who works by it."""

    code: str
    policies: list[str] = Field(description="Service levels that count by it.")
    crews: list[str]
    version: int
    changed_by: str | None = Field(description="Null: as shipped.")
    changed_at: datetime | None
    why: str | None


class Calendars(BaseModel):
    """All calendars, by code."""

    items: list[Calendar]


class NewCalendar(Body):
    """A calendar to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "night_shift",
                    "week": {"mo": ["22:00-06:00"], "fr": ["08:30-12:00", "13:30-17:30"]},
                    "holidays": True,
                    "closed_days": ["2026-12-24"],
                    "why": "The control room works nights.",
                }
            ]
        }
    )

    code: Code
    week: Week
    holidays: bool = True
    country: Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{2})?$")] = ""
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{0,10}$")] = ""
    closed_days: Days = Field([])
    extra_days: Days = Field([])
    why: Said


class ChangeCalendar(Body):
    """What is to change, and why; a list or week that is given takes the place of what stood."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"extra_days": ["2027-02-06"], "why": "Announced in November.", "version": 1}]
        }
    )

    week: Week = Week()
    holidays: bool = True
    country: Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{2})?$")] = ""
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{0,10}$")] = ""
    closed_days: Days = Field([])
    extra_days: Days = Field([])
    why: Said
    version: Id | None = Field(None, description="The version that was seen.")


class Version(BaseModel):
    """A version: who made it, when and why, what stood before and what stands since."""

    version: int
    at: datetime
    actor: str
    why: str
    before: dict[str, Any] | None = Field(description="Null: it was made.")
    after: dict[str, Any]


class Ahead(BaseModel):
    """From when on, and how much work."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: When | None = Field(None, alias="from", description="Now, unless given.")
    hours: float = Field(8.0, gt=0, le=10_000, allow_inf_nan=False, description="Hours of work.")


class Span(BaseModel):
    """A shift, as it really lasts."""

    start: datetime
    end: datetime


class WorkDay(BaseModel):
    """A day, and which rule holds on it."""

    day: date
    kind: Literal["usual", "closed", "extra", "holiday", "made_up"]
    name: str = Field(description="Of the holiday, in its country's language.")
    shifts: list[Span]


class Preview(BaseModel):
    """When so much work is done, and what is worked in the coming four weeks."""

    calendar: str
    timezone: str
    from_: datetime = Field(alias="from")
    hours: float
    due: datetime
    days: list[WorkDay]


class Versions(Filter):
    """Which versions: the latest first."""


def terms(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table as the API says it."""
    return row | {"week": hours.of_days(row["hours"])}


_WEEK: dict[str, list[str]] = {day: ["08:30-12:00", "13:30-17:30"] for day in ("mo", "tu", "we", "th", "fr")}
EXAMPLE: dict[str, Any] = {
    "week": {**_WEEK, "sa": [], "su": []},
    "hours": "mo-fr 08:30-12:00 13:30-17:30",
    "holidays": True,
    "country": "",
    "subdivision": "",
    "closed_days": [],
    "extra_days": ["2027-02-06"],
    "code": "office",
    "policies": ["normal"],
    "crews": [],
    "version": 2,
    "changed_by": "zhao.min",
    "changed_at": "2026-11-21T09:00:00Z",
    "why": "Announced in November.",
}
VERSION: dict[str, Any] = {
    "version": 2,
    "at": "2026-11-21T09:00:00Z",
    "actor": "zhao.min",
    "why": "Announced in November.",
    "before": {"extra_days": []},
    "after": {"extra_days": ["2027-02-06"]},
}
PREVIEW: dict[str, Any] = {
    "calendar": "office",
    "timezone": "Asia/Shanghai",
    "from": "2026-09-30T09:00:00Z",
    "hours": 1.0,
    "due": "2026-10-08T01:00:00Z",
    "days": [
        {
            "day": "2026-09-30",
            "kind": "usual",
            "name": "",
            "shifts": [
                {"start": "2026-09-30T00:30:00Z", "end": "2026-09-30T04:00:00Z"},
                {"start": "2026-09-30T05:30:00Z", "end": "2026-09-30T09:30:00Z"},
            ],
        },
        {"day": "2026-10-01", "kind": "holiday", "name": "国庆节", "shifts": []},
    ],
}
