"""An event opens one ticket, however often it is told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.errors import NotFoundError
from service import routing, sla, tickets, topics
from service.priority import Priority, Standing, judge
from service.tickets import Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")


@dataclass(frozen=True)
class Event:
    """What the rules need to know of an event; `segment` and `place_dma_id` are its customer's, if any."""

    id: int
    grp: str
    subject_kind: str
    subject: str
    detectors: list[str]
    severity: str
    account_no: str | None
    dma_id: int | None
    cleared_at: datetime | None
    last_seen: datetime
    magnitude: float
    unit: str
    suppressed_by: int | None
    retracted_at: datetime | None
    segment: str | None
    place_dma_id: int | None
    segment_urgent: bool
    segment_lift: int

    @property
    def priority(self) -> Priority:
        """How pressing it is, and why."""
        whose = Standing(self.segment, self.segment_urgent, self.segment_lift) if self.segment else None
        return judge(standing=whose, severity=self.severity, detectors=self.detectors)

    @property
    def whose(self) -> str:
        """The customer, else the district, else the subject itself."""
        if self.account_no is not None:
            return f"customer {self.account_no}"
        return f"{self.subject_kind} {self.subject}" if self.dma_id is None else f"dma {self.dma_id}"


@dataclass(frozen=True)
class Opened:
    """The ticket of an event: `how` tells whether it was made now, was there, or took the event in.

    `lifted`: whether the event made it more pressing.
    """

    ticket_id: int
    how: Literal["opened", "existing", "joined"]
    lifted: bool = False


def load_event(conn: Connection, event_id: int) -> Event:
    """Return the event as it stands now."""
    row = conn.execute(Q["event"], {"event_id": event_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no event {event_id}.")
    return Event(*row)


def open_from_event(conn: Connection, event_id: int, *, at: datetime, event_entry_id: int = 0) -> Opened:
    """Return the one ticket of an event; open it, or let an open one of the same kind take the event in.

    A finding of the same group, for a customer (or a district without one) who has such a ticket open, joins
    that ticket; so does one that a complaint of the customer may be about. A finding of another group gets a
    ticket of its own, related to those that are open.
    """
    event = load_event(conn, event_id)
    conn.execute(Q["serialise"], {"key": f"ticket of {event.whose}, {event.grp}"})
    existing = tickets.ticket_of_event(conn, event_id)
    if existing is not None:
        return Opened(existing, "existing")
    detail = {
        "event_id": event_id,
        "event_entry_id": event_entry_id,
        "severity": event.severity,
        "magnitude": event.magnitude,
        "unit": event.unit,
        "detectors": event.detectors,
        "reasons": list(event.priority.reasons),
    }
    joined = _open_ticket_beside(conn, event)
    if joined is None:
        return Opened(_insert(conn, event, detail, at), "opened")
    conn.execute(Q["insert_ticket_event"], {"event_id": event_id, "ticket_id": joined})
    why = f"{', '.join(event.detectors)} at {event.subject_kind} {event.subject}"
    tickets.note(conn, joined, Entry("event_joined", why, detail), at=at)
    return Opened(joined, "joined", tickets.raise_priority(conn, joined, event.priority, at=at))


def _open_ticket_beside(conn: Connection, event: Event) -> int | None:
    if event.account_no is not None:
        query = "open_ticket_of_customer"
    elif event.dma_id is not None:
        query = "open_ticket_of_dma"
    else:
        return None
    params = {
        "account_no": event.account_no,
        "dma_id": event.dma_id,
        "grp": event.grp,
        "topics": topics.of_groups(event.grp),
    }
    row = conn.execute(Q[query], params).fetchone()
    return None if row is None else int(row[0])


def _insert(conn: Connection, event: Event, detail: dict[str, Any], at: datetime) -> int:
    route = routing.find(conn, event.account_no, event.place_dma_id, at)
    by = sla.by_priority(conn, event.priority, at, account_no=event.account_no, topic=event.grp)
    row = conn.execute(
        Q["insert_ticket"],
        {
            "source": "meter",
            "topic": None,
            "subject": "",
            "said": "",
            "opened_by": tickets.SYSTEM,
            "service_point_id": None,
            "priority": event.priority.level,
            "urgent": event.priority.urgent,
            "sla": by.sla,
            "account_no": event.account_no,
            "dma_id": event.place_dma_id,
            "grp": event.grp,
            "assignee_id": route.staff_id,
            "routed_by": route.by,
            "at": at,
            "response_due": by.response_due,
            "resolution_due": by.resolution_due,
        },
    ).fetchall()[0]
    ticket_id = int(row[0])
    conn.execute(Q["insert_ticket_event"], {"event_id": event.id, "ticket_id": ticket_id})
    conn.execute(Q["relate_open_tickets"], {"ticket_id": ticket_id, "account_no": event.account_no})
    tickets.note(conn, ticket_id, Entry("opened", route.why, detail), at=at, to_state="open")
    return ticket_id
