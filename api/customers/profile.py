"""One customer, everything: account number in, the whole record out."""

from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from api.customers.schemas import MOST, Change, Contacts, Day, Manager, Month, Plan, Profile, Use
from api.events.schemas import shaped as event_shaped
from api.fields import midnight
from api.rows import Row, filtered, first, rows
from api.tickets.schemas import shaped as ticket_shaped
from core.errors import NotFoundError
from service import profiles
from service.utility import Utility, utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("profiles")
OUTAGES = Queries("outages")
LATEST = 20
"""Most items of what is over, of answers and of versions."""
LAST = 2**31 - 1


def profile(conn: Connection, account_no: str, now: datetime) -> Profile:
    """Gather the profile; NotFoundError if there is no such customer, or none that the caller may see.

    The number of a record that was merged into another finds the other.
    """
    account_no = number_now(conn, account_no)
    found = first(conn, "customer", account_no=account_no)
    if found is None:
        raise NotFoundError(f"No customer {account_no}.")
    home = utility(conn)
    use = _use(conn, account_no, home, now)
    account: dict[str, Any] = {"account_no": account_no, "limit": MOST}
    latest = {"account_no": account_no, "limit": LATEST}
    coming = {"states": ["announced", "started"], "ended_after": now}
    return Profile.model_validate(
        {
            **found,
            "contacts": Contacts(**found),
            "manager": _manager(found),
            "currency": home.currency,
            "service_points": rows(conn, "customer_points", **account),
            "meters": rows(conn, "customer_meters", **account),
            "use": use,
            "plan": _plan(conn, account_no, use),
            "open_events": [event_shaped(e) for e in _open_events(conn, account)],
            "past_events": [event_shaped(e) for e in _rows(conn, Q["past_events"], latest)],
            "open_tickets": [ticket_shaped(t) for t in _open_tickets(conn, account)],
            "past_tickets": [ticket_shaped(t) for t in _rows(conn, Q["past_tickets"], latest)],
            "visits": rows(conn, "customer_visits", **account),
            "answers": _rows(conn, Q["answers"], latest),
            "outages": _rows(conn, OUTAGES["outages_at_place"], account | coming),
            "doubts": _rows(conn, Q["doubts"], account),
            "changes": changes(conn, account_no, LAST, LATEST),
        },
        by_name=True,
    )


def number_now(conn: Connection, account_no: str) -> str:
    """Return the number that a customer has now; NotFoundError where the caller sees none."""
    row = conn.execute(Q["number_now"], {"account_no": account_no}).fetchone()
    if row is None:
        raise NotFoundError(f"No customer {account_no}.")
    return str(row[0])


def changes(conn: Connection, account_no: str, before: int, limit: int) -> list[Change]:
    """Return the versions before `before`, the latest first."""
    given = {
        "account_no": account_no,
        "version": before,
        "limit": limit,
        "columns": [*profiles.COLUMNS, "merged"],
    }
    return [
        Change(version=version, at=at, actor=actor, why=why, fields=fields or [])
        for version, at, actor, why, fields in conn.execute(Q["changes"], given).fetchall()
    ]


def _rows(conn: Connection, query: bytes, values: dict[str, Any]) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def _manager(found: Row) -> Manager | None:
    if found["manager"] is None:
        return None
    return Manager(
        login=found["manager"],
        name=found["manager_name"],
        email=found["manager_email"],
        phone=found["manager_phone"],
        deputy=found["deputy"],
    )


def _use(conn: Connection, account_no: str, home: Utility, now: datetime) -> Use:
    today = now.astimezone(home.zone).date()
    month, earliest = today.replace(day=1), today - timedelta(days=30)
    found = rows(
        conn,
        "customer_days",
        account_no=account_no,
        zone=home.zone.key,
        since=midnight(min(month, earliest), home.zone),
        until=now,
    )
    days = [Day(day=row["day"], volume_m3=round(row["volume_l"] / 1000, 6)) for row in found]
    months = [
        Month(**row)
        for row in _rows(
            conn, Q["customer_months"], {"account_no": account_no, "after": month - timedelta(days=800)}
        )
    ]
    last_year = month.replace(year=month.year - 1)
    return Use(
        today=today,
        this_month_m3=round(sum(d.volume_m3 for d in days if d.day >= month), 6),
        last_30_days_m3=round(sum(d.volume_m3 for d in days if earliest <= d.day < today), 6),
        days=[d for d in days if d.day >= earliest],
        months=months,
        same_month_last_year_m3=next((m.volume_m3 for m in months if m.month == last_year), None),
    )


def _plan(conn: Connection, account_no: str, use: Use) -> Plan | None:
    month = use.today.replace(day=1)
    row = first(conn, "customer_plan", account_no=account_no, month=month)
    if row is None:
        return None
    share = round(use.this_month_m3 / row["plan_m3"], 6) if row["plan_m3"] else None
    return Plan(month=month, plan_m3=row["plan_m3"], used_share=share, decided_by=row["decided_by"])


def _open_events(conn: Connection, account: dict[str, Any]) -> list[Row]:
    none = dict.fromkeys(("detector", "found", "grp", "dma", "since", "until", "segment"))
    return filtered(conn, "events", state="open", at="infinity", id=0, **account, **none)


def _open_tickets(conn: Connection, account: dict[str, Any]) -> list[Row]:
    return rows(conn, "tickets.open_of_customer", **account)
