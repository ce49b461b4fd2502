"""What somebody takes over at once: the tickets of who leaves, is away or is back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.letter import Letter
from notify.speech import Speech
from notify.words import Words, one_line, said, spoken
from service.priority import RANK
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about = message.message
    language = spoken(message.language)
    zone = ZoneInfo(about["timezone"])
    at = datetime.fromisoformat(about["at"])
    speech = Speech(language, zone, at.astimezone(zone).year)
    listed = [
        ticket
        | {
            "due": speech.instant(
                datetime.fromisoformat(ticket["resolution_due" if ticket["responded"] else "response_due"])
            ),
            "link": f"{words.public_url}/tickets/{ticket['id']}",
        }
        for ticket in about["tickets"]
    ]
    values = {
        **about,
        "sender": about["from"],
        "tickets": listed,
        "priorities": {level: about["priorities"].get(level, 0) for level in RANK},
        "count": sum(about["priorities"].values()),
        "zone": speech.zone_name(at),
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    macros = words.macros(f"{language}/hand_over.jinja", **values)
    values |= {"subject": one_line(said(macros, "subject")), "intro": said(macros, "intro"), "h": macros}
    return Letter(
        subject=str(values["subject"]),
        text=words.text("hand_over.txt.jinja", **values),
        html=words.html("hand_over.html.jinja", **values),
        to_name=about["to"],
        from_name=about["utility"],
        zone=zone,
        urgent=any(ticket["urgent"] for ticket in about["tickets"]),
    )
