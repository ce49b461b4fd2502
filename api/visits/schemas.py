"""What the API says about visits, and what it takes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Day, Name, Text
from api.page import Filter
from api.tickets.schemas import Body, Said
from service.visit_form import FieldType

State = Literal["due", "overdue", "postponed", "done", "cancelled"]
OPEN: frozenset[State] = frozenset({"due", "overdue", "postponed"})
Kind = Literal["cadence", "inspection", "ad_hoc"]
Form = Literal["on_site", "call", "letter"]
Version = Annotated[
    int | None, Field(ge=1, le=2**31 - 1, description="The version you saw: 409 where another came since.")
]


class VisitFilter(Filter):
    """Which visits."""

    state: list[State] | None = Field(None, max_length=5, description="One or several.")
    manager: Name | None = Field(None, description="Login of who goes.")
    mine: bool = Field(False, description="Only the visits of the member of staff whose key it is.")
    account_no: Name | None = None
    kind: Kind | None = None
    form: Form | None = None
    segment: Literal["large", "special", "vulnerable", "general"] | None = Field(
        None, description="Of the customer."
    )
    dma: Name | None = Field(None, description="Code of the customer's DMA.")
    since: Day | None = Field(None, alias="from", description="Due on this day or later.")
    until: Day | None = Field(None, alias="to", description="Due on this day or before.")


class Visit(BaseModel):
    """A visit: in person, by telephone or by letter."""

    id: int
    account_no: str
    customer: str = Field(description="The customer's name.")
    address: str | None
    phone: str | None
    manager: str | None = Field(description="Login of who goes.")
    kind: Kind
    form: Form
    due_on: date
    planned_on: date | None = Field(description="The day it was first planned for.")
    state: State = Field(description="`overdue` is due or postponed, with its day past.")
    cause: dict[str, Any] = Field(description="Why an inspection was planned.")
    why: str = Field(description="Why it was moved, postponed or called off.")
    done_at: datetime | None
    done_by: str | None
    version: int


class AgendaItem(BaseModel):
    """One thing to talk about."""

    topic: Literal["cause", "question", "use", "plan", "event", "ticket", "meter", "contact"]
    kind: str
    figures: dict[str, Any]
    zh: str
    en: str


class VisitEntry(BaseModel):
    """One line of a visit's history; none is ever changed."""

    at: datetime
    actor: str
    kind: str
    from_state: str | None
    to_state: str | None
    why: str
    detail: dict[str, Any]


class VisitDetail(Visit):
    """A visit with its agenda, its outcome and its history."""

    agenda: list[AgendaItem] = Field(description="As it stands; of a visit that is done, as it stood then.")
    outcome: dict[str, Any] = Field(description="What was discussed and learned, and what followed.")
    entries: list[VisitEntry]
    allowed: list[str] = Field(description="The steps that its state allows.")


class Arrange(Body):
    """A visit beside the cadence."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_no": "10023417",
                    "due_on": "2026-12-04",
                    "form": "on_site",
                    "why": "New line goes into service.",
                }
            ]
        }
    )

    account_no: Name
    due_on: Day
    form: Literal["on_site", "call"] = "on_site"
    why: Said


class Postpone(Body):
    """Another day."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"until": "2026-12-11", "why": "Stocktaking until the 10th."}]}
    )

    until: Day
    why: Said
    version: Version = None


class Close(Body):
    """It is called off, or taken up again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"why": "The works are closed until spring."}]})

    why: Said
    version: Version = None


class FollowUp(Body):
    """Somebody has to see to this: a ticket."""

    subject: Annotated[Said, Field(max_length=200)]
    said: Annotated[Text, Field(max_length=10_000)] = ""
    priority: Literal["urgent", "high", "normal", "low"] = "normal"


class Finish(Body):
    """What came of the visit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "discussed": "Night use of the dye house; plan for 2027.",
                    "learned": {"phone": "+86 27 5550 1234", "shifts": "mo-sa 06:00-22:00"},
                    "open_questions": ["When does the second line start?"],
                    "follow_up": {"subject": "Sub-meter for the dye house", "priority": "normal"},
                    "next_on": "2026-12-18",
                }
            ]
        }
    )

    discussed: Said
    learned: dict[Name, str | int | float | bool | list[Name] | None] = Field(
        {}, max_length=20, description="Fields of the profile and their new values."
    )
    open_questions: list[Annotated[Said, Field(max_length=1_000)]] = Field([], max_length=20)
    follow_up: FollowUp | None = None
    next_on: Day | None = Field(None, description="The day agreed for the next visit.")
    held_on: Day | None = Field(None, description="The day it took place; today unless given.")
    version: Version = None


class SetCadence(Body):
    """What holds for one customer; null: as the rule of segment and sector says."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"every_months": 2, "form": "on_site", "why": "Asked for it."}]}
    )

    every_months: Annotated[int, Field(ge=0, le=60)] | None = Field(
        None, description="0: never. Null: by rule."
    )
    form: Form | None = None
    why: Said


class Cadence(BaseModel):
    """How often one customer is visited, and how."""

    account_no: str
    every_months: int
    form: Form
    decided_by: str = Field(description="`rule`, or who said otherwise.")
    why: str
    last_on: date | None = Field(description="Day of the last visit, inspections aside.")
    next_on: date | None


class Choice(BaseModel):
    """A value that is allowed, and its name."""

    value: str
    zh: str
    en: str


class FormField(BaseModel):
    """A field of the outcome."""

    path: str = Field(description="Where its value stands in the body of `finishVisit`: `learned.phone`.")
    type: FieldType
    zh: str
    en: str
    required: bool
    nullable: bool = Field(description="Whether null empties it.")
    least: int | None = Field(description="The smallest number.")
    most: int | None = Field(description="The longest text in characters, or the most entries of a list.")
    choices: list[Choice]


class VisitForm(BaseModel):
    """What a visit that is made this way asks, in order. A field that is left out changes nothing."""

    form: Form
    zh: str
    en: str
    fields: list[FormField]


class VisitForms(BaseModel):
    """The forms."""

    items: list[VisitForm]


EXAMPLE: dict[str, Any] = {
    "id": 31,
    "account_no": "10023417",
    "customer": "江城第三医院",
    "address": "江城市解放路 17 号",
    "phone": "+86 27 5550 0117",
    "manager": "li.wei",
    "kind": "cadence",
    "form": "on_site",
    "due_on": "2026-12-04",
    "planned_on": "2026-12-04",
    "state": "due",
    "cause": {},
    "why": "",
    "done_at": None,
    "done_by": None,
    "version": 1,
}
DETAIL: dict[str, Any] = {
    **EXAMPLE,
    "agenda": [
        {
            "topic": "use",
            "kind": "use_before",
            "figures": {"days": 30, "used_m3": 1911.7, "before_m3": 1733.0, "before_change": 10},
            "zh": "近 30 天用水 1,911.7 m³，日均比前期增加 10%（1,733 m³）。",
            "en": "1,911.7 m³ used in the last 30 days, 10 % more a day than in the time before (1,733 m³).",
        }
    ],
    "outcome": {},
    "entries": [],
    "allowed": ["finish", "postpone", "cancel"],
}
CADENCE: dict[str, Any] = {
    "account_no": "10023417",
    "every_months": 2,
    "form": "on_site",
    "decided_by": "li.wei",
    "why": "Asked for it.",
    "last_on": "2026-10-06",
    "next_on": "2026-12-04",
}
FORMS: dict[str, Any] = {
    "items": [
        {
            "form": "letter",
            "zh": "信函联系",
            "en": "By letter",
            "fields": [
                {
                    "path": "learned.phone",
                    "type": "phone",
                    "zh": "联系电话",
                    "en": "Telephone",
                    "required": False,
                    "nullable": True,
                    "least": None,
                    "most": 200,
                    "choices": [],
                }
            ],
        }
    ]
}
