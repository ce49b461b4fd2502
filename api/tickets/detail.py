"""A ticket whole, as every step answers with it."""

from api.events.schemas import shaped as event_shaped
from api.rows import first, rows
from api.tickets.schemas import TicketDetail, shaped
from core.errors import NotFoundError
from service import tickets
from service.reach import masked
from sql.pool import Connection

MOST = 500
OFFERS = 5


def detail(conn: Connection, id_: int) -> TicketDetail:
    """Return the ticket with all that belongs to it; NotFoundError if it isn't there."""
    found = first(conn, "tickets.one", id=id_)
    if found is None:
        raise NotFoundError(f"There is no ticket {id_}.")
    over = found["state"] not in tickets.OPEN_STATES
    return TicketDetail.model_validate(
        {
            **shaped(found),
            "allowed": tickets.allowed(found["state"], found["waiting_since"]),
            "entries": rows(conn, "tickets.entries", id=id_, limit=MOST),
            "events": [event_shaped(event) for event in rows(conn, "tickets.events", id=id_, limit=MOST)],
            "related": rows(conn, "tickets.related", id=id_, limit=MOST),
            "merged": rows(conn, "tickets.merged", id=id_, limit=MOST),
            "pauses": rows(conn, "tickets.pauses", id=id_, limit=MOST),
            "known_problems": [] if over else rows(conn, "causes.offered", id=id_, limit=OFFERS),
            "messages": [
                {**message, "recipient": masked(message["channel"], message["recipient"])}
                for message in rows(conn, "tickets.messages", id=id_, limit=MOST)
            ],
        }
    )
