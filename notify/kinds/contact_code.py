"""The code by which a customer proves a new phone number or e-mail address."""

from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.plain import plain_letter
from notify.words import Words, one_line, said, spoken
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter; in short it is the code and whose it is."""
    about = message.message
    language = spoken(message.language)
    values = {name: one_line(about[name]) for name in ("name", "code", "utility")}
    macros = words.macros(f"{language}/contact_code.jinja", minutes=about["minutes"], **values)
    return plain_letter(
        words,
        macros,
        language,
        signed=values["utility"],
        zone=ZoneInfo(about["timezone"]),
        to_name=values["name"],
        brief=one_line(said(macros, "brief")),
    )
