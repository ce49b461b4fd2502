"""Detector policies: who set which, for whom, from when to when, and why. None is ever changed or removed.

A policy that no longer holds is ended. What it may say is the detectors' business, so `Rules` is handed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError
from core.words import Scope
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
#: Scopes that name something that must be there.
NAMED = frozenset({Scope.DMA, Scope.CUSTOMER, Scope.METER})


@dataclass(frozen=True)
class Draft:
    """A policy before it is saved; no `valid_from` means from now on, no `valid_until` for good."""

    detector: str
    scope: str = "default"
    scope_key: str = ""
    params: Mapping[str, float] = field(default_factory=dict)
    enabled: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    exemption: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Told:
    """An event that a preview came to."""

    subject_kind: str
    subject: str
    detector: str
    onset: datetime
    detected: datetime
    cleared: datetime | None
    severity: str
    magnitude: float
    unit: str


@dataclass(frozen=True)
class Week:
    """Events detected in the seven days from `start` on."""

    start: datetime
    without: int
    with_draft: int


@dataclass(frozen=True)
class Preview:
    """What the detector's group would have raised from `start` to `end`, without the draft and with it."""

    group: str
    start: datetime
    end: datetime
    meters: int
    weeks: Sequence[Week]
    without: Sequence[Told]
    with_draft: Sequence[Told]

    def only(self, *, with_draft: bool) -> list[Told]:
        """Return the events that come about only with the draft, or only without it."""
        mine, others = (self.without, self.with_draft)[:: -1 if with_draft else 1]
        known = {(t.subject, t.onset) for t in others}
        return [t for t in mine if (t.subject, t.onset) not in known]


class Rules(Protocol):
    """What the detectors say of a policy."""

    def check(self, draft: Draft) -> None:
        """Refuse a draft for an unknown detector or parameter, or with a value that isn't allowed."""

    def preview(self, draft: Draft, days: int, now: datetime) -> Preview:
        """Return what the last `days` would have brought; BadDataError where that would take too long."""


def require_subject(conn: Connection, draft: Draft) -> None:
    """Raise BadDataError where the DMA, customer or meter that a draft names isn't there (or isn't seen)."""
    if draft.scope in NAMED:
        query = Q[f"policy_{draft.scope}"]
        if conn.execute(query, {"key": draft.scope_key}).fetchone() is None:
            raise BadDataError(f"There is no {draft.scope} {draft.scope_key!r}.", cure="Check scope_key.")
    if (draft.scope == Scope.DEFAULT) != (draft.scope_key == ""):
        raise BadDataError(
            f"Scope {draft.scope} and scope_key {draft.scope_key!r} don't fit.",
            cure="Leave scope_key out for scope default, and give it for every other.",
        )


def create(conn: Connection, draft: Draft, actor: str, now: datetime) -> int:
    """Save a policy and return its id; ConflictError where the same one holds already."""
    require_subject(conn, draft)
    if draft.valid_until is not None and draft.valid_until <= (draft.valid_from or now):
        raise BadDataError("The policy ends before it begins.", cure="Give a later valid_until.")
    given = vars(draft) | {"params": Jsonb(dict(draft.params)), "actor": actor, "now": now}
    same = conn.execute(Q["same_policy"], given).fetchone()
    if same is not None:
        raise ConflictError(f"Policy {same[0]} says the same and holds.", cure="End it first, or leave it.")
    return int(conn.execute(Q["create_policy"], given).fetchall()[0][0])


def end(conn: Connection, policy_id: int, actor: str, why: str, now: datetime) -> None:
    """Let a policy hold no longer; ConflictError if it has ended, NotFoundError where there is none."""
    given: dict[str, Any] = {"id": policy_id, "actor": actor, "why": why, "now": now}
    if conn.execute(Q["end_policy"], given).fetchone() is None:
        row = conn.execute(Q["policy_until"], given).fetchone()
        if row is None:
            raise NotFoundError(f"There is no policy {policy_id}.")
        raise ConflictError(f"Policy {policy_id} ended at {row[0]:%FT%TZ}.", cure="Nothing is left to do.")
