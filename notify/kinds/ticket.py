"""A step of a ticket that an event opened: the finding, the advice on it, and the evidence drawn."""

from zoneinfo import ZoneInfo

import structlog

from notify import saving, series
from notify.channels import Message
from notify.figures import figures
from notify.letter import Letter
from notify.render import Beside, Renderer
from notify.words import Words
from service.facts import Facts, facts
from service.saving import profile
from sql.pool import Connection
from sql.query import Queries

log = structlog.get_logger(__name__)
OVERDUE = ("urged", "escalated")
"""Steps that are pressing whatever the ticket is."""
Q = Queries("notify")
MOST_NAMED = 20
_QUIET = ("cleared", "withdrawn")


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter; with the chart where `pictures` are wanted."""
    about = facts(message.message)
    zone = ZoneInfo(about.utility.timezone or "UTC")
    picture = _picture(words, conn, message, about, zone) if pictures else None
    use = None
    if about.customer and about.step not in _QUIET and saving.concerns(about):
        use = profile(conn, about.customer.account_no, at=message.created_at)
    beside = _beside(conn, about) if about.step == "joined" else None
    said = Renderer(words).render(message, with_chart=picture is not None, use=use, beside=beside)
    return Letter(
        subject=said.subject,
        text=said.text,
        html=said.html,
        to_name=about.addressee.name,
        from_name=about.utility.name or "",
        zone=zone,
        thread=thread(about.ticket.id, int(about.ticket.opened_at.timestamp())),
        urgent=about.step in OVERDUE or (about.ticket.urgent and about.step not in _QUIET),
        pictures={} if picture is None else {"chart": picture},
    )


def _beside(conn: Connection, about: Facts) -> Beside | None:
    """Return what else stands on the ticket as the letter is written; None where it is this finding alone."""
    found = conn.execute(
        Q["findings_of_ticket"], {"ticket_id": about.ticket.id, "limit": MOST_NAMED}
    ).fetchall()
    return Beside(found[0][1], [row[0] for row in found]) if len(found) > 1 else None


def thread(ticket_id: int, opened_s: int) -> str:
    """Return the name of a ticket's conversation."""
    return f"ticket.{ticket_id}.{opened_s:x}"


def _picture(words: Words, conn: Connection, message: Message, about: Facts, zone: ZoneInfo) -> bytes | None:
    """Draw the chart; a letter without one is better than no letter."""
    evidence = series.load(conn, about)
    if evidence is None:
        return None
    shown = figures(about, message.language)
    title = about.customer.name if about.customer else shown.place or shown.subject
    try:
        return words.charts.png(evidence, title=title, language=message.language, zone=zone)
    except (ValueError, RuntimeError):
        log.exception("chart could not be drawn", outbox=message.id)
        return None
