"""Put a ticket's messages into the outbox, in the transaction of the ticket: one a step and addressee.

Many tickets are told of in a handful of statements: what they are about is read at once, people are asked for
once each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from core.errors import NotFoundError
from service import outbox, reach, routing, tickets
from service.facts import AddresseeFacts, CaseFacts, ClockFacts, Facts, read
from service.outbox import NOBODY, NORMAL, URGENT, Outgoing
from service.reach import Way
from service.tickets import Entry, Ticket
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")


@dataclass(frozen=True)
class Step:
    """A step of a ticket that is told: its kind, and a key that makes it one of its kind on the ticket.

    Without an `event_id` it is told of the ticket's latest event, or of the case where it has none. `clock`
    says which deadline it is about, if it is. `not_before` puts the message off.
    """

    kind: str
    key: str
    event_id: int | None = None
    reasons: tuple[str, ...] = ()
    why: str = ""
    clock: ClockFacts | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class Telling:
    """A step of one ticket, for the assignee or for another member of staff."""

    ticket_id: int
    step: Step
    to: int | None = None


@dataclass(frozen=True)
class _Addressee:
    staff_id: int
    ways: list[Way]
    name: str
    language: str


@dataclass(frozen=True)
class _About:
    """What is told of: the event, the facts, and the customer's own manager."""

    event_id: int | None
    facts: Facts | CaseFacts
    manager_id: int | None
    manager: str | None


def tell(
    conn: Connection, ticket_id: int, step: Step, *, webhooks: Sequence[str] = (), at: datetime
) -> list[int]:
    """Write the messages of a step; return the outbox ids of those that were not there yet.

    Mail goes to the assignee; whoever has no address is noted as undeliverable, on the ticket and in the
    outbox, and the duty desk is written to instead. A post goes to `webhooks` and to the assignee's own.
    """
    return tell_all(conn, [Telling(ticket_id, step)], webhooks=webhooks, at=at)


def tell_all(
    conn: Connection, tellings: Sequence[Telling], *, webhooks: Sequence[str] = (), at: datetime
) -> list[int]:
    """Write the messages of many steps as `tell` does those of one."""
    people = _People(conn, at)
    held = tickets.lock_all(conn, [telling.ticket_id for telling in tellings])
    people.ask([telling.to or held[telling.ticket_id].assignee_id for telling in tellings])
    outs = []
    for telling, about in zip(tellings, _abouts(conn, tellings), strict=True):
        ticket = held[telling.ticket_id]
        addressee = people.find(telling.to or ticket.assignee_id, ticket)
        for channel, recipient, person, problem in _ways(people, addressee, ticket, webhooks):
            outs.append(_outgoing(telling, about, ticket, (channel, recipient), person, problem))
    made = outbox.enqueue_all(conn, outs, at=at)
    for out, outbox_id in zip(outs, made, strict=True):
        if outbox_id is not None and out.problem is not None and out.ticket_id is not None:
            entry = Entry("undeliverable", out.problem, {"step": out.step, "outbox_id": outbox_id})
            tickets.note(conn, out.ticket_id, entry, at=at)
    return [outbox_id for outbox_id in made if outbox_id is not None]


def _outgoing(
    telling: Telling,
    about: _About,
    ticket: Ticket,
    way: tuple[str, str],
    person: _Addressee | None,
    problem: str | None,
) -> Outgoing:
    step, (channel, recipient) = telling.step, way
    to = AddresseeFacts()
    if person is not None:
        in_place = telling.to is None and about.manager_id != person.staff_id
        to = AddresseeFacts(person.name, about.manager if in_place else None)
    said = msgspec.structs.replace(
        about.facts, step=step.kind, reasons=list(step.reasons), why=step.why, clock=step.clock, addressee=to
    )
    return Outgoing(
        kind="case" if about.event_id is None else "ticket",
        step=step.kind,
        channel=channel,
        recipient=recipient,
        language=person.language if person else "zh",
        key=f"ticket:{ticket.id}:{step.key}:{channel}:{recipient}",
        message=said,
        rank=URGENT if ticket.urgent else NORMAL,
        ticket_id=ticket.id,
        event_id=about.event_id,
        account_no=ticket.account_no,
        staff_id=person.staff_id if person else None,
        not_before=step.not_before,
        problem=problem,
    )


def about(conn: Connection, ticket_id: int, event_id: int | None = None) -> Facts | CaseFacts:
    """Return what a message would tell now: of that event, else of the latest, else of the case."""
    return _abouts(conn, [Telling(ticket_id, Step("", "", event_id))])[0].facts


class _People:
    """Whom the messages of one call go to; each is asked for once."""

    def __init__(self, conn: Connection, at: datetime) -> None:
        self._conn = conn
        self._at = at
        self._asked: dict[int, reach.Reachable | None] = {}
        self._found: dict[tuple[int, bool], _Addressee] = {}
        self._desk: list[routing.Person] | None = None

    def ask(self, staff_ids: Iterable[int | None]) -> None:
        """Ask for all of these in one statement."""
        wanted = {staff_id for staff_id in staff_ids if staff_id is not None} - self._asked.keys()
        if wanted:
            self._asked |= dict.fromkeys(wanted) | reach.of_many(self._conn, wanted)

    def find(self, staff_id: int | None, ticket: Ticket) -> _Addressee | None:
        if staff_id is None:
            return None
        key = staff_id, ticket.urgent
        if key not in self._found:
            self.ask([staff_id])
            person = self._asked[staff_id]
            if person is None:
                return None
            ways = person.ways(urgent=ticket.urgent)
            self._found[key] = _Addressee(staff_id, ways, person.name, person.language)
        return self._found[key]

    def duty_desk(self) -> list[routing.Person]:
        if self._desk is None:
            self._desk = routing.duty_desk(self._conn, self._at)
        return self._desk


_Way = tuple[str, str, _Addressee | None, str | None]


def _ways(
    people: _People, addressee: _Addressee | None, ticket: Ticket, webhooks: Sequence[str]
) -> Iterator[_Way]:
    """Yield channel, recipient, person and what stands against sending."""
    if addressee is None or not _personal(addressee):
        problem = f"{addressee.name} has no e-mail address" if addressee else "the ticket has no assignee"
        yield "email", NOBODY, addressee, problem
        for person in people.duty_desk():
            instead = people.find(person.id, ticket) if person.id != ticket.assignee_id else None
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


def _abouts(conn: Connection, tellings: Sequence[Telling]) -> list[_About]:
    """Return what each is about, in their order."""
    unnamed = [telling.ticket_id for telling in tellings if telling.step.event_id is None]
    latest = tickets.latest_events(conn, unnamed)
    asked = [(telling.ticket_id, telling.step.event_id or latest[telling.ticket_id]) for telling in tellings]
    of_events = [(ticket_id, event_id) for ticket_id, event_id in asked if event_id is not None]
    cases = [ticket_id for ticket_id, event_id in asked if event_id is None]
    rows: dict[tuple[int, int | None], _About] = {}
    if of_events:
        params = {"ticket_ids": [t for t, _ in of_events], "event_ids": [e for _, e in of_events]}
        for ticket_id, event_id, *manager, text in conn.execute(Q["facts"], params):
            rows[ticket_id, event_id] = _About(event_id, read(text, of_event=True), *manager)
    if cases:
        for ticket_id, *manager, text in conn.execute(Q["case_facts"], {"ticket_ids": cases}):
            rows[ticket_id, None] = _About(None, read(text, of_event=False), *manager)
    if missing := set(asked) - rows.keys():
        ticket_id, event_id = missing.pop()
        raise NotFoundError(f"There is no ticket {ticket_id} with an event {event_id}.")
    return [rows[key] for key in asked]
