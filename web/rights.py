"""What a role may do in the console, in the words of the API's scopes."""

from api.keys import ROLES_FOR, SCOPES, Key, KeyScope
from service.accounts import Session

_OF_ADMINS: frozenset[KeyScope] = frozenset({"keys:read", "keys:write", "audit:read"})
_OF_PROGRAMS: frozenset[KeyScope] = frozenset({"self:issue"})
_EVERYTHING = frozenset(SCOPES) - _OF_PROGRAMS
_READ = frozenset(scope for scope in _EVERYTHING if scope.endswith(":read")) - _OF_ADMINS
_OF_A_MANAGER: frozenset[KeyScope] = frozenset(
    {
        "customers:write",
        "events:write",
        "tickets:write",
        "visits:write",
        "plans:write",
        "messages:write",
        "staff:write",  # own deputy, absences and ways: the endpoints see to it that it is the own
    }
)


def _closed_to(role: str) -> frozenset[str]:
    return frozenset(scope for scope, roles in ROLES_FOR.items() if role not in roles)


SCOPES_OF: dict[str, frozenset[str]] = {
    "admin": _EVERYTHING,
    "operations": _EVERYTHING - _OF_ADMINS,
    "manager": (_READ - {"webhooks:read"} - _closed_to("manager")) | _OF_A_MANAGER,
    "reader": _READ - _closed_to("reader"),
}


def principal(session: Session) -> Key:
    """Return the session as the API knows who asks: a key that nobody holds, with what the roles may do."""
    scopes = frozenset[str]().union(*(SCOPES_OF.get(role, frozenset()) for role in session.roles))
    return Key(0, "session", scopes, session.staff_id, session.login, session.roles)
