"""/v1/calendars: when is worked, who set it, and when so much work is done."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.calendars.schemas import (
    EXAMPLE,
    PREVIEW,
    VERSION,
    Ahead,
    Calendar,
    Calendars,
    ChangeCalendar,
    NewCalendar,
    Preview,
    Span,
    Version,
    Versions,
    Week,
    WorkDay,
    terms,
)
from api.fields import Name, instant
from api.page import Page
from api.rows import rows
from api.staff.rights import require_desk
from core import hours
from core.errors import NotFoundError
from service import calendars
from service.calendars import Draft
from service.utility import utility
from service.versions import Change
from service.worktime import Day
from sql.pool import Connection

router = APIRouter(prefix="/v1/calendars", tags=["settings"])
Reader = Annotated[Caller, needs("settings:read")]
Writer = Annotated[Caller, needs("settings:write")]
Code = Annotated[Name, Path(description="Its code.")]
WEEKS = 4
LAST = (2**31 - 1,)


@router.get("", operation_id="listCalendars", responses=answers({"items": [EXAMPLE]}))
def list_calendars(caller: Reader) -> Calendars:
    """List the calendars that working time is counted by."""
    with caller.transaction() as conn:
        found = rows(conn, "settings.calendars", code=None)
    return Calendars(items=[Calendar(**terms(row)) for row in found])


@router.post("", operation_id="createCalendar", responses=answers(EXAMPLE, 409, 413))
def create_calendar(caller: Writer, given: NewCalendar) -> Calendar:
    """Make a calendar; refused where it makes no working time."""
    require_desk(caller)
    said = given.model_dump(exclude={"code", "why", "week"})
    with caller.transaction() as conn:
        draft = Draft(hours=_text(given.week), **said)
        calendars.create(conn, given.code, draft, Change(caller.actor, caller.now(), given.why))
        return _one(conn, given.code)


@router.get("/{code}", operation_id="getCalendar", responses=answers(EXAMPLE, 404))
def get_calendar(caller: Reader, code: Code) -> Calendar:
    """Return one calendar, with who changed it last and who works by it."""
    with caller.transaction() as conn:
        return _one(conn, code)


@router.patch("/{code}", operation_id="changeCalendar", responses=answers(EXAMPLE, 404, 409, 413))
def change_calendar(caller: Writer, code: Code, given: ChangeCalendar) -> Calendar:
    """Change a calendar; what a ticket was promised stands, what is promised from now on follows."""
    require_desk(caller)
    changes = given.model_dump(exclude={"why", "version", "week"}, exclude_unset=True)
    if "week" in given.model_fields_set:
        changes["hours"] = _text(given.week)
    with caller.transaction() as conn:
        said = Change(caller.actor, caller.now(), given.why, given.version)
        calendars.change(conn, code, changes, said)
        return _one(conn, code)


@router.get(
    "/{code}/versions",
    operation_id="listCalendarVersions",
    responses=answers(page_of(VERSION, "/v1/calendars/office/versions"), 404, paged=True),
)
def list_versions(
    caller: Reader, code: Code, given: Annotated[Versions, Query()], request: Request, response: Response
) -> Page[Version]:
    """List who changed a calendar, when, why, and from what to what; the latest first."""
    return versions_page(caller, "calendar", code, given, request, response)


def versions_page(
    caller: Caller, kind: str, code: str, given: Versions, request: Request, response: Response
) -> Page[Version]:
    """Return a page of the versions of a calendar or service level."""
    (before,) = page.decode(f"{kind}-versions", tuple[int], given.cursor, LAST)
    with caller.transaction() as conn:
        if not rows(conn, {"calendar": "settings.calendars", "sla": "settings.levels"}[kind], code=code):
            raise NotFoundError(f"There is no {kind} {code!r}.")
        asked = {"kind": kind, "code": code, "version": before, "limit": given.limit + 1}
        found = rows(conn, "settings.setting_changes", **asked)
    items = [Version(**row) for row in found]
    return page.build(request, response, f"{kind}-versions", items, given.limit, lambda v: (v.version,))


@router.get(
    "/{code}/preview", operation_id="previewCalendar", response_model=Preview, responses=answers(PREVIEW, 404)
)
def preview(caller: Reader, code: Code, given: Annotated[Ahead, Query()]) -> Any:
    """Say when so many hours of work from an instant on are done, and what is worked in four weeks."""
    with caller.transaction() as conn:
        _one(conn, code)
        zone = utility(conn).zone
        calendar = calendars.load(conn, code)
    start = caller.now() if given.from_ is None else instant(given.from_, lambda: zone)
    first = start.astimezone(zone).date()
    return Preview(
        calendar=code,
        timezone=calendar.zone.key,
        **{"from": start},
        hours=given.hours,
        due=calendar.due(start, given.hours * 3600),
        days=[_day(calendar.day(first + timedelta(days=n))) for n in range(7 * WEEKS)],
    )


def _day(day: Day) -> WorkDay:
    shifts = [Span(start=start, end=end) for start, end in day.shifts]
    return WorkDay(day=day.day, kind=day.kind, name=day.name, shifts=shifts)


def _text(week: Week) -> str:
    return hours.of_week(week.model_dump())


def _one(conn: Connection, code: str) -> Calendar:
    found = rows(conn, "settings.calendars", code=code)
    if not found:
        raise NotFoundError(f"There is no calendar {code!r}.", cure="GET /v1/calendars lists them.")
    return Calendar(**terms(found[0]))
