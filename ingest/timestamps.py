"""ISO 8601 instants to microseconds since 1970-01-01 UTC, many at once and strictly.

What PostgreSQL would also take for an instant (`yesterday`, `now`, `infinity`, a date without a time, a time
without a zone) is not one here.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

NOT_A_TIME = np.iinfo(np.int64).min
"""Stands where a text is no instant."""

_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_TEMPLATE = np.frombuffer(b"0000-00-00T00:00:00Z", np.uint8)
_IS_DIGIT = np.uint8(48) == _TEMPLATE
_DIGITS = np.flatnonzero(_IS_DIGIT)
_MARKS = np.flatnonzero(~_IS_DIGIT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


def parse_one(text: object) -> int:
    """Return the instant that `text` names, or NOT_A_TIME.

    >>> parse_one("1970-01-01T08:00:01.5+08:00")
    1500000
    >>> parse_one("yesterday") == NOT_A_TIME
    True
    """
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return int(NOT_A_TIME)
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _US
    except (ValueError, OverflowError):
        return int(NOT_A_TIME)


def parse(texts: Sequence[str | int]) -> NDArray[np.int64]:
    """Return the instants of `texts`; NOT_A_TIME where one is none. Integers are microseconds already.

    Texts of the form `2026-11-21T20:00:00Z` are converted all together, others one by one.
    """
    out = np.full(len(texts), NOT_A_TIME, np.int64)
    try:
        common = np.fromiter(map(len, texts), np.int64, len(texts)) == len(_TEMPLATE)  # type: ignore[arg-type]
        if common.all():
            joined = "".join(texts).encode("ascii")  # type: ignore[arg-type]
            out = _parse_common(np.frombuffer(joined, np.uint8).reshape(-1, len(_TEMPLATE)))
    except (TypeError, UnicodeEncodeError):
        pass
    for i in np.flatnonzero(out == NOT_A_TIME):
        out[i] = parse_one(texts[int(i)])
    return out


def _parse_common(cells: NDArray[np.uint8]) -> NDArray[np.int64]:
    digits = cells[:, _DIGITS] - np.uint8(ord("0"))
    shaped = (cells[:, _MARKS] == _TEMPLATE[_MARKS]).all(axis=1) & (digits <= 9).all(axis=1)
    d = digits.T.astype(np.int32)
    year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]
    month, day = d[4] * 10 + d[5], d[6] * 10 + d[7]
    hour, minute, second = d[8] * 10 + d[9], d[10] * 10 + d[11], d[12] * 10 + d[13]
    # Days from the civil date with years that begin in March, so that a leap day is a year's last.
    early = month <= 2
    shifted = year - early
    era_day = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400
    days = era_day + (153 * (month + np.where(early, 9, -3)) + 2) // 5 + day - 719_469
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = np.where(month == 2, 28 + leap, 30 + (month + month // 8) % 2)
    good = shaped & (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)
    good &= (hour <= 23) & (minute <= 59) & (second <= 59)
    seconds = days.astype(np.int64) * 86_400 + (hour * 3600 + minute * 60 + second)
    return np.where(good, seconds * 1_000_000, NOT_A_TIME)


def text(us: int) -> str:
    """Return an instant as ISO 8601, in UTC; beyond the calendar as a number of seconds.

    >>> text(1500000)
    '1970-01-01T00:00:01.500000Z'
    """
    try:
        return (_EPOCH + us * _US).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{us / 1e6:.0f} s after 1970-01-01"
