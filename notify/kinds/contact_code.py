"""The code by which a customer proves a new phone number or e-mail address."""

from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.words import Words, lines, one_line, said, spoken
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter; in short it is the code and whose it is."""
    about = message.message
    language = spoken(message.language)
    values = {name: one_line(about[name]) for name in ("name", "code", "utility")}
    macros = words.macros(f"{language}/contact_code.jinja", minutes=about["minutes"], **values)
    subject = one_line(said(macros, "subject"))
    shown = {
        "subject": subject,
        "greeting": said(macros, "greeting"),
        "paragraphs": lines(macros, "paragraphs"),
        "button": None,
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
        zone=ZoneInfo(about["timezone"]),
        brief=one_line(said(macros, "brief")),
    )
