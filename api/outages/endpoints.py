"""GET and POST /v1/outages, a preview of the notice, the steps of an outage, and who is to be called."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from psycopg.rows import dict_row

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, instant
from api.outages.schemas import (
    CALL,
    DETAIL,
    EXAMPLE,
    PREVIEW,
    WHEN,
    Announce,
    Call,
    Calls,
    Cancel,
    Change,
    Extend,
    NewOutage,
    Outage,
    OutageDetail,
    OutageFilter,
    PreviewAnswer,
    Proposal,
    Restore,
    Start,
    Step,
    Supply,
    ToCall,
)
from api.page import NEWEST, Page
from core.errors import ForbiddenError, NotFoundError
from service import outage_drafts, outage_preview, outages
from service.letters import Letters
from service.outage import Deed, allowed
from service.outage_area import Area
from service.tickets import Actor
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

router = APIRouter(prefix="/v1/outages", tags=["outages"])
Reader = Annotated[Caller, needs("outages:read")]
Writer = Annotated[Caller, needs("outages:write")]
OutageId = Annotated[Id, Path(alias="id")]
Q = Queries("outages")
STEP = answers(DETAIL, 404, 409, 413)
MOST, MOST_CALLS = 200, 1_000


@router.get("", operation_id="listOutages", responses=answers(page_of(EXAMPLE, "/v1/outages"), paged=True))
def list_outages(
    caller: Reader, given: Annotated[OutageFilter, Query()], request: Request, response: Response
) -> Page[Outage]:
    """List outages, the latest to begin first."""
    at, id_ = page.decode("outages", tuple[datetime, int], given.cursor, NEWEST)
    with caller.transaction() as conn:
        since, until = (w and instant(w, lambda: utility(conn).zone) for w in (given.since, given.until))
        found = _rows(
            conn,
            "list_outages",
            since=since,
            until=until,
            at=at,
            id=id_,
            states=WHEN[given.when] if given.when else None,
            kind=given.kind,
            dma=given.dma,
            account_no=given.account_no,
            now=caller.now(),
            limit=given.limit + 1,
        )
    items = [Outage(**row) for row in found]
    return page.build(request, response, "outages", items, given.limit, lambda o: (o.starts_at, o.id))


@router.get("/{id}", operation_id="getOutage", responses=answers(DETAIL, 404))
def get_outage(caller: Reader, id_: OutageId) -> OutageDetail:
    """Return one outage with its history, its notices and the tickets that it answers."""
    with caller.transaction() as conn:
        return _detail(conn, id_, caller.now())


@router.post("", operation_id="createOutage", responses=answers(DETAIL, 409, 413))
def create_outage(caller: Writer, given: NewOutage, request: Request) -> OutageDetail:
    """Draft an outage; nobody is told before it is announced. One opened for an event is linked to it."""
    _require_all(caller)
    with caller.transaction() as conn:
        said = _said(conn, given) | {"kind": given.kind, "code": given.code, "event_id": given.event_id}
        said["contact"] = said.get("contact") or request.app.state.settings.service_phone
        draft = outage_drafts.Draft(**said, area=_area(given))
        return _detail(conn, outage_drafts.create(conn, draft, _deed(caller)), caller.now())


@router.get("/{id}/preview", operation_id="previewOutage", responses=answers(PREVIEW, 404))
def preview_outage(caller: Reader, id_: OutageId, request: Request) -> PreviewAnswer:
    """Say whom announcing would concern, whom to call, who can't be reached, and what they will read."""
    letters: Letters = request.app.state.letters
    with caller.transaction() as conn:
        found = _one(conn, id_, caller.now())
        made = outage_preview.preview(conn, id_, letters, at=caller.now(), ahead=_ahead(request))
        return PreviewAnswer.model_validate(
            {
                **vars(made),
                "overlapping": [vars(o) for o in made.overlapping],
                "letters": {language: vars(letter) for language, letter in made.letters.items()},
                "unread": found["unread"],
                "unreachable_list": _rows(conn, "unreachable", id=id_, limit=MOST),
                "to_call": _to_call(conn, id_, MOST),
            }
        )


@router.post("/{id}/announce", operation_id="announceOutage", responses=STEP)
def announce(caller: Writer, id_: OutageId, given: Announce, request: Request) -> OutageDetail:
    """Tell everybody concerned; one whose start has passed is announced as begun.

    Planned work on too short a notice is refused with 409 unless `override` and `why` say that it can't wait.
    """
    _require_all(caller)
    with caller.transaction() as conn:
        deed = _deed(caller, given)
        outages.announce(conn, id_, deed, override=given.override, ahead=_ahead(request))
        return _detail(conn, id_, caller.now())


@router.post("/{id}/change", operation_id="changeOutage", responses=STEP)
def change(caller: Writer, id_: OutageId, given: Change, request: Request) -> OutageDetail:
    """Change what is given; customers are told what is new, those who leave the area too."""
    _require_all(caller)
    with caller.transaction() as conn:
        outages.change(
            conn,
            id_,
            _said(conn, given),
            _deed(caller, given),
            area=_area(given) if given.model_fields_set & {"dmas", "accounts"} else None,
            tell=given.tell,
            override=given.override,
            ahead=_ahead(request),
        )
        return _detail(conn, id_, caller.now())


@router.post("/{id}/start", operation_id="startOutage", responses=STEP)
def start(caller: Writer, id_: OutageId, given: Start) -> OutageDetail:
    """Say that the water is off; planned work that was announced begins at its hour by itself."""
    _require_all(caller)
    with caller.transaction() as conn:
        outages.start(conn, id_, _deed(caller, given), started_at=_instant(conn, given.started_at))
        return _detail(conn, id_, caller.now())


@router.post("/{id}/extend", operation_id="extendOutage", responses=STEP)
def extend(caller: Writer, id_: OutageId, given: Extend) -> OutageDetail:
    """Give a new promise; customers are told."""
    _require_all(caller)
    with caller.transaction() as conn:
        said = {"expected_end": _instant(conn, given.expected_end)}
        outages.change(conn, id_, said, _deed(caller, given))
        return _detail(conn, id_, caller.now())


@router.post("/{id}/restore", operation_id="restoreOutage", responses=STEP)
def restore(caller: Writer, id_: OutageId, given: Restore) -> OutageDetail:
    """Say that the water is back."""
    _require_all(caller)
    with caller.transaction() as conn:
        outages.restore(conn, id_, _deed(caller, given), ended_at=_instant(conn, given.ended_at))
        return _detail(conn, id_, caller.now())


@router.post("/{id}/cancel", operation_id="cancelOutage", responses=STEP)
def cancel(caller: Writer, id_: OutageId, given: Cancel) -> OutageDetail:
    """Say that it won't take place; who was told of it is told."""
    _require_all(caller)
    with caller.transaction() as conn:
        outages.cancel(conn, id_, _deed(caller, given))
        return _detail(conn, id_, caller.now())


@router.get("/{id}/calls", operation_id="listOutageCalls", responses=answers({"items": [CALL]}, 404))
def list_calls(caller: Reader, id_: OutageId) -> Calls:
    """List the special and vulnerable customers to be called, those first who have not been."""
    with caller.transaction() as conn:
        _one(conn, id_, caller.now())
        return Calls(items=_to_call(conn, id_, MOST_CALLS))


@router.post(
    "/{id}/calls", operation_id="noteOutageCall", responses=answers({"items": [CALL]}, 404, 409, 413)
)
def note_call(caller: Writer, id_: OutageId, given: Call) -> Calls:
    """Note that a customer was called, and what was said."""
    with caller.transaction() as conn:
        deed = Deed(_actor(caller), caller.now(), given.answer)
        outages.called(conn, id_, given.account_no, deed)
        return Calls(items=_to_call(conn, id_, MOST_CALLS))


def _require_all(caller: Caller) -> None:
    """Refuse those who see own customers only: an outage concerns everybody's."""
    if not caller.key.sees_all:
        raise ForbiddenError(
            "An outage concerns other managers' customers.", cure="Ask the operations room to enter it."
        )


def _actor(caller: Caller) -> Actor:
    return Actor(caller.actor, caller.key.staff_id)


def _deed(caller: Caller, given: Step | Change | None = None) -> Deed:
    why, version = (given.why, given.version) if given else ("", None)
    return Deed(_actor(caller), caller.now(), why, version)


def _ahead(request: Request) -> timedelta:
    return timedelta(hours=request.app.state.settings.outage_notice_h)


def _instant(conn: Connection, when: datetime | date | None) -> datetime | None:
    return None if when is None else instant(when, lambda: utility(conn).zone)


def _said(conn: Connection, given: Proposal) -> dict[str, Any]:
    """Return what was given, with its times as instants."""
    said = given.model_dump(
        exclude_unset=True, include={"cause", "reason", "reason_in", "contact", "starts_at", "expected_end"}
    )
    for name in {"starts_at", "expected_end"} & said.keys():
        said[name] = _instant(conn, said[name])
    if said.get("starts_at", 1) is None:
        del said["starts_at"]
    if "supply" in given.model_fields_set:
        said["supply"] = [_supply(conn, s) for s in given.supply]
    return said


def _supply(conn: Connection, given: Supply) -> dict[str, Any]:
    hours = {"since": _instant(conn, given.since), "until": _instant(conn, given.until)}
    times = {name: at.isoformat() for name, at in hours.items() if at is not None}
    return {"place": given.place, "note": given.note, **times}


def _area(given: Proposal) -> Area:
    return Area(tuple(given.dmas), given.accounts)


def _rows(conn: Connection, name: str, **values: Any) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(Q[name], values, prepare=False).fetchall()


def _one(conn: Connection, id_: int, now: datetime) -> dict[str, Any]:
    found = _rows(conn, "get_outage", id=id_, now=now)
    if not found:
        raise NotFoundError(f"There is no outage {id_}.")
    return found[0]


def _to_call(conn: Connection, id_: int, most: int) -> list[ToCall]:
    found = _rows(conn, "to_be_called", id=id_, limit=most)
    return [ToCall(**row, written_to=row["channel"] is not None) for row in found]


def _detail(conn: Connection, id_: int, now: datetime) -> OutageDetail:
    found = _one(conn, id_, now)
    return OutageDetail.model_validate(
        {
            **found,
            "allowed": allowed(found["state"], announced=found["announced_at"] is not None),
            "entries": _rows(conn, "outage_entries", id=id_),
            "notices": _rows(conn, "outage_notices", id=id_),
        }
    )
