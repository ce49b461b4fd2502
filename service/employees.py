"""Who works here: people are taken in, what is on record of them changes; an administrator always stays."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.errors import BadDataError, ConflictError, NotFoundError
from service import reach, routing, staff
from sql.pool import Connection
from sql.query import Queries

Q = Queries("staff")
ROLES = ("admin", "operations", "manager", "reader")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Employee:
    """A member of staff as they are taken in; region, superior and deputy by code and login."""

    login: str
    name: str
    email: str | None = None
    phone: str | None = None
    language: str = "zh"
    roles: Sequence[str] = ("manager",)
    region: str | None = None
    superior: str | None = None
    deputy: str | None = None
    duty_desk: bool = False


@contextmanager
def an_admin_stays(conn: Connection) -> Iterator[None]:
    """Undo the block, with ConflictError, where it leaves nobody who is admin and somebody was before."""
    with conn.transaction():
        conn.execute(Q["lock_admins"])
        ((before,),) = conn.execute(Q["admins"]).fetchall()
        yield
        ((after,),) = conn.execute(Q["admins"]).fetchall()
        if before and not after:
            raise ConflictError("Nobody would be admin any more.", cure="Make somebody else admin first.")


def put(conn: Connection, employees: Sequence[Employee]) -> int:
    """Write staff, new or known by login, then who is whose superior and deputy; return how many changed.

    What isn't given of a known one stays, but for language, roles and duty desk.
    """
    for employee in employees:
        _require_name(employee.login, employee.name)
        _require_roles(employee.login, employee.roles)
    given = [vars(employee) | {"roles": list(employee.roles)} for employee in employees]
    with an_admin_stays(conn):
        changed = sum(conn.execute(Q["upsert_staff"], one).rowcount for one in given)
        for one in given:
            conn.execute(Q["link_staff"], one)
    return changed


def create(conn: Connection, employee: Employee) -> None:
    """Take somebody in; ConflictError for a login that is in use, also by who has left.

    BadDataError for a region, superior or deputy that isn't there.
    """
    if not _LOGIN.fullmatch(employee.login):
        raise BadDataError(
            f"{employee.login!r} is no login.",
            cure="Use letters, digits, dots, dashes and underscores, to 60.",
        )
    if conn.execute(Q["by_login"], {"login": employee.login}).fetchone() is not None:
        raise ConflictError(f"The login {employee.login!r} is in use.", cure="Choose another.")
    if employee.region is not None:
        row = conn.execute(routing.Q["region_by_code"], {"code": employee.region}).fetchone()
        if row is None:
            raise BadDataError(f"There is no region {employee.region!r}.", cure="GET /v1/regions lists them.")
    for login in filter(None, (employee.superior, employee.deputy)):
        try:
            staff.id_of(conn, login)
        except NotFoundError as unknown:
            raise BadDataError(unknown.message, cure=unknown.cure) from None
    _require_mail(employee.email)
    put(conn, [employee])


def change(conn: Connection, staff_id: int, changes: Mapping[str, Any]) -> None:
    """Change name, email, phone, language or roles of somebody; ConflictError where no admin is left."""
    row = conn.execute(Q["account_row"], {"id": staff_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no member of staff {staff_id}.")
    login, *values = row
    now = dict(zip(("name", "email", "phone", "language", "roles"), values, strict=True)) | dict(changes)
    _require_name(login, now["name"])
    _require_roles(login, now["roles"])
    _require_mail(changes.get("email"))
    with an_admin_stays(conn):
        conn.execute(Q["set_account"], now | {"id": staff_id})


def _require_name(login: str, name: str) -> None:
    if not name.strip():
        raise BadDataError(f"{login} needs a name.", cure="Write what they are called.")


def _require_roles(login: str, roles: Sequence[str]) -> None:
    wrong = sorted(set(roles) - set(ROLES))
    if wrong or not roles:
        raise BadDataError(
            f"{login}: no role {', '.join(wrong) or '(none)'}.", cure=f"Use {', '.join(ROLES)}."
        )


def _require_mail(address: str | None) -> None:
    if address is not None:
        reach.require_form("email", address)
