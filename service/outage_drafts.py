"""A new outage: a draft, of which nobody is told; by hand, or opened for an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError
from service import outage_area, outage_notices, outages, routing
from service.outage import NEWS_WITHIN, Deed, lock, note, require_order, save
from service.outage_area import NOWHERE, Area
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")


@dataclass(frozen=True)
class Draft:
    """An outage before it is saved; an unplanned one may begin now and end nobody knows when."""

    kind: Literal["planned", "unplanned"]
    area: Area = NOWHERE
    starts_at: datetime | None = None
    expected_end: datetime | None = None
    cause: str = "other"
    reason: str = ""
    reason_in: Mapping[str, str] = field(default_factory=dict)
    supply: Sequence[Mapping[str, Any]] = ()
    contact: str = ""
    event_id: int | None = None
    code: str | None = None


def create(conn: Connection, draft: Draft, deed: Deed) -> int:
    """Save a draft and return its id.

    One opened for an event lies in the event's district and began with it, unless said otherwise; those who
    look after the event are told. An open outage for the same event is a ConflictError.
    """
    answering: list[int | None] = []
    if draft.event_id is not None:
        draft, ticket_id, answering = _of_event(conn, draft, draft.event_id)
    if draft.kind == "planned" and (draft.starts_at is None or draft.expected_end is None):
        raise BadDataError("Planned work has a start and an end.", cure="Give starts_at and expected_end.")
    outage = lock(conn, _insert(conn, draft, deed))
    if draft.area != NOWHERE:
        unread = outage_area.put(conn, outage.id, draft.area)
        save(conn, outage := replace(outage, unread=[vars(line) for line in unread]))
    note(conn, outage, "created", deed, from_state=None, detail={"event_id": draft.event_id})
    if draft.event_id is not None:
        if ticket_id is not None:
            outages.link(conn, outage.id, ticket_id, at=deed.at, actor=deed.actor.name)
        told = [id_ for id_ in answering if id_ is not None and id_ != deed.actor.staff_id]
        told += [p.id for p in routing.duty_desk(conn, deed.at)[:1] if p.id != deed.actor.staff_id]
        outage_notices.tell_staff(conn, outage, "opened", staff_ids=told, at=deed.at)
    return outage.id


def _insert(conn: Connection, draft: Draft, deed: Deed) -> int:
    starts_at = draft.starts_at or deed.at
    expected_end = draft.expected_end or max(deed.at, starts_at) + NEWS_WITHIN
    require_order(starts_at, expected_end)
    names = ("code", "kind", "cause", "reason", "contact", "event_id")
    more = {
        "reason_in": Jsonb(dict(draft.reason_in)),
        "supply": Jsonb([dict(s) for s in draft.supply]),
        "starts_at": starts_at,
        "expected_end": expected_end,
        "end_known": draft.expected_end is not None,
        "answers_id": deed.actor.staff_id,
        "actor": deed.actor.name,
    }
    row = conn.execute(Q["insert_outage"], {n: getattr(draft, n) for n in names} | more).fetchone()
    if row is None:
        raise ConflictError(f"There is an outage {draft.code} already.", cure="Give another code, or none.")
    if draft.code is None:
        conn.execute(Q["name_outage"], {"id": row[0]})
    return int(row[0])


def _of_event(conn: Connection, draft: Draft, event_id: int) -> tuple[Draft, int | None, list[int | None]]:
    """Fill in what the event tells; return its ticket and who works on that with it."""
    open_one = conn.execute(Q["outage_of_event"], {"event_id": event_id}).fetchone()
    if open_one is not None:
        raise ConflictError(f"Outage {open_one[0]} was opened for this event.", cure="Go on with that one.")
    row = conn.execute(Q["place_of_event"], {"event_id": event_id}).fetchone()
    if row is None:
        raise BadDataError(f"There is no event {event_id}.", cure="GET /v1/events lists them.")
    dma, onset, detectors, ticket_id, assignee_id = row
    if dma is None and draft.area == NOWHERE:
        raise BadDataError("The event lies in no DMA.", cure="Give the area of the outage.")
    burst = "main_burst" in detectors and draft.cause == "other"
    filled = replace(
        draft,
        area=Area((dma,)) if draft.area == NOWHERE else draft.area,
        starts_at=draft.starts_at or onset,
        cause="main_burst" if burst else draft.cause,
    )
    return filled, ticket_id, [assignee_id]
