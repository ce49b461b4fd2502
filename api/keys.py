"""API keys: 256 random bits shown once, kept as a prefix to find them by and a SHA-256."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from psycopg.rows import dict_row

from core.errors import BadDataError, ConflictError, ForbiddenError, NotFoundError
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
    "webhooks:read",
    "webhooks:write",
    "metrics:read",
    "keys:read",
    "keys:write",
    "audit:read",
    "self:issue",
]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
TOUCH_AFTER = timedelta(minutes=1)
LONGEST_GRACE = timedelta(days=30)
SEES_ALL = frozenset({"admin", "operations", "reader"})
MAY_WRITE = frozenset({"admin", "operations", "manager"})
_MACHINE_ROOM = frozenset({"admin", "operations"})
ROLES_FOR: dict[str, frozenset[str]] = {
    "quarantine:read": _MACHINE_ROOM,
    "quarantine:write": _MACHINE_ROOM,
    "jobs:read": _MACHINE_ROOM,
    "metrics:read": _MACHINE_ROOM,
    "messages:read": MAY_WRITE,
}
"""What is not for every role, whatever scopes a person's key was given: payloads, jobs, who was sent what."""

Q = Queries("access")
_FORM = re.compile(r"hw_(?P<prefix>[0-9a-f]{8})_[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Key:
    """A key that was proved, or what stands in its place: what it may do, and whose it is.

    A session of the console has no id and no prefix; a customer's token has the account number, and the
    prefix of the key that issued it.
    """

    id: int | None
    name: str
    scopes: frozenset[str]
    staff_id: int | None
    login: str | None
    roles: frozenset[str]
    prefix: str | None = None
    expires_at: datetime | None = None
    requests_a_minute: int | None = None
    account_no: str | None = None

    @property
    def sees_all(self) -> bool:
        """Whether it sees every customer: it is nobody's, or its owner's role does."""
        return self.account_no is None and (self.staff_id is None or bool(self.roles & SEES_ALL))

    @property
    def may_write(self) -> bool:
        """Whether it may change anything: it is nobody's, or its owner's role may."""
        return self.staff_id is None or bool(self.roles & MAY_WRITE)

    def role_allows(self, scope: str) -> bool:
        """Whether its owner's role goes with a scope; a key of nobody's is as good as its scopes."""
        return self.staff_id is None or scope not in ROLES_FOR or bool(self.roles & ROLES_FOR[scope])

    @property
    def is_admin(self) -> bool:
        """Whether it may see and manage what concerns everybody's access: it is nobody's, or an admin's."""
        return self.account_no is None and (self.staff_id is None or "admin" in self.roles)

    @property
    def actor(self) -> str:
        """How entries name who did it: the member of staff, else the customer or the key."""
        return self.login or (f"customer:{self.account_no}" if self.account_no else f"key:{self.name}")

    @property
    def via(self) -> str:
        """What was shown at the door: the key by its prefix, else its name (`session`)."""
        return self.prefix or self.name

    @property
    def who(self) -> str:
        """Who asks, for what is kept by caller: stays the same when the key is rotated."""
        return self.actor if self.account_no else f"{self.via}:{self.staff_id or ''}"


def digest(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def create(  # the table's columns, no more
    conn: Connection,
    name: str,
    scopes: Collection[str],
    now: datetime,
    *,
    login: str | None = None,
    expires_at: datetime | None = None,
    requests_a_minute: int | None = None,
    by: Key | None = None,
) -> str:
    """Store a new key and return it; it can't be shown again.

    `by` is who makes it, None at the command line: nobody gives scopes or a life that they don't have, and
    who is no admin makes keys for oneself.

    Raises BadDataError for a scope or a member of staff that doesn't exist, ForbiddenError for what `by` may
    not give.
    """
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadDataError(
            f"No such scope: {', '.join(unknown) or '(none)'}.", cure=f"There are {', '.join(SCOPES)}."
        )
    if not name.strip() or "\x00" in name:
        raise BadDataError("A key needs a name.", cure="Say what uses it, such as `billing`.")
    if expires_at is not None and expires_at <= now:
        raise BadDataError("The key would have expired already.", cure="Name a later time.")
    if by is not None:
        if not by.is_admin:
            login = login or by.login
        _require_own(by, scopes, expires_at)
        if not by.is_admin and (login != by.login or requests_a_minute is not None):
            raise ForbiddenError("Keys of others, and limits, are for an admin to set.", cure="Ask an admin.")
    staff_id = None
    if login is not None:
        row = conn.execute(Q["staff_by_login"], {"login": login}).fetchone()
        if row is None:
            raise BadDataError(f"No active member of staff has the login {login!r}.", cure="Check it.")
        staff_id = row[0]
    prefix = secrets.token_hex(4)
    key = _secret(prefix)
    conn.execute(
        Q["key_create"],
        {
            "prefix": prefix,
            "sha256": digest(key),
            "name": name.strip(),
            "scopes": sorted(set(scopes)),
            "staff_id": staff_id,
            "now": now,
            "created_by": "" if by is None else by.actor,
            "expires_at": expires_at,
            "requests_a_minute": requests_a_minute,
        },
    )
    return key


def rotate(
    conn: Connection, prefix: str, grace: timedelta, now: datetime, *, by: Key | None = None
) -> tuple[str, datetime]:
    """Give the key with this prefix another secret; return it, and until when the one before is good.

    Only the last secret lives on: of two rotations within a grace, the first one's is over at once.

    Raises NotFoundError, ConflictError for a key that is revoked or expired, ForbiddenError for one that may
    more than `by`.
    """
    if not timedelta() <= grace <= LONGEST_GRACE:
        raise BadDataError(f"The grace is up to {LONGEST_GRACE.days} days.", cure="Choose a shorter one.")
    scopes, expires_at, revoked_at = _held(conn, prefix, by)
    if revoked_at is not None or (expires_at is not None and expires_at <= now):
        raise ConflictError(f"The key {prefix} is over.", cure="Make a new one.")
    if by is not None:
        _require_own(by, scopes, expires_at)
    key = _secret(prefix)
    conn.execute(
        Q["key_rotate"], {"prefix": prefix, "sha256": digest(key), "old_until": now + grace, "now": now}
    )
    return key, now + grace


def revoke(conn: Connection, prefix: str, now: datetime, *, by: Key | None = None) -> None:
    """Revoke the key with this prefix at once, both its secrets; NotFoundError if there is none."""
    _held(conn, prefix, by)
    conn.execute(Q["key_revoke"], {"prefix": prefix, "now": now})


def limit(conn: Connection, prefix: str, requests_a_minute: int | None) -> None:
    """Set how many requests a minute a key may make, None for the setting's; NotFoundError."""
    _held(conn, prefix, None)
    conn.execute(Q["key_limit"], {"prefix": prefix, "requests_a_minute": requests_a_minute})


def verify(conn: Connection, key: str, now: datetime) -> Key | None:
    """Return what a presented key stands for; None if wrong, expired, revoked, or its owner is gone."""
    form = _FORM.fullmatch(key)
    if form is None:
        return None
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(Q["key_by_prefix"], {"prefix": form["prefix"]}).fetchone()
    if row is None:
        return None
    given = digest(key)
    if not any(hmac.compare_digest(given, good) for good in _good(row, now)):
        return None
    if row["last_used_at"] is None or now - row["last_used_at"] > TOUCH_AFTER:
        conn.execute(Q["key_used"], {"id": row["id"], "now": now, "before": now - TOUCH_AFTER})
    known = {column.name: row[column.name] for column in fields(Key) if column.name in row}
    return Key(**known | {"scopes": frozenset(row["scopes"]), "roles": frozenset(row["roles"] or ())})


def issuer(conn: Connection, prefix: str, now: datetime) -> list[bytes]:
    """Return the digests of the key that issues customers' tokens, the present one first; [] if it can't."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(Q["key_by_prefix"], {"prefix": prefix}).fetchone()
    return _good(row, now) if row is not None and "self:issue" in row["scopes"] else []


def _good(row: dict[str, Any], now: datetime) -> list[bytes]:
    """Return the digests of the secrets that a key is known by now."""
    over = row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now)
    if over or (row["staff_id"] is not None and not row["active"]):
        return []
    before = row["old_until"] is not None and row["old_until"] > now
    return [row["key_sha256"], *([row["old_sha256"]] if before else [])]


def _secret(prefix: str) -> str:
    return f"hw_{prefix}_{secrets.token_hex(32)}"


def _held(
    conn: Connection, prefix: str, by: Key | None
) -> tuple[list[str], datetime | None, datetime | None]:
    """Lock a key that `by` may manage; return its scopes, when it expires and when it was revoked."""
    row = conn.execute(Q["key_lock"], {"prefix": prefix}).fetchone()
    if row is None or not (by is None or by.is_admin or row[0] == by.staff_id):
        raise NotFoundError(f"No key has the prefix {prefix!r}.", cure="`headwater key list` shows them.")
    return row[1], row[2], row[3]


def _require_own(by: Key, scopes: Collection[str], expires_at: datetime | None) -> None:
    lacking = sorted(set(scopes) - by.scopes)
    if lacking:
        raise ForbiddenError(
            f"You lack {', '.join(lacking)} yourself: it isn't yours to give.", cure="Ask an admin."
        )
    if by.expires_at is not None and (expires_at is None or expires_at > by.expires_at):
        raise ForbiddenError(
            f"Your own key expires at {by.expires_at:%FT%TZ}: it can't give a longer life.",
            cure="Name an earlier end.",
        )
