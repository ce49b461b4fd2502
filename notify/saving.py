"""Suggestions of where an industrial customer could save water, in words, from its own use."""

import math
from dataclasses import dataclass

from notify.speech import Speech
from notify.words import Words, lines, said
from service.facts import Facts
from service.saving import UseProfile

GROUPS = ("leak", "industrial", "plan")
SECTOR = "industrial"


@dataclass(frozen=True)
class Saving:
    """A heading and the suggestions, the largest first."""

    heading: str
    lines: list[str]


def concerns(about: Facts) -> bool:
    """Whether suggestions belong to the finding: one about how much water an industrial customer uses."""
    return about.customer is not None and about.customer.sector == SECTOR and about.event.grp in GROUPS


def suggestions(words: Words, use: UseProfile | None, about: Facts, speech: Speech) -> Saving | None:
    """Return what the profile suggests; None where it suggests nothing."""
    if use is None or not use.findings:
        return None
    price, currency = about.utility.price_m3 or 0.0, about.utility.currency

    def money(m3: float | None) -> str:
        return speech.money((m3 or 0.0) * price, currency) if price > 0 else ""

    shown = {
        "findings": use.findings,
        "days": use.days,
        "night": speech.rate(use.night_lph),
        "night_share": speech.share(use.night_share),
        "night_volume": speech.volume_m3(use.night_m3_month),
        "night_money": money(use.night_m3_month),
        "off_share": speech.share(use.off_share),
        "off_volume": speech.volume_m3(use.off_m3_month),
        "off_money": money(use.off_m3_month),
        "peak": speech.rate(use.peak_lph),
        "ratio": speech.number(use.peak_to_valley, 1) if math.isfinite(use.peak_to_valley) else "",
    }
    macros = words.macros(f"{speech.language}/saving.jinja", s=shown)
    return Saving(said(macros, "heading"), lines(macros, "lines"))
