"""Who may do what about staff: everybody own matters, operations everybody's."""

from api.auth import Caller
from core.errors import ForbiddenError
from service import staff
from service.tickets import Actor
from sql.pool import Connection


def actor(caller: Caller) -> Actor:
    """Return the caller as the rules name who acts."""
    return Actor(caller.actor, caller.key.staff_id)


def require_desk(caller: Caller) -> None:
    """Refuse who sees own customers only."""
    if not caller.key.sees_all:
        raise ForbiddenError("This concerns everybody: it is for operations.", cure="Ask operations.")


def require_admin(caller: Caller) -> None:
    """Refuse who is not admin; a key of nobody's is as good as its scopes."""
    if caller.key.staff_id is not None and "admin" not in caller.key.roles:
        raise ForbiddenError("Accounts are for administrators.", cure="Ask one of them.")


def own_or_desk(caller: Caller, conn: Connection, login: str, *, active: bool = True) -> int:
    """Return the id of a member of staff whom the caller may act for: the own, or for operations any."""
    if not caller.key.sees_all and caller.key.login != login:
        raise ForbiddenError(f"This concerns {login}.", cure="Ask operations.")
    return staff.id_of(conn, login, active=active)
