"""The question to a customer whose ticket was resolved; its link is made when it is sent, kept nowhere."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.speech import Speech
from notify.words import Words, lines, one_line, said, spoken
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
    shown = {
        "subject": one_line(said(macros, "subject")),
        "greeting": said(macros, "greeting"),
        "paragraphs": lines(macros, "paragraphs"),
        "button": (said(macros, "button"), f"{words.public_url}/s/{token}"),
        "small": lines(macros, "small"),
        "signed": values["utility"],
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    return Letter(
        subject=shown["subject"],
        text=words.text("letter.txt.jinja", **shown),
        html=words.html("letter.html.jinja", **shown),
        to_name=values["customer"],
        from_name=values["utility"],
        zone=zone,
    )
