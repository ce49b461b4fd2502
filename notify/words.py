"""The templates and what every kind of letter is made with.

Templates are strict: a name that isn't there is an error, never a gap.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.environment import TemplateModule

from notify.chart import Charts
from notify.report.pdf import Printer

LANGUAGES = ("zh", "en")


class Words:
    """Templates, charts and the address that links start with; it keeps nothing of a message."""

    def __init__(self, public_url: str, font: Path | None = None) -> None:
        self.public_url = public_url.rstrip("/")
        self.charts = Charts(font)
        self._font = font
        options: dict[str, Any] = {
            "loader": PackageLoader("notify", "templates"),
            "undefined": StrictUndefined,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "keep_trailing_newline": False,
        }
        self.plain = Environment(autoescape=False, **options)  # noqa: S701 - plain text is not HTML
        self.markup = Environment(autoescape=True, **options)

    @cached_property
    def printer(self) -> Printer:
        """What makes PDFs of reports."""
        return Printer(self._font)

    def text(self, template: str, **values: Any) -> str:
        """Return a template as plain text."""
        return self.plain.get_template(template).render(values).strip() + "\n"

    def html(self, template: str, **values: Any) -> str:
        """Return a template as HTML, with what it is given escaped."""
        return self.markup.get_template(template).render(values)

    def macros(self, template: str, **values: Any) -> TemplateModule:
        """Return the macros of a template, which say plain text."""
        return self.plain.get_template(template).make_module(values)


def spoken(language: str) -> str:
    """Return the language if there are templates in it, else English."""
    return language if language in LANGUAGES else "en"


def one_line(text: str) -> str:
    """Return the text without line breaks or other controls: fit for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def said(module: TemplateModule, macro: str) -> str:
    """Return what a macro says: its lines, with single spaces."""
    return "\n".join(" ".join(line.split()) for line in str(getattr(module, macro)()).strip().splitlines())


def lines(module: TemplateModule, macro: str) -> list[str]:
    """Return the lines that a macro says."""
    return [line for line in said(module, macro).splitlines() if line]
