"""A subscription was paused since it had failed for days: to its owner."""

from datetime import datetime

from notify.channels import Message
from notify.letter import Letter
from notify.plain import plain_letter
from notify.speech import Speech
from notify.words import Words, one_line, spoken
from service.utility import utility
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about, ours = message.message, utility(conn)
    language = spoken(message.language)
    since = datetime.fromisoformat(about["since"])
    speech = Speech(language, ours.zone, message.created_at.astimezone(ours.zone).year)
    values = {
        "name": one_line(about["description"]) or f"#{about['id']}",
        "id": about["id"],
        "url": about["url"],
        "days": about["days"],
        "since": speech.instant(since),
    }
    macros = words.macros(f"{language}/webhook.jinja", **values)
    return plain_letter(words, macros, language, signed=ours.name, zone=ours.zone, brief="")
