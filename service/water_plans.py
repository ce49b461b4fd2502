"""Water plans: what a month may take, how it stands, what is told of it, and what the next one could be."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any, Literal

from core.errors import BadDataError, NotFoundError, StaleError, changed
from service import reach, routing
from service.months import add_months
from service.outbox import NOBODY, Outgoing, enqueue
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("plans")
Stage = Literal["forecast", "80", "100"]
#: Days of a month before which its forecast is not told.
SETTLED_DAYS = 4
#: A plan is proposed to those who had one within so many months.
HELD_MONTHS = 12
COLUMNS = ("account_no", "month", "plan_m3")
LISTED = 200
MOST_M3 = 1e9
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)


@dataclass(frozen=True)
class Told:
    """What notices went out: customers told, messages to managers."""

    plans: int
    customers: int
    managers: int


@dataclass(frozen=True)
class Line:
    """One plan of a file."""

    account_no: str
    month: date
    plan_m3: float


def month_of(at: datetime, conn: Connection) -> date:
    """Return the first day of the utility's month at an instant."""
    return at.astimezone(utility(conn).zone).date().replace(day=1)


def notify(conn: Connection, sectors: Sequence[str], *, at: datetime) -> Told:
    """Tell what plans have come to: the forecast passes the plan, 80 %, 100 %; each once a plan.

    What was passed at once is told once, as the latest of it. Managers get one message with all of theirs, or
    who stands in while they are away; the customers of `sectors` one each. A forecast that a ticket tells
    already isn't told to the manager.
    """
    home = utility(conn)
    today = at.astimezone(home.zone).date()
    month = today.replace(day=1)
    given = {"month": month, "settled": today.day > SETTLED_DAYS, "sectors": list(sectors), "at": at}
    rows = conn.execute(Q["notice"], given).fetchall()
    managers = 0
    for staff_id, plans in _by_addressee(
        conn, [r for r in rows if r[0] is not None and not r[10]], at
    ).items():
        facts = {"month": f"{month}", "utility": home.name, "count": len(plans), "plans": plans[:LISTED]}
        for out in _to_manager(conn, staff_id, f"{today}", facts, at):
            managers += enqueue(conn, out, at=at) is not None
    return Told(len(rows), rows[0][9] if rows else 0, managers)


def _by_addressee(
    conn: Connection, rows: Sequence[tuple[Any, ...]], at: datetime
) -> dict[int, list[dict[str, Any]]]:
    """Return the plans to be told by member of staff: the manager, a deputy, else whom routing names."""

    whose: dict[tuple[int, int | None], int] = {}  # of one manager and district all go the same way
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        place = row[0], row[11]
        if place not in whose:
            person = routing.stand_in(conn, row[0], at)
            whose[place] = person.id if person else routing.find(conn, row[1], row[11], at).staff_id or row[0]
        staff_id = whose[place]
        in_place_of = row[12] if staff_id != row[0] else None
        found.setdefault(staff_id, []).append(_standing(row) | {"in_place_of": in_place_of})
    return found


def _standing(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("account_no", "customer", "stage", "plan_m3", "used_m3", "forecast_m3", "low_m3", "high_m3")
    return dict(zip(names, row[1:9], strict=True))


def _to_manager(
    conn: Connection, manager_id: int, day: str, facts: Mapping[str, Any], at: datetime
) -> Iterator[Outgoing]:
    ways = reach.of_staff(conn, manager_id, urgent=False, at=at)
    for way in ways or [reach.Way("email", NOBODY, "zh", "")]:
        yield Outgoing(
            kind="plan",
            step="manager",
            channel=way.channel,
            recipient=way.recipient,
            language=way.language,
            key=f"plan:{manager_id}:{day}:{way.channel}:{way.recipient}",
            message={**facts, "to": way.name},
            staff_id=manager_id,
            problem=None if ways else f"member of staff {manager_id} has no address",
        )


def propose(conn: Connection, month: date, *, at: datetime) -> int:
    """Propose the plans of a month to who held one and has none yet; return how many are new or changed.

    The same month last year, times what the newest six months (at least three) are to theirs of the year
    before, each taken by the day; else the median of the last twelve. The band is what single months say.
    """
    given = {
        "month": month,
        "running": month_of(at, conn),
        "since": add_months(month, -HELD_MONTHS),
        "days": (add_months(month, 1) - month).days,
        "at": at,
    }
    return conn.execute(Q["propose"], given).rowcount


def accept(conn: Connection, month: date, accounts: Sequence[str] | None, *, actor: str, at: datetime) -> int:
    """Agree to the proposals of a month, of some customers or of all that are seen; return how many."""
    given = {
        "month": month,
        "accounts": None if accounts is None else list(accounts),
        "actor": actor,
        "at": at,
    }
    return int(conn.execute(Q["accept"], given).fetchall()[0][0])


def decline(conn: Connection, month: date, accounts: Sequence[str], *, actor: str, at: datetime) -> int:
    """Decline proposals; return how many were open."""
    given = {"month": month, "accounts": list(accounts), "actor": actor, "at": at}
    return int(conn.execute(Q["decline"], given).fetchall()[0][0])


def put(
    conn: Connection,
    account_no: str,
    month: date,
    plan_m3: float,
    why: str,
    *,
    actor: str,
    at: datetime,
    version: int | None = None,
) -> None:
    """Set a customer's plan of a month; the notices of a changed plan begin anew.

    `version` is the one the caller saw, 0 for none: ConflictError where another has come since.
    """
    given = {
        "account_no": account_no,
        "month": month,
        "plan_m3": plan_m3,
        "why": why,
        "actor": actor,
        "at": at,
    }
    if conn.execute(Q["plan_customer"], given).fetchone() is None:
        raise NotFoundError(f"No customer {account_no}.")
    row = conn.execute(Q["lock_plan"], given).fetchone()
    there = row[1] if row else 0
    if version is not None and version != there:
        said = (
            f"{row[0]:g} m³, by {row[2]}{f' on {row[3]:%Y-%m-%d %H:%M} UTC' if row[3] else ''}"
            if row
            else "none"
        )
        raise StaleError(
            f"The plan of {account_no} for {month:%Y-%m} is version {there}, not {version}: {said}.",
            cure="Look at it, and send its version if you still mean it.",
            more=changed(row[2], row[3], there) if row and row[3] else None,
        )
    conn.execute(Q["put_plan"], given)


def take(conn: Connection, text: str, *, actor: str, why: str, at: datetime) -> tuple[int, int]:
    """Take plans in from CSV text, all of them or none; return how many lines there are and how many change.

    BadDataError names every faulty line (the first twenty), what is wrong with it and what is right.
    """
    lines, faults = read_csv(text)
    accounts = sorted({line.account_no for _, line in lines})
    there = {row[0] for row in conn.execute(Q["accounts_there"], {"accounts": accounts}).fetchall()}
    faults += [
        (number, f"there is no customer {line.account_no!r}")
        for number, line in lines
        if line.account_no not in there
    ]
    if faults:
        told = "; ".join(f"line {number}: {what}" for number, what in sorted(faults)[:20])
        more = f"; and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise BadDataError(
            f"Nothing was taken in. {told}{more}.", cure="Correct these lines, and send the file again."
        )
    given = {
        "accounts": [line.account_no for _, line in lines],
        "months": [line.month for _, line in lines],
        "plans": [line.plan_m3 for _, line in lines],
        "actor": actor,
        "why": why,
        "at": at,
    }
    return len(lines), int(conn.execute(Q["put_plans"], given).fetchall()[0][0])


def read_csv(text: str) -> tuple[list[tuple[int, Line]], list[tuple[int, str]]]:
    """Return the plans of a file with their lines, and the faults with theirs.

    >>> read_csv("account_no,month,plan_m3\\nA-1,2028-02,120.5\\nA-2,2028-13,1\\n")[1]
    [(3, "month '2028-13' is no month such as 2026-12")]
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    lines: list[tuple[int, Line]] = []
    faults: list[tuple[int, str]] = []
    seen: dict[tuple[str, date], int] = {}
    try:
        header = tuple(name.strip() for name in next(reader, []))
        if header != COLUMNS:
            return [], [(1, f"the header is {','.join(header)!r}, not {','.join(COLUMNS)!r}")]
        for values in reader:
            number = reader.line_num
            if not values:
                continue
            try:
                line = _line(values)
            except ValueError as problem:
                faults.append((number, str(problem)))
                continue
            key = line.account_no, line.month
            if key in seen:
                faults.append((number, f"{key[0]} {key[1]:%Y-%m} stands on line {seen[key]} already"))
            seen.setdefault(key, number)
            lines.append((number, line))
    except csv.Error as problem:
        faults.append((reader.line_num, f"not CSV ({problem})"))
    return lines, faults


def parse_month(text: str) -> date:
    """Return the first day of a month written as 2026-12; ValueError else."""
    match = _MONTH.fullmatch(text)
    if not match or not 1970 <= int(match[1]) < 2200 or not 1 <= int(match[2]) <= 12:
        raise ValueError(f"month {text!r} is no month such as 2026-12")
    return date(int(match[1]), int(match[2]), 1)


def _line(values: Sequence[str]) -> Line:
    if len(values) != len(COLUMNS):
        raise ValueError(f"{len(values)} values where there should be {len(COLUMNS)}")
    account_no, month, plan = (value.strip() for value in values)
    if not account_no or "\x00" in account_no:
        raise ValueError("account_no is missing")
    try:
        plan_m3 = float(plan)
    except ValueError:
        plan_m3 = float("nan")
    if not isfinite(plan_m3) or not 0 <= plan_m3 <= MOST_M3:
        raise ValueError(f"plan_m3 {plan!r} is no volume in m³ (0 to {MOST_M3:.0f})")
    return Line(account_no, parse_month(month), plan_m3)


def explained(basis: str, facts: Mapping[str, Any], language: str) -> str:
    """Say in words what a proposal rests on."""
    english = language != "zh"
    if basis == "median":
        n = facts["months"]
        return (
            f"Median of the last {n} whole months by the day: a year before isn't known well enough."
            if english
            else f"取最近 {n} 个完整月份日均用水的中位数（去年同期数据不足）。"
        )
    base, trend, months = facts["last_year_m3"], facts["trend"], facts["months"]
    if english:
        way = "as much as" if abs(trend) < 0.1 else f"{abs(trend):g} % {'more' if trend > 0 else 'less'} than"
        return f"Last year's {base:g} m³ by the day; the last {months} months used {way} a year before."
    way = (
        "与上年同期持平"
        if abs(trend) < 0.1
        else f"比上年同期{'增加' if trend > 0 else '减少'} {abs(trend):g}%"
    )
    return f"以去年同月用水 {base:g} m³（按日折算）为基数；最近 {months} 个月{way}。"
