"""GET /v1/audit."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api import page
from api.access.schemas import LINE, AuditFilter, AuditLine
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import instant
from api.meters.formats import csv_response, rows_csv
from api.page import NEWEST, Page
from api.rows import Row, filtered
from core.errors import ForbiddenError
from service.utility import utility

router = APIRouter(prefix="/v1/audit", tags=["access"])
Reader = Annotated[Caller, needs("audit:read")]
CSV_ROWS = 5_000
COLUMNS = tuple(AuditLine.model_fields)
LINES = answers(page_of(LINE, "/v1/audit"), paged=True)
LINES[200]["content"]["text/csv"] = {
    "schema": {"type": "string"},
    "example": ",".join(COLUMNS)
    + "\r\n2026-11-21T08:30:00Z,li.wei,session,GET,/v1/tickets/{id},tickets,17,200,5f2d6c0f,10.1.4.7\r\n",
}


@router.get("", operation_id="listAudit", responses=LINES, response_model=Page[AuditLine])
def list_audit(
    caller: Reader, given: Annotated[AuditFilter, Query()], request: Request, response: Response
) -> Any:
    """List who read and changed what, the latest first; for admins. `format=csv` for all at once.

    A change is there when it is answered; what was read, and what was refused, about a second later.
    """
    if not caller.key.is_admin:
        raise ForbiddenError("Who did what is for admins to see.", cure="Ask an admin.")
    at, id_ = page.decode("audit", tuple[datetime, int], given.cursor, NEWEST)
    with caller.transaction() as conn:
        period = {
            name: None if when is None else instant(when, lambda: utility(conn).zone)
            for name, when in (("since", given.since), ("until", given.until))
        }
        asked = given.model_dump(include={"actor", "subject_kind", "subject", "method"}) | period
        if given.format != "csv":
            found = filtered(conn, "access.audit", **asked, at=at, id=id_, limit=given.limit + 1)
    if given.format == "csv":
        return csv_response("audit", _csv(caller, asked, (at, id_)))
    items = [AuditLine(**row) for row in found]
    ids = {id(item): row["id"] for item, row in zip(items, found, strict=True)}
    return page.build(request, response, "audit", items, given.limit, lambda line: (line.at, ids[id(line)]))


def _csv(caller: Caller, asked: dict[str, Any], place: tuple[Any, int]) -> Iterator[str]:
    """Yield the lines part by part, each read in a transaction of its own, so that none stays open long."""
    first = True
    while True:
        with caller.transaction() as conn:
            part: list[Row] = filtered(
                conn, "access.audit", **asked, at=place[0], id=place[1], limit=CSV_ROWS
            )
        header, *lines = rows_csv(COLUMNS, part)
        yield header if first else ""
        yield from lines
        if len(part) < CSV_ROWS:
            return
        first, place = False, (part[-1]["at"], part[-1]["id"])
