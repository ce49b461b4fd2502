"""A step of a ticket that no event opened: the matter in the words of who brought it."""

from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.kinds.ticket import OVERDUE, thread
from notify.letter import Letter
from notify.speech import Speech
from notify.words import Words, one_line, said, spoken
from service.facts import case_facts
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about = case_facts(message.message)
    language = spoken(message.language)
    zone = ZoneInfo(about.utility.timezone or "UTC")
    speech = Speech(language, zone, about.ticket.response_due.astimezone(zone).year)
    values = {
        "step": about.step,
        "t": about.ticket,
        "c": about.customer,
        "d": about.dma,
        "u": about.utility,
        "to": about.addressee,
        "case": about,
        "why": about.why,
        "respond_by": speech.instant(about.ticket.response_due),
        "clock": about.clock,
        "clock_due": speech.instant(about.clock.due) if about.clock else "",
        "resolve_by": speech.instant(about.ticket.resolution_due),
        "zone": speech.zone_name(about.ticket.opened_at),
        "link": f"{words.public_url}/tickets/{about.ticket.id}",
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    macros = words.macros(f"{language}/case.jinja", **values)
    subject = one_line(said(macros, "subject"))
    intro = said(macros, f"intro_{about.step}")
    values |= {"subject": subject, "intro": intro, "sources": macros.sources}  # type: ignore[attr-defined]
    return Letter(
        subject=subject,
        text=words.text("case.txt.jinja", **values),
        html=words.html("case.html.jinja", **values),
        to_name=about.addressee.name,
        from_name=about.utility.name or "",
        zone=zone,
        thread=thread(about.ticket.id, int(about.ticket.opened_at.timestamp())),
        urgent=about.ticket.urgent or about.step in OVERDUE,
    )
