"""Facts become words: subject, text and HTML in the recipient's language.

Templates are strict: a name that isn't there is an error, never a gap. Advice templates are macros, one file
a detector and language; `templates/mail.*` lays them out for both languages.
"""

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.environment import TemplateModule

from notify.channels import Message
from notify.figures import Figures, figures
from service.facts import Facts, facts

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Said:
    """A message in words. `html` wants the chart as `cid:chart` where `with_chart` was asked for."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Advice:
    """What a detector's finding means for a customer of one sector."""

    title: str
    found: str
    causes: list[str]
    checks: list[str]
    forward: str


class Renderer:
    """Renders messages; used by one thread at a time or many, it keeps nothing of a message."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        options: dict[str, Any] = {
            "loader": PackageLoader("notify", "templates"),
            "undefined": StrictUndefined,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "keep_trailing_newline": False,
        }
        self._plain = Environment(autoescape=False, **options)  # noqa: S701 - plain text is not HTML
        self._markup = Environment(autoescape=True, **options)

    def render(self, message: Message, *, with_chart: bool = False) -> Said:
        """Put a claimed message into words."""
        about = facts(message.message)
        language = message.language if message.language in LANGUAGES else "en"
        shown = figures(about, language)
        values = self._values(about, shown, language)
        step = self._plain.get_template(f"{language}/steps.jinja").make_module(values)
        values |= {
            "w": self._plain.get_template(f"{language}/words.jinja").module,
            "intro": _text(step, f"intro_{about.step}"),
            "with_chart": with_chart,
        }
        text = self._plain.get_template("mail.txt.jinja").render(values)
        html = self._markup.get_template("mail.html.jinja").render(values)
        return Said(one_line(_text(step, "subject")), text.strip() + "\n", html)

    def advice(self, about: Facts, language: str, shown: Figures | None = None) -> Advice:
        """Return the advice on a finding in one language."""
        shown = shown or figures(about, language)
        sector = about.customer.sector if about.customer else "district"
        values = self._base(about, shown) | {"sector": sector}
        module = self._plain.get_template(f"{language}/advice/{shown.detector}.jinja").make_module(values)
        return Advice(
            title=_text(module, "title"),
            found=_text(module, "found"),
            causes=_lines(module, "causes"),
            checks=_lines(module, "checks"),
            forward=_text(module, "forward"),
        )

    def _values(self, about: Facts, shown: Figures, language: str) -> dict[str, Any]:
        theirs = about.customer.language if about.customer else language
        return self._base(about, shown) | {
            "a": self.advice(about, language, shown),
            "forward": self.advice(about, theirs if theirs in LANGUAGES else language).forward,
            "forward_language": theirs,
            "language": language,
            "link": f"{self._public_url}/v1/tickets/{about.ticket.id}",
        }

    def _base(self, about: Facts, shown: Figures) -> dict[str, Any]:
        return {
            "f": shown,
            "step": about.step,
            "t": about.ticket,
            "e": about.event,
            "c": about.customer,
            "u": about.utility,
            "to": about.addressee,
            "reasons": about.reasons,
            "why": about.why,
        }


def one_line(text: str) -> str:
    """Return the text without line breaks or other controls: fit for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(module: TemplateModule, macro: str) -> str:
    return "\n".join(" ".join(line.split()) for line in str(getattr(module, macro)()).strip().splitlines())


def _lines(module: TemplateModule, macro: str) -> list[str]:
    return [line for line in _text(module, macro).splitlines() if line]
