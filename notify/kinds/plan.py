"""Water plans: what a manager's customers have come to, and the notice to one of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from babel.dates import format_date

from notify.channels import Message
from notify.letter import Letter
from notify.speech import Speech
from notify.words import Words, lines, one_line, said, spoken
from service.utility import utility
from sql.pool import Connection

_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}
_MONTHS = {"zh": "y年M月", "en": "MMMM y"}
_FIGURES = ("plan_m3", "used_m3", "forecast_m3", "low_m3", "high_m3")


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter; its step says to whom: `customer` or `manager`."""
    about, home, language = message.message, utility(conn), spoken(message.language)
    month = date.fromisoformat(about["month"])
    speech = Speech(language, home.zone, month.year)
    to_customer = message.step == "customer"
    name = one_line(about["customer"] if to_customer else about["to"])
    values: dict[str, Any] = {
        **about,
        "month": str(format_date(month, _MONTHS[language], locale=_LOCALES[language])),
        "customer": name,
        **(_figures(about, speech) if to_customer else {}),
    }
    macros: Any = words.macros(f"{language}/plan.jinja", step=message.step, **values)
    shown: dict[str, Any] = {
        "subject": one_line(said(macros, f"{message.step}_subject")),
        "greeting": said(macros, "greeting") if to_customer else "",
        "paragraphs": lines(macros, f"{message.step}_paragraphs"),
        "sections": [] if to_customer else [{"heading": "", "rows": _rows(words, macros, about, speech)}],
        "closing": [home.name] if to_customer else _closing(macros, about),
        "language": language,
    }
    return Letter(
        subject=shown["subject"],
        text=words.text("roll.txt.jinja", **shown),
        html=words.html("roll.html.jinja", **shown),
        to_name=name,
        from_name=home.name,
        zone=home.zone,
    )


def _rows(words: Words, macros: Any, about: Mapping[str, Any], speech: Speech) -> list[dict[str, Any]]:
    return [
        {
            "title": one_line(f"{plan['customer']} · {plan['account_no']}"),
            "lines": [
                " ".join(str(macros.stands(plan["stage"], _figures(plan, speech))).split()),
                *([one_line(str(macros.instead(plan["in_place_of"])))] if plan.get("in_place_of") else []),
            ],
            "link": f"{words.public_url}/customers/{quote(plan['account_no'])}",
        }
        for plan in about["plans"]
    ]


def _closing(macros: Any, about: Mapping[str, Any]) -> list[str]:
    rest = about["count"] - len(about["plans"])
    return [" ".join(str(macros.more(rest)).split())] if rest > 0 else []


def _figures(plan: Mapping[str, Any], speech: Speech) -> dict[str, str]:
    """Return the figures in words; what isn't known is the empty text."""
    share = plan["used_m3"] / plan["plan_m3"]
    return {**{name: speech.volume_m3(plan[name]) for name in _FIGURES}, "share": speech.share(share)}
