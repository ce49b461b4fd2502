"""The message by which somebody sees that a channel works."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.plain import plain_letter
from notify.speech import Speech
from notify.words import Words, one_line, spoken
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about = message.message
    language = spoken(message.language)
    zone = ZoneInfo(about["timezone"])
    at = datetime.fromisoformat(about["at"])
    delivery = words.macros(f"{language}/delivery.jinja")
    values = {
        "name": one_line(about["name"]),
        "by": one_line(about["by"]),
        "utility": one_line(about["utility"]),
        "at": Speech(language, zone, at.astimezone(zone).year).instant(at),
        "channel": delivery.channels[about["channel"]],  # type: ignore[attr-defined]
    }
    macros = words.macros(f"{language}/trial.jinja", **values)
    return plain_letter(words, macros, language, signed=values["utility"], zone=zone, to_name=values["name"])
