"""The native codec and its checks once more: slow, obvious, one reading after the other."""

import json
import math
import re
from datetime import datetime, timedelta
from typing import Any

from core.words import Flag
from ingest.limits import LIMITS
from tests.ingest.decoding import NOW

VALUES = ("register_l", "flow_lph", "pressure_kpa", "temperature_c", "battery_v")
FLAGS = {flag.name.lower() for flag in Flag if flag.name}
Found = tuple[dict[datetime, dict[str, Any]], list[tuple[str, int]]]


def instant(text: str) -> datetime | None:
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"
    if not re.fullmatch(shape, text, re.ASCII):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def problem(reading: Any) -> str | None:  # noqa: PLR0911, PLR0912 - slow and obvious
    """Return why a reading of a list is refused, None if it is good."""
    if not isinstance(reading, dict):
        return "malformed"
    if "meter" in reading and reading["meter"] != "m1":
        return "wrong_meter"
    for key, value in reading.items():
        if key in VALUES:
            if not number(value):
                return "malformed"
        elif key == "flags":
            if value is not None and not all(isinstance(flag, str) for flag in value):
                return "malformed"
        elif key == "ts":
            if not isinstance(value, str):
                return "malformed"
        elif key != "meter":
            return "unsupported"
    if "ts" not in reading:
        return "malformed"
    values = [reading[name] for name in VALUES if reading.get(name) is not None]
    at = instant(reading["ts"])
    if at is None or (not values and not reading.get("flags")):
        return "malformed"
    for name in VALUES:
        value = reading.get(name)
        if value is None:
            continue
        if not math.isfinite(value) or not LIMITS[name].low <= value <= LIMITS[name].high:
            return "bad_value"
    if not set(reading.get("flags") or ()) <= FLAGS:
        return "bad_value"
    if at > NOW + timedelta(minutes=5):
        return "future_timestamp"
    return "too_old" if at < NOW - timedelta(days=1100) else None


def decode_list(payload: bytes) -> Found:
    """Return the good readings by time and (reason, how many) of the others; no later duplicates."""
    good: dict[datetime, dict[str, Any]] = {}
    refused: dict[str, int] = {}
    for reading in json.loads(payload):
        reason = problem(reading)
        if reason is None:
            at = instant(reading["ts"])
            assert at is not None
            row: dict[str, Any] = {k: float(v) for k, v in reading.items() if k in VALUES and v is not None}
            row["flags"] = sorted(set(reading.get("flags") or ()))
            first = good.setdefault(at, row)
            if first == row:
                continue
            reason = "conflicting_duplicate"
        refused[reason] = refused.get(reason, 0) + 1
    return good, sorted(refused.items())
