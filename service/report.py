"""What the monthly report is made of: a month's figures, those before it, and what stands behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol, get_args
from zoneinfo import ZoneInfo

from psycopg.rows import class_row

from core.errors import BadDataError
from service import figures, outbox, reach
from service.figures import Dimension, Figures
from service.outbox import NOBODY, Outgoing
from service.utility import utility
from service.volumes import first_of, step
from sql.pool import Connection
from sql.query import Queries

Q = Queries("figures")
ScopeKind = Literal["utility", "region", "manager"]
SCOPES: tuple[ScopeKind, ...] = get_args(ScopeKind)
#: Months in a chart that looks back.
LOOK_BACK = 12
#: Tickets past their deadline that are named.
MISSED = 20
_CAUSES = 12


@dataclass(frozen=True)
class Scope:
    """Whom the report is about: the utility, the region with this code or the manager with this login."""

    kind: ScopeKind = "utility"
    key: str = ""
    name: str = ""


@dataclass(frozen=True)
class Week:
    """A week of the month, from its first day within the month."""

    first: date
    opened: int
    resolved: int


@dataclass(frozen=True)
class Cause:
    """A cause: its tickets resolved in the month, and those where it had been in the 12 months before."""

    code: str
    tickets: int
    again: int
    name_zh: str = ""
    name_en: str = ""


@dataclass(frozen=True)
class Missed:
    """A ticket that is, or was, past its deadline."""

    id: int
    customer: str
    opened_at: datetime
    resolution_due: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class Report:
    """A month's report, as yet without words; instants aware UTC, the zone is the utility's."""

    utility: str
    currency: str
    zone: ZoneInfo
    month: date
    scope: Scope
    as_of: datetime
    running: bool
    now: Figures
    before: Figures | None
    months: Sequence[tuple[date, Figures | None]]
    weeks: Sequence[Week]
    groups: dict[Dimension, Sequence[Figures]]
    causes: Sequence[Cause]
    missed: Sequence[Missed]


class Press(Protocol):
    """Makes a PDF of a report in a language."""

    def pdf(self, report: Report, language: str) -> bytes:
        """Return the PDF."""
        ...


def scope(conn: Connection, kind: ScopeKind, key: str = "") -> Scope:
    """Return whom a report is about, by name; BadDataError for a region or manager that isn't there."""
    if kind == "utility":
        return Scope()
    row = conn.execute(Q[f"{kind}_name"], {"key": key}).fetchone()
    if row is None:
        raise BadDataError(
            f"There is no {kind} {key!r}.", cure="Name a region by its code, a manager by login."
        )
    return Scope(kind, key, str(row[0]))


def load(conn: Connection, month: date, about: Scope, *, at: datetime) -> Report:
    """Gather the report of the month, from the figures that were made of it."""
    supplier = utility(conn)
    months = [step(month, back - LOOK_BACK + 1) for back in range(LOOK_BACK)]
    made = figures.read(conn, months[0], month, dimension=about.kind, key=about.key)
    by_month = {one.month: one for one in made}
    params = figures.span(month, supplier.zone, at) | {
        "zone": supplier.zone.key,
        "last": step(month, 1) - timedelta(days=1),
        "dimension": about.kind,
        "key": about.key,
    }
    groups: dict[Dimension, Sequence[Figures]] = {}
    one: Dimension
    if about.kind == "utility":
        for one in ("manager", "region", "segment"):
            groups[one] = figures.read(conn, month, month, dimension=one)
    elif about.kind == "region":
        groups["manager"] = figures.read(conn, month, month, dimension="region_manager", within=about.key)
    else:
        groups["segment"] = figures.read(conn, month, month, dimension="manager_segment", within=about.key)
    return Report(
        utility=supplier.name,
        currency=supplier.currency,
        zone=supplier.zone,
        month=month,
        scope=about,
        as_of=at,
        running=first_of(at, supplier.zone) == month,
        now=by_month.get(month) or Figures(month, about.kind, about.key),
        before=by_month.get(step(month, -1)),
        months=[(one, by_month.get(one)) for one in months],
        weeks=_rows(conn, "weeks", Week, params),
        groups=groups,
        causes=_rows(conn, "causes", Cause, params | {"limit": _CAUSES}),
        missed=_rows(conn, "missed", Missed, params | {"limit": MISSED}),
    )


def send(conn: Connection, month: date, *, at: datetime) -> int:
    """Put the month's report on its way to every subscriber, once each; return how many are new.

    It is made when it is sent. A subscriber without an e-mail address is a dead row that is seen.
    """
    count = 0
    for staff_id, name, kind, key, language in conn.execute(Q["subscribers"]).fetchall():
        ways = [way for way in reach.of_staff(conn, staff_id, urgent=False, at=at) if way.channel == "email"]
        out = Outgoing(
            kind="report",
            step="monthly",
            channel="email",
            recipient=ways[0].recipient if ways else NOBODY,
            language=language,
            key=f"report:{month:%Y-%m}:{kind}:{key}:{staff_id}",
            message={"month": month.isoformat(), "scope": kind, "key": key, "name": name},
            staff_id=staff_id,
            problem=None if ways else f"{name} has no e-mail address",
        )
        count += outbox.enqueue(conn, out, at=at) is not None
    return count


def _rows(conn: Connection, query: str, form: type[Any], params: dict[str, Any]) -> list[Any]:
    with conn.cursor(row_factory=class_row(form)) as cursor:
        return cursor.execute(Q[query], params).fetchall()
