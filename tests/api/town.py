"""A small town: two account managers with a customer each, and everything that belongs to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from sql.pool import Connection
from tests import factories
from tests.factories import insert

ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Side:
    """One manager's customer and what belongs to it."""

    login: str
    staff_id: int
    account_no: str
    serial: str
    meter_id: int
    event_id: int
    ticket_id: int


@dataclass(frozen=True)
class Town:
    """Anna answers for A1, Bo for B1; the event of the DMA is nobody's customer's."""

    anna: Side
    bo: Side
    dma_id: int
    dma_event_id: int
    dma_ticket_id: int
    quarantine_id: int


def build(conn: Connection, now: datetime) -> Town:
    """Fill the database."""
    insert(conn, "utility", name="Jiangcheng Water", timezone=ZONE, currency="CNY", price_m3=4.1)
    insert(conn, "job", name="retention", about="", cron="17 3 * * *", zone="UTC", seen_at=now)
    dma_id = factories.dma(conn, "D1")
    anna = side(conn, "anna", "A1", "M-A", dma_id, now)
    bo = side(conn, "bo", "B1", "M-B", dma_id, now)
    dma_event = event(conn, "D1", now, subject_kind="dma", grp="pressure", dma_id=dma_id)
    dma_ticket = ticket(conn, dma_event, now, dma_id=dma_id, grp="pressure")
    quarantined = insert(
        conn,
        "quarantine",
        "id",
        received_at=now - timedelta(hours=1),
        topic="meters/M-A/readings",
        payload='{"ts":"gestern 水"}'.encode(),
        reason="malformed",
        detail="no time",
        meter="M-A",
    )
    return Town(anna, bo, dma_id, dma_event, dma_ticket, quarantined)


def side(conn: Connection, login: str, account_no: str, serial: str, dma_id: int, now: datetime) -> Side:
    """Insert a manager with a customer, a meter with two days of readings, an event, a ticket, a message."""
    staff_id = factories.staff(conn, login)
    meter_id = factories.customer(conn, account_no, serial, manager_id=staff_id, dma_id=dma_id)
    fill(conn, meter_id, now)
    event_id = event(
        conn,
        serial,
        now,
        meter_id=meter_id,
        account_no=account_no,
        dma_id=dma_id,
        detectors=["continuous_flow"],
    )
    ticket_id = ticket(conn, event_id, now, account_no=account_no, dma_id=dma_id, assignee_id=staff_id)
    outbox = insert(
        conn,
        "outbox",
        "id",
        ticket_id=ticket_id,
        event_id=event_id,
        step="opened",
        channel="email",
        recipient=f"{login}@utility.example",
        dedupe_key=f"{login}",
        message=Jsonb({}),
        state="sent",
        attempts=1,
    )
    insert(conn, "delivery", outbox_id=outbox, attempt=1, ok=True, receipt="250 OK", took_s=0.1)
    for state in ("dead", "unknown"):
        failed = {
            "kind": "outage",
            "channel": "email",
            "recipient": f"{account_no}@example.org",
            "state": state,
        }
        given = failed | {"account_no": account_no, "step": "announced", "message": Jsonb({})}
        insert(conn, "outbox", dedupe_key=f"{login}:{state}", **given)
    insert(conn, "water_plan", account_no=account_no, month=now.date().replace(day=1), plan_m3=10)
    insert(conn, "visit", account_no=account_no, manager_id=staff_id, due_on=now.date())
    for kind, field in [("bounced", "email"), ("old", None)]:
        check = {"account_no": account_no, "kind": kind, "field": field, "why": "550", "opened_at": now}
        insert(conn, "contact_check", **check)
    return Side(login, staff_id, account_no, serial, meter_id, event_id, ticket_id)


def fill(conn: Connection, meter_id: int, now: datetime, *, hours: int = 48) -> None:
    """Insert readings every 15 minutes and 100 litres an hour up to `now`."""
    conn.execute(
        "insert into reading (meter_id, ts, register_l, flow_lph, flags, received_at)"
        " select %(m)s, t, 25 * (row_number() over (order by t)), 100, 1, t + interval '4 s'"
        " from generate_series(%(a)s::timestamptz + interval '15 min', %(b)s, interval '15 min') t",
        {"m": meter_id, "a": now - timedelta(hours=hours), "b": now},
    )
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality)"
        " select %(m)s, t, 100, 0 from generate_series(%(a)s::timestamptz, %(b)s, interval '1 hour') t",
        {"m": meter_id, "a": now - timedelta(hours=hours), "b": now - timedelta(hours=1)},
    )
    insert(conn, "meter_clock", meter_id=meter_id, high_water=now, received_at=now, skew_s=4)


def event(conn: Connection, subject: str, now: datetime, **values: object) -> int:
    """Insert an event with its first entry; return its id."""
    given = {
        "subject_kind": "meter",
        "grp": "leak",
        "epoch": 0,
        "detectors": ["low_pressure"],
        "onset": now - timedelta(hours=30),
        "detected_at": now - timedelta(hours=6),
        "last_seen": now,
        "severity": "high",
        "magnitude": 100.0,
        "unit": "L/h",
        "evidence": Jsonb({"continuous_flow": {"rate_lph": 100.0}}),
        **values,
    }
    event_id = int(insert(conn, "event", "id", subject=subject, **given))
    insert(conn, "event_entry", event_id=event_id, kind="opened", at=given["detected_at"])
    return event_id


def ticket(conn: Connection, event_id: int | None, now: datetime, **values: object) -> int:
    """Insert an open ticket, with the event where there is one; return its id."""
    given = {
        "priority": "urgent",
        "urgent": True,
        "sla": "green_channel",
        "grp": "leak",
        "routed_by": "account_manager",
        "opened_at": now - timedelta(hours=6),
        "response_due": now + timedelta(hours=18),
        "resolution_due": now + timedelta(hours=42),
        **values,
    }
    ticket_id = int(insert(conn, "ticket", "id", **given))
    if event_id is not None:
        insert(conn, "ticket_event", event_id=event_id, ticket_id=ticket_id)
    insert(
        conn,
        "ticket_entry",
        ticket_id=ticket_id,
        at=given["opened_at"],
        actor="system",
        kind="opened",
        to_state="open",
    )
    return ticket_id
