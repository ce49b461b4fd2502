"""What the API takes about tickets."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from api.fields import Id, Name, Text, When, Why
from api.tickets.schemas import Body, Said, Topic
from service.writing import SUBJECT_MOST, TEXT_MOST

Version = Annotated[
    int | None,
    Field(
        ge=1, le=2**31 - 1, description="The version you saw; if it has changed since, nothing is done: 409."
    ),
]
Phone = Annotated[Text, Field(max_length=50)]
Email = Annotated[Text, Field(max_length=254)]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class Remark(Body):
    """A step that needs no reason."""

    model_config = _example(why="On my way.", version=1)

    why: Why = Field("", description="A remark for the history.")
    version: Version = None


class Reason(Body):
    """A step that needs a reason."""

    model_config = _example(why="Told the caretaker to shut the cellar valve.", version=2)

    why: Said = Field(description="For the history; of a response, the preliminary solution.")
    version: Version = None


class Note(Body):
    """A remark."""

    model_config = _example(why="Caretaker is in from 14:00.")

    why: Said


class Resolve(Body):
    """It is done."""

    model_config = _example(
        cause_code="toilet_leak", cause="worn cistern seal", why="Seal replaced, flow is still.", version=3
    )

    cause_code: Name | None = Field(None, description="What it was: a code of `GET /v1/causes`.")
    cause: Annotated[Said, Field(max_length=200)] | None = Field(None, description="What it was, in words.")
    why: Said = Field(description="What was done.")
    version: Version = None

    @model_validator(mode="after")
    def _names_a_cause(self) -> Self:
        if self.cause_code is None and self.cause is None:
            raise ValueError("Say what it was: cause_code, cause, or both.")
        return self


class SetPriority(Body):
    """Another priority."""

    model_config = _example(priority="high", why="A kindergarten is behind it.", version=2)

    priority: Literal["urgent", "high", "normal", "low"]
    why: Said
    version: Version = None


class Merge(Body):
    """This ticket is a duplicate."""

    model_config = _example(into=12, why="The same burst.", version=2)

    into: Id = Field(description="The ticket that goes on.")
    across_customers: bool = Field(False, description="Whether that it is another customer's is meant.")
    why: Said
    version: Version = None


class Snooze(Body):
    """Not now."""

    model_config = _example(until="2026-11-23")

    until: When = Field(description="This instant, or the start of this day of the utility.")


class Letter(Body):
    """What is written to the customer."""

    model_config = _example(subject="关于您家水表的持续流量", text="您好，水表显示……请先检查马桶水箱。")

    subject: Annotated[Said, Field(max_length=SUBJECT_MOST)]
    text: Annotated[Said, Field(max_length=TEXT_MOST)]


class Relation(Body):
    """This ticket belongs with another."""

    model_config = _example(ticket=12, why="Same main.")

    ticket: Id
    why: Said


class Contact(Body):
    """Who brought it."""

    name: Annotated[Text, Field(max_length=200)] = ""
    phone: Phone = ""
    email: Email = ""


class NewTicket(Body):
    """What somebody brings to the desk."""

    model_config = _example(
        source="hotline",
        topic="no_water",
        subject="三楼以上没水",
        text="早上六点起没水，楼下有水。",
        account_no="10023417",
        reporter={"name": "王女士", "phone": "13800001234"},
        urgent="透析用户",
    )

    source: Literal["hotline", "counter", "web", "message", "mail"] = Field(
        description="The channel it came by."
    )
    topic: Topic
    subject: Annotated[Said, Field(max_length=200)] = Field(description="The matter in short.")
    text: Why = Field("", description="In the words of who brought it.")
    account_no: Name | None = Field(None, description="The customer; else it is found by what follows.")
    meter: Name | None = Field(None, description="Serial of the customer's meter.")
    phone: Phone | None = Field(None, description="As the customer has it on record.")
    address: Name | None = Field(None, description="As the customer has it on record.")
    dma: Name | None = Field(None, description="Code of the district, where it is nobody's own matter.")
    reporter: Contact = Field(default_factory=Contact, description="Who brought it, to be called back.")
    urgent: Annotated[Said, Field(max_length=200)] | None = Field(
        None, description="Why it can't wait: the ticket takes the green channel."
    )
    events: list[Id] = Field([], max_length=200, description="Findings that it is about, as far as known.")
