"""From the meter to the mailbox, through the real roles, broker, database and mail server."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import sql

from jobs.stack import StackUrls
from sql.pool import Connection
from tests import factories
from tests.line.meter import Meter
from tests.post_office import open_post_office
from tests.processes import role
from tests.waiting import until

LEAK_LPH = 42.0
DAYS = 20
HOURS = DAYS * 24 + 1
UNSEEN = b"""
select count(*) from arrival a, feed_position p
where p.consumer = 'detect' and not pg_visible_in_snapshot(a.xid, p.seen)"""


def a_month_with_a_leak(now: datetime) -> list[dict[str, object]]:
    """Days of ordinary use with still nights, then 30 hours that never rest; a message a day, hourly."""
    end = now.replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=DAYS)
    register, messages = 1000.0, []
    readings: list[float] = []
    for hour in range(HOURS):
        at = start + timedelta(hours=hour)
        readings.append(register)
        used = 30.0 if 6 <= at.hour < 23 else 0.0
        register += used + (LEAK_LPH if at >= end - timedelta(hours=30) else 0.0)
    for day in range(0, len(readings), 24):
        first = start + timedelta(hours=day)
        messages.append({"start": first.isoformat(), "step_s": 3600, "register_l": readings[day : day + 24]})
    return messages


def count(conn: Connection, table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
    return int(conn.execute(query).fetchall()[0][0])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_leaking_meter_becomes_one_mail_to_its_manager_however_often_it_is_told(
    conn: Connection, stack: StackUrls, line_env: dict[str, str], language: str
) -> None:
    factories.insert(conn, "utility", name="Test Water", timezone="Asia/Shanghai", price_m3=3.5)
    manager = factories.staff(conn, "li.na", name="李娜", language=language)
    factories.customer(conn, "A-1", "m-1", name="王小明", manager_id=manager, segment="special")
    now = datetime.now(UTC)
    messages = a_month_with_a_leak(now)
    stored = HOURS
    with ExitStack() as line:
        office = line.enter_context(open_post_office())
        line_env["HEADWATER_SMTP_URL"] = office.url
        for name in ("ingest", "detect", "notify"):
            line.enter_context(role(name, line_env))
        prefix = line_env["HEADWATER_INGEST_CLIENT_ID"]
        meter = Meter(stack.mqtt_url, prefix)
        line.callback(meter.close)
        for message in messages * 2:
            meter.publish("m-1", message)
        until(lambda: office.mails, 60, what="a mail arrived")
        for message in messages:
            meter.publish("m-1", message)
        until(lambda: count(conn, "reading") == stored, what="all readings stored")
        until(lambda: conn.execute(UNSEEN).fetchall() == [(0,)], what="detection has seen all")
    assert (count(conn, "reading"), count(conn, "event"), count(conn, "ticket")) == (stored, 1, 1)
    [mail] = office.mails
    assert "li.na@utility.example" in mail["To"]
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "王小明" in text and "A-1" in text and "42" in text
    assert ("绿色通道" if language == "zh" else "green channel") in text.lower()
    assert [part.get_content_type() for part in mail.walk()].count("image/png") == 1
    [(urgent, response, resolution, assignee)] = conn.execute(
        "select urgent, response_due - opened_at, resolution_due - opened_at, assignee_id from ticket"
    ).fetchall()
    assert (urgent, response, resolution) == (True, timedelta(hours=24), timedelta(hours=48))
    assert assignee == manager
    assert conn.execute("select ok, receipt from delivery").fetchall()[0][0] is True
    [(onset,)] = conn.execute("select onset from event").fetchall()
    # Ordinary use that the leak follows without a rest is dated into it.
    began = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
    while 6 <= (began - timedelta(hours=1)).hour < 23:
        began -= timedelta(hours=1)
    assert onset == began
