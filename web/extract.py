"""What a catalogue has to translate: `python -m web.extract` prints what has no Chinese yet."""

import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from web.sources import templates
from web.tongue import catalogue

KEYWORDS = {"_": None, "say": None, "gettext": None, "ngettext": (1, 2), "count": (1, 2)}
_METHODS = [("**.py", "python"), ("**.jinja", "jinja2")]
_OPTIONS = {"**.jinja": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.i18n,jinja2.ext.do"}}


def messages() -> Iterator[tuple[str, int, str | tuple[str, ...]]]:
    """Yield file, line and text, or singular and plural, of everything that the pages say themselves."""
    folder = Path(str(resources.files("web")))
    found = extract_from_dir(
        folder,
        method_map=_METHODS,
        options_map=_OPTIONS,
        keywords=KEYWORDS,
        directory_filter=lambda name: Path(name).name not in {"node_modules", "static", "__pycache__"},
    )
    for file, line, message, _comments, _context in found:
        yield file, line, message


def missing(language: str = "zh") -> Catalog:
    """Return what has no translation, as a catalogue to fill in."""
    known, empty = catalogue(language), Catalog(locale=language)
    told = catalogue(language, "told")
    for file, line, message in messages():
        if (message if isinstance(message, str) else message[0]) not in known:
            empty.add(message, locations=[(file, line)])
    for text, place in templates().items():
        if text not in told:
            empty.add(text, locations=[place], auto_comments=["into told/"])
    return empty


if __name__ == "__main__":
    write_po(sys.stdout.buffer, missing(), omit_header=True, width=110)
