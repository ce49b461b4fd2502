"""What it turned out to be, in codes that can be counted, and what is known to help."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from core.errors import BadDataError, ConflictError, NotFoundError, StaleError, changed
from service.tickets import Actor
from sql.pool import Connection
from sql.query import Queries

Q = Queries("causes")
AGAIN_WITHIN = timedelta(days=90)
By = Literal["customer", "dma", "meter"]


@dataclass(frozen=True)
class Cause:
    """A cause: its labels, the topics of complaints and the groups of findings that it explains."""

    code: str
    zh: str
    en: str
    topics: Sequence[str] = ()
    groups: Sequence[str] = ()
    active: bool = True


@dataclass(frozen=True)
class Guide:
    """A known problem in one language: how it shows, and the steps that put it right."""

    title: str
    symptoms: str
    steps: Sequence[str]


@dataclass(frozen=True)
class Problem:
    """A known problem; it is offered where one of topics, groups or detectors fits. No sector: any."""

    zh: Guide
    en: Guide
    topics: Sequence[str] = ()
    groups: Sequence[str] = ()
    detectors: Sequence[str] = ()
    sectors: Sequence[str] = ()
    cause_code: str | None = None
    active: bool = True


@dataclass(frozen=True)
class Recurring:
    """A cause that came back to a subject: a customer, district or meter.

    `again` counts the tickets opened within AGAIN_WITHIN of the resolution of the one before.
    """

    cause: str
    zh: str
    en: str
    subject: str
    name: str | None
    tickets: int
    again: int
    shortest_rest_days: float | None
    last_resolved_at: datetime
    ticket_ids: list[int]


def add_cause(conn: Connection, cause: Cause, *, actor: Actor, at: datetime) -> None:
    """Add a cause; ConflictError where its code is taken."""
    if conn.execute(Q["add_cause"], _values(cause, actor, at)).fetchone() is None:
        raise ConflictError(
            f"There is a cause {cause.code} already.", cure="Change that one, or take another code."
        )


def change_cause(
    conn: Connection, cause: Cause, *, actor: Actor, at: datetime, version: int | None = None
) -> None:
    """Change a cause's words, or take it out of use; tickets that have it keep it."""
    given = _values(cause, actor, at) | {"version": version}
    if conn.execute(Q["change_cause"], given).fetchone() is None:
        raise _stale(conn, "cause", cause.code)


def add_problem(conn: Connection, problem: Problem, *, actor: Actor, at: datetime) -> int:
    """Add a known problem and return its id."""
    _check_cause(conn, problem)
    return int(conn.execute(Q["add_problem"], _problem(problem, actor, at)).fetchall()[0][0])


def change_problem(
    conn: Connection, id_: int, problem: Problem, *, actor: Actor, at: datetime, version: int | None = None
) -> None:
    """Change a known problem, or take it out of use."""
    _check_cause(conn, problem)
    given = _problem(problem, actor, at) | {"id": id_, "version": version}
    if conn.execute(Q["change_problem"], given).fetchone() is None:
        raise _stale(conn, "known problem", id_)


def recurring(
    conn: Connection,
    by: By,
    since: datetime,
    until: datetime,
    *,
    cause: str | None = None,
    least: int = 2,
    limit: int = 100,
) -> list[Recurring]:
    """Return causes that came at least `least` times among tickets resolved after `since`, up to `until`."""
    given = {"by": by, "since": since, "until": until, "cause": cause, "least": least, "limit": limit}
    return [Recurring(*row) for row in conn.execute(Q["recurring"], given | {"again": AGAIN_WITHIN})]


def _check_cause(conn: Connection, problem: Problem) -> None:
    code = problem.cause_code
    if code is not None and conn.execute(Q["cause_state"], {"id": code}).fetchone() is None:
        raise BadDataError(f"No cause has the code {code!r}.", cure="GET /v1/causes lists them.")


def _stale(conn: Connection, what: str, id_: str | int) -> StaleError | NotFoundError:
    query = "cause_state" if what == "cause" else "problem_state"
    row = conn.execute(Q[query], {"id": id_}).fetchone()
    if row is None:
        return NotFoundError(f"There is no {what} {id_}.")
    version, by, at = row
    return StaleError(
        f"The {what} {id_} was changed by {by} at {at:%Y-%m-%d %H:%M} UTC; its version is {version} now.",
        cure="Look at it again before you change it.",
        more=changed(by, at, version),
    )


def _values(cause: Cause, actor: Actor, at: datetime) -> dict[str, Any]:
    lists = {"topics": list(cause.topics), "groups": list(cause.groups)}
    return vars(cause) | lists | {"actor": actor.name, "at": at}


def _problem(problem: Problem, actor: Actor, at: datetime) -> dict[str, Any]:
    names = ("topics", "groups", "detectors", "sectors")
    lists = {name: list(getattr(problem, name)) for name in names}
    guides = {
        language: Jsonb({"title": g.title, "symptoms": g.symptoms, "steps": list(g.steps)})
        for language, g in (("zh", problem.zh), ("en", problem.en))
    }
    return vars(problem) | lists | guides | {"actor": actor.name, "at": at}
