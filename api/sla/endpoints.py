"""/v1/sla: what is promised to whom, who set it, and by when a ticket opened now would be due."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.answers import answers, page_of
from api.auth import Caller, needs
from api.calendars.endpoints import versions_page
from api.calendars.schemas import VERSION, Version, Versions
from api.fields import Name, instant
from api.page import Page
from api.rows import rows
from api.sla.schemas import (
    EXAMPLE,
    PREVIEW,
    ChangeSla,
    NewSla,
    Opened,
    Promised,
    Sla,
    SlaPreview,
    Slas,
)
from api.staff.rights import require_desk
from core.errors import NotFoundError
from service import levels
from service.levels import Level
from service.utility import utility
from service.versions import Change
from sql.pool import Connection

router = APIRouter(prefix="/v1/sla", tags=["settings"])
Reader = Annotated[Caller, needs("settings:read")]
Writer = Annotated[Caller, needs("settings:write")]
Code = Annotated[Name, Path(description="Its code.")]


@router.get("", operation_id="listSla", responses=answers({"items": [EXAMPLE]}))
def list_sla(caller: Reader) -> Slas:
    """List the service levels, the most pressing first."""
    with caller.transaction() as conn:
        return Slas(items=[Sla(**row) for row in rows(conn, "settings.levels", code=None)])


@router.post("", operation_id="createSla", responses=answers(EXAMPLE, 409, 413))
def create_sla(caller: Writer, given: NewSla) -> Sla:
    """Make a service level for a segment, a topic or both; 409 where there is one for the same tickets."""
    require_desk(caller)
    with caller.transaction() as conn:
        level = Level(**given.model_dump(exclude={"why"}))
        levels.create(conn, level, Change(caller.actor, caller.now(), given.why))
        return _one(conn, given.code)


@router.get("/preview", operation_id="previewSla", responses=answers(PREVIEW))
def preview(caller: Reader, given: Annotated[Opened, Query()]) -> SlaPreview:
    """Say by when a ticket opened now, or at an instant, would be due under each level in force."""
    with caller.transaction() as conn:
        at = caller.now() if given.at is None else instant(given.at, lambda: utility(conn).zone)
        found = [row for row in rows(conn, "settings.levels", code=None) if row["active"]]
        items = [
            Promised(
                **{name: row[name] for name in ("code", "priority", "segment", "topic", "calendar")},
                **vars(levels.promise(conn, row["code"], at)),
            )
            for row in found
        ]
    return SlaPreview(at=at, items=items)


@router.get("/{code}", operation_id="getSla", responses=answers(EXAMPLE, 404))
def get_sla(caller: Reader, code: Code) -> Sla:
    """Return one service level."""
    with caller.transaction() as conn:
        return _one(conn, code)


@router.patch("/{code}", operation_id="changeSla", responses=answers(EXAMPLE, 404, 409, 413))
def change_sla(caller: Writer, code: Code, given: ChangeSla) -> Sla:
    """Change what is promised from now on; tickets keep the deadlines they have."""
    require_desk(caller)
    said = given.model_dump(exclude={"why", "version"}, exclude_unset=True)
    with caller.transaction() as conn:
        change = Change(caller.actor, caller.now(), given.why, given.version)
        levels.change(conn, code, said, change)
        return _one(conn, code)


@router.get(
    "/{code}/versions",
    operation_id="listSlaVersions",
    responses=answers(page_of(VERSION, "/v1/sla/normal/versions"), 404, paged=True),
)
def list_versions(
    caller: Reader, code: Code, given: Annotated[Versions, Query()], request: Request, response: Response
) -> Page[Version]:
    """List who changed a service level, when, why, and from what to what; the latest first."""
    return versions_page(caller, "sla", code, given, request, response)


def _one(conn: Connection, code: str) -> Sla:
    found = rows(conn, "settings.levels", code=code)
    if not found:
        raise NotFoundError(f"There is no policy {code!r}.", cure="GET /v1/sla lists them.")
    return Sla(**found[0])
