"""Tickets that no event opened: what customers and colleagues bring, and what the rules ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service import routing, sla, tickets
from service.findings import Desk
from service.messages import Step, tell
from service.priority import Level, Priority
from service.tickets import Actor, Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
GROUP = "case"


@dataclass(frozen=True)
class Case:
    """The matter: `source` is the channel it came by, `topic` its kind, `said` the words of the caller."""

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


def open_case(conn: Connection, case: Case, *, actor: Actor, at: datetime, desk: Desk | None = None) -> int:
    """Open the ticket of a case: routed, with deadlines, on record, told to the assignee; return its id."""
    place = {"account_no": case.account_no, "service_point_id": case.service_point_id}
    row = conn.execute(Q["place_of_case"], place).fetchone()
    dma_id = case.dma_id or (row[0] if row else None)
    route = routing.find(conn, case.account_no, dma_id, at)
    priority = Priority(case.level, tuple(case.reasons))
    by = sla.by_priority(conn, priority, at, account_no=case.account_no, topic=case.topic)
    given = {
        **place,
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
    ticket_id = int(conn.execute(Q["insert_ticket"], given).fetchall()[0][0])
    for event_id in case.event_ids:
        conn.execute(Q["insert_ticket_event"], {"event_id": event_id, "ticket_id": ticket_id})
    for other in case.related:
        conn.execute(Q["relate_tickets"], {"ticket_id": ticket_id, "related_id": other, "why": case.topic})
    conn.execute(Q["relate_open_tickets"], {"ticket_id": ticket_id, "account_no": case.account_no})
    detail = {"source": case.source, "topic": case.topic, "reasons": list(case.reasons)}
    entry = Entry("opened", route.why, detail)
    tickets.note(conn, ticket_id, entry, at=at, actor=actor.name, to_state="open")
    step = Step("opened", "opened", reasons=tuple(case.reasons))
    tell(conn, ticket_id, step, webhooks=desk.webhooks if desk else (), at=at)
    return ticket_id
