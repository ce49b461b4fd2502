"""GET /v1/figures, what is behind them, and the monthly report."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from psycopg.rows import dict_row

from api import page
from api.answers import also_csv, answers, failures, page_of
from api.auth import Caller, needs
from api.fields import Id, Name
from api.figures.schemas import (
    BEHIND,
    EXAMPLE,
    SUBSCRIPTIONS,
    BehindFilter,
    BehindRow,
    Figures,
    FiguresFilter,
    Month,
    Subscribe,
    Subscriptions,
)
from api.meters.formats import TABLE, cell, csv_response, wanted
from api.page import Page
from core.errors import BadDataError, ConflictError, NotFoundError
from service import figures, report
from service.report import Press, Scope, ScopeKind
from service.utility import utility
from service.volumes import first_of, step
from sql.pool import Connection
from sql.query import Queries

Q = Queries("figures")
router = APIRouter(prefix="/v1/figures", tags=["figures"])
Reader = Annotated[Caller, needs("figures:read")]
Chief = Annotated[Caller, needs("staff:write")]
FIRST = (date.min.isoformat(), "", "")
PDF = {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 ..."}


def _shaped(one: figures.Figures) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Figures.model_fields}


@router.get(
    "",
    operation_id="listFigures",
    responses=also_csv(
        answers(page_of(EXAMPLE, "/v1/figures"), 406, paged=True), ",".join(Figures.model_fields) + "\r\n"
    ),
)
def list_figures(
    caller: Reader, given: Annotated[FiguresFilter, Query()], request: Request, response: Response
) -> Page[Figures]:
    """List the figures by month, as JSON in pages or as CSV whole; a manager's key sees the manager's own."""
    after = page.decode("figures", tuple[date, str, str], given.cursor, FIRST)
    form = wanted(given.format, request.headers.get("accept"), TABLE)
    with caller.transaction() as conn:
        until = given.until or first_of(caller.now(), utility(conn).zone)
        since = given.since or step(until, 1 - report.LOOK_BACK)
        limit = figures.MOST if form == "csv" else given.limit + 1
        made = figures.read(
            conn, since, until, dimension=given.dimension, key=given.key, after=after, limit=limit
        )
    if form == "csv":
        return csv_response(f"figures-{since:%Y-%m}-{until:%Y-%m}", _csv(made))  # type: ignore[return-value]
    items = [Figures(**_shaped(one)) for one in made]
    response.headers["Vary"] = "Accept"
    return page.build(
        request, response, "figures", items, given.limit, lambda one: (one.month, one.dimension, one.key)
    )


def _csv(made: list[figures.Figures]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(Figures.model_fields)
    writer.writerows([cell(value) for value in _shaped(one).values()] for one in made)
    yield text.getvalue()


@router.get(
    "/tickets",
    operation_id="listTicketsBehindFigure",
    responses=answers(page_of(BEHIND, "/v1/figures/tickets"), paged=True),
)
def list_behind(
    caller: Reader, given: Annotated[BehindFilter, Query()], request: Request, response: Response
) -> Page[BehindRow]:
    """List the rounds of tickets that one figure counts, as they stand now."""
    after = page.decode("figures/tickets", tuple[int, int], given.cursor, (0, 0))
    with caller.transaction() as conn:
        found = figures.behind(
            conn,
            given.month,
            utility(conn).zone,
            given.figure,
            at=caller.now(),
            key=(given.dimension, given.key),
            after=after,
            limit=given.limit + 1,
        )
    items = [BehindRow.model_validate({**row, "group": row["grp"]}) for row in found]
    return page.build(
        request, response, "figures/tickets", items, given.limit, lambda row: (row.id, row.round)
    )


@router.get(
    "/report",
    operation_id="getMonthlyReport",
    response_class=Response,
    responses={
        **failures(401, 403, 422, 500, 503),
        200: {"description": "The report.", "content": {"application/pdf": PDF}},
    },
)
def get_report(
    caller: Reader,
    request: Request,
    month: Annotated[
        Month | None, Query(description="Like 2026-10; without it the month that ended last.")
    ] = None,
    language: Annotated[Literal["zh", "en"], Query()] = "zh",
    scope: Annotated[ScopeKind | None, Query(description="Without it as much as the caller may see.")] = None,
    key: Annotated[Name | None, Query(description="Code of the region, or login of the manager.")] = None,
) -> Response:
    """Return the monthly report as PDF; a manager gets the report on own work."""
    press: Press = request.app.state.press
    with caller.transaction() as conn:
        about = _scope(conn, caller, scope, key)
        month = month or step(first_of(caller.now(), utility(conn).zone), -1)
        gathered = report.load(conn, month, about, at=caller.now())
    name = f"report-{month:%Y-%m}-{language}.pdf"
    return Response(
        press.pdf(gathered, language),
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _scope(conn: Connection, caller: Caller, kind: ScopeKind | None, key: str | None) -> Scope:
    """Return whom the caller's report is about; for who sees own customers only, that is the caller."""
    if caller.key.sees_all:
        return report.scope(conn, kind or "utility", key or "")
    own = caller.key.login or ""
    if (kind or "manager", key or own) != ("manager", own):
        raise BadDataError("You see the report on your own work.", cure="Leave out `scope` and `key`.")
    return report.scope(conn, "manager", own)


def _subscriptions(conn: Connection) -> Subscriptions:
    with conn.cursor(row_factory=dict_row) as cursor:
        return Subscriptions.model_validate({"items": cursor.execute(Q["subscriptions"]).fetchall()})


@router.get("/subscriptions", operation_id="listReportSubscriptions", responses=answers(SUBSCRIPTIONS))
def list_subscriptions(caller: Reader) -> Subscriptions:
    """List who gets which report by mail each month."""
    with caller.transaction() as conn:
        return _subscriptions(conn)


@router.post("/subscriptions", operation_id="subscribeToReport", responses=answers(SUBSCRIPTIONS, 409, 413))
def subscribe(caller: Chief, said: Subscribe) -> Subscriptions:
    """Send somebody the report each month; once more, and only the language changes.

    Who sees own customers only subscribes to the report on own work.
    """
    with caller.transaction() as conn:
        _scope(conn, caller, said.checked().scope, said.key)
        given = said.model_dump() | {"actor": caller.actor, "at": caller.now()}
        if conn.execute(Q["subscribe"], given).fetchone() is None:
            raise ConflictError(f"No active member of staff has the login {said.staff!r}.")
        return _subscriptions(conn)


@router.delete(
    "/subscriptions/{id}", operation_id="unsubscribeFromReport", responses=answers(SUBSCRIPTIONS, 404, 409)
)
def unsubscribe(caller: Chief, id_: Annotated[Id, Path(alias="id")]) -> Subscriptions:
    """End a subscription: the report is not sent to them any more."""
    with caller.transaction() as conn:
        if conn.execute(Q["unsubscribe"], {"id": id_}).fetchone() is None:
            raise NotFoundError(f"There is no subscription {id_}.")
        return _subscriptions(conn)
