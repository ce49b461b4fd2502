"""The question to a customer whose ticket was resolved; its link is made when it is sent, kept nowhere."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.plain import plain_letter
from notify.speech import Speech
from notify.words import Words, one_line, spoken
from service import surveys
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about = message.message
    language = spoken(message.language)
    ticket, utility = about["ticket"], about["utility"]
    zone = ZoneInfo(utility["timezone"])
    opened, until = (datetime.fromisoformat(at) for at in (ticket["opened_at"], about["expires_at"]))
    speech = Speech(language, zone, until.astimezone(zone).year)
    values = {
        "t": ticket,
        "round": about["round"],
        "customer": one_line(about["customer"]),
        "utility": one_line(utility["name"]),
        "opened": speech.day(opened),
        "until": speech.instant(until),
    }
    matters = words.macros(f"{language}/survey.jinja", about="", **values).matters  # type: ignore[attr-defined]
    values["about"] = one_line(ticket["subject"]) or matters.get(ticket["grp"], "")
    macros = words.macros(f"{language}/survey.jinja", **values)
    token = surveys.token(conn, ticket["id"], about["round"], until)
    return plain_letter(
        words,
        macros,
        language,
        signed=values["utility"],
        zone=zone,
        to_name=values["customer"],
        url=f"{words.public_url}/s/{token}",
        brief="",
    )
