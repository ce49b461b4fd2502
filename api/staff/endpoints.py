"""/v1/staff: who is there, what lies on whose desk, absences, hand-overs."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, Name, instant
from api.page import Page
from api.rows import Row, filtered, rows
from api.staff.rights import actor, own_or_desk, require_admin, require_desk
from api.staff.schemas import (
    BRIEF,
    DETAIL,
    HANDED,
    LEFT,
    LOAD,
    AbsenceShown,
    ChangeStaff,
    HandedOver,
    HandOver,
    HasLeft,
    Leave,
    Load,
    NewAbsence,
    NewStaff,
    StaffBrief,
    StaffDetail,
    StaffFilter,
    TakeBack,
)
from core.errors import ForbiddenError, NotFoundError
from service import employees, handover, leaving, routing, staff
from service.employees import Employee
from service.handover import Handed, Order
from service.staff import Absence
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/staff", tags=["staff"])
Reader = Annotated[Caller, needs("staff:read")]
Writer = Annotated[Caller, needs("staff:write")]
Login = Annotated[Name, Path(description="Login.")]
ACCOUNT = {"name", "email", "phone", "language", "roles"}
ANY = {"login": None, "region": None, "active": None, "after": "", "limit": 1}


@router.get("", operation_id="listStaff", responses=answers(page_of(BRIEF, "/v1/staff"), paged=True))
def list_staff(
    caller: Reader, given: Annotated[StaffFilter, Query()], request: Request, response: Response
) -> Page[StaffBrief]:
    """List staff by login, with their loads where the caller may see them."""
    (after,) = page.decode("staff", tuple[str], given.cursor, ("",))
    with caller.transaction() as conn:
        wanted = {"region": given.region, "active": given.active, "after": after, "limit": given.limit + 1}
        found = filtered(conn, "staff.staff", **(ANY | wanted), at=caller.now())
        loads = _loads(caller, conn, found)
    items = [StaffBrief(**row, load=loads.get(row["id"])) for row in found]
    return page.build(request, response, "staff", items, given.limit, lambda s: (s.login,))


@router.post("", operation_id="createStaff", responses=answers(DETAIL, 409, 413))
def create_staff(caller: Writer, given: NewStaff) -> StaffDetail:
    """Take somebody in, for administrators; 409 for a login that is in use. Who goes: leave."""
    require_admin(caller)
    with caller.transaction() as conn:
        said = given.model_dump(exclude={"on_duty_desk"})
        employees.create(conn, Employee(**said, duty_desk=given.on_duty_desk))
        return _detail(caller, conn, given.login)


@router.get("/{login}", operation_id="getStaff", responses=answers(DETAIL, 404))
def get_staff(caller: Reader, login: Login) -> StaffDetail:
    """Return one member of staff, with load and absences."""
    with caller.transaction() as conn:
        return _detail(caller, conn, login)


@router.get("/{login}/load", operation_id="getLoad", responses=answers(LOAD, 404))
def get_load(caller: Reader, login: Login) -> Load:
    """Return what lies on somebody's desk: for oneself, those one is superior to, and operations."""
    with caller.transaction() as conn:
        found = _one(caller, conn, login)
        if not caller.key.sees_all and caller.key.login not in {login, found["superior"]}:
            raise ForbiddenError(f"The load of {login} is for their superior and operations.")
        caller.widen(conn)
        return Load(**staff.loads(conn, [found["id"]], at=caller.now())[found["id"]])


@router.patch("/{login}", operation_id="changeStaff", responses=answers(DETAIL, 404, 409, 413))
def change_staff(caller: Writer, login: Login, given: ChangeStaff) -> StaffDetail:
    """Set the deputy; operations also superior, region and duty desk; administrators also who somebody is.

    Name, e-mail, phone, language and roles; 409 where nobody would be admin any more.
    """
    account = given.model_dump(include=ACCOUNT, exclude_unset=True)
    if account:
        require_admin(caller)
    with caller.transaction() as conn:
        staff_id = own_or_desk(caller, conn, login)
        if given.model_fields_set - {"deputy"}:
            require_desk(caller)
        if account:
            employees.change(conn, staff_id, account)
        changes: dict[str, Any] = {}
        for name in given.model_fields_set & {"deputy", "superior"}:
            value = getattr(given, name)
            changes[f"{name}_id"] = None if value is None else staff.id_of(conn, value)
        if "region" in given.model_fields_set:
            changes["region_id"] = None if given.region is None else _region(conn, given.region)
        if "on_duty_desk" in given.model_fields_set:
            changes["on_duty_desk"] = given.on_duty_desk
        staff.change(conn, staff_id, changes)
        return _detail(caller, conn, login)


@router.post("/{login}/absences", operation_id="planAbsence", responses=answers(DETAIL, 404, 409, 413))
def plan_absence(caller: Writer, login: Login, given: NewAbsence) -> StaffDetail:
    """Plan an absence: what arrives then goes to who stands in; so do urgent tickets when it begins."""
    with caller.transaction() as conn:
        staff_id = own_or_desk(caller, conn, login)
        zone = utility(conn).zone
        start = instant(given.starts_at, lambda: zone)
        end = None if given.ends_at is None else instant(given.ends_at, lambda: zone)
        deputy = None if given.deputy is None else staff.id_of(conn, given.deputy)
        absence = Absence(staff_id, start, end, given.why, deputy)
        staff.plan_absence(conn, absence, actor=actor(caller), at=caller.now())
        return _detail(caller, conn, login)


@router.post(
    "/{login}/absences/{id}/end", operation_id="endAbsence", responses=answers(DETAIL, 404, 409, 413)
)
def end_absence(caller: Writer, login: Login, id_: Annotated[Id, Path(alias="id")]) -> StaffDetail:
    """End an absence now, or call off one that has not begun."""
    with caller.transaction() as conn:
        staff_id = own_or_desk(caller, conn, login)
        mine = rows(conn, "staff.absences", staff_id=staff_id, since="-infinity")
        if id_ not in {row["id"] for row in mine}:
            raise NotFoundError(f"{login} has no absence {id_}.")
        staff.end_absence(conn, id_, at=caller.now())
        return _detail(caller, conn, login)


@router.post("/{login}/hand-over", operation_id="handOver", responses=answers(HANDED, 404, 409, 413))
def hand_over(caller: Writer, login: Login, given: HandOver) -> HandedOver:
    """Hand over all open tickets, or the urgent ones; each receiver gets one message that lists them."""
    with caller.transaction() as conn:
        staff_id = own_or_desk(caller, conn, login)
        caller.widen(conn)
        to_id = None if given.to is None else staff.id_of(conn, given.to)
        order = Order(actor(caller), caller.now(), given.note)
        handed = handover.hand_over_all(conn, staff_id, to_id, order, urgent_only=given.urgent_only)
        return HandedOver(**_named(conn, handed))


@router.post("/{login}/take-back", operation_id="takeBack", responses=answers(HANDED, 404, 409, 413))
def take_back(caller: Writer, login: Login, given: TakeBack | None = None) -> HandedOver:
    """Take back what went to who stood in and is still open there."""
    with caller.transaction() as conn:
        staff_id = own_or_desk(caller, conn, login)
        caller.widen(conn)
        note = given.note if given else ""
        handed = staff.take_back(conn, staff_id, actor=actor(caller), note=note, at=caller.now())
        return HandedOver(**_named(conn, handed))


@router.post("/{login}/leave", operation_id="leave", responses=answers(LEFT, 404, 409, 413))
def leave(caller: Writer, login: Login, given: Leave) -> HasLeft:
    """Hand over everything of somebody who leaves, and close the accounts; nothing stays behind."""
    require_desk(caller)
    with caller.transaction() as conn:
        staff_id = staff.id_of(conn, login, active=False)
        to_id = None if given.to is None else staff.id_of(conn, given.to)
        left = leaving.leave(conn, staff_id, to_id, Order(actor(caller), caller.now(), given.note))
        rest = {name: value for name, value in vars(left).items() if name != "handed"}
        return HasLeft(**_named(conn, left.handed), **rest)


def _one(caller: Caller, conn: Connection, login: str) -> Row:
    found = rows(conn, "staff.staff", **(ANY | {"login": login}), at=caller.now())
    if not found:
        raise NotFoundError(f"There is no member of staff {login!r}.")
    return found[0]


def _detail(caller: Caller, conn: Connection, login: str) -> StaffDetail:
    found = _one(caller, conn, login)
    absences = rows(conn, "staff.absences", staff_id=found["id"], since=caller.now())
    known = caller.key.sees_all or caller.key.login == login
    shown = [AbsenceShown(**(row | ({} if known else {"why": None}))) for row in absences]
    load = _loads(caller, conn, [found]).get(found["id"])
    return StaffDetail(**found, load=load, absences=shown)


def _loads(caller: Caller, conn: Connection, found: list[Row]) -> dict[int, Load]:
    ids = [row["id"] for row in found if caller.key.sees_all or row["id"] == caller.key.staff_id]
    return {id_: Load(**load) for id_, load in staff.loads(conn, ids, at=caller.now()).items()}


def _named(conn: Connection, handed: Handed) -> dict[str, dict[str, int]]:
    wanted = sorted({*handed.tickets, *handed.customers})
    logins = {row["id"]: row["login"] for row in rows(conn, "handover.logins", ids=wanted)}
    return {
        "tickets": {logins[who]: len(ids) for who, ids in handed.tickets.items()},
        "customers": {logins[who]: count for who, count in handed.customers.items()},
    }


def _region(conn: Connection, code: str) -> int:
    row = conn.execute(routing.Q["region_by_code"], {"code": code}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no region {code!r}.")
    return int(row[0])
