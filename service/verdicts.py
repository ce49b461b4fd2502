"""What people say of events: confirmed, or that is normal, with an exemption where asked for.

Both leave what the detectors take as usual. A verdict stands until it is undone; the history keeps both.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError
from service import policies
from service.policies import Draft
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")

Kind = Literal["confirmed", "normal"]
Reach = Literal["event", "meter", "dma", "customer"]


@dataclass(frozen=True)
class Verdict:
    """What is said of an event. `normal` may reach beyond it: to whatever the same detectors find there.

    `scope` event is this one alone; meter, dma and customer exempt its subject or its customer, from now on
    and, if `until` is given, no longer than that.
    """

    verdict: Kind
    scope: Reach = "event"
    until: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class _Judged:
    id: int
    subject_kind: str
    subject: str
    account_no: str | None
    detectors: list[str]
    retracted_at: datetime | None


def give(conn: Connection, event_id: int, verdict: Verdict, actor: str, now: datetime) -> None:
    """Enter a verdict, and make the exemptions it asks for.

    Raises NotFoundError for an unknown event, ConflictError where it was retracted or another verdict stands,
    BadDataError for a scope that the event doesn't have or an end that has passed.
    """
    event = _lock(conn, event_id)
    if event.retracted_at is not None:
        raise ConflictError(f"Event {event_id} was retracted.", cure="There is nothing to judge.")
    standing = conn.execute(Q["standing_verdict"], {"event_id": event_id}).fetchone()
    if standing is not None:
        _, earlier, by, at = standing
        raise ConflictError(
            f"{by} said at {at:%FT%TZ} that event {event_id} is {earlier}.",
            cure="Undo that verdict first.",
        )
    made = [
        policies.create(conn, draft, actor, now)
        for draft in _exemptions(event, verdict, now)
        if not _exempted(conn, draft, now)
    ]
    given = {
        "event_id": event_id,
        "verdict": verdict.verdict,
        "scope": verdict.scope,
        "valid_until": verdict.until,
        "why": verdict.why,
        "policies": made,
        "actor": actor,
        "now": now,
    }
    conn.execute(Q["create_verdict"], given)
    detail = {"by": actor, "scope": verdict.scope, "policies": made}
    if verdict.until is not None:
        detail["until"] = verdict.until.isoformat()
    _enter(conn, event_id, verdict.verdict, verdict.why, detail)


def undo(conn: Connection, event_id: int, why: str, actor: str, now: datetime) -> None:
    """Take the standing verdict back and end its exemptions; ConflictError where none stands."""
    _lock(conn, event_id)
    row = conn.execute(
        Q["undo_verdict"], {"event_id": event_id, "actor": actor, "why": why, "now": now}
    ).fetchone()
    if row is None:
        raise ConflictError(f"No verdict on event {event_id} stands.", cure="Nothing is left to do.")
    for policy_id in row[1]:
        conn.execute(Q["end_policy"], {"id": policy_id, "actor": actor, "why": why, "now": now})
    _enter(conn, event_id, "undone", why, {"by": actor, "verdict": row[0]})


def _lock(conn: Connection, event_id: int) -> _Judged:
    conn.execute(Q["serialise"], {"key": f"verdict on {event_id}"})
    row = conn.execute(Q["event_to_judge"], {"event_id": event_id}).fetchone()
    if row is None:
        raise NotFoundError(f"No event {event_id}.")
    return _Judged(*row)


def _exemptions(event: _Judged, verdict: Verdict, now: datetime) -> list[Draft]:
    if verdict.scope == "event":
        if verdict.until is not None:
            raise BadDataError("An end is for an exemption.", cure="Give a scope, or leave until out.")
        return []
    if verdict.verdict != "normal":
        raise BadDataError("Only what is normal is exempted.", cure="Leave scope out, or say normal.")
    keys = {event.subject_kind: event.subject, "customer": event.account_no}
    key = keys.get(verdict.scope)
    if not key:
        has = ", ".join(sorted(name for name, value in keys.items() if value))
        raise BadDataError(f"Event {event.id} has no {verdict.scope}.", cure=f"It has: {has}.")
    if verdict.until is not None and verdict.until <= now:
        raise BadDataError("The exemption ends before it begins.", cure="Give a later until.")
    why = verdict.why or f"event {event.id} is normal"
    return [
        Draft(
            detector,
            verdict.scope,
            key,
            valid_until=verdict.until,
            exemption="that_is_normal",
            why=why,
        )
        for detector in event.detectors
    ]


def _exempted(conn: Connection, draft: Draft, now: datetime) -> bool:
    given = {"detector": draft.detector, "scope": draft.scope, "scope_key": draft.scope_key}
    until = {"until": draft.valid_until, "now": now}
    return conn.execute(Q["exemption_holds"], given | until).fetchone() is not None


def _enter(conn: Connection, event_id: int, kind: str, why: str, detail: dict[str, Any]) -> None:
    given = {"event_id": event_id, "kind": kind, "why": why, "detail": Jsonb(detail)}
    conn.execute(Q["enter_event"], given)
    conn.execute(Q["wake_notifier"])
