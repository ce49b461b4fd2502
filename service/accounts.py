"""Signing in: passwords (argon2id), lock-out after failures, and sessions that end by themselves.

A session is 256 random bits in a cookie; its SHA-256 is what is stored.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import BadDataError, NotFoundError
from sql.pool import Connection
from sql.query import Queries

Q = Queries("accounts")
SHORTEST, LONGEST = 10, 200
MOST_FAILURES = 5
LOCKED = timedelta(minutes=15)
IDLE = timedelta(hours=12)
LIFE = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)

_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))
"""Checked against where a login doesn't exist, so that the answer takes as long."""


@dataclass(frozen=True)
class Checked:
    """Whose login and password these are; nobody's where they are wrong, or while the account is locked."""

    staff_id: int | None
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Session:
    """Who is signed in."""

    id_sha256: bytes
    staff_id: int
    login: str
    name: str
    language: str
    theme: str
    roles: frozenset[str]


def check_password(conn: Connection, login: str, password: str, *, at: datetime) -> Checked:
    """Return whose login and password these are; failures are counted, and lock the account for a while."""
    row = conn.execute(Q["by_login"], {"login": login}).fetchone()
    if row is None or row[1] is None:
        _verified(_NOBODY, password)
        return Checked(None)
    staff_id, stored, failures, locked_until = row
    if locked_until is not None and locked_until > at:
        return Checked(None, locked_until)
    right = _verified(stored, password)
    if locked_until is not None or (right and failures):  # counting begins anew when a lock has run out
        conn.execute(Q["succeeded"], {"staff_id": staff_id})
    if not right:
        conn.execute(Q["failed"], {"staff_id": staff_id, "most": MOST_FAILURES, "until": at + LOCKED})
        return Checked(None)
    if _hasher.check_needs_rehash(stored):
        conn.execute(Q["set_password"], {"staff_id": staff_id, "hash": _hasher.hash(password), "at": at})
    return Checked(int(staff_id))


def set_password(
    conn: Connection, login: str, password: str, *, at: datetime, keep: bytes | None = None
) -> None:
    """Set a password and end the sessions of its owner, but for the one to `keep`.

    Raises BadDataError for a password that is too weak, NotFoundError for an unknown login.
    """
    row = conn.execute(Q["by_login"], {"login": login}).fetchone()
    if row is None:
        raise NotFoundError(f"No active member of staff has the login {login!r}.")
    staff_id = row[0]
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadDataError(f"A password has {SHORTEST} to {LONGEST} characters.", cure="Take a sentence.")
    if password.casefold() in {login.casefold(), login.casefold() * 2} or len(set(password)) < 5:
        raise BadDataError("This password is too easy to guess.", cure="Take a sentence.")
    conn.execute(Q["set_password"], {"staff_id": staff_id, "hash": _hasher.hash(password), "at": at})
    conn.execute(Q["close_sessions"], {"staff_id": staff_id, "but": keep})


def by_identity(conn: Connection, subject: str, email: str | None) -> int | None:
    """Return who has an identity at the provider; None for nobody.

    Whoever comes for the first time is the one active member of staff with the e-mail that the provider has
    verified, and stays known by the subject: a later change of either e-mail changes nothing.
    """
    row = conn.execute(Q["by_subject"], {"subject": subject}).fetchone()
    if row is None and email:
        row = conn.execute(Q["take_subject"], {"subject": subject, "email": email}).fetchone()
    return None if row is None else int(row[0])


def forget_identity(conn: Connection, login: str) -> None:
    """Forget by which identity at the provider somebody is known, and end the sessions.

    The next log-in goes by the verified e-mail again. NotFoundError for an unknown login.
    """
    row = conn.execute(Q["forget_subject"], {"login": login}).fetchone()
    if row is None:
        raise NotFoundError(f"No active member of staff has the login {login!r}.")
    conn.execute(Q["close_sessions"], {"staff_id": row[0], "but": None})


def open_session(conn: Connection, staff_id: int, *, at: datetime, agent: str = "", address: str = "") -> str:
    """Open a session and return what its cookie holds."""
    token = secrets.token_urlsafe(32)
    values = {"id": _digest(token), "staff_id": staff_id, "at": at, "until": at + LIFE}
    conn.execute(Q["open_session"], values | {"agent": agent[:200], "address": address[:64]})
    return token


def session(conn: Connection, token: str, *, at: datetime) -> Session | None:
    """Return who holds the cookie; None when it is unknown, idle for too long, over, or its owner is gone."""
    row = conn.execute(Q["session"], {"id": _digest(token), "at": at, "idle": at - IDLE}).fetchone()
    if row is None:
        return None
    id_, seen_at, _, staff_id, login, name, language, theme, roles = row
    if at - seen_at > SEEN_EVERY:
        conn.execute(Q["session_seen"], {"id": id_, "at": at})
    return Session(id_, staff_id, login, name, language, theme, frozenset(roles))


def close_session(conn: Connection, token: str) -> None:
    """End a session."""
    conn.execute(Q["close_session"], {"id": _digest(token)})


@dataclass(frozen=True)
class OpenSession:
    """A session of somebody, by the first digits of what is stored of it."""

    start: str
    own: bool
    created_at: datetime
    seen_at: datetime
    agent: str
    address: str


def sessions(conn: Connection, staff_id: int, own: bytes, *, at: datetime) -> list[OpenSession]:
    """Return the sessions of somebody that are not over, the latest used first."""
    found = conn.execute(Q["sessions"], {"staff_id": staff_id, "at": at, "idle": at - IDLE})
    return [OpenSession(id_.hex()[:16], id_ == own, *row) for id_, *row in found]


def end_session(conn: Connection, staff_id: int, start: str, own: bytes) -> None:
    """End a session of somebody, but not the `own`; NotFoundError where there is none."""
    given = {"staff_id": staff_id, "start": start if start.isalnum() else "-", "but": own}
    if len(start) < 16 or not conn.execute(Q["close_one"], given).rowcount:
        raise NotFoundError("This session is over already.")


def end_others(conn: Connection, staff_id: int, own: bytes) -> None:
    """End the sessions of somebody, but not the `own`."""
    conn.execute(Q["close_sessions"], {"staff_id": staff_id, "but": own})


def prefer(conn: Connection, staff_id: int, *, language: str | None = None, theme: str | None = None) -> None:
    """Set the language or theme that somebody reads in."""
    conn.execute(Q["prefer"], {"staff_id": staff_id, "language": language, "theme": theme})


def looked_at(conn: Connection, staff_id: int) -> datetime | None:
    """Return when somebody last said that they have seen what is new."""
    ((at,),) = conn.execute(Q["looked_at"], {"staff_id": staff_id}).fetchall()
    return None if at is None else at


def looked(conn: Connection, staff_id: int, *, at: datetime) -> None:
    """Note that somebody has seen what is new up to now."""
    conn.execute(Q["looked"], {"staff_id": staff_id, "at": at})


def _verified(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
