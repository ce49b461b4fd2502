"""What the API says about crews, and what it takes."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Id, Name, Why
from api.tickets.schemas import Body


class PutCrew(Body):
    """A crew as it is to be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "城北抢修班", "lead": "li.wei", "skills": ["leak", "network"]}]
        }
    )

    name: Name
    region: Name | None = Field(None, description="Code of its region.")
    x: float | None = Field(None, description="Where it sets out from, in the coordinates of service points.")
    y: float | None = None
    lead: Name | None = Field(None, description="Login of who leads it, and is told.")
    phone: Name | None = None
    skills: Annotated[list[Name], Field(max_length=50)] = Field(
        [], description="Groups and topics of tickets it takes; none: all."
    )
    calendar: Name = Field("round_the_clock", description="When it works.")
    active: bool = True
    members: Annotated[list[Name], Field(max_length=200)] = Field([], description="Logins.")


class Crew(BaseModel):
    """A crew, and how much it has to do."""

    code: str
    name: str
    region: str | None
    x: float | None
    y: float | None
    lead: str | None
    phone: str | None
    skills: list[str]
    calendar: str
    active: bool
    members: list[str]
    open_tickets: int


class Crews(BaseModel):
    """All crews."""

    items: list[Crew]


class Dispatch(Body):
    """Which crew, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"crew": None, "why": "Water on the road."}]})

    crew: Name | None = Field(None, description="Its code; null: the crew of the place.")
    why: Why = Field("", description="Needed where another crew has been sent.")
    version: Id | None = Field(None, description="The version of the ticket that was seen.")


class Candidate(BaseModel):
    """A crew that may take a ticket's site work."""

    code: str
    name: str
    region: str | None
    metres: float | None = Field(description="From its base to the service point; null without coordinates.")
    open_tickets: int
    why: str = Field(description="What speaks for it.")


class Candidates(BaseModel):
    """The crews that may take it, the best first."""

    items: list[Candidate]


class Dispatched(BaseModel):
    """Which crew goes, and why that one."""

    id: int
    version: int
    crew: Candidate


CREW: dict[str, Any] = {
    "code": "north-1",
    "name": "城北抢修班",
    "region": "north",
    "x": 4200.0,
    "y": 8100.0,
    "lead": "li.wei",
    "phone": "+86 27 5550 0199",
    "skills": ["leak", "network"],
    "calendar": "round_the_clock",
    "active": True,
    "members": ["li.wei", "sun.bo"],
    "open_tickets": 3,
}
CANDIDATE: dict[str, Any] = {
    "code": "north-1",
    "name": "城北抢修班",
    "region": "城北",
    "metres": 1240.0,
    "open_tickets": 3,
    "why": "城北抢修班 of 城北, 1,240 m away, 3 open tickets",
}
