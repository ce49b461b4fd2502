"""The link by which somebody sets a password: made by an administrator, good once, for a day."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import NotFoundError
from service import accounts, outbox
from service.outbox import URGENT, Outgoing
from service.tickets import Actor
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("accounts")
STAFF = Queries("staff")
LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class Invited:
    """Whose password a link sets."""

    login: str
    name: str


@dataclass(frozen=True)
class Link:
    """A link, by what its address ends with, and where it was mailed to."""

    token: str
    until: datetime
    mailed_to: str | None


def invite(conn: Connection, staff_id: int, *, actor: Actor, at: datetime) -> Link:
    """Make the link of a member of staff and mail it where there is an e-mail; one before is void."""
    token, until = secrets.token_urlsafe(32), at + LIFE
    (found,) = conn.execute(STAFF["account_row"], {"id": staff_id}).fetchall()
    login, name, email, _, language, _ = found
    conn.execute(Q["drop_links"], {"staff_id": staff_id, "at": at})
    row = {"id": _digest(token), "staff_id": staff_id, "at": at, "by": actor.name, "until": until}
    conn.execute(Q["add_link"], row)
    if email:
        ours = utility(conn)
        message = {
            "name": name,
            "login": login,
            "by": actor.name,
            "token": token,
            "until": until.isoformat(),
            "utility": ours.name,
            "timezone": ours.zone.key,
        }
        out = Outgoing(
            kind="password",
            step="password",
            channel="email",
            recipient=email,
            language=language,
            key=f"password:{_digest(token).hex()}",
            message=message,
            rank=URGENT,
            staff_id=staff_id,
        )
        outbox.enqueue(conn, out, at=at)
    return Link(token, until, email)


def whose(conn: Connection, token: str, *, at: datetime) -> Invited:
    """Return whose password a link sets; NotFoundError where it is used, over, replaced or never was."""
    row = conn.execute(Q["link"], {"id": _digest(token), "at": at}).fetchone()
    if row is None:
        raise NotFoundError(
            "This link is used, over or replaced by a later one.",
            cure="An administrator makes a new one.",
        )
    return Invited(*row)


def accept(conn: Connection, token: str, password: str, *, at: datetime) -> Invited:
    """Set the password and use the link up; raises what `whose` and `accounts.set_password` raise."""
    found = whose(conn, token, at=at)
    accounts.set_password(conn, found.login, password, at=at)
    if not conn.execute(Q["use_link"], {"id": _digest(token), "at": at}).rowcount:
        raise NotFoundError("This link was used a moment ago.", cure="An administrator makes a new one.")
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
