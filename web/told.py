"""Texts that other rooms write in English, in the reader's language: errors, reasons, what a job did.

They come with their figures and names in them already. The catalogues in `locale/*/told` have them as
templates, which `web.sources` finds where they are written; a text is held against these, the ones with the
most words of their own first, and said anew with what stands in the places. What fits none stays as it is.
"""

import re
from functools import cache
from itertools import islice

from web.labels import LABELS
from web.tongue import catalogue, tongue

PLACE = re.compile(r"%\((\w+)\)s")
LONGEST, MOST, NESTED = 1000, 12, 3
"""Characters of a text, its sentences, and texts in places of texts: nobody's words hold a page up."""
_SENTENCE = re.compile(r"(?<=\.) |; ")
KINDS: dict[str, tuple[str, ...]] = {
    "allowed": ("step", "visit_step", "outage_step", "role", "sector", "segment", "language"),
    "becomes": ("outage_status",),
    "channel": ("channel",),
    "column": ("typed", "field"),
    "detector": ("detector",),
    "doubt": ("doubt",),
    "earlier": ("verdict",),
    "expected": (),
    "failed": ("message_state",),
    "field": ("typed", "field"),
    "has": ("scope",),
    "kind": ("doubt",),
    "language": ("language",),
    "level": ("priority",),
    "name": ("param", "matched"),
    "priority": ("priority",),
    "roles": ("role",),
    "scope": ("scope",),
    "sector": ("sector",),
    "segment": ("segment",),
    "state": ("message_state", "visit_state", "outage_status", "ticket_state"),
    "to_state": ("ticket_state",),
    "topic": ("topic",),
    "unit": ("unit",),
    "unknown": ("typed", "field"),
    "wanted": ("channel",),
    "what": ("entry",),
    "wrong": ("role",),
}
"""Places that hold codes, and the kinds of label that these may have; of one code the later kind's."""


def told(language: str, text: str) -> str:
    """Return a text of another room in a language; what the catalogue has nothing like stays as it is."""
    if language == "en" or len(text) > LONGEST:
        return text
    return _known(language, text.strip(), NESTED) or text


def form(template: str) -> re.Pattern[str]:
    """Return what fits a template; a place ends where the words after it come first, so none takes long."""
    first, *rest = PLACE.split(template)
    *places, last = (f"(?P<{n}>.*?){re.escape(w)}" for n, w in zip(rest[::2], rest[1::2], strict=True))
    return re.compile(re.escape(first) + "".join(f"(?>{place})" for place in places) + last, re.DOTALL)


@cache
def forms(language: str) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Return what fits each template, the template, and what it is in the language; the wordiest first."""
    given = {s: said for s, (said, *_) in catalogue(language, "told").items() if PLACE.search(s)}
    wordiest = sorted(given, key=lambda s: (-len(PLACE.sub("", s)), s))
    return tuple((form(s), s, given[s]) for s in wordiest)


def _known(language: str, text: str, nested: int) -> str | None:
    """Return a text of which something is known: sentence by sentence where it is, else as a whole."""
    said, rest = "", text
    for _ in range(MOST):
        for end in islice(_SENTENCE.finditer(rest), MOST):
            first = _whole(language, rest[: end.start()], nested)
            if first is not None:
                said, rest = said + first + end[0].replace("; ", "；").strip(), rest[end.end() :]
                break
        else:
            break
    last = _whole(language, rest, nested)
    if last is not None or not said:
        return None if last is None else said + last
    return _whole(language, text, nested) or f"{said} {rest}"


def _whole(language: str, text: str, nested: int) -> str | None:
    plain = catalogue(language, "told").get(text)
    if plain:
        return plain[0]
    for pattern, _, given in forms(language):
        found = pattern.fullmatch(text)
        if found:
            stands = found.groupdict()
            return given % {name: _place(language, name, stands[name], nested) for name in stands}
    return None


def _place(language: str, name: str, value: str, nested: int) -> str:
    """Return what stands in a place: codes by their labels, a text of ours told, anything else as it is."""
    kinds = KINDS.get(name.rstrip("_0123456789"))
    labels = {code: text for kind in kinds or () for code, text in LABELS[kind].items()}
    codes = re.split(", | or ", value.replace("'", ""))
    if kinds is None or (kinds and not all(code in labels for code in codes)):
        return (_known(language, value, nested - 1) if nested else None) or value
    return "、".join(tongue(language).say(labels[code]) if code in labels else code for code in codes)
