"""The mail with the link by which somebody sets a password."""

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
    language, zone = spoken(message.language), ZoneInfo(about["timezone"])
    until = datetime.fromisoformat(about["until"])
    values = {key: one_line(about[key]) for key in ("name", "login", "by", "utility")}
    values["until"] = Speech(language, zone, until.astimezone(zone).year).instant(until)
    macros = words.macros(f"{language}/password.jinja", **values)
    return plain_letter(
        words,
        macros,
        language,
        signed=values["utility"],
        zone=zone,
        to_name=values["name"],
        url=f"{words.public_url}/password/{about['token']}",
    )
