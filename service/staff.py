"""Staff: who is away when, who stands in, who is on duty; and how much lies on whose desk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from core.errors import BadDataError, ConflictError, NotFoundError
from service import handover, routing
from service.handover import Handed, Order
from service.tickets import SYSTEM, Actor
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("staff")


@dataclass(frozen=True)
class Absence:
    """A planned absence; `ends_at` None is until further notice, `deputy_id` None the usual deputy."""

    staff_id: int
    starts_at: datetime
    ends_at: datetime | None = None
    why: str = ""
    deputy_id: int | None = None


@dataclass(frozen=True)
class Shift:
    """A turn on the duty desk."""

    staff_id: int
    starts_at: datetime
    ends_at: datetime
    note: str = ""


def id_of(conn: Connection, login: str, *, active: bool = True) -> int:
    """Return the id of a member of staff; NotFoundError if unknown, or with `active` gone."""
    row = conn.execute(Q["by_login"], {"login": login}).fetchone()
    if row is None or (active and not row[1]):
        raise NotFoundError(
            f"Nobody who works here has the login {login!r}.", cure="GET /v1/staff lists them."
        )
    return int(row[0])


def loads(conn: Connection, ids: Sequence[int], *, at: datetime) -> dict[int, dict[str, Any]]:
    """Return what lies on each desk, by staff id: open tickets, deadlines, customers, visits, weight."""
    given = {"ids": list(ids), "at": at, "today": at.astimezone(utility(conn).zone).date()}
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(Q["loads"], given).fetchall()
    return {row.pop("staff_id"): row for row in rows}


def plan_absence(conn: Connection, absence: Absence, *, actor: Actor, at: datetime) -> int:
    """Write a planned absence down; return its id."""
    if absence.ends_at is not None and absence.ends_at <= max(absence.starts_at, at):
        raise BadDataError("The absence ends before it begins, or is over.", cure="Give a later end.")
    if absence.deputy_id == absence.staff_id:
        raise BadDataError("Nobody stands in for themselves.", cure="Name somebody else.")
    given = vars(absence) | {"actor": actor.name, "at": at}
    return int(conn.execute(Q["plan_absence"], given).fetchall()[0][0])


def end_absence(conn: Connection, absence_id: int, *, at: datetime) -> None:
    """End an absence now; one that has not begun is called off. ConflictError if it is over."""
    row = conn.execute(Q["absence"], {"id": absence_id, "at": at}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no absence {absence_id}.")
    begun, over, login = row
    if over:
        raise ConflictError(f"This absence of {login} is over already.")
    query = "end_absence" if begun else "call_off_absence"
    conn.execute(Q[query], {"id": absence_id, "at": at})


def cover(conn: Connection, *, at: datetime) -> list[tuple[int, Handed]]:
    """Hand the urgent tickets of everybody whose absence has begun to who stands in, once an absence."""
    done = []
    note = "The absence begins; urgent tickets go to who stands in."
    order = Order(Actor(SYSTEM), at, note, "absent")
    for absence_id, staff_id in conn.execute(Q["absences_begun"], {"at": at}).fetchall():
        instead = routing.stand_in(conn, staff_id, at)
        try:
            to_id = None if instead is None else instead.id
            handed = handover.hand_over_all(conn, staff_id, to_id, order, urgent_only=True)
        except ConflictError:
            continue  # nobody is there to take them: looked at again with the next run
        conn.execute(Q["cover_absence"], {"id": absence_id, "at": at, "tickets": handed.ticket_ids})
        done.append((staff_id, handed))
    return done


def take_back(conn: Connection, staff_id: int, *, actor: Actor, note: str, at: datetime) -> Handed:
    """Take back what was handed over when an absence began and is still with who got it."""
    ((ids,),) = conn.execute(Q["handed_in_absences"], {"staff_id": staff_id}).fetchall()
    return handover.take_back(conn, staff_id, ids, Order(actor, at, note or "Back from absence.", "back"))


def change(conn: Connection, staff_id: int, changes: Mapping[str, Any]) -> None:
    """Set deputy, superior, region or the standing place on the duty desk."""
    row = conn.execute(Q["staff_row"], {"id": staff_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no member of staff {staff_id}.")
    now = dict(zip(("deputy_id", "superior_id", "region_id", "on_duty_desk"), row, strict=True)) | dict(
        changes
    )
    if now["deputy_id"] == staff_id:
        raise BadDataError("Nobody stands in for themselves.", cure="Name somebody else.")
    if now["superior_id"] == staff_id:
        raise BadDataError("Nobody is superior to themselves.", cure="Name somebody else.")
    conn.execute(Q["set_staff"], now | {"id": staff_id})


def add_shifts(conn: Connection, shifts: Sequence[Shift], *, actor: Actor, at: datetime) -> list[int]:
    """Put turns on the roster, all or none; ConflictError where somebody has one at that time already."""
    made = []
    for shift in shifts:
        if shift.ends_at <= shift.starts_at:
            raise BadDataError("A shift ends before it begins.", cure="Give a later end.")
        row = conn.execute(Q["add_shift"], vars(shift) | {"actor": actor.name, "at": at}).fetchone()
        if row is None:
            raise ConflictError(
                f"This person has a shift at {shift.starts_at:%Y-%m-%d %H:%M} UTC already.",
                cure="Take that one off the roster first.",
            )
        made.append(int(row[0]))
    return made


def drop_shift(conn: Connection, shift_id: int) -> None:
    """Take a turn off the roster."""
    if conn.execute(Q["drop_shift"], {"id": shift_id}).fetchone() is None:
        raise NotFoundError(f"There is no shift {shift_id}.")


def put_region(conn: Connection, code: str, name: str, parent: str | None) -> None:
    """Set a region up, or change it; ConflictError where it would lie below itself."""
    if parent is not None:
        if conn.execute(Q["region_by_code"], {"code": parent}).fetchone() is None:
            raise NotFoundError(f"There is no region {parent!r}.")
        ((circle,),) = conn.execute(Q["region_is_under"], {"code": parent, "above": code}).fetchall()
        if circle:
            raise ConflictError(f"Region {parent} lies below {code}.", cure="Choose another parent.")
    conn.execute(Q["put_region"], {"code": code, "name": name, "parent": parent})
