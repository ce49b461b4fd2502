"""How the line's figures are drawn: bars of a minute each, and bytes for the eye."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.health.schemas import Minute

ROW = 16


@dataclass(frozen=True)
class Bar:
    """A minute: its place and height on a ground 100 high, and what was stored in it."""

    x: float
    y: float
    height: float
    readings: int
    at: datetime


def bars(minutes: Sequence[Minute], now: datetime, count: int) -> list[Bar]:
    """Return the last `count` minutes, those without readings as well, on a ground 600 wide."""
    known = {minute.minute: minute.readings for minute in minutes}
    last = now.replace(second=0, microsecond=0)
    most, width = max(known.values(), default=0) or 1, 600 / count
    made = []
    for place in range(count):
        at = last - timedelta(minutes=count - 1 - place)
        readings = known.get(at, 0)
        height = 98 * readings / most
        made.append(Bar(round(place * width, 1), round(100 - height, 1), round(height, 1), readings, at))
    return made


def hexed(raw: bytes) -> str:
    """Return bytes as an editor shows them: place, sixteen in hex, and the letters among them.

    >>> print(hexed(b'{"ts": 1}' + bytes([0, 255])))
    0000  7b 22 74 73 22 3a 20 31 7d 00 ff                 {"ts": 1}..
    """
    lines = []
    for start in range(0, len(raw), ROW):
        part = raw[start : start + ROW]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:04x}  {part.hex(' '):<47}  {letters}")
    return "\n".join(lines)
