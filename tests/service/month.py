"""A month of a small utility, every figure of which can be counted by hand: October 2026 in Shanghai."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sql.pool import Connection
from tests import factories
from tests.factories import insert

ZONE = ZoneInfo("Asia/Shanghai")
OCTOBER = date(2026, 10, 1)
AT = datetime(2026, 11, 10, 0, 0, 0, 123_456, tzinfo=UTC)


def local(day: int, hour: float = 8, month: int = 10) -> datetime:
    """An instant by the utility's clock."""
    return datetime(2026, month, day, tzinfo=ZONE) + timedelta(hours=hour)


def build(conn: Connection) -> dict[str, int]:
    """Fill the database; return the tickets by name."""
    insert(conn, "utility", name="江城水务", timezone=ZONE.key, currency="CNY", price_m3=4.0)
    city = insert(conn, "region", "id", code="city", name="江城")
    north = insert(conn, "region", "id", code="north", name="江北片区", parent_id=city)
    dma = factories.dma(conn, "D1", region_id=north)
    li = factories.staff(conn, "li", name="李薇", region_id=north)
    wang = factories.staff(conn, "wang", name="王建国", language="en")
    factories.customer(conn, "A", "M-A", manager_id=li, dma_id=dma, segment="large", name="江城第三医院")
    factories.customer(conn, "B", "M-B", manager_id=wang, dma_id=dma, tariff_price_m3=3.0)
    insert(conn, "cause_code", code="worn_seal", zh="密封圈老化", en="Worn seal")
    made = _tickets(conn, li, wang)
    _surveys(conn, made, li)
    _events(conn, dma, wang)
    for account_no, due_on, state, done_at in [
        ("A", date(2026, 10, 10), "done", local(10, 23.5)),  # the day itself, half an hour before its end
        ("A", date(2026, 10, 20), "done", local(21, 0.5)),  # half an hour late
        ("B", date(2026, 10, 15), "due", None),
        ("B", date(2026, 10, 16), "cancelled", None),
        ("B", date(2026, 11, 1), "due", None),
        ("A", date(2026, 11, 20), "postponed", None),  # put off from October, the new day is to come
        ("B", date(2026, 11, 2), "postponed", None),  # put off from October, and not made on that day either
    ]:
        manager = li if account_no == "A" else wang
        insert(
            conn,
            "visit",
            account_no=account_no,
            manager_id=manager,
            due_on=due_on,
            planned_on=date(2026, 10, 12) if state == "postponed" else due_on,
            state=state,
            done_at=done_at,
        )
    for account_no, litres, plan_m3 in [("A", 1_000_000.0, 900.0), ("B", 10_000.0, 12.0)]:
        month: dict[str, Any] = {"account_no": account_no, "month": OCTOBER}
        insert(conn, "customer_month", **month, volume_l=litres, hours=744, made_at=AT)
        insert(conn, "water_plan", **month, plan_m3=plan_m3)
    return made


def _tickets(conn: Connection, li: int, wang: int) -> dict[str, int]:
    def ticket(account_no: str, at: datetime, **given: Any) -> int:
        values = {
            "state": "open",
            "priority": "urgent",
            "urgent": True,
            "sla": "green_channel",
            "grp": "leak",
            "routed_by": "account_manager",
            "assignee_id": li if account_no == "A" else wang,
            "response_due": at + timedelta(hours=24),
            "resolution_due": at + timedelta(hours=48),
        }
        return int(insert(conn, "ticket", "id", account_no=account_no, opened_at=at, **(values | given)))

    def after(at: datetime, hours: float) -> datetime:
        return at + timedelta(hours=hours)

    five, six, ten, twelve, last = local(5), local(6), local(10), local(12), local(31, 23.9)
    seal = {"state": "resolved", "cause_code": "worn_seal"}
    made = {
        "in_time": ticket(
            "A", five, responded_at=after(five, 2), resolved_at=after(five, 10), resolved_by=li, **seal
        ),
        "late_answer": ticket(
            "A", six, responded_at=after(six, 30), resolved_at=after(six, 40), resolved_by=li, **seal
        ),
        "overdue": ticket("B", five),
        "pending": ticket("B", last, response_due=local(1, month=12), resolution_due=local(1, month=12)),
        "by_system": ticket("B", five, state="resolved", resolved_at=after(five, 60)),
        "merged": ticket("B", five, state="merged"),
        "waiting": ticket(
            "B", five, state="responded", responded_at=after(five, 1), waiting_since=after(five, 2)
        ),
        "again": ticket(
            "A",
            ten,
            round=2,
            round_at=twelve,
            response_due=after(twelve, 24),
            resolution_due=after(twelve, 2),
            resolved_at=after(twelve, 3),
            resolved_by=wang,
            **seal,
        ),
        "november": ticket("B", local(1, 0, month=11)),
        "september": ticket("B", local(1, -0.1)),
    }
    insert(
        conn, "ticket_entry", ticket_id=made["by_system"], at=after(five, 60), actor="system", kind="resolve"
    )
    insert(
        conn,
        "ticket_round",
        ticket_id=made["again"],
        round=1,
        started_at=ten,
        response_due=after(ten, 24),
        resolution_due=after(ten, 48),
        resolved_at=after(ten, 6),
        resolved_by=li,
        reopened_at=twelve,
    )
    return made


def _surveys(conn: Connection, made: dict[str, int], li: int) -> None:
    for ticket, round_, sent, answered, satisfied, score in [
        ("in_time", 1, local(6), local(7), True, 5),
        ("again", 1, local(10, 14), local(12), False, 2),
        ("late_answer", 1, local(8), None, None, None),
        ("september", 1, local(30, month=9), local(1), True, 4),
    ]:
        insert(
            conn,
            "survey",
            ticket_id=made[ticket],
            round=round_,
            account_no="B" if ticket == "september" else "A",
            resolved_by=li,
            sent_at=sent,
            expires_at=sent + timedelta(days=14),
            answered_at=answered,
            satisfied=satisfied,
            score=score,
        )


def _events(conn: Connection, dma: int, wang: int) -> None:
    number = iter(range(1_000))

    def event(ended: datetime, hours: float, lph: float, verdict: str = "", **given: Any) -> int:
        values = {
            "subject_kind": "customer",
            "subject": "x",
            "grp": "leak",
            "epoch": next(number),
            "detectors": ["continuous_flow"],
            "onset": ended - timedelta(hours=hours),
            "detected_at": ended - timedelta(hours=hours / 2),
            "last_seen": ended,
            "cleared_at": ended,
            "severity": "high",
            "magnitude": lph,
            "unit": "L/h",
        }
        id_ = int(insert(conn, "event", "id", **(values | given)))
        if verdict:
            insert(conn, "event_verdict", event_id=id_, verdict=verdict, actor="li", at=ended)
        return id_

    for hours in range(50, 151, 10):  # eleven before October: their median is 100 h
        event(local(1, month=6), hours, 20.0, account_no="B")
    event(local(1, month=6), 9_000, 20.0, verdict="normal")
    event(local(1, month=6), 9_000, 20.0, retracted_at=AT)
    event(datetime(2025, 9, 1, tzinfo=UTC), 9_000, 20.0)
    event(local(9), 30, 40.0, verdict="confirmed", account_no="A")
    event(local(9), 120, 10.0, verdict="confirmed", account_no="B")  # no faster than before: nothing saved
    event(local(9), 30, 40.0, account_no="A")  # nobody has confirmed it
    event(local(1, month=11), 30, 40.0, verdict="confirmed", account_no="A")
    burst = event(local(20), 68, 1_000.0, verdict="confirmed", grp="network", subject_kind="dma", dma_id=dma)
    ticket = insert(
        conn,
        "ticket",
        "id",
        state="merged",
        priority="urgent",
        urgent=True,
        sla="green_channel",
        dma_id=dma,
        grp="network",
        assignee_id=wang,
        routed_by="region",
        opened_at=local(20),
        response_due=AT,
        resolution_due=AT,
    )
    insert(conn, "ticket_event", event_id=burst, ticket_id=ticket)
