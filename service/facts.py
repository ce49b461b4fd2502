"""What a message is about, as it stood when the message was written: kept in the outbox as JSON."""

from datetime import datetime
from typing import Any

import msgspec


class TicketFacts(msgspec.Struct, frozen=True, gc=False):
    """The ticket; instants are aware UTC."""

    id: int
    state: str
    priority: str
    urgent: bool
    grp: str
    opened_at: datetime
    response_due: datetime
    resolution_due: datetime
    routed_by: str
    related: list[int] = []
    assignee: str | None = None


class EventFacts(msgspec.Struct, frozen=True, gc=False):
    """What the detectors found; `evidence` is theirs, by detector, numbers with the unit in the name."""

    id: int
    grp: str
    detectors: list[str]
    subject_kind: str
    subject: str
    severity: str
    onset: datetime
    detected_at: datetime
    last_seen: datetime
    unit: str
    magnitude: Any
    loss_m3: Any
    money: Any
    cleared_at: datetime | None = None
    evidence: dict[str, Any] = {}


class CustomerFacts(msgspec.Struct, frozen=True, gc=False):
    """Whom it concerns."""

    account_no: str
    name: str
    sector: str
    segment: str
    language: str
    address: str | None = None
    phone: str | None = None
    email: str | None = None
    shifts: str | None = None


class MeterFacts(msgspec.Struct, frozen=True, gc=False):
    """The meter that saw it."""

    id: int
    serial: str
    address: str | None = None
    q3_lph: float | None = None


class DmaFacts(msgspec.Struct, frozen=True, gc=False):
    """The district it lies in."""

    code: str
    name: str
    region: str | None = None
    min_pressure_kpa: float | None = None


class UtilityFacts(msgspec.Struct, frozen=True, gc=False):
    """Who supplies the water; `price_m3` is the customer's own where there is one."""

    name: str | None = None
    timezone: str | None = None
    country: str | None = None
    currency: str | None = None
    price_m3: float | None = None


class AddresseeFacts(msgspec.Struct, frozen=True, gc=False):
    """Who is written to; `stands_in_for` names the account manager where it is somebody else."""

    name: str = ""
    stands_in_for: str | None = None


class ClockFacts(msgspec.Struct, frozen=True, gc=False):
    """The deadline that a step is about: `response` or `resolution`; `level` counts the escalations."""

    deadline: str
    due: datetime
    level: int = 0


class Facts(msgspec.Struct, frozen=True, gc=False):
    """Everything a message says, in one piece."""

    ticket: TicketFacts
    event: EventFacts
    utility: UtilityFacts
    step: str = ""
    customer: CustomerFacts | None = None
    meter: MeterFacts | None = None
    dma: DmaFacts | None = None
    addressee: AddresseeFacts = AddresseeFacts()
    reasons: list[str] = []
    why: str = ""
    clock: ClockFacts | None = None


class CaseFacts(msgspec.Struct, frozen=True, gc=False):
    """What a message says of a ticket that no event opened: the matter in the words of who brought it."""

    ticket: TicketFacts
    source: str
    subject: str
    said: str
    utility: UtilityFacts
    step: str = ""
    topic: str | None = None
    reporter: dict[str, str] = {}
    customer: CustomerFacts | None = None
    dma: DmaFacts | None = None
    addressee: AddresseeFacts = AddresseeFacts()
    reasons: list[str] = []
    why: str = ""
    clock: ClockFacts | None = None


def case_facts(document: object) -> CaseFacts:
    """Read the facts of a case from their JSON object."""
    return msgspec.convert(document, CaseFacts, strict=False)


def read(text: str, *, of_event: bool) -> Facts | CaseFacts:
    """Read the facts of a ticket from JSON; of its event, or of a case that no event opened."""
    return _FACTS.decode(text) if of_event else _CASE_FACTS.decode(text)


def facts(document: object) -> Facts:
    """Read the facts of a message from its JSON object."""
    return msgspec.convert(document, Facts, strict=False)


def document(facts: Facts | CaseFacts) -> dict[str, Any]:
    """Return the facts as a JSON object."""
    made: dict[str, Any] = msgspec.to_builtins(facts)
    return made


_FACTS = msgspec.json.Decoder(Facts, strict=False)
_CASE_FACTS = msgspec.json.Decoder(CaseFacts, strict=False)
