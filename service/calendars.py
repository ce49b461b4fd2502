"""The calendars on record, by which working time is counted; they follow the utility's clock and holidays.

A changed calendar holds for what is computed from then on: what a ticket was promised stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from core.errors import BadDataError, ConflictError, NotFoundError, SettingsError
from service import versions
from service.versions import Change
from service.worktime import Calendar, check
from sql.pool import Connection
from sql.query import Queries

Q = Queries("deadlines")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Draft:
    """A calendar as people set it: weekly hours (core.hours), and the days that differ.

    With `holidays` public holidays are off and their make-up days worked: those of `country`, the utility's
    where that is empty.
    """

    hours: str
    holidays: bool = True
    country: str = ""
    subdivision: str = ""
    closed_days: Sequence[date] = ()
    extra_days: Sequence[date] = ()


def create(conn: Connection, code: str, draft: Draft, said: Change) -> None:
    """Put a calendar on record; BadDataError where it makes no working time, or ConflictError."""
    draft = _in_order(draft)
    row = conn.execute(versions.Q["make_calendar"], vars(draft) | {"code": code}).fetchone()
    if row is None:
        raise ConflictError(f"There is a calendar {code!r} already.", cure="Change it, or take another name.")
    _require_work(conn, code, said)
    versions.note(conn, "calendar", code, row[0], said, None, vars(draft))


def change(conn: Connection, code: str, changes: Mapping[str, Any], said: Change) -> None:
    """Change a calendar; refused as by `create`, and with ConflictError where the seen version is past."""
    row = conn.execute(versions.Q["calendar_to_change"], {"code": code}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no calendar {code!r}.", cure="GET /v1/calendars lists them.")
    *values, version = row
    versions.require_seen(conn, "calendar", code, version, said)
    before = Draft(*values)
    after = _in_order(replace(before, **changes))
    if after == before:
        return
    ((version,),) = conn.execute(versions.Q["set_calendar"], vars(after) | {"code": code}).fetchall()
    _require_work(conn, code, said)
    versions.note(conn, "calendar", code, version, said, vars(before), vars(after))


def _in_order(draft: Draft) -> Draft:
    return replace(
        draft,
        country=draft.country.upper(),
        subdivision=draft.subdivision.upper(),
        closed_days=sorted(set(draft.closed_days)),
        extra_days=sorted(set(draft.extra_days)),
    )


def _require_work(conn: Connection, code: str, said: Change) -> None:
    """Refuse a calendar by which nothing would ever be due; whoever calls rolls back."""
    try:
        load(conn, code).due(said.at, 1)
    except SettingsError as problem:
        raise BadDataError(problem.message, cure=problem.cure) from problem


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
