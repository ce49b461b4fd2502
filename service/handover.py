"""Work changes hands: one ticket with a note, or all of somebody's at once.

Every ticket gets its entry with from, to and note. Who receives one ticket is told of it; who receives many
gets one message that lists them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from core.errors import BadDataError, ConflictError, NotFoundError
from service import outbox, reach, routing, tickets
from service.messages import Step, Telling, tell_all
from service.outbox import Outgoing
from service.tickets import Act, Actor, Entry, Ticket
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("handover")
Because = Literal["asked", "absent", "left", "back"]
LISTED = 30
"""Most tickets that a message lists; it says how many there are."""
_COLUMNS = (
    *("id", "priority", "urgent", "grp", "topic", "subject", "customer", "account_no", "dma"),
    *("response_due", "resolution_due", "responded"),
)


@dataclass(frozen=True)
class Order:
    """Why work changes hands, by whose word, and when."""

    actor: Actor
    at: datetime
    note: str
    because: Because = "asked"


@dataclass(frozen=True)
class Receivers:
    """Who takes over, by region (0: of no region); `one` where a single person takes everything."""

    by_region: Mapping[int, Sequence[int]]
    one: bool

    def arrays(self) -> dict[str, list[int]]:
        """Return the columns that the statements join with."""
        rows = [(r, n, who) for r, people in self.by_region.items() for n, who in enumerate(people)]
        regions, positions, staff = zip(*rows, strict=True) if rows else ((), (), ())
        return {"regions": list(regions), "positions": list(positions), "staff": list(staff)}


@dataclass(frozen=True)
class Handed:
    """What went to whom: ids of tickets and numbers of customers by staff id."""

    tickets: Mapping[int, Sequence[int]] = field(default_factory=dict)
    customers: Mapping[int, int] = field(default_factory=dict)

    @property
    def ticket_ids(self) -> list[int]:
        """All tickets that changed hands."""
        return sorted(ticket for ids in self.tickets.values() for ticket in ids)


def assign(
    conn: Connection,
    ticket_id: int,
    staff_id: int,
    *,
    note: str = "",
    actor: Actor,
    at: datetime,
    version: int | None = None,
    webhooks: Sequence[str] = (),
) -> Ticket:
    """Give a ticket to somebody. The new assignee is told; who had it too, if somebody else took it away.

    BadDataError without a note where somebody had it; ConflictError where it is over, is in those hands
    already, has changed since `version`, or the person has left or is away.
    """
    ticket = tickets.held(conn, ticket_id, version)
    if ticket.state not in tickets.OPEN_STATES:
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is {ticket.state}: it can't be handed over.")
    new = _person(conn, staff_id, at)
    if ticket.assignee_id == staff_id:
        raise ConflictError(f"{new.name} has ticket {ticket_id} already.", cure="Name somebody else.")
    if ticket.assignee_id is not None and not note.strip():
        raise BadDataError(
            f"Ticket {ticket_id} is in somebody's hands: handing it over needs a note.",
            cure="Say what has been done and what is to be done next.",
        )
    _require_here(conn, new, at)
    kind = "assigned" if ticket.assignee_id is None else "handed_over"
    _pass(conn, ticket, staff_id, kind, Order(actor, at, note), webhooks=webhooks)
    return tickets.lock(conn, ticket_id)


def handed_over_by(conn: Connection, ticket_id: int, actor: str) -> bool:
    """Return whether it was this actor by whom the ticket changed hands last."""
    last = conn.execute(Q["last_hand_over"], {"ticket_id": ticket_id}).fetchone()
    return last is not None and last[0] == actor


def undo(conn: Connection, ticket_id: int, act: Act, *, webhooks: Sequence[str] = ()) -> Ticket:
    """Take a hand-over of one's own back: the ticket is with whom, or with nobody, as it was before.

    Who loses it is told, and who gets it back. ConflictError where somebody else handed it over, where people
    have done anything with it since, and where who had it has left.
    """
    ticket = tickets.held(conn, ticket_id, act.version)
    last = conn.execute(Q["last_hand_over"], {"ticket_id": ticket_id}).fetchone()
    by, from_id, routed_by, touched = last or (None, None, None, False)
    if by != act.actor.name:
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} was not handed over by you last.")
    if touched or ticket.state not in tickets.OPEN_STATES:
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} was worked on since you handed it over.")
    if from_id is not None:
        _require_active(_person(conn, from_id, act.at))
    order = Order(act.actor, act.at, act.why, "back")
    _pass(conn, ticket, from_id, "handed_over", order, routed_by=routed_by or "person", webhooks=webhooks)
    return tickets.lock(conn, ticket_id)


def _pass(
    conn: Connection,
    ticket: Ticket,
    to_id: int | None,
    kind: str,
    order: Order,
    *,
    routed_by: str = "person",
    webhooks: Sequence[str],
) -> None:
    """Put a ticket into somebody's hands, or nobody's; tell those whose deed it wasn't."""
    given = {"ticket_id": ticket.id, "staff_id": to_id, "routed_by": routed_by}
    ((now, was),) = conn.execute(Q["assign"], given).fetchall()
    ids = {"from_id": ticket.assignee_id, "to_id": to_id}
    said = {"note": order.note, "because": order.because, "routed_by": was}
    detail = {**logins(conn, ids), **ids, **said}
    tickets.note(conn, ticket.id, Entry(kind, order.note, detail), at=order.at, actor=order.actor.name)
    tellings = [
        Telling(ticket.id, Step(step, f"{step}:{now}", why=order.note), to=who)
        for step, who in ((kind, to_id), ("passed_on", ticket.assignee_id))
        if who not in {None, order.actor.staff_id}
    ]
    tell_all(conn, tellings, webhooks=webhooks, at=order.at)


def hand_over_all(
    conn: Connection,
    from_id: int,
    to_id: int | None,
    order: Order,
    *,
    urgent_only: bool = False,
    customers: bool = False,
) -> Handed:
    """Hand over all open tickets of somebody, or the urgent ones, and with `customers` these for good.

    To one person; or with None, what belongs to somebody else's customer to that manager, and the rest evenly
    to the managers of the region, or of the region above, or to the duty desk. ConflictError where there is
    nobody. Each receiver gets one message.
    """
    conn.execute(Q["hold"], {"from_id": from_id})
    given = _receivers(conn, from_id, to_id, customers=customers, at=order.at)
    params: dict[str, Any] = {
        **given.arrays(),
        "from_id": from_id,
        "to_one": given.one,
        "urgent": urgent_only,
        "actor": order.actor.name,
        "why": order.note,
        "because": order.because,
        "at": order.at,
    }
    moved: dict[int, int] = dict(conn.execute(Q["move_customers"], params).fetchall()) if customers else {}
    handed = Handed(dict(conn.execute(Q["move_tickets"], params).fetchall()), moved)
    for to in sorted({*handed.tickets, *handed.customers}):
        _send(conn, to, from_id, handed.tickets.get(to, ()), handed.customers.get(to, 0), order)
    return handed


def take_back(conn: Connection, staff_id: int, ticket_ids: Sequence[int], order: Order) -> Handed:
    """Take back those of the tickets that are open and with whom they were handed to; tell those people."""
    rows = conn.execute(Q["still_covered"], {"staff_id": staff_id, "tickets": list(ticket_ids)}).fetchall()
    back = [int(row[0]) for row in rows]
    held = tickets.lock_all(conn, back)
    params = {"staff_id": staff_id, "tickets": back, "why": order.note, "at": order.at}
    conn.execute(Q["take_back"], params | {"actor": order.actor.name})
    for other in sorted({t.assignee_id for t in held.values() if t.assignee_id is not None}):
        theirs = [t.id for t in held.values() if t.assignee_id == other]
        _send(conn, other, staff_id, theirs, 0, order)
    return Handed({staff_id: back} if back else {})


def _receivers(
    conn: Connection, from_id: int, to_id: int | None, *, customers: bool, at: datetime
) -> Receivers:
    needed = [
        row[0] for row in conn.execute(Q["needed_regions"], {"from_id": from_id, "customers": customers})
    ]
    if to_id is not None:
        if to_id == from_id:
            raise BadDataError("Nobody hands over to themselves.", cure="Name somebody else.")
        _require_here(conn, _person(conn, to_id, at), at)
        return Receivers({region: [to_id] for region in needed}, one=True)
    people = conn.execute(Q["people"], {"except": from_id, "at": at}).fetchall()
    managers = sorted((p for p in people if p[4]), key=lambda p: (p[5], p[0]))
    desk = [p.id for p in routing.duty_desk(conn, at) if p.id != from_id]
    parent: dict[int, int | None] = dict(conn.execute(Q["regions"]).fetchall())
    by_region: dict[int, Sequence[int]] = {}
    for region in needed:
        place, found = region or None, list[int]()
        while place is not None and not found:
            found = [p[0] for p in managers if p[2] == place]
            place = parent[place]
        by_region[region] = found or desk[:1]
        if not by_region[region]:
            raise ConflictError(
                "No manager of the region is here, and nobody is on the duty desk.",
                cure="Name who takes over.",
            )
    return Receivers(by_region, one=False)


def _person(conn: Connection, staff_id: int, at: datetime) -> routing.Person:
    row = conn.execute(routing.Q["staff_member"], {"id": staff_id, "at": at}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no member of staff {staff_id}.")
    return routing.Person(*row)


def _require_here(conn: Connection, person: routing.Person, at: datetime) -> None:
    _require_active(person)
    if person.away:
        instead = routing.stand_in(conn, person.id, at)
        until = f" until {person.away_until:%Y-%m-%d %H:%M} UTC" if person.away_until else ""
        raise ConflictError(
            f"{person.name} is away{until}.",
            cure=f"{instead.name} stands in." if instead else "Name somebody else.",
        )


def _require_active(person: routing.Person) -> None:
    if not person.active:
        raise ConflictError(f"{person.name} has left.", cure="Name somebody else.")


def logins(conn: Connection, ids: Mapping[str, int | None]) -> dict[str, str | None]:
    """Return the logins of ids of staff, by key without `_id`."""
    rows = conn.execute(Q["logins"], {"ids": [i for i in ids.values() if i is not None]}).fetchall()
    named: dict[int | None, str] = dict(rows)
    return {key.removesuffix("_id"): named.get(i) for key, i in ids.items()}


def _send(
    conn: Connection,
    to_id: int,
    from_id: int,
    ticket_ids: Sequence[int],
    customers: int,
    order: Order,
) -> None:
    """Write the one message about many tickets."""
    at = order.at
    rows = conn.execute(Q["handed"], {"tickets": list(ticket_ids)}).fetchall()
    listed = [dict(zip(_COLUMNS, row, strict=True)) for row in rows[:LISTED]]
    for ticket in listed:
        ticket |= {k: ticket[k].isoformat() for k in ("response_due", "resolution_due")}
    (other,) = conn.execute(routing.Q["staff_member"], {"id": from_id, "at": at}).fetchall()
    home = utility(conn)
    message = {
        "because": order.because,
        "from": other[1],
        "note": order.note,
        "tickets": listed,
        "priorities": Counter(row[1] for row in rows),
        "customers": customers,
        "utility": home.name,
        "timezone": home.zone.key,
        "at": at.isoformat(),
    }
    urgent = any(row[2] for row in rows)
    for way in reach.of_staff(conn, to_id, urgent=urgent, at=at):
        out = Outgoing(
            kind="hand_over",
            step="hand_over",
            channel=way.channel,
            recipient=way.recipient,
            language=way.language,
            key=f"hand_over:{from_id}:{to_id}:{order.because}:{at.isoformat()}:{way.channel}:{way.recipient}",
            message=message | {"to": way.name},
            rank=outbox.URGENT if urgent else outbox.NORMAL,
            staff_id=to_id,
        )
        outbox.enqueue(conn, out, at=at)
