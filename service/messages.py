"""Put a ticket's messages into the outbox, in the transaction of the ticket: one a step and addressee."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from core.errors import NotFoundError
from service import outbox, reach, routing, tickets
from service.facts import AddresseeFacts, CaseFacts, Facts, case_facts, document, facts
from service.outbox import NOBODY, NORMAL, URGENT, Outgoing
from service.reach import Way
from service.tickets import Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")


@dataclass(frozen=True)
class Step:
    """A step of a ticket that is told: its kind, and a key that makes it one of its kind on the ticket.

    Without an `event_id` it is told of the ticket's latest event, or of the case where it has none.
    """

    kind: str
    key: str
    event_id: int | None = None
    reasons: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class _Addressee:
    staff_id: int
    ways: list[Way]
    name: str
    language: str
    stands_in_for: str | None


def tell(
    conn: Connection, ticket_id: int, step: Step, *, webhooks: Sequence[str] = (), at: datetime
) -> list[int]:
    """Write the messages of a step; return the outbox ids of those that were not there yet.

    Mail goes to the assignee; whoever has no address is noted as undeliverable, on the ticket and in the
    outbox, and the duty desk is written to instead. A post goes to `webhooks` and to the assignee's own.
    """
    ticket = tickets.lock(conn, ticket_id)
    event_id = step.event_id or tickets.latest_event(conn, ticket_id)
    base = _facts(conn, ticket_id, event_id, step)
    addressee = _addressee(conn, ticket.assignee_id, ticket, at)
    made = []
    for channel, recipient, person, problem in _ways(conn, addressee, ticket, webhooks, at):
        name, instead_of = (person.name, person.stands_in_for) if person else ("", None)
        about = msgspec.structs.replace(base, addressee=AddresseeFacts(name, instead_of))
        out = Outgoing(
            kind="case" if event_id is None else "ticket",
            step=step.kind,
            channel=channel,
            recipient=recipient,
            language=person.language if person else "zh",
            key=f"ticket:{ticket_id}:{step.key}:{channel}:{recipient}",
            message=document(about),
            rank=URGENT if ticket.urgent else NORMAL,
            ticket_id=ticket_id,
            event_id=event_id,
            account_no=ticket.account_no,
            staff_id=person.staff_id if person else None,
            problem=problem,
        )
        outbox_id = outbox.enqueue(conn, out, at=at)
        if outbox_id is None:
            continue
        made.append(outbox_id)
        if problem is not None:
            entry = Entry("undeliverable", problem, {"step": step.kind, "outbox_id": outbox_id})
            tickets.note(conn, ticket_id, entry, at=at)
    return made


_Way = tuple[str, str, _Addressee | None, str | None]


def _ways(
    conn: Connection,
    addressee: _Addressee | None,
    ticket: tickets.Ticket,
    webhooks: Sequence[str],
    at: datetime,
) -> Iterator[_Way]:
    """Yield channel, recipient, person and what stands against sending."""
    if addressee is None or not _personal(addressee):
        problem = f"{addressee.name} has no e-mail address" if addressee else "the ticket has no assignee"
        yield "email", NOBODY, addressee, problem
        for person in routing.duty_desk(conn, at):
            instead = _addressee(conn, person.id, ticket, at) if person.id != ticket.assignee_id else None
            if ways := _personal(instead):
                yield from ((way.channel, way.recipient, instead, None) for way in ways)
                break
    own = [(way.channel, way.recipient) for way in addressee.ways] if addressee else []
    all_ways = [*(("webhook", url) for url in webhooks), *own]
    for channel, recipient in sorted(dict.fromkeys(all_ways), key=lambda way: way[0] == "webhook"):
        yield channel, recipient, addressee, None


def _personal(addressee: _Addressee | None) -> list[Way]:
    """Return the ways by which the person reads it, rather than a program."""
    return [way for way in addressee.ways if way.channel != "webhook"] if addressee else []


def _facts(conn: Connection, ticket_id: int, event_id: int | None, step: Step) -> Facts | CaseFacts:
    said = {"step": step.kind, "reasons": list(step.reasons), "why": step.why}
    if event_id is None:
        row = conn.execute(Q["case_facts"], {"ticket_id": ticket_id}).fetchone()
        if row is None:
            raise NotFoundError(f"There is no ticket {ticket_id}.")
        return case_facts(row[0] | said)
    row = conn.execute(Q["facts"], {"ticket_id": ticket_id, "event_id": event_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id} with an event {event_id}.")
    return facts(row[0] | said)


def _addressee(
    conn: Connection, staff_id: int | None, ticket: tickets.Ticket, at: datetime
) -> _Addressee | None:
    row = conn.execute(Q["addressee"], {"staff_id": staff_id, "account_no": ticket.account_no}).fetchone()
    if row is None or staff_id is None:
        return None
    return _Addressee(staff_id, reach.of_staff(conn, staff_id, urgent=ticket.urgent, at=at), *row)
