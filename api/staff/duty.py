"""/v1/duty: who is on the duty desk when; /v1/regions: the tree of regions."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.answers import answers
from api.auth import Caller, needs
from api.fields import Id, Name, When, instant
from api.rows import rows
from api.staff.rights import actor, require_desk
from api.staff.schemas import REGION, SHIFT, NewShifts, PutRegion, Region, Regions, Roster, Shift
from core.errors import BadDataError, NotFoundError
from service import staff
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1", tags=["staff"])
Reader = Annotated[Caller, needs("staff:read")]
Writer = Annotated[Caller, needs("staff:write")]
AHEAD = timedelta(days=31)


class DutyFilter(BaseModel):
    """Which turns."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: When | None = Field(None, alias="from", description="That end after this; now, unless given.")
    until: When | None = Field(None, alias="to", description="That begin before; 31 days on, unless given.")


@router.get("/duty", operation_id="getRoster", responses=answers({"items": [SHIFT]}))
def get_roster(caller: Reader, given: Annotated[DutyFilter, Query()]) -> Roster:
    """Return the duty roster."""
    with caller.transaction() as conn:
        since, until = (w and instant(w, lambda: utility(conn).zone) for w in (given.since, given.until))
        start = since or caller.now()
        found = rows(conn, "staff.shifts", since=start, until=until or start + AHEAD)
    return Roster(items=[Shift(**row) for row in found])


@router.post("/duty", operation_id="addShifts", responses=answers({"items": [SHIFT]}, 409, 413))
def add_shifts(caller: Writer, given: NewShifts) -> Roster:
    """Put turns on the roster, all or none; 409 where somebody has one at that time."""
    require_desk(caller)
    with caller.transaction() as conn:
        zone = utility(conn).zone
        wanted = [
            staff.Shift(
                _known(conn, shift.login),
                instant(shift.starts_at, lambda: zone),
                instant(shift.ends_at, lambda: zone),
                shift.note,
            )
            for shift in given.shifts
        ]
        made = set(staff.add_shifts(conn, wanted, actor=actor(caller), at=caller.now()))
        span = {"since": min(s.starts_at for s in wanted), "until": max(s.ends_at for s in wanted)}
        found = rows(conn, "staff.shifts", **span)
    return Roster(items=[Shift(**row) for row in found if row["id"] in made])


@router.delete("/duty/{id}", operation_id="dropShift", responses=answers({"items": []}, 404))
def drop_shift(caller: Writer, id_: Annotated[Id, Path(alias="id")]) -> Roster:
    """Take a turn off the roster."""
    require_desk(caller)
    with caller.transaction() as conn:
        staff.drop_shift(conn, id_)
    return Roster(items=[])


@router.get("/regions", operation_id="listRegions", responses=answers({"items": [REGION]}))
def list_regions(caller: Reader) -> Regions:
    """List the regions: who looks after each, and which lies above it."""
    with caller.transaction() as conn:
        return _regions(conn)


@router.put(
    "/regions/{code}", operation_id="putRegion", responses=answers({"items": [REGION]}, 404, 409, 413)
)
def put_region(caller: Writer, code: Annotated[Name, Path()], given: PutRegion) -> Regions:
    """Set a region up, or change its name and place; 409 where it would lie below itself."""
    require_desk(caller)
    with caller.transaction() as conn:
        staff.put_region(conn, code, given.name, given.parent)
        return _regions(conn)


def _known(conn: Connection, login: str) -> int:
    try:
        return staff.id_of(conn, login)
    except NotFoundError as unknown:
        raise BadDataError(unknown.message, cure=unknown.cure) from None


def _regions(conn: Connection) -> Regions:
    return Regions(items=[Region(**row) for row in rows(conn, "staff.regions")])
