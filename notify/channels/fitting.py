"""Texts cut to what a provider takes: whole characters, the link kept."""

import re

_LINK = re.compile(r"https?://[^\s<>\"，。；）]+")
_GAP = "\n…\n"


def fit(text: str, limit_bytes: int) -> str:
    """Return the text in at most `limit_bytes` of UTF-8: cut at its end, but for its first link."""
    if len(text.encode()) <= limit_bytes:
        return text
    link = first_link(text)
    tail = _GAP + link if link else _GAP.rstrip()
    room = limit_bytes - len(tail.encode())
    if room < 0:
        return text.encode()[:limit_bytes].decode(errors="ignore")
    return text.encode()[:room].decode(errors="ignore").rstrip() + tail


def first_link(text: str) -> str:
    """Return the first web address in the text, empty where there is none."""
    found = _LINK.search(text)
    return found[0] if found else ""
