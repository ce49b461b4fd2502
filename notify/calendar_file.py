"""Days in a calendar file (RFC 5545) that any calendar program takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MEDIA_TYPE = "text/calendar"
_LONGEST = 75


@dataclass(frozen=True)
class Entry:
    """One whole day; the same `uid` taken in again changes the entry instead of adding one."""

    uid: str
    day: date
    title: str
    place: str = ""
    text: str = ""


def calendar_file(entries: Iterable[Entry], made_at: datetime) -> bytes:
    """Return the entries as a calendar file, UTF-8."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Headwater//visits//EN", "METHOD:PUBLISH"]
    for entry in entries:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{entry.uid}",
            f"DTSTAMP:{made_at:%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}",
            f"DTEND;VALUE=DATE:{entry.day + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:{_escaped(entry.title)}",
            *([f"LOCATION:{_escaped(entry.place)}"] if entry.place else []),
            *([f"DESCRIPTION:{_escaped(entry.text)}"] if entry.text else []),
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _fold(line)).encode()


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return "\\n".join(text.splitlines())


def _fold(line: str) -> Iterable[str]:
    """Yield the line in parts of at most 75 bytes, of whole characters; the later ones are indented."""
    part = ""
    for character in line:
        if len((part + character).encode()) > _LONGEST:
            yield part
            part = " "
        part += character
    yield part
