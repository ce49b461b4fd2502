"""By when a ticket is answered and resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import SettingsError
from service.priority import Priority
from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
ROUND_THE_CLOCK = "round_the_clock"


@dataclass(frozen=True)
class Deadlines:
    """The policy that applies and the two instants it gives, aware UTC."""

    sla: str
    response_due: datetime
    resolution_due: datetime


def due(start: datetime, seconds: int, calendar: str) -> datetime:
    """Return the instant `seconds` of service time after `start`.

    Raises SettingsError for a calendar that isn't known; only round the clock is, so far.
    """
    if calendar != ROUND_THE_CLOCK:
        raise SettingsError(
            f"sla_policy names the calendar {calendar!r}, which is not known.",
            cure=f"Set it to '{ROUND_THE_CLOCK}'.",
        )
    return start + timedelta(seconds=seconds)


def by_priority(conn: Connection, priority: Priority, start: datetime) -> Deadlines:
    """Return the deadlines of a ticket of this priority whose clock starts at `start`.

    The green channel is for the urgent, 24 h to the first response and 48 h to the resolution by default;
    for the others the policy of their level applies.
    """
    for code, urgent, level, response_s, resolution_s, calendar in conn.execute(Q["sla_policies"]):
        if urgent == priority.urgent and (urgent or level == priority.level):
            return _deadlines(code, start, response_s, resolution_s, calendar)
    raise SettingsError(
        f"sla_policy has no row for {'urgent' if priority.urgent else priority.level} tickets.",
        cure="Insert one, with its response and resolution times.",
    )


def by_policy(conn: Connection, sla: str, start: datetime) -> Deadlines:
    """Return the deadlines of the policy `sla` for a clock that starts at `start`."""
    for code, _, _, response_s, resolution_s, calendar in conn.execute(Q["sla_policies"]):
        if code == sla:
            return _deadlines(code, start, response_s, resolution_s, calendar)
    raise SettingsError(f"sla_policy has no row {sla!r}.", cure="Insert it, or move its tickets to another.")


def _deadlines(code: str, start: datetime, response_s: int, resolution_s: int, calendar: str) -> Deadlines:
    return Deadlines(code, due(start, response_s, calendar), due(start, resolution_s, calendar))
