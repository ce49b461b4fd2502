"""What customers are told of an outage, as it stood when the notice was made: kept as JSON, never changed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

_HAN = re.compile(r"[\u4e00-\u9fff]")


class Supply(msgspec.Struct, frozen=True):
    """Where water is to be had meanwhile: a place, from when to when, and a remark."""

    place: str
    since: datetime | None = None
    until: datetime | None = None
    note: str = ""


class Promise(msgspec.Struct, frozen=True):
    """What was said before: the start and the end."""

    starts_at: datetime
    expected_end: datetime
    end_known: bool = True


class OutageFacts(msgspec.Struct, frozen=True):
    """An outage at one of its turns. Without `end_known`, `expected_end` is when there will be news."""

    id: int
    code: str
    kind: str
    cause: str
    reason: str
    starts_at: datetime
    expected_end: datetime
    reason_in: dict[str, str] = {}
    supply: list[Supply] = []
    contact: str = ""
    end_known: bool = True
    started_at: datetime | None = None
    ended_at: datetime | None = None
    districts: list[str] = []
    before: Promise | None = None
    utility: str = ""
    timezone: str = "UTC"


def outage_facts(document: object) -> OutageFacts:
    """Read the facts from their JSON object."""
    return msgspec.convert(document, OutageFacts, strict=False)


def outage_document(facts: OutageFacts) -> dict[str, Any]:
    """Return the facts as a JSON object."""
    made: dict[str, Any] = msgspec.to_builtins(facts)
    return made


class Reasoned(Protocol):
    """What has a reason and a cause."""

    @property
    def cause(self) -> str:
        """Return the kind of cause, for which there are words in every language."""
        ...

    @property
    def reason(self) -> str:
        """Return the reason as the staff wrote it."""
        ...

    @property
    def reason_in(self) -> Mapping[str, str]:
        """Return translations by language."""
        ...


def reason_in(about: Reasoned, language: str) -> str:
    """Return the reason for readers of a language; empty: the words for its cause say it better.

    Without a translation, the staff's own text goes to those who can read its script, and to all where the
    cause says nothing.
    """
    given = about.reason_in.get(language, "").strip()
    text = about.reason.strip()
    readable = bool(_HAN.search(text)) == (language == "zh")
    return given or (text if readable or about.cause == "other" else "")
