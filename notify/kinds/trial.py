"""The message by which somebody sees that a channel works."""

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
    shown = {
        "subject": one_line(said(macros, "subject")),
        "greeting": said(macros, "greeting"),
        "paragraphs": lines(macros, "paragraphs"),
        "button": None,
        "small": [],
        "signed": values["utility"],
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    return Letter(
        subject=shown["subject"],
        text=words.text("letter.txt.jinja", **shown),
        html=words.html("letter.html.jinja", **shown),
        to_name=values["name"],
        from_name=values["utility"],
        zone=zone,
        brief=shown["subject"],
    )
