"""Tickets that no event opened: what customers and colleagues bring, and what the rules ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from core.errors import BadDataError
from service import handling, merging, outages, routing, sla, tickets, topics
from service.findings import Desk
from service.messages import Step, tell
from service.opening import Opened
from service.priority import Level, Priority, Standing, of_case
from service.tickets import SYSTEM, Act, Actor, Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("tickets")
GROUP = "case"


@dataclass(frozen=True)
class Case:
    """The matter: `source` is the channel it came by, `topic` its kind, `said` the words of the caller.

    `reporter` is who brought it: name, phone, email, as far as known.
    """

    source: str
    topic: str
    subject: str
    said: str = ""
    account_no: str | None = None
    dma_id: int | None = None
    service_point_id: int | None = None
    level: Level = "normal"
    reasons: Sequence[str] = ()
    event_ids: Sequence[int] = ()
    related: Sequence[int] = ()
    reporter: Mapping[str, str] = field(default_factory=dict)


def open_case(conn: Connection, case: Case, *, actor: Actor, at: datetime, desk: Desk | None = None) -> int:
    """Return the ticket of a case, as `report` does."""
    return report(conn, case, actor=actor, at=at, desk=desk).ticket_id


def report(conn: Connection, case: Case, *, actor: Actor, at: datetime, desk: Desk | None = None) -> Opened:
    """Open the ticket of a case: routed, with deadlines, on record, told to the assignee.

    A complaint about what is worked on already goes to that ticket instead, and joins the customer's open
    tickets of its kind into one: findings it may be about (`topics.GROUPS`), the events it names, and
    earlier complaints of its topic. BadDataError for a customer or an event that isn't there.
    """
    place_dma_id, standing = _place(conn, case)
    case_tickets = _same_matter(conn, case)
    if case_tickets:
        joined = _join(conn, case, case_tickets, actor, at, desk)
        outages.answer_complaint(conn, joined, case.account_no, case.topic, at)
        return Opened(joined, "joined")
    dma_id = case.dma_id or place_dma_id
    priority = of_case(case.level, tuple(case.reasons), standing if case.topic in topics.SUPPLY else None)
    route = routing.find(conn, case.account_no, dma_id, at)
    by = sla.by_priority(conn, priority, at, account_no=case.account_no, topic=case.topic)
    given = {
        "account_no": case.account_no,
        "service_point_id": case.service_point_id,
        "source": case.source,
        "topic": case.topic,
        "subject": case.subject,
        "said": case.said,
        "opened_by": actor.name,
        "grp": GROUP,
        "priority": priority.level,
        "urgent": priority.urgent,
        "sla": by.sla,
        "dma_id": dma_id,
        "assignee_id": route.staff_id,
        "routed_by": route.by,
        "at": at,
        "response_due": by.response_due,
        "resolution_due": by.resolution_due,
    }
    ticket_id = int(conn.execute(tickets.Q["insert_ticket"], given).fetchall()[0][0])
    if case.reporter:
        conn.execute(Q["set_reporter"], {"ticket_id": ticket_id, "reporter": Jsonb(dict(case.reporter))})
    attached = {"ticket_id": ticket_id, "event_ids": list(case.event_ids)}
    conn.execute(Q["attach_events"], attached)
    for other in case.related:
        given = {"ticket_id": ticket_id, "related_id": other, "why": case.topic}
        conn.execute(tickets.Q["relate_tickets"], given)
    conn.execute(tickets.Q["relate_open_tickets"], {"ticket_id": ticket_id, "account_no": case.account_no})
    groups = list(topics.GROUPS.get(case.topic, ()))
    conn.execute(Q["relate_to_district"], {"ticket_id": ticket_id, "dma_id": dma_id, "groups": groups})
    detail = {"source": case.source, "topic": case.topic, "reasons": list(priority.reasons)}
    entry = Entry("opened", route.why, detail)
    tickets.note(conn, ticket_id, entry, at=at, actor=actor.name, to_state="open")
    outages.answer_complaint(conn, ticket_id, case.account_no, case.topic, at)
    told = f"{case.subject}\n{case.said}".strip() if case.event_ids else ""
    step = Step("opened", "opened", reasons=priority.reasons, why=told)
    tell(conn, ticket_id, step, webhooks=desk.webhooks if desk else (), at=at)
    return Opened(ticket_id, "opened")


def _place(conn: Connection, case: Case) -> tuple[int | None, Standing | None]:
    """Return the district, and what the customer's segment brings; check that all of it is there."""
    if case.account_no is not None:
        known = conn.execute(Q["customer_of_case"], {"account_no": case.account_no}).fetchone()
        if known is None:
            raise BadDataError(f"There is no customer {case.account_no}.")
    wanted = sorted(set(case.event_ids))
    found = {row[0] for row in conn.execute(Q["events_there"], {"event_ids": wanted})}
    if len(found) < len(wanted):
        raise BadDataError(f"There is no event {min(set(wanted) - found)}.")
    given = {"account_no": case.account_no, "service_point_id": case.service_point_id}
    row = conn.execute(Q["place_of_case"], given).fetchall()[0]
    dma_id, segment, urgent, lift = row
    return dma_id, Standing(segment, urgent, lift) if segment else None


def _same_matter(conn: Connection, case: Case) -> list[int]:
    """Return the open tickets that are about the matter, the one to go on with first."""
    groups = sorted(topics.GROUPS.get(case.topic, ()))
    if case.account_no is not None:
        for group in groups:  # a finding that is just being taken in waits for us, or we for it
            key = f"ticket of customer {case.account_no}, {group}"
            conn.execute(tickets.Q["serialise"], {"key": key})
        key = f"complaints of customer {case.account_no}"
        conn.execute(tickets.Q["serialise"], {"key": key})
    given = {
        "account_no": case.account_no,
        "groups": groups,
        "topic": None if case.topic in topics.ALONE or case.topic not in topics.TOPICS else case.topic,
        "event_ids": list(case.event_ids),
    }
    return [int(row[0]) for row in conn.execute(Q["tickets_of_matter"], given)]


def _join(
    conn: Connection, case: Case, same: Sequence[int], actor: Actor, at: datetime, desk: Desk | None
) -> int:
    """Let the first of the tickets take the complaint in, and the others with it."""
    ticket_id, *others = same
    for other in others:
        why = f"complaint about {case.topic} covers both"
        merging.merge(conn, other, ticket_id, Act(Actor(SYSTEM), at, why), across_customers=True, desk=desk)
    conn.execute(Q["attach_events"], {"ticket_id": ticket_id, "event_ids": list(case.event_ids)})
    given = {"topic": case.topic, "subject": case.subject, "said": case.said}
    conn.execute(Q["take_complaint"], {"ticket_id": ticket_id, **given})
    detail: dict[str, Any] = {"source": case.source, "reporter": dict(case.reporter), **given}
    entry_id = tickets.note(
        conn, ticket_id, Entry("complaint", case.subject, detail), at=at, actor=actor.name
    )
    handling.heard(conn, ticket_id, actor, at)
    tickets.raise_priority(conn, ticket_id, Priority(case.level, tuple(case.reasons)), at=at)
    step = Step("complaint", f"complaint:{entry_id}", why=f"{case.subject}\n{case.said}".strip())
    tell(conn, ticket_id, step, webhooks=desk.webhooks if desk else (), at=at)
    return ticket_id
