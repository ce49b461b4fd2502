"""The calendars on record, by which working time is counted; they follow the utility's clock and holidays."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import structlog

from core.errors import BadDataError, SettingsError
from service.worktime import Calendar, check
from sql.pool import Connection
from sql.query import Queries

Q = Queries("deadlines")
log = structlog.get_logger(__name__)


def load(conn: Connection, code: str) -> Calendar:
    """Return the calendar `code`, fit for use.

    Raises SettingsError, with the cure, for one that isn't there or can't work. Where the public holidays of
    the utility's own country aren't known, there are none.
    """
    row = conn.execute(Q["calendar"], {"code": code}).fetchone()
    if row is None:
        raise SettingsError(f"There is no calendar {code!r}.", cure="Insert it, or name one that there is.")
    _, hours, timezone, with_holidays, country, at_home, subdivision, closed, extra = row
    calendar = Calendar(
        code,
        hours,
        ZoneInfo(timezone),
        country=(country or at_home) if with_holidays else "",
        subdivision=subdivision if with_holidays else "",
        closed=frozenset(closed),
        extra=frozenset(extra),
    )
    try:
        check(calendar)
    except BadDataError as problem:
        plain = replace(calendar, country="", subdivision="")
        if country or not _works(plain):
            raise SettingsError(problem.message, cure=problem.cure) from problem
        log.warning("no public holidays known", calendar=code, country=at_home)
        return plain
    return calendar


def _works(calendar: Calendar) -> bool:
    try:
        check(calendar)
    except BadDataError:
        return False
    return True
