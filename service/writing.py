"""A manager writes to the customer about a ticket: advice that was looked over, or an answer."""

import hashlib

from core.errors import BadDataError, ConflictError
from service import outbox, reach, tickets
from service.outbox import NORMAL, URGENT, Outgoing
from service.tickets import Act, Entry
from service.utility import utility
from sql.pool import Connection

SUBJECT_MOST, TEXT_MOST = 200, 5_000


def write(conn: Connection, ticket_id: int, subject: str, text: str, act: Act) -> int:
    """Put the letter on its way to the ticket's customer, by the way on record; return its outbox id.

    The same words about the same ticket are sent once. Raises BadDataError where the ticket is nobody's
    or the customer can't be reached, ConflictError where they were.
    """
    ticket = tickets.lock(conn, ticket_id)
    if ticket.account_no is None:
        raise BadDataError(f"Ticket {ticket_id} is no customer's.", cure="Name the customer first.")
    ways = reach.of_customer(conn, ticket.account_no)
    if not ways:
        raise BadDataError(
            f"Customer {ticket.account_no} has no address to write to.", cure="Add an e-mail or phone number."
        )
    way, ours = ways[0], utility(conn)
    words = hashlib.sha256(f"{subject}\0{text}".encode()).hexdigest()[:16]
    made = outbox.enqueue(
        conn,
        Outgoing(
            kind="customer",
            step="written",
            channel=way.channel,
            recipient=way.recipient,
            language=way.language,
            key=f"ticket:{ticket_id}:written:{words}",
            message={
                "subject": subject,
                "text": text,
                "name": way.name,
                "from": ours.name,
                "timezone": ours.zone.key,
                "ticket_id": ticket_id,
                "opened_at": ticket.opened_at.timestamp(),
            },
            rank=URGENT if ticket.urgent else NORMAL,
            ticket_id=ticket_id,
            account_no=ticket.account_no,
        ),
        at=act.at,
    )
    if made is None:
        raise ConflictError("These very words were sent to the customer before.", cure="Say what is new.")
    detail = {"subject": subject, "outbox_id": made, "channel": way.channel}
    tickets.note(conn, ticket_id, Entry("written", text, detail), at=act.at, actor=act.actor.name)
    return made
