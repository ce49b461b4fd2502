"""GET /v1/events."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.events.schemas import DETAIL, EXAMPLE, Event, EventDetail, EventFilter, shaped
from api.fields import Id, instant
from api.page import NEWEST, Page
from api.rows import filtered, first, rows
from api.utility import utility
from core.errors import NotFoundError

router = APIRouter(prefix="/v1/events", tags=["events"])
Reader = Annotated[Caller, needs("events:read")]
MOST = 500


@router.get("", operation_id="listEvents", responses=answers(page_of(EXAMPLE, "/v1/events"), paged=True))
def list_events(
    caller: Reader, given: Annotated[EventFilter, Query()], request: Request, response: Response
) -> Page[Event]:
    """List events, the latest detected first."""
    at, id_ = page.decode("events", tuple[datetime, int], given.cursor, NEWEST)
    with caller.transaction() as conn:
        since = None if given.since is None else instant(given.since, lambda: utility(conn).zone)
        found = filtered(
            conn,
            "events",
            at=at,
            id=id_,
            state=given.state,
            detector=given.detector,
            grp=given.group,
            dma=given.dma,
            account_no=given.account_no,
            since=since,
            limit=given.limit + 1,
        )
    events = [Event(**shaped(row)) for row in found]
    return page.build(request, response, "events", events, given.limit, lambda e: (e.detected_at, e.id))


@router.get("/{id}", operation_id="getEvent", responses=answers(DETAIL, 404))
def get_event(caller: Reader, id_: Annotated[Id, Path(alias="id")]) -> EventDetail:
    """Return one event with its history."""
    with caller.transaction() as conn:
        found = first(conn, "event", id=id_)
        if found is None:
            raise NotFoundError(f"No event {id_}.")
        entries: list[dict[str, Any]] = rows(conn, "event_entries", id=id_, limit=MOST)
    return EventDetail(**shaped(found), entries=entries)
