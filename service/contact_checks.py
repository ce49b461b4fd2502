"""Contact data that may no longer hold: who is to be asked, and what came of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from core.errors import BadDataError, ConflictError, NotFoundError
from service import profiles
from sql.pool import Connection
from sql.query import Queries

Q = Queries("profiles")
Outcome = Literal["confirmed", "corrected", "dismissed"]
_BACK = timedelta(days=30)
_MONTH = timedelta(days=30.44)


def settle(conn: Connection, check_id: int, outcome: Outcome, *, actor: str, why: str, at: datetime) -> None:
    """Close a check: the data hold, were corrected, or there is nothing to verify.

    NotFoundError where there is none, ConflictError where somebody has closed it.
    """
    account_no = _lock(conn, check_id)
    given = {"id": check_id, "state": outcome, "actor": actor, "why": why, "at": at, "account_no": account_no}
    conn.execute(Q["settle_check"], given)
    if outcome != "dismissed":
        conn.execute(Q["confirm_contacts"], given)


def correct(
    conn: Connection,
    check_id: int,
    changes: Mapping[str, Any],
    *,
    actor: str,
    why: str,
    at: datetime,
    version: int | None = None,
) -> int:
    """Correct the customer's contact data and close the check; return the profile's version."""
    if not changes or changes.keys() - set(profiles.CONTACTS):
        raise BadDataError("A correction gives phone, email or address.", cure="Other things: the profile.")
    account_no = _lock(conn, check_id)
    new = profiles.change(conn, account_no, changes, actor=actor, why=why, at=at, version=version)
    given = {"id": check_id, "state": "corrected", "actor": actor, "why": why, "at": at}
    conn.execute(Q["settle_check"], given)
    return new


def from_events(conn: Connection, *, at: datetime) -> int:
    """Ask anew where the use of a place has changed for good; return how many checks were opened."""
    return max(conn.execute(Q["doubt_after_events"], {"at": at, "since": at - _BACK}).rowcount, 0)


def from_age(conn: Connection, *, at: datetime, zone: ZoneInfo, months: int, each: int) -> int:
    """Ask about data that nobody has made sure of for `months`, the oldest first; return how many.

    At most `each` new ones a manager (and as many of customers without one), so that a first run doesn't
    bury anybody.
    """
    given = {"at": at, "before": at - months * _MONTH, "each": each, "zone": zone.key}
    return max(conn.execute(Q["doubt_aged"], given).rowcount, 0)


def _lock(conn: Connection, check_id: int) -> str:
    row = conn.execute(Q["lock_check"], {"id": check_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no contact check {check_id}.")
    account_no, state, by, when, why = row
    if state != "open":
        said = f" ({why})" if why else ""
        raise ConflictError(
            f"Contact check {check_id} was {state} by {by} on {when:%Y-%m-%d %H:%M} UTC{said}.",
            cure="Nothing is left to do; to change it again, change the profile.",
        )
    return str(account_no)
