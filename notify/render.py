"""Facts of a finding become words: subject, text and HTML in the recipient's language.

Advice templates are macros, one file a detector and language; `templates/mail.*` lays them out for both
languages.
"""

from dataclasses import dataclass
from typing import Any

from notify.channels import Message
from notify.figures import Figures, figures, speech
from notify.saving import suggestions
from notify.words import Words, lines, one_line, said, spoken
from service.facts import Facts, facts
from service.saving import UseProfile


@dataclass(frozen=True)
class Said:
    """A message in words. `html` wants the chart as `cid:chart` where `with_chart` was asked for."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Advice:
    """What a detector's finding means for a customer of one sector and segment."""

    title: str
    found: str
    causes: list[str]
    checks: list[str]
    forward: str


@dataclass(frozen=True)
class Beside:
    """The findings that stand on a ticket: how many, and the meters or districts of the largest of them."""

    total: int
    subjects: list[str]


class Renderer:
    """Renders messages about events; it keeps nothing of a message."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def render(
        self,
        message: Message,
        *,
        with_chart: bool = False,
        use: UseProfile | None = None,
        beside: Beside | None = None,
    ) -> Said:
        """Put a claimed message into words; `use` is how an industrial customer used water of late."""
        about = facts(message.message)
        language = spoken(message.language)
        shown = figures(about, language)
        values = self._values(about, shown, language) | {"beside": beside}
        step = self._words.macros(f"{language}/steps.jinja", **values)
        values |= {
            "w": self._words.plain.get_template(f"{language}/words.jinja").module,
            "intro": said(step, f"intro_{about.step}"),
            "with_chart": with_chart,
            "saving": suggestions(self._words, use, about, speech(about, language)),
        }
        text = self._words.text("mail.txt.jinja", **values)
        html = self._words.html("mail.html.jinja", **values)
        return Said(one_line(said(step, "subject")), text, html)

    def advice(self, about: Facts, language: str, shown: Figures | None = None) -> Advice:
        """Return the advice on a finding in one language."""
        shown = shown or figures(about, language)
        sector = about.customer.sector if about.customer else "district"
        segment = about.customer.segment if about.customer else ""
        values = self._base(about, shown) | {"sector": sector, "segment": segment, "grp": about.event.grp}
        module = self._words.macros(f"{language}/advice/{shown.detector}.jinja", **values)
        extra = self._words.macros(f"{language}/segments.jinja", **values)
        words = [said(module, "forward"), said(extra, "closing"), said(extra, "signature")]
        return Advice(
            title=said(module, "title"),
            found=said(module, "found"),
            causes=lines(module, "causes"),
            checks=[*lines(extra, "first"), *lines(module, "checks")],
            forward="\n".join(filter(None, words)),
        )

    def _values(self, about: Facts, shown: Figures, language: str) -> dict[str, Any]:
        theirs = about.customer.language if about.customer else language
        return self._base(about, shown) | {
            "a": self.advice(about, language, shown),
            "forward": self.advice(about, spoken(theirs)).forward,
            "forward_language": theirs,
            "language": language,
            "link": f"{self._words.public_url}/tickets/{about.ticket.id}",
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
            "clock": about.clock,
            "clock_due": shown.clock_due,
        }
