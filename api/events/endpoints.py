"""GET /v1/events, and the verdict on one."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.events.schemas import (
    DETAIL,
    EXAMPLE,
    Event,
    EventDetail,
    EventFilter,
    GiveVerdict,
    Standing,
    UndoVerdict,
    shaped,
)
from api.fields import Id, instant
from api.page import NEWEST, Page
from api.rows import filtered, first, found_by, rows
from core.errors import ForbiddenError, NotFoundError
from service import verdicts
from service.utility import utility
from service.verdicts import Verdict
from sql.pool import Connection

router = APIRouter(prefix="/v1/events", tags=["events"])
Reader = Annotated[Caller, needs("events:read")]
Writer = Annotated[Caller, needs("events:write")]
MOST = 500


@router.get("", operation_id="listEvents", responses=answers(page_of(EXAMPLE, "/v1/events"), paged=True))
def list_events(
    caller: Reader, given: Annotated[EventFilter, Query()], request: Request, response: Response
) -> Page[Event]:
    """List events, the latest detected first."""
    at, id_ = page.decode("events", tuple[datetime, int], given.cursor, NEWEST)
    with caller.transaction() as conn:
        since, until = (w and instant(w, lambda: utility(conn).zone) for w in (given.since, given.until))
        found = filtered(
            conn,
            "events",
            at=at,
            id=id_,
            state=given.state,
            detector=given.detector,
            found=found_by(conn, "events_by", given.detector),
            grp=given.group,
            dma=given.dma,
            account_no=given.account_no,
            since=since,
            until=until,
            segment=given.segment,
            limit=given.limit + 1,
        )
    events = [Event(**shaped(row)) for row in found]
    return page.build(request, response, "events", events, given.limit, lambda e: (e.detected_at, e.id))


@router.get("/{id}", operation_id="getEvent", responses=answers(DETAIL, 404))
def get_event(caller: Reader, id_: Annotated[Id, Path(alias="id")]) -> EventDetail:
    """Return one event with its history."""
    with caller.transaction() as conn:
        return _detail(conn, id_)


@router.post("/{id}/verdict", operation_id="judgeEvent", responses=answers(DETAIL, 404, 409, 413))
def judge(caller: Writer, id_: Annotated[Id, Path(alias="id")], said: GiveVerdict) -> EventDetail:
    """Say that an event is confirmed, or normal; 409 where another verdict stands.

    Either way it is left out of what the detectors take as usual. What is normal is told no more, and with a
    scope its detectors leave that meter, DMA or customer alone.
    """
    with caller.transaction() as conn:
        until = None if said.until is None else instant(said.until, lambda: utility(conn).zone)
        if said.scope == "dma" and not caller.key.sees_all:
            raise ForbiddenError(
                "An exemption of a DMA concerns other managers' customers.", cure="Ask operations."
            )
        verdict = Verdict(said.verdict, said.scope, until, said.why)
        verdicts.give(conn, id_, verdict, caller.actor, caller.now())
        return _detail(conn, id_)


@router.post("/{id}/verdict/undo", operation_id="undoVerdict", responses=answers(DETAIL, 404, 409, 413))
def undo(
    caller: Writer, id_: Annotated[Id, Path(alias="id")], said: UndoVerdict | None = None
) -> EventDetail:
    """Take the verdict on an event back and end the exemptions it made; 409 where none stands."""
    with caller.transaction() as conn:
        verdicts.undo(conn, id_, said.why if said else "", caller.actor, caller.now())
        return _detail(conn, id_)


def _detail(conn: Connection, id_: int) -> EventDetail:
    found = first(conn, "event", id=id_)
    if found is None:
        raise NotFoundError(f"No event {id_}.")
    verdict = first(conn, "event_verdict", id=id_)
    entries: list[dict[str, Any]] = rows(conn, "event_entries", id=id_, limit=MOST)
    return EventDetail(
        **shaped(found), entries=entries, verdict=None if verdict is None else Standing(**verdict)
    )
