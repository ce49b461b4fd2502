"""By when a ticket is answered and resolved: what its policy promises."""

from dataclasses import dataclass
from datetime import datetime

from core.errors import SettingsError
from service import calendars
from service.priority import Priority
from sql.pool import Connection
from sql.query import Queries

Q = Queries("deadlines")


@dataclass(frozen=True)
class Policy:
    """What is promised, in seconds of working time of its calendar.

    Warned is so long before a deadline (0: not at all), escalated so long past it, and as long again
    each time.
    """

    code: str
    calendar: str
    response_s: int
    resolution_s: int
    response_warn_s: int
    resolution_warn_s: int
    escalate_s: int


@dataclass(frozen=True)
class Deadlines:
    """The policy that applies and the two instants it gives, aware UTC."""

    sla: str
    response_due: datetime
    resolution_due: datetime


def by_priority(
    conn: Connection,
    priority: Priority,
    start: datetime,
    *,
    account_no: str | None = None,
    topic: str | None = None,
) -> Deadlines:
    """Return the deadlines of a ticket of this priority whose clock starts at `start`.

    The green channel is for the urgent, 24 h to the first response and 48 h to the resolution by default;
    for the others the policy of their level applies. One for the ticket's topic goes before one for the
    customer's segment, and that before one for all.
    """
    params = {
        "urgent": priority.urgent,
        "level": priority.level,
        "account_no": account_no,
        "topic": topic,
    }
    row = conn.execute(Q["policy_for"], params).fetchone()
    if row is None:
        raise SettingsError(
            f"sla_policy has no row for {'urgent' if priority.urgent else priority.level} tickets.",
            cure="Insert one, with its response and resolution times.",
        )
    return _from(conn, Policy(*row), start)


def by_policy(conn: Connection, sla: str, start: datetime) -> Deadlines:
    """Return the deadlines of the policy `sla` for a clock that starts at `start`."""
    return _from(conn, policy(conn, sla), start)


def policy(conn: Connection, sla: str) -> Policy:
    """Return the policy of this code; raises SettingsError where there is none."""
    row = conn.execute(Q["policy"], {"code": sla}).fetchone()
    if row is None:
        raise SettingsError(
            f"sla_policy has no row {sla!r}.", cure="Insert it, or move its tickets to another."
        )
    return Policy(*row)


def policies(conn: Connection) -> dict[str, Policy]:
    """Return all policies by code."""
    return {row[0]: Policy(*row) for row in conn.execute(Q["policies"])}


def _from(conn: Connection, policy: Policy, start: datetime) -> Deadlines:
    calendar = calendars.load(conn, policy.calendar)
    return Deadlines(
        policy.code,
        calendar.due(start, policy.response_s),
        calendar.due(start, policy.resolution_s),
    )
