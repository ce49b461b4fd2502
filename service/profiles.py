"""A customer's record: one truth, changed in versions, with who and why; and doubts about its contacts."""

from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Literal, get_args

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError, StaleError, changed
from core.words import Sector, Segment, for_readers
from sql.pool import Connection
from sql.query import Queries

Q = Queries("profiles")
Doubt = Literal["bounced", "occupancy_change", "old", "conflicting"]
CONTACTS = ("phone", "email", "address")
LONGEST = 200
MOST_NEEDS = 20


def _one_of(*allowed: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in allowed else for_readers(f"is one of {', '.join(allowed)}")


def _text(value: Any) -> str | None:
    fine = isinstance(value, str) and value.strip() and len(value) <= LONGEST and "\x00" not in value
    return None if fine else for_readers(f"is a text of at most {LONGEST} characters")


def _whole(least: int) -> Callable[[Any], str | None]:
    return lambda value: (
        None
        if type(value) is int and least <= value < 2**31
        else for_readers(f"is a whole number from {least} on")
    )


def _price(value: Any) -> str | None:
    fine = type(value) in {int, float} and isfinite(value) and value >= 0
    return None if fine else for_readers("is a number from 0 on")


def _email(value: Any) -> str | None:
    name, at, host = value.rpartition("@") if _text(value) is None else ("", "", "")
    fine = at and name and host and not any(c.isspace() for c in value)
    return None if fine else for_readers("is an e-mail address")


def _phone(value: Any) -> str | None:
    fine = _text(value) is None and sum(c.isdigit() for c in value) >= 3
    return None if fine else for_readers("is a phone number")


COLUMNS: dict[str, Callable[[Any], str | None]] = {
    "name": _text,
    "sector": _one_of(*Sector),
    "segment": _one_of(*Segment),
    "segment_by": _text,
    "language": _one_of("zh", "en"),
    "address": _text,
    "phone": _phone,
    "email": _email,
    "channel": _text,
    "manager_id": _whole(1),
    "dma_id": _whole(1),
    "tariff_price_m3": _price,
    "shifts": _text,
    "dwellings": _whole(1),
    "household_size": _whole(0),
    "lives_alone": lambda value: None if isinstance(value, bool) else for_readers("is true or false"),
    "category": _text,
    "needs": lambda value: (
        None
        if isinstance(value, list) and len(value) <= MOST_NEEDS and not any(map(_text, value))
        else for_readers(f"is a list of at most {MOST_NEEDS} texts")
    ),
}
"""What may be changed, each with what is wrong with a value, or None."""
NULLABLE = frozenset(
    {
        "address",
        "phone",
        "email",
        "manager_id",
        "dma_id",
        "tariff_price_m3",
        "shifts",
        "household_size",
        "category",
    }
)


def change(
    conn: Connection,
    account_no: str,
    changes: Mapping[str, Any],
    *,
    actor: str,
    why: str,
    at: datetime,
    version: int | None = None,
) -> int:
    """Change columns of a customer and return the version it has then; what changes nothing makes no version.

    `version` is the one the caller saw: if another has come since, ConflictError says who changed what and
    when. BadDataError for a column that can't be changed, or not to this; NotFoundError without the customer.
    A segment given without `segment_by` is the actor's word. Doubts about what is corrected are settled.
    """
    wanted = checked(changes)
    counts = set(wanted)
    if "segment" in wanted:
        wanted.setdefault("segment_by", actor)
    current = lock(conn, account_no)
    if version is not None and version != current["version"]:
        raise stale(conn, account_no, version, current["version"])
    after = {column: value for column, value in wanted.items() if current[column] != value}
    if not after.keys() & counts:
        return int(current["version"])
    if not why.strip():
        raise BadDataError("A change needs a reason.", cure="Say why.")
    before = {column: current[column] for column in after}
    given = {"account_no": account_no, "actor": actor, "why": why, "at": at, "columns": list(after)}
    given |= {"before": Jsonb(before), "after": Jsonb(after), "confirms": True}
    ((new,),) = conn.execute(Q["change_customer"], given).fetchall()
    conn.execute(Q["record_change"], given | {"version": new})
    conn.execute(Q["settle_corrected"], given)
    return int(new)


def undo(
    conn: Connection,
    account_no: str,
    undone: int,
    *,
    actor: str,
    why: str,
    at: datetime,
    version: int | None = None,
) -> int:
    """Put back what the change to version `undone` had replaced, as a new version; return that.

    ConflictError where a later change touched the same columns, NotFoundError where there was no such change.
    """
    lock(conn, account_no)
    given = {"account_no": account_no, "version": undone, "columns": [*COLUMNS, "merged"]}
    found = conn.execute(Q["change_of"], given).fetchall()
    if not found:
        raise NotFoundError(f"Customer {account_no} has no change to version {undone}.")
    columns = [column for column, _, _ in found]
    if "merged" in columns:
        raise ConflictError(
            f"Version {undone} of customer {account_no} came of a merge of two records.",
            cure="Undo the merge, not the change.",
        )
    later = conn.execute(Q["changes_since"], given | {"columns": columns}).fetchall()
    if later:
        raise ConflictError(
            f"Version {undone} of customer {account_no} was built upon: {told(later)}.",
            cure="Undo the later change first, or change the values one by one.",
        )
    before = {column: value for column, value, _ in found}
    return change(conn, account_no, before, actor=actor, why=why, at=at, version=version)


def doubt(
    conn: Connection,
    account_no: str,
    kind: Doubt,
    why: str,
    *,
    at: datetime,
    field: str | None = None,
) -> int | None:
    """Ask somebody to verify a customer's contact data; None where that is asked already.

    `field` is phone, email or address; None means all. One check a customer and kind is open at a time.
    """
    if kind not in get_args(Doubt):
        raise BadDataError(f"No such doubt: {kind}.", cure=f"There are {', '.join(get_args(Doubt))}.")
    given = {"account_no": account_no, "kind": kind, "why": why, "at": at, "field": field}
    row = conn.execute(Q["doubt"], given).fetchone()
    return None if row is None else int(row[0])


def lock(conn: Connection, account_no: str) -> dict[str, Any]:
    """Lock a customer's record and return it, by column; NotFoundError without it."""
    row = conn.execute(Q["lock_customer"], {"account_no": account_no}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no customer {account_no}.")
    found: dict[str, Any] = row[0]
    return found


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes of a profile as they are stored; BadDataError for what can't be."""
    unknown = sorted(changes.keys() - COLUMNS.keys())
    if unknown:
        raise BadDataError(
            f"This can't be changed in a profile: {', '.join(unknown)}.",
            cure=f"There are {', '.join(COLUMNS)}.",
        )
    wanted = {}
    for column, value in changes.items():
        given = value.strip() if isinstance(value, str) else value
        if given == "" and column in NULLABLE:
            given = None
        wrong = None if given is None and column in NULLABLE else COLUMNS[column](given)
        if wrong:
            raise BadDataError(f"{column} can't be that: it {wrong}.", cure=f"It was {value!r:.100}.")
        wanted[column] = str(given) if isinstance(given, str) else given
    return wanted


def stale(conn: Connection, account_no: str, seen: int, now: int) -> StaleError:
    """Return the error for who saw a version that is not the present one: who changed what since."""
    given = {"account_no": account_no, "version": seen, "columns": list(COLUMNS)}
    rows = conn.execute(Q["changes_since"], given).fetchall()
    changes = f": {told(rows)}" if rows else ""
    at, by, why = rows[-1][1:4] if rows else (None, "", "")
    return StaleError(
        f"Customer {account_no} is at version {now}, not {seen}{changes}.",
        cure=f"Read it again, and change version {now} if it still is to be changed.",
        more=changed(by, at, now, why=why) if rows else None,
    )


def told(rows: list[tuple[Any, ...]]) -> str:
    """Say who changed what and when, a part a version."""
    parts: dict[int, list[str]] = {}
    who: dict[int, str] = {}
    for version, at, actor, why, column, before, after in rows:
        who[version] = f"{actor} on {at:%Y-%m-%d %H:%M} UTC ({why})"
        parts.setdefault(version, []).append(f"{column} from {before!r} to {after!r}")
    return "; ".join(f"{who[version]} changed {', '.join(parts[version])}" for version in parts)
