"""An outage as the utility's own people read it: what is asked of them, and whom of theirs it concerns."""

from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.kinds.outage import told
from notify.letter import Letter
from notify.words import Words, lines, one_line, said, spoken
from service.outage_facts import outage_facts
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    given = message.message
    about = outage_facts(given["said"])
    language = spoken(message.language)
    notice = words.plain.get_template(f"{language}/outage.jinja").module
    values = told(about, language, message.created_at) | {
        "step": message.step,
        "name": given["name"],
        "customers": given.get("customers", 0),
        "large": given.get("large", 0),
        "call": given.get("call", []),
        "link": f"{words.public_url}/outages/{about.id}",
        "l": notice,
        "language": language,
    }
    macros = words.macros(f"{language}/outage_staff.jinja", **values)
    values |= {
        "subject": one_line(said(macros, "subject")),
        "ask": lines(macros, "ask"),
        "call_title": said(macros, "call_title"),
        "open_it": said(macros, "open_it"),
    }
    return Letter(
        subject=values["subject"],
        text=words.text("outage_staff.txt.jinja", **values),
        html=words.html("outage_staff.html.jinja", **values),
        to_name=given["name"],
        from_name=about.utility,
        zone=ZoneInfo(about.timezone),
        thread=f"outage.staff.{about.id}",
        urgent=message.step in ("urged", "escalated"),
        brief=values["subject"],
    )
