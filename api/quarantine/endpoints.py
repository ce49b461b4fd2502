"""GET /v1/quarantine, and another try."""

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, instant
from api.page import NEWEST, Page
from api.quarantine.schemas import (
    ASKED,
    DETAIL,
    EXAMPLE,
    Quarantined,
    QuarantinedDetail,
    QuarantineFilter,
)
from api.rows import Row, filtered, first, rows
from core.errors import ConflictError, NotFoundError
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])
Reader = Annotated[Caller, needs("quarantine:read")]
Writer = Annotated[Caller, needs("quarantine:write")]
PayloadId = Annotated[Id, Path(alias="id")]


def _one(conn: Connection, id_: int) -> Row:
    found = first(conn, "quarantine_one", id=id_)
    if found is None:
        raise NotFoundError(f"Nothing in quarantine has the id {id_}.")
    return found


@router.get(
    "", operation_id="listQuarantine", responses=answers(page_of(EXAMPLE, "/v1/quarantine"), paged=True)
)
def list_quarantine(
    caller: Reader, given: Annotated[QuarantineFilter, Query()], request: Request, response: Response
) -> Page[Quarantined]:
    """List what could not be understood, the latest received first."""
    at, id_ = page.decode("quarantine", tuple[datetime, int], given.cursor, NEWEST)
    with caller.transaction() as conn:
        since = None if given.since is None else instant(given.since, lambda: utility(conn).zone)
        found = filtered(
            conn,
            "quarantine",
            at=at,
            id=id_,
            reason=given.reason,
            meter=given.meter,
            since=since,
            limit=given.limit + 1,
        )
    items = [Quarantined(**row) for row in found]
    return page.build(request, response, "quarantine", items, given.limit, lambda q: (q.received_at, q.id))


@router.get("/{id}", operation_id="getQuarantined", responses=answers(DETAIL, 404))
def get_quarantined(caller: Reader, id_: PayloadId) -> QuarantinedDetail:
    """Return one payload as it came."""
    with caller.transaction() as conn:
        found = _one(conn, id_)
    payload: bytes = found["payload"]
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = None
    return QuarantinedDetail(**found, payload_base64=base64.b64encode(payload).decode(), payload_text=text)


@router.post(
    "/{id}/requeue",
    operation_id="requeue",
    status_code=202,
    responses=answers(ASKED, 404, 409, status=202),
)
def requeue(caller: Writer, id_: PayloadId) -> Quarantined:
    """Ask the ingester to try a payload again; asking twice is asking once. 409 if it has been requeued."""
    with caller.transaction() as conn:
        asked = rows(conn, "quarantine_requeue", id=id_, now=caller.now(), actor=caller.actor)
        found = _one(conn, id_)
        if found["requeued_at"] is not None:
            raise ConflictError(
                f"Payload {id_} was requeued at {found['requeued_at']:%FT%TZ}: {found['detail']}",
                cure="Nothing is left to do.",
            )
        if asked:
            rows(conn, "quarantine_wake")
    return Quarantined(**found)
