"""What there is to talk about at a visit: made of the customer's own data since the last one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from core.errors import NotFoundError
from service.agenda_words import say
from service.months import add_months
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("agenda")
Topic = Literal["cause", "question", "use", "plan", "event", "ticket", "meter", "contact"]
#: What is looked at where nobody has been there yet, and at most.
FIRST, LONGEST = timedelta(days=92), timedelta(days=366)
#: A period whose hours are known to this share is compared with.
KNOWN = 0.8
QUIET = timedelta(days=2)
MOST = 20


@dataclass(frozen=True)
class Item:
    """One thing to talk about; `kind` names the words that say it, `figures` what they are filled with."""

    topic: Topic
    kind: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Customer:
    account_no: str
    kind: str
    cause: dict[str, Any]
    phone: str | None
    email: str | None
    last_id: int | None
    last_at: datetime | None
    last_outcome: dict[str, Any] | None


def make(conn: Connection, visit_id: int, *, at: datetime) -> list[Item]:
    """Return the agenda of a visit as it stands; NotFoundError if there is no such visit."""
    row = conn.execute(Q["visited"], {"id": visit_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no visit {visit_id}.")
    customer = _Customer(*row)
    zone = utility(conn).zone
    since = max(customer.last_at or at - FIRST, at - LONGEST)
    return [
        *cause(customer.cause),
        *_questions(customer, zone),
        *_use(conn, customer.account_no, since, zone, at),
        *_plan(conn, customer.account_no, at.astimezone(zone).date()),
        *_events(conn, customer.account_no, since, zone),
        *_tickets(conn, customer.account_no, since, zone, at),
        *_meters(conn, customer.account_no, zone, at),
        *_contact(conn, customer, zone),
    ]


def as_json(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return the items as they are kept and shown: figures, and the words in both languages."""
    return [
        {
            "topic": item.topic,
            "kind": item.kind,
            "figures": dict(item.figures),
            "zh": say(item.kind, "zh", item.figures),
            "en": say(item.kind, "en", item.figures),
        }
        for item in items
    ]


def cause(of: Mapping[str, Any]) -> Iterator[Item]:
    """Yield why an inspection was planned; nothing of another visit."""
    if of:
        figures = {name: value for name, value in of.items() if name != "hazard"}
        yield Item("cause", f"inspection_{of['hazard']}", figures)


def _questions(customer: _Customer, zone: ZoneInfo) -> Iterator[Item]:
    if customer.last_outcome is not None and customer.last_at is not None:
        asked_on = _day(customer.last_at, zone)
        for text in customer.last_outcome.get("questions", ()):
            yield Item("question", "question", {"text": text, "asked_on": asked_on})


def _use(conn: Connection, account_no: str, since: datetime, zone: ZoneInfo, at: datetime) -> Iterator[Item]:
    first, end = since.astimezone(zone).date(), at.astimezone(zone).date()
    days = (end - first).days
    if days < 1:
        return
    spans = [
        (first, end),
        (first - timedelta(days=days), first),
        (add_months(first, -12), add_months(first, -12) + timedelta(days=days)),
    ]
    asked = {
        "account_no": account_no,
        "since": [_midnight(lo, zone) for lo, _ in spans],
        "until": [_midnight(hi, zone) for _, hi in spans],
    }
    found = {n: (used_m3, hours) for n, used_m3, hours in conn.execute(Q["use_in"], asked)}
    if 1 not in found:
        yield Item("use", "use_unknown", {"days": days})
        return
    used_m3, hours = found[1]
    figures: dict[str, Any] = {"days": days, "used_m3": round(used_m3, 1)}
    for n, name in ((2, "before"), (3, "year")):
        then_m3, known = found.get(n, (0.0, 0))
        if known >= KNOWN * days * 24 and then_m3 > 0:
            figures[f"{name}_m3"] = round(then_m3, 1)
            figures[f"{name}_change"] = round(100 * (used_m3 / hours / (then_m3 / known) - 1))
    yield Item("use", "use" + "".join(f"_{n}" for n in ("before", "year") if f"{n}_m3" in figures), figures)


def _plan(conn: Connection, account_no: str, today: date) -> Iterator[Item]:
    month = today.replace(day=1)
    row = conn.execute(Q["plan_standing"], {"account_no": account_no, "month": month}).fetchone()
    if row is None:
        return
    names = ("plan_m3", "used_m3", "forecast_m3", "low_m3", "high_m3")
    figures = {name: round(v, 1) for name, v in zip(names, row, strict=True) if v is not None}
    if "used_m3" in figures and figures["plan_m3"] > 0:
        figures["share"] = round(100 * row[1] / row[0])
    kind = "plan" if "share" not in figures else "plan_used"
    yield Item("plan", kind if "forecast_m3" not in figures or kind == "plan" else "plan_forecast", figures)


def _events(conn: Connection, account_no: str, since: datetime, zone: ZoneInfo) -> Iterator[Item]:
    asked = {"account_no": account_no, "since": since, "limit": MOST}
    for id_, grp, subject, onset, cleared, magnitude, unit, loss_m3, money in conn.execute(
        Q["events_since"], asked
    ):
        figures = {
            "event_id": id_,
            "group": grp,
            "subject": subject,
            "since": _day(onset, zone),
            "magnitude": round(magnitude, 2),
            "unit": unit,
            "loss_m3": round(loss_m3, 1),
            "money": round(money, 2),
        }
        if cleared is not None:
            figures["until"] = _day(cleared, zone)
        lost = "_lost" if loss_m3 >= 0.05 else ""
        topic: Topic = "meter" if grp == "device" else "event"
        yield Item(topic, f"event_{'open' if cleared is None else 'over'}{lost}", figures)


def _tickets(
    conn: Connection, account_no: str, since: datetime, zone: ZoneInfo, at: datetime
) -> Iterator[Item]:
    asked = {"account_no": account_no, "since": since, "limit": MOST}
    for id_, subject, grp, state, opened, due, resolved, reopened, satisfied in conn.execute(
        Q["tickets_since"], asked
    ):
        figures = {"ticket_id": id_, "subject": subject, "group": grp, "opened_on": _day(opened, zone)}
        if state not in {"resolved", "confirmed"}:
            figures["due_on"] = _day(due, zone)
            kind = "ticket_reopened" if reopened else "ticket_overdue" if due < at else "ticket_open"
        else:
            figures["resolved_on"] = _day(resolved, zone) if resolved else figures["opened_on"]
            kind = "ticket_resolved" + {True: "_satisfied", False: "_dissatisfied", None: ""}[satisfied]
        yield Item("ticket", kind, figures)


def _meters(conn: Connection, account_no: str, zone: ZoneInfo, at: datetime) -> Iterator[Item]:
    found = conn.execute(Q["meters_heard"], {"account_no": account_no}).fetchall()
    quiet = [(serial, heard) for serial, heard in found if heard is None or heard < at - QUIET]
    if found and not quiet:
        yield Item("meter", "meters_heard", {"meters": len(found)})
    for serial, heard in quiet[:MOST]:
        if heard is None:
            yield Item("meter", "meter_never_heard", {"meter": serial})
        else:
            yield Item("meter", "meter_quiet", {"meter": serial, "since": _day(heard, zone)})


def _contact(conn: Connection, customer: _Customer, zone: ZoneInfo) -> Iterator[Item]:
    if not (customer.phone or "").strip() and not (customer.email or "").strip():
        yield Item("contact", "contact_missing")
    doubts = conn.execute(Q["contact_doubts"], {"account_no": customer.account_no})
    for kind, about, why, opened in doubts:
        figures = {"field": about or "all", "why": why, "since": _day(opened, zone)}
        yield Item("contact", f"contact_{kind}", figures)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _day(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).date().isoformat()
