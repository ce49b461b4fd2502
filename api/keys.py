"""API keys: 256 random bits shown once, kept as a prefix to find them by and a SHA-256."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from core.errors import BadDataError, NotFoundError
from sql.pool import Connection
from sql.query import Queries

KeyScope = Literal[
    "customers:read",
    "customers:write",
    "readings:read",
    "events:read",
    "events:write",
    "tickets:read",
    "tickets:write",
    "visits:read",
    "visits:write",
    "plans:read",
    "plans:write",
    "policies:read",
    "policies:write",
    "quarantine:read",
    "quarantine:write",
    "figures:read",
    "messages:read",
    "messages:write",
    "staff:read",
    "staff:write",
    "outages:read",
    "outages:write",
    "settings:read",
    "settings:write",
    "jobs:read",
    "stream:read",
    "metrics:read",
]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
TOUCH_AFTER = timedelta(minutes=1)
SEES_ALL = frozenset({"admin", "operations", "reader"})
MAY_WRITE = frozenset({"admin", "operations", "manager"})

Q = Queries("api")
_FORM = re.compile(r"hw_(?P<prefix>[0-9a-f]{8})_[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Key:
    """A key that was proved: what it is called, what it may do, and whose it is."""

    id: int
    name: str
    scopes: frozenset[str]
    staff_id: int | None
    login: str | None
    roles: frozenset[str]

    @property
    def sees_all(self) -> bool:
        """Whether it sees every customer: it is nobody's, or its owner's role does."""
        return self.staff_id is None or bool(self.roles & SEES_ALL)

    @property
    def may_write(self) -> bool:
        """Whether it may change anything: it is nobody's, or its owner's role may."""
        return self.staff_id is None or bool(self.roles & MAY_WRITE)

    @property
    def actor(self) -> str:
        """How entries name who did it: the member of staff, else the key."""
        return self.login or f"key:{self.name}"


def digest(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def create(  # the table's columns, no more
    conn: Connection,
    name: str,
    scopes: list[str],
    now: datetime,
    *,
    login: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Store a new key and return it; it can't be shown again.

    Raises BadDataError for a scope that doesn't exist, NotFoundError for an unknown member of staff.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadDataError(
            f"No such scope: {', '.join(unknown) or '(none)'}.", cure=f"There are {', '.join(SCOPES)}."
        )
    if not name.strip() or "\x00" in name:
        raise BadDataError("A key needs a name.", cure="Say what uses it, such as `billing`.")
    staff_id = None
    if login is not None:
        row = conn.execute(Q["staff_by_login"], {"login": login}).fetchone()
        if row is None:
            raise NotFoundError(f"No active member of staff has the login {login!r}.")
        staff_id = row[0]
    prefix = secrets.token_hex(4)
    key = f"hw_{prefix}_{secrets.token_hex(32)}"
    conn.execute(
        Q["key_create"],
        {
            "prefix": prefix,
            "sha256": digest(key),
            "name": name.strip(),
            "scopes": sorted(set(scopes)),
            "staff_id": staff_id,
            "now": now,
            "expires_at": expires_at,
        },
    )
    return key


def revoke(conn: Connection, prefix: str, now: datetime) -> str:
    """Revoke the key with this prefix at once and return its name; NotFoundError if there is none."""
    row = conn.execute(Q["key_revoke"], {"prefix": prefix, "now": now}).fetchone()
    if row is None:
        raise NotFoundError(f"No key has the prefix {prefix!r}.", cure="`headwater key list` shows them.")
    return str(row[0])


def verify(conn: Connection, key: str, now: datetime) -> Key | None:
    """Return what a presented key stands for; None if wrong, expired, revoked, or its owner is gone."""
    form = _FORM.fullmatch(key)
    if form is None:
        return None
    row = conn.execute(Q["key_by_prefix"], {"prefix": form["prefix"]}).fetchone()
    if row is None:
        return None
    id_, name, sha256, scopes, expires_at, revoked_at, used_at, staff_id, login, roles, active = row
    if not hmac.compare_digest(digest(key), sha256):
        return None
    if revoked_at is not None or (expires_at is not None and expires_at <= now):
        return None
    if staff_id is not None and not active:
        return None
    if used_at is None or now - used_at > TOUCH_AFTER:
        conn.execute(Q["key_used"], {"id": id_, "now": now, "before": now - TOUCH_AFTER})
    return Key(id_, name, frozenset(scopes), staff_id, login, frozenset(roles or ()))
