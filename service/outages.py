"""Outages: interruptions of the supply, planned and unplanned, from draft to restoration.

Every change is an entry (who, when, from, to, why), none of which is ever changed; what concerns customers
becomes a notice in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import BadDataError, ConflictError, NotFoundError
from service import outage_area, outage_notices, tickets
from service.outage import NEWS_WITHIN, Deed, Outage, lock, note, require_order, save, take
from service.outage_area import Area
from service.tickets import Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
AHEAD = timedelta(hours=24)
"""How long before its start planned work is announced."""
AFTERMATH = timedelta(hours=1)
"""How long after the restoration an outage still explains that somebody has no water."""
MISSING = ("no_water", "low_pressure")
"""Topics of complaints that an outage answers."""
_HOUR = timedelta(hours=1)
_TOLD = ("cause", "reason", "reason_in", "supply", "contact", "starts_at", "expected_end", "end_known")


def announce(
    conn: Connection, outage_id: int, deed: Deed, *, override: bool = False, ahead: timedelta = AHEAD
) -> Outage:
    """Tell everybody concerned; one whose start has passed is announced as begun.

    Planned work that begins within `ahead` is a ConflictError unless `override` and a reason say so.
    """
    outage = take(conn, outage_id, "announce", deed.version)
    if not outage_area.is_somewhere(conn, outage_id):
        raise BadDataError(
            "Nobody lives in the area of this outage.", cure="Give it DMAs, or a list of accounts."
        )
    if outage.expected_end <= deed.at:
        raise BadDataError("The expected end has passed.", cure="Change expected_end first.")
    detail = _require_notice(outage, deed, ahead, override=override)
    new = replace(outage, announced_at=deed.at, first_end=outage.expected_end, state="announced")
    if outage.starts_at <= deed.at:
        new = replace(new, state="started", started_at=outage.starts_at)
    return _save(conn, outage, new, "announced", deed, detail, tell=new.state)


def change(
    conn: Connection,
    outage_id: int,
    changes: Mapping[str, Any],
    deed: Deed,
    *,
    area: Area | None = None,
    tell: bool = True,
    override: bool = False,
    ahead: timedelta = AHEAD,
) -> Outage:
    """Change what is given; customers are told unless `tell` is false. No change, no version.

    `expected_end` None takes the promise back: there will be news, and nobody knows when there will be water.
    """
    outage = take(conn, outage_id, "change", deed.version)
    new = replace(outage, **_with_end(outage, changes, deed.at))
    require_order(new.starts_at, new.expected_end)
    if outage.state == "started" and new.starts_at != outage.starts_at:
        raise BadDataError("It has begun: the start can't be changed.", cure="Leave starts_at out.")
    if outage.announced_at is not None and new.expected_end <= deed.at:
        raise BadDataError("The new end has passed already.", cure="Restore it, or give a later end.")
    detail: dict[str, Any] = {}
    if outage.announced_at is not None and new.starts_at < outage.starts_at:
        detail |= _require_notice(new, deed, ahead, override=override)
    if area is not None:
        before = outage_area.of(conn, outage_id)
        new = replace(new, unread=[vars(line) for line in outage_area.put(conn, outage_id, area)])
        after = outage_area.of(conn, outage_id)
        if after != before:
            detail["area"] = [before.summary(), after.summary()]
    if outage.announced_at is not None and "area" in detail and not outage_area.is_somewhere(conn, outage_id):
        raise BadDataError(
            "Nobody lives in the new area.", cure="Cancel or restore it, or give another area."
        )
    changed = {
        n: [getattr(outage, n), getattr(new, n)] for n in _TOLD if getattr(outage, n) != getattr(new, n)
    }
    if not changed and "area" not in detail:
        return outage
    if {"expected_end", "end_known"} & changed.keys():
        new = replace(new, pressed=None)
    later = outage.state == "started" and new.expected_end > outage.expected_end
    step = ("delayed" if later else "changed") if tell else None
    detail |= {name: [_plain(v) for v in pair] for name, pair in changed.items()} | {"told": tell}
    return _save(conn, outage, new, "changed", deed, detail, tell=step)


def start(conn: Connection, outage_id: int, deed: Deed, *, started_at: datetime | None = None) -> Outage:
    """Note that the water is off, since `started_at` or now."""
    outage = take(conn, outage_id, "start", deed.version)
    since = started_at or deed.at
    if since > deed.at:
        raise BadDataError(
            "It can't have begun in the future.", cure="Leave started_at out, or change starts_at."
        )
    require_order(since, outage.expected_end)
    new = replace(outage, state="started", started_at=since)
    return _save(conn, outage, new, "started", deed, {}, tell="started")


def restore(conn: Connection, outage_id: int, deed: Deed, *, ended_at: datetime | None = None) -> Outage:
    """Note that the water is back, since `ended_at` or now."""
    outage = take(conn, outage_id, "restore", deed.version)
    ended = ended_at or deed.at
    if not (outage.started_at or outage.starts_at) <= ended <= deed.at:
        raise BadDataError("The end lies before the start, or in the future.", cure="Check ended_at.")
    new = replace(outage, state="restored", ended_at=ended)
    return _save(conn, outage, new, "restored", deed, {}, tell="restored")


def cancel(conn: Connection, outage_id: int, deed: Deed) -> Outage:
    """Note that it won't take place; told to those who have been told that it would."""
    outage = take(conn, outage_id, "cancel", deed.version)
    new = replace(outage, state="cancelled")
    return _save(conn, outage, new, "cancelled", deed, {}, tell="cancelled")


def called(conn: Connection, outage_id: int, account_no: str, deed: Deed) -> None:
    """Note that a customer was called; `deed.why` is what was said."""
    outage = lock(conn, outage_id)
    if not outage_area.concerns(conn, outage_id, account_no):
        raise NotFoundError(f"Outage {outage.code} doesn't concern a customer {account_no}.")
    note(conn, outage, "called", deed, account_no=account_no)


@dataclass(frozen=True)
class AtPlace:
    """An outage at a customer's place."""

    id: int
    code: str
    kind: str
    state: str
    cause: str
    reason: str
    reason_in: dict[str, str]
    starts_at: datetime
    started_at: datetime | None
    expected_end: datetime
    end_known: bool
    ended_at: datetime | None


def outages_of_customer(conn: Connection, account_no: str) -> list[AtPlace]:
    """Return the outages at the customer's place that are going on or announced, the earliest first."""
    return _at_place(conn, account_no, ["announced", "started"], None)


def explains(conn: Connection, account_no: str, at: datetime) -> AtPlace | None:
    """Return the outage because of which the customer has no water at `at`, if one is known.

    One that has been restored counts for an hour: the water needs its time. Of several, the last to end.
    """
    found = [
        o
        for o in _at_place(conn, account_no, ["announced", "started", "restored"], at - AFTERMATH)
        if (o.started_at or o.starts_at) <= at
    ]
    return max(found, key=lambda o: (o.ended_at is None, o.expected_end), default=None)


def link(
    conn: Connection, outage_id: int, ticket_id: int, *, at: datetime, actor: str = tickets.SYSTEM
) -> bool:
    """Note that the outage answers the ticket, on the ticket too; return whether that is news."""
    if conn.execute(Q["link_ticket"], {"outage_id": outage_id, "ticket_id": ticket_id}).fetchone() is None:
        return False
    code, expected_end = conn.execute(Q["promise"], {"id": outage_id}).fetchall()[0]
    detail = {"outage_id": outage_id, "outage": code}
    why = f"outage {code}, expected to end {expected_end:%F %H:%M} UTC"
    tickets.note(conn, ticket_id, Entry("outage", why, detail), at=at, actor=actor)
    return True


def answer_complaint(
    conn: Connection, ticket_id: int, account_no: str | None, topic: str, at: datetime
) -> None:
    """Link a complaint of missing water to the outage that explains it, if one does."""
    if account_no is not None and topic in MISSING:
        known = explains(conn, account_no, at)
        if known is not None:
            link(conn, known.id, ticket_id, at=at)


def _answer_complaints(conn: Connection, outage: Outage, at: datetime) -> None:
    """Link what people of the area have complained of already."""
    since = (outage.started_at or outage.starts_at) - AFTERMATH
    given = {"id": outage.id, "since": since, "topics": list(MISSING)}
    for (ticket_id,) in conn.execute(Q["complaints_of_outage"], given).fetchall():
        link(conn, outage.id, ticket_id, at=at)


def _save(
    conn: Connection,
    old: Outage,
    new: Outage,
    kind: str,
    deed: Deed,
    detail: Mapping[str, Any],
    *,
    tell: str | None,
) -> Outage:
    save(conn, new)
    note(conn, new, kind, deed, from_state=old.state, detail=detail)
    if new.state == "started" and old.state != "started":
        _answer_complaints(conn, new, deed.at)
    if tell is not None and new.announced_at is not None:
        before = old if tell in ("changed", "delayed") else None
        outage_notices.write(conn, new, tell, before=before, at=deed.at)
    return replace(new, version=new.version + 1)


def _with_end(outage: Outage, changes: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    given = dict(changes)
    if "expected_end" in given:
        given["end_known"] = given["expected_end"] is not None
        given["expected_end"] = given["expected_end"] or max(at, outage.starts_at) + NEWS_WITHIN
    return given


def _require_notice(outage: Outage, deed: Deed, ahead: timedelta, *, override: bool) -> dict[str, Any]:
    """Refuse planned work on too short a notice; return what is to be noted of an exception."""
    left = outage.starts_at - deed.at
    if outage.kind != "planned" or left >= ahead:
        return {}
    hours = left / _HOUR
    if not (override and deed.why.strip()):
        raise ConflictError(
            f"Planned work is announced {ahead / _HOUR:g} h ahead; this begins in {hours:.1f} h.",
            cure="Move the start, or say override and why it can't wait.",
        )
    return {"override": True, "hours_ahead": round(hours, 1)}


def _at_place(
    conn: Connection, account_no: str, states: list[str], ended_after: datetime | None
) -> list[AtPlace]:
    given = {"account_no": account_no, "states": states, "ended_after": ended_after}
    return [AtPlace(*row) for row in conn.execute(Q["outages_at_place"], given)]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
