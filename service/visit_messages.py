"""What is told of visits: a manager's week, the day's agendas, new inspections; and visits by letter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from service import agenda, reach
from service.months import add_months
from service.outbox import NOBODY, Outgoing, enqueue
from service.utility import Utility, utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("visits")
#: A message lists so many visits; a day's message gives so many agendas.
LISTED, AGENDAS = 150, 25
LETTERS = 5_000


@dataclass(frozen=True)
class _Round:
    """One visit on a manager's list, with the open events and tickets that wait there."""

    manager_id: int
    id: int
    due_on: date
    form: str
    kind: str
    cause: dict[str, Any]
    account_no: str
    customer: str
    address: str | None
    phone: str | None
    events: int
    tickets: int


def week(conn: Connection, *, at: datetime) -> int:
    """Tell every manager the visits of next week and what is overdue; return the number of messages."""
    home = utility(conn)
    today = at.astimezone(home.zone).date()
    first = today + timedelta(days=7 - today.weekday())
    span = {"since": None, "until": first + timedelta(days=7), "ids": None}
    return _tell(conn, home, "week", f"{first}", span, {"first": f"{first}", "today": f"{today}"}, at)


def day(conn: Connection, *, at: datetime) -> int:
    """Tell every manager the agendas of today's visits; return the number of messages."""
    home = utility(conn)
    today = at.astimezone(home.zone).date()
    span = {"since": today, "until": today + timedelta(days=1), "ids": None}
    return _tell(conn, home, "day", f"{today}", span, {"first": f"{today}", "today": f"{today}"}, at)


def inspections(conn: Connection, ids: Sequence[int], *, at: datetime) -> int:
    """Tell the managers of inspections that have just been planned; return the number of messages."""
    if not ids:
        return 0
    home = utility(conn)
    today = at.astimezone(home.zone).date()
    span = {"since": None, "until": today + timedelta(days=400), "ids": list(ids)}
    about = {"first": f"{today}", "today": f"{today}"}
    return _tell(conn, home, "inspection", f"{min(ids)}-{max(ids)}", span, about, at)


def letters(conn: Connection, *, at: datetime) -> tuple[int, int]:
    """Send up to `LETTERS` of the visits by letter; return how many were due and how many were sent."""
    today = at.astimezone(utility(conn).zone).date()
    month = today.replace(day=1)
    given = {"today": today, "at": at, "limit": LETTERS, "month": month, "first_month": add_months(month, -3)}
    ((due, sent),) = conn.execute(Q["send_letters"], given).fetchall()
    return int(due), int(sent)


def _tell(
    conn: Connection,
    home: Utility,
    step: str,
    key: str,
    span: dict[str, Any],
    about: dict[str, Any],
    at: datetime,
) -> int:
    rounds = (_Round(*row) for row in conn.execute(Q["rounds"], span).fetchall())
    told = 0
    for manager_id, mine in groupby(rounds, key=lambda r: r.manager_id):
        visits = list(mine)
        with_agenda = AGENDAS if step == "day" else 0
        facts = {
            **about,
            "step": step,
            "utility": home.name,
            "timezone": home.zone.key,
            "count": len(visits),
            "visits": [_shown(conn, v, n < with_agenda, at) for n, v in enumerate(visits[:LISTED])],
        }
        for out in _outgoing(conn, manager_id, step, key, facts, at):
            told += enqueue(conn, out, at=at) is not None
    return told


def _shown(conn: Connection, visit: _Round, with_agenda: bool, at: datetime) -> dict[str, Any]:
    items = agenda.as_json(agenda.make(conn, visit.id, at=at)) if with_agenda else []
    return {
        "id": visit.id,
        "due_on": f"{visit.due_on}",
        "form": visit.form,
        "kind": visit.kind,
        "cause": agenda.as_json(list(agenda.cause(visit.cause))),
        "account_no": visit.account_no,
        "customer": visit.customer,
        "address": visit.address,
        "phone": visit.phone,
        "events": visit.events,
        "tickets": visit.tickets,
        "agenda": items,
    }


def _outgoing(
    conn: Connection, manager_id: int, step: str, key: str, facts: dict[str, Any], at: datetime
) -> Iterator[Outgoing]:
    """Yield the messages to the manager, or to who stands in while the manager is away."""
    ((name, active, away, deputy_id),) = conn.execute(
        Q["stand_in"], {"staff_id": manager_id, "at": at}
    ).fetchall()
    to_id = deputy_id if deputy_id and (away or not active) else manager_id
    ways = reach.of_staff(conn, to_id, urgent=False, at=at)
    stands_in_for = name if to_id != manager_id else None
    for way in ways or [reach.Way("email", NOBODY, "zh", name)]:
        yield Outgoing(
            kind="visit",
            step=step,
            channel=way.channel,
            recipient=way.recipient,
            language=way.language,
            key=f"visit:{step}:{key}:{manager_id}:{way.channel}:{way.recipient}",
            message={**facts, "to": way.name, "stands_in_for": stands_in_for},
            staff_id=to_id,
            problem=None if ways else f"{name} has no address",
        )
