"""Two records of one customer become one, with who, when and why; and the way back."""

from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, ForbiddenError, NotFoundError
from service import profiles
from service.profiles import CONTACTS, NULLABLE, Q
from sql.pool import Connection


def merge(
    conn: Connection,
    account_no: str,
    into_no: str,
    *,
    actor: str,
    why: str,
    at: datetime,
    version: int | None = None,
    staff_id: int | None = None,
) -> int:
    """Let everything of a duplicate go on under `into_no`; return the version that has then.

    The duplicate's number finds the other record from now on, which takes from it what it lacks. Contacts
    that differ become a check, plans and use of a month are added up. `version` is the one of the duplicate
    that the caller saw; of `staff_id`, if given, both must be customers, else ForbiddenError. ConflictError
    where one of the two is merged already, NotFoundError without them, BadDataError for one into itself.
    """
    if account_no == into_no:
        raise BadDataError(f"Customer {account_no} can't be merged into itself.")
    if not why.strip():
        raise BadDataError("A merge needs a reason.", cure="Say why.")
    held = {number: _lock(conn, number) for number in sorted((account_no, into_no))}
    duplicate, survivor = held[account_no], held[into_no]
    if version is not None and version != duplicate["version"]:
        raise profiles.stale(conn, account_no, version, duplicate["version"])
    _own(staff_id, account_no, duplicate["manager_id"])
    _own(staff_id, into_no, survivor["manager_id"])
    after = {c: duplicate[c] for c in sorted(NULLABLE) if survivor[c] is None and duplicate[c] is not None}
    needs = [need for need in duplicate["needs"] if need not in survivor["needs"]]
    if needs:
        after["needs"] = survivor["needs"] + needs
    new = _record(conn, survivor, after, {"merged": (None, account_no)}, actor=actor, why=why, at=at)
    given = {"account_no": account_no, "into_no": into_no, "version": new}
    conn.execute(Q["merge"], given | {"actor": actor, "why": why, "at": at})
    differing = [c for c in CONTACTS if duplicate[c] and survivor[c] and duplicate[c] != survivor[c]]
    if differing:
        told = ", ".join(f"{c} {duplicate[c]}" for c in differing)
        profiles.doubt(
            conn, into_no, "conflicting", f"{account_no}, merged into this record, had {told}", at=at
        )
    return new


def undo(
    conn: Connection,
    account_no: str,
    *,
    actor: str,
    why: str,
    at: datetime,
    staff_id: int | None = None,
) -> int:
    """Give a merged record back what was its own; return the version the other one has then.

    What has come since stays with the other one. ConflictError where its record or a plan that was added up
    has been changed since; NotFoundError where nothing was merged.
    """
    merged = _merged(conn, account_no)
    if merged is None:
        raise NotFoundError(f"No customer {account_no} was merged into another.")
    into_no, record = merged["into_no"], merged["record"]
    survivor = _lock(conn, into_no)
    _own(staff_id, account_no, record["manager_id"])
    _own(staff_id, into_no, survivor["manager_id"])
    given = {"account_no": into_no, "version": merged["version"], "columns": [*profiles.COLUMNS, "merged"]}
    later = conn.execute(Q["changes_since"], given).fetchall()
    if later or survivor["version"] != merged["version"]:
        changes = f": {profiles.told(later)}" if later else ""
        raise ConflictError(
            f"The merge of {account_no} into {into_no} was built upon{changes}.",
            cure="Undo the later change first.",
        )
    plans = conn.execute(Q["plans_changed_since"], {"id": merged["id"]}).fetchall()
    if plans:
        raise ConflictError(
            f"The plan of {into_no} for {plans[0][0]:%Y-%m} was changed since {account_no} was merged.",
            cure="Plans that were added up and changed since can't be told apart.",
        )
    given = {"account_no": into_no, "version": merged["version"], "columns": list(profiles.COLUMNS)}
    before = {column: value for column, value, _ in conn.execute(Q["change_of"], given).fetchall()}
    new = _record(conn, survivor, before, {"merged": (account_no, None)}, actor=actor, why=why, at=at)
    conn.execute(Q["unmerge"], {"id": merged["id"], "actor": actor, "why": why, "at": at})
    return new


def _record(
    conn: Connection,
    current: dict[str, Any],
    after: dict[str, Any],
    told: dict[str, tuple[str | None, str | None]],
    **said: Any,
) -> int:
    """Make a version of the record that goes on, even where no column of it changes."""
    account_no = current["account_no"]
    before = {column: current[column] for column in after}
    given = {"account_no": account_no, **said, "after": Jsonb(after), "confirms": False}
    ((new,),) = conn.execute(Q["change_customer"], given).fetchall()
    entry = {
        "before": Jsonb(before | {name: was for name, (was, _) in told.items()}),
        "after": Jsonb(after | {name: now for name, (_, now) in told.items()}),
    }
    conn.execute(Q["record_change"], given | entry | {"version": new})
    return int(new)


def _lock(conn: Connection, account_no: str) -> dict[str, Any]:
    merged = _merged(conn, account_no)
    if merged is not None:
        raise ConflictError(
            f"Customer {account_no} was merged into {merged['into_no']} by {merged['actor']} on"
            f" {merged['at']:%Y-%m-%d %H:%M} UTC ({merged['why']}).",
            cure=f"Use {merged['into_no']}, or undo that merge.",
        )
    return profiles.lock(conn, account_no)


def _merged(conn: Connection, account_no: str) -> dict[str, Any] | None:
    with conn.cursor(row_factory=dict_row) as cursor:
        found: dict[str, Any] | None = cursor.execute(Q["merged_as"], {"account_no": account_no}).fetchone()
    return found


def _own(staff_id: int | None, account_no: str, manager_id: int | None) -> None:
    if staff_id is not None and manager_id != staff_id:
        raise ForbiddenError(
            f"Customer {account_no} is not yours: only own records are yours to merge.",
            cure="Ask operations.",
        )
