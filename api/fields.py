"""The kinds of value that requests carry, and what is refused of them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema

from api.problem import refused_value

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST = timedelta(days=400)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_SPACE = re.compile(r"(?<=[0-9]) (?=\d\d:\d\d$)", re.ASCII)

# PostgreSQL keeps every character in text but this one.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
Why = Annotated[Text, Field(max_length=10_000)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


def _when(value: object) -> datetime | date:
    if not isinstance(value, str):
        raise ValueError("Give a time as text.")
    if _DATE.fullmatch(value):
        found: datetime | date = date.fromisoformat(value)
        instant = datetime.combine(found, time(), UTC)
    else:
        if _SPACE.search(value):
            raise ValueError("In an address a plus sign reads as a space: write %2B, or use UTC with Z.")
        if not _TIME.fullmatch(value):
            raise ValueError("Give a time as 2026-11-21T08:00:00Z, or a date as 2026-11-21.")
        found = instant = datetime.fromisoformat(value.upper())
        if instant.tzinfo is None:
            raise ValueError("A time needs its zone: end it with Z, or an offset such as %2B08:00.")
    if not FIRST + timedelta(days=1) <= instant < LAST:
        raise ValueError("Give a time between 1970 and 2200.")
    return found


# An instant, or a day of the utility.
When = Annotated[
    datetime | date,
    BeforeValidator(_when),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2}))?$",
            "examples": ["2026-11-21T08:00:00Z", "2026-11-21"],
        }
    ),
]


def _day(value: object) -> date:
    found = _when(value)
    if isinstance(found, datetime):
        raise ValueError("Give a date, as 2026-11-21.")
    return found


# A day of the utility.
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-21"]}),
]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which `day` begins in `zone`, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def instant(when: datetime | date, zone: Callable[[], ZoneInfo]) -> datetime:
    """Return the instant that is meant; of a day, its beginning in the utility's zone."""
    return when.astimezone(UTC) if isinstance(when, datetime) else midnight(when, zone())


def span(
    since: datetime | date | None,
    until: datetime | date | None,
    now: datetime,
    zone: Callable[[], ZoneInfo],
    longest: timedelta = LONGEST,
) -> tuple[datetime, datetime]:
    """Return the period (from, to) that is meant: the last seven days unless said."""
    end = now if until is None else instant(until, zone)
    start = end - timedelta(days=7) if since is None else instant(since, zone)
    if start > end:
        raise refused_value(
            "query", "from", f"The period begins ({start:%FT%TZ}) after it ends ({end:%FT%TZ})."
        )
    if end - start > longest:
        raise refused_value(
            "query", "from", f"At most {longest.days:,} days at a time: ask for them in parts."
        )
    return start, end
