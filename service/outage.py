"""One outage: its row, its states and its history."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError, StaleError, changed
from service.tickets import Actor
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
NEWS_WITHIN = timedelta(hours=2)
"""When there will be news, where nobody can say yet when there will be water."""
_JSON = frozenset({"reason_in", "supply", "unread"})

Step = Literal["announce", "change", "start", "restore", "cancel"]
STEPS: dict[Step, tuple[frozenset[str], str]] = {
    "announce": (frozenset({"draft", "announced"}), "announced"),
    "change": (frozenset({"draft", "announced", "started"}), "changed"),
    "start": (frozenset({"announced"}), "started"),
    "restore": (frozenset({"started"}), "restored"),
    "cancel": (frozenset({"draft", "announced"}), "cancelled"),
}


@dataclass(frozen=True)
class Deed:
    """Who does something, when and why; `version` is the outage's as the actor saw it."""

    actor: Actor
    at: datetime
    why: str = ""
    version: int | None = None


@dataclass(frozen=True)
class Outage:
    """An outage as it stands, held for the rest of the transaction."""

    id: int
    code: str
    kind: str
    state: str
    cause: str
    reason: str
    reason_in: dict[str, str]
    supply: list[dict[str, Any]]
    contact: str
    starts_at: datetime
    expected_end: datetime
    end_known: bool
    announced_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    first_end: datetime | None
    event_id: int | None
    answers_id: int | None
    pressed: str | None
    reminded_for: datetime | None
    unread: list[dict[str, Any]]
    version: int

    def allowed(self) -> list[Step]:
        """Return the steps that this state allows; nothing is announced twice."""
        return allowed(self.state, announced=self.announced_at is not None)


def allowed(state: str, *, announced: bool) -> list[Step]:
    """Return the steps that a state allows; `announced` is whether customers have been told."""
    return [s for s, (states, _) in STEPS.items() if state in states and not (s == "announce" and announced)]


def lock(conn: Connection, outage_id: int) -> Outage:
    """Return the outage and keep others from changing it until the transaction ends."""
    row = conn.execute(Q["lock_outage"], {"id": outage_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no outage {outage_id}.")
    return Outage(*row)


def take(conn: Connection, outage_id: int, step: Step, version: int | None) -> Outage:
    """Lock the outage for a step.

    ConflictError where its state doesn't allow the step, or it isn't any more as the caller saw it.
    """
    outage = lock(conn, outage_id)
    stale = version is not None and version != outage.version
    if step in outage.allowed() and not stale:
        return outage
    row = conn.execute(Q["last_outage_entry"], {"id": outage_id}).fetchone()
    by, at = row or ("", None)
    since = f" since {at:%Y-%m-%d %H:%M} UTC, by {by}" if at else ""
    cure = f"Allowed now: {', '.join(outage.allowed()) or 'nothing'}."
    if stale:
        said = f"Outage {outage.code} is version {outage.version}{since}, not {version}."
        raise StaleError(said, cure=cure, more=changed(by, at, outage.version) if row else None)
    becomes = STEPS[step][1]
    said = f"Outage {outage.code} is {outage.state}{since}: it can't be {becomes}."
    raise ConflictError(said, cure=cure)


def save(conn: Connection, outage: Outage) -> None:
    """Write what may change of an outage, as a new version."""
    columns = {f.name: getattr(outage, f.name) for f in fields(outage)}
    conn.execute(Q["save_outage"], columns | {name: Jsonb(columns[name]) for name in _JSON})


def note(
    conn: Connection,
    outage: Outage,
    kind: str,
    deed: Deed,
    *,
    from_state: str | None = "",
    detail: Mapping[str, Any] | None = None,
    account_no: str | None = None,
) -> None:
    """Append an entry to the outage's history; `from_state` is its state unless said otherwise."""
    conn.execute(
        Q["insert_outage_entry"],
        {
            "outage_id": outage.id,
            "at": deed.at,
            "actor": deed.actor.name,
            "kind": kind,
            "from_state": outage.state if from_state == "" else from_state,
            "to_state": outage.state,
            "why": deed.why,
            "detail": Jsonb(dict(detail or {})),
            "account_no": account_no,
        },
    )


def require_order(starts_at: datetime, expected_end: datetime) -> None:
    """Refuse an outage that ends before it begins."""
    if expected_end <= starts_at:
        raise BadDataError("The outage ends before it begins.", cure="Give a later expected_end.")
