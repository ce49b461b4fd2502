"""Service levels as people set them: which there are, what changes them, and what they would promise.

`service/sla.py` applies them. A change holds for tickets opened from then on; what was promised stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.errors import BadDataError, ConflictError, NotFoundError
from service import calendars, sla, versions
from service.versions import Change
from sql.pool import Connection
from sql.query import Queries

Q = Queries("settings")


@dataclass(frozen=True)
class Level:
    """What is promised to tickets of a priority, and of a segment or topic where one is named.

    Hours of the calendar's working time; warned is when this share of them is left (0: not at all).
    """

    code: str
    priority: str
    segment: str | None
    topic: str | None
    calendar: str
    response_h: float
    resolution_h: float
    response_warn_share: float
    resolution_warn_share: float
    escalate_h: float
    active: bool = True


@dataclass(frozen=True)
class Promise:
    """What a level promises to a ticket that is opened at an instant; aware UTC."""

    response_warned: datetime | None
    response_due: datetime
    resolution_warned: datetime | None
    resolution_due: datetime


def create(conn: Connection, level: Level, said: Change) -> None:
    """Put a level on record; ConflictError where there is one for the same tickets, or of that name."""
    _require_sense(conn, level)
    row = conn.execute(Q["make_level"], vars(level)).fetchone()
    if row is None:
        raise ConflictError(
            f"There is a policy {level.code!r}, or one for the same priority, segment and topic.",
            cure="GET /v1/sla lists them: change that one.",
        )
    versions.note(conn, "sla", level.code, row[0], said, None, vars(level))


def change(conn: Connection, code: str, changes: Mapping[str, Any], said: Change) -> None:
    """Change what a level promises; ConflictError where the seen version is past, or BadDataError."""
    row = conn.execute(Q["level_to_change"], {"code": code}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no policy {code!r}.", cure="GET /v1/sla lists them.")
    *values, version = row
    versions.require_seen(conn, "sla", code, version, said)
    before = Level(*values)
    after = replace(before, **changes)
    if after == before:
        return
    _require_sense(conn, after)
    ((version,),) = conn.execute(Q["set_level"], vars(after)).fetchall()
    versions.note(conn, "sla", code, version, said, vars(before), vars(after))


def promise(conn: Connection, code: str, at: datetime) -> Promise:
    """Return by when a ticket opened at `at` under this level is warned of, answered and resolved."""
    policy = sla.policy(conn, code)
    calendar = calendars.load(conn, policy.calendar)
    response, resolution = calendar.due(at, policy.response_s), calendar.due(at, policy.resolution_s)

    def warned(due: datetime, warn_s: int) -> datetime | None:
        return max(at, calendar.before(due, warn_s)) if warn_s else None

    return Promise(
        warned(response, policy.response_warn_s),
        response,
        warned(resolution, policy.resolution_warn_s),
        resolution,
    )


def _require_sense(conn: Connection, level: Level) -> None:
    if level.resolution_h < level.response_h:
        raise BadDataError(
            f"{level.code}: a resolution within {level.resolution_h:g} h would come before the response "
            f"within {level.response_h:g} h.",
            cure="Give the resolution as long, or longer.",
        )
    if not level.active and level.segment is None and level.topic is None:
        raise BadDataError(
            f"{level.code} is for every {level.priority} ticket: without it none could be opened.",
            cure="Change its times instead.",
        )
    if conn.execute(sla.Q["calendar"], {"code": level.calendar}).fetchone() is None:
        raise BadDataError(f"There is no calendar {level.calendar!r}.", cure="GET /v1/calendars lists them.")
