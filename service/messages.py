"""Put a ticket's messages into the outbox, in the transaction of the ticket: one a step and addressee."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from psycopg.types.json import Jsonb

from core.errors import NotFoundError
from service import routing, tickets
from service.facts import AddresseeFacts, Facts, document, facts
from service.tickets import Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
NOBODY = "nobody"


@dataclass(frozen=True)
class Step:
    """A step of a ticket that is told: its kind, and a key that makes it one of its kind on the ticket."""

    kind: str
    key: str
    event_id: int
    reasons: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class _Addressee:
    staff_id: int
    name: str
    email: str | None
    language: str
    webhook_url: str | None
    stands_in_for: str | None


def tell(
    conn: Connection, ticket_id: int, step: Step, *, webhooks: Sequence[str] = (), at: datetime
) -> list[int]:
    """Write the messages of a step; return the outbox ids of those that were not there yet.

    Mail goes to the assignee; whoever has no address is noted as undeliverable, on the ticket and in the
    outbox, and the duty desk is written to instead. A post goes to `webhooks` and to the assignee's own.
    """
    ticket = tickets.lock(conn, ticket_id)
    base = _facts(conn, ticket_id, step)
    addressee = _addressee(conn, ticket.assignee_id, ticket.account_no)
    made = []
    for channel, recipient, person, problem in _ways(conn, addressee, ticket, webhooks, at):
        name, instead_of = (person.name, person.stands_in_for) if person else ("", None)
        about = msgspec.structs.replace(base, addressee=AddresseeFacts(name, instead_of))
        row = conn.execute(
            Q["enqueue"],
            {
                "ticket_id": ticket_id,
                "event_id": step.event_id,
                "step": step.kind,
                "channel": channel,
                "recipient": recipient,
                "language": person.language if person else "zh",
                "dedupe_key": f"ticket:{ticket_id}:{step.key}:{channel}:{recipient}",
                "message": Jsonb(document(about)),
                "problem": problem,
                "at": at,
            },
        ).fetchone()
        if row is None:
            continue
        made.append(int(row[0]))
        if problem is not None:
            entry = Entry("undeliverable", problem, {"step": step.kind, "outbox_id": int(row[0])})
            tickets.note(conn, ticket_id, entry, at=at)
    if made:
        conn.execute(Q["wake_senders"])
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
    if addressee is not None and addressee.email:
        yield "email", addressee.email, addressee, None
    else:
        problem = f"{addressee.name} has no e-mail address" if addressee else "the ticket has no assignee"
        yield "email", NOBODY, addressee, problem
        desk = next((p for p in routing.duty_desk(conn, at) if p.email and p.id != ticket.assignee_id), None)
        instead = _addressee(conn, desk.id, ticket.account_no) if desk else None
        if instead is not None and instead.email:
            yield "email", instead.email, instead, None
    posts = [*webhooks, *([addressee.webhook_url] if addressee and addressee.webhook_url else [])]
    for url in dict.fromkeys(posts):
        yield "webhook", url, addressee, None


def _facts(conn: Connection, ticket_id: int, step: Step) -> Facts:
    row = conn.execute(Q["facts"], {"ticket_id": ticket_id, "event_id": step.event_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id} with an event {step.event_id}.")
    return facts({**row[0], "step": step.kind, "reasons": list(step.reasons), "why": step.why})


def _addressee(conn: Connection, staff_id: int | None, account_no: str | None) -> _Addressee | None:
    params = {"staff_id": staff_id, "account_no": account_no}
    row = conn.execute(Q["addressee"], params).fetchone()
    return None if row is None else _Addressee(*row)
