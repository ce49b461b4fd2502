"""The mail with the link by which somebody sets a password."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.speech import Speech
from notify.words import Words, lines, one_line, said, spoken
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about = message.message
    language, zone = spoken(message.language), ZoneInfo(about["timezone"])
    until = datetime.fromisoformat(about["until"])
    values = {key: one_line(about[key]) for key in ("name", "login", "by", "utility")}
    values["until"] = Speech(language, zone, until.astimezone(zone).year).instant(until)
    macros = words.macros(f"{language}/password.jinja", **values)
    subject = one_line(said(macros, "subject"))
    shown = {
        "subject": subject,
        "greeting": said(macros, "greeting"),
        "paragraphs": lines(macros, "paragraphs"),
        "button": (said(macros, "button"), f"{words.public_url}/password/{about['token']}"),
        "small": [],
        "signed": values["utility"],
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    return Letter(
        subject=subject,
        text=words.text("letter.txt.jinja", **shown),
        html=words.html("letter.html.jinja", **shown),
        to_name=values["name"],
        from_name=values["utility"],
        zone=zone,
        brief=subject,
    )
