"""From the first reading to a satisfied customer: five weeks of a utility's life, told in simulated time.

Everything is real but the passing of time: meters publish to the broker, mails go through SMTP, people act
over HTTP, and what is periodic runs on the schedule's own ledger.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest

from jobs.stack import StackUrls
from sql.pool import Connection
from tests import factories
from tests.line.world import ZONE, Gauge, World, open_world

FACTORY, HOME = "F-1", "R-2"
LEAK_LPH = 420.0
FIRST = datetime(2026, 9, 24, tzinfo=ZONE)
LEAK = datetime(2026, 10, 13, 2, tzinfo=ZONE)  # a Tuesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def factory(at: datetime) -> float:
    """Two shifts from Monday to Saturday, and nothing else."""
    return 1400.0 + 20 * (at.hour % 3) if at.weekday() < 6 and 6 <= at.hour < 22 else 0.0


def home(at: datetime) -> float:
    return {7: 40.0, 8: 25.0, 12: 20.0, 19: 60.0, 21: 30.0}.get(at.hour, 0.0)


@dataclass
class Cast:
    """Who takes part."""

    li: int
    wang: int
    zhao: int


def found(conn: Connection) -> Cast:
    """A utility with a manager, her deputy, their superior, a dye works and a home."""
    factories.insert(
        conn,
        "utility",
        name="江城水务",
        timezone="Asia/Shanghai",
        country="CN",
        currency="CNY",
        price_m3=4.2,
    )
    region = factories.insert(conn, "region", "id", code="south", name="城南")
    dma = factories.dma(conn, "D1", name="滨江三区", region_id=region, min_pressure_kpa=140)
    zhao = factories.staff(conn, "zhao.min", name="赵敏", roles=["operations"], on_duty_desk=True)
    wang = factories.staff(conn, "wang.fang", name="王芳", superior_id=zhao, region_id=region)
    li = factories.staff(conn, "li.na", name="李娜", superior_id=zhao, deputy_id=wang)
    factories.customer(
        conn,
        FACTORY,
        "m-factory",
        name="江城印染厂",
        sector="industrial",
        segment="large",
        manager_id=li,
        dma_id=dma,
        shifts="mo-sa 06:00-22:00",
        email="water@dyeworks.example",
        address="滨江区工业路 8 号",
    )
    factories.customer(
        conn,
        HOME,
        "m-home",
        name="Jane Miller",
        language="en",
        manager_id=li,
        dma_id=dma,
        email="jane@home.example",
        address="12 Mill Lane, Riverside",
    )
    conn.execute("update meter set q3_lph = 10000 where serial = 'm-factory'")
    return Cast(li, wang, zhao)


@pytest.fixture
def world(stack: StackUrls, database_url: str) -> Iterator[World]:
    with open_world(stack, database_url, FIRST) as opened:
        yield opened


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def only(mails: list[EmailMessage]) -> EmailMessage:
    assert len(mails) == 1, [m["Subject"] for m in mails]
    return mails[0]


def ticket(client: httpx2.Client, number: int) -> dict[str, Any]:
    answer = client.get(f"/v1/tickets/{number}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def act(client: httpx2.Client, number: int, step: str, **said: object) -> dict[str, Any]:
    answer = client.post(f"/v1/tickets/{number}/{step}", json=said)
    assert answer.status_code == 200, answer.text
    stands: dict[str, Any] = answer.json()
    return stands


def link_in(mail: EmailMessage, url: str) -> str:
    match = re.search(re.escape(url) + r"(/s/\S+)", text(mail))
    assert match, text(mail)
    return match[1]


def test_a_leak_from_the_first_reading_to_a_satisfied_customer(world: World) -> None:
    cast = found(world.conn)
    world.gauges = {"m-factory": Gauge("m-factory", factory), "m-home": Gauge("m-home", home)}
    li, wang = world.client(login="li.na"), world.client(login="wang.fang")
    operations = world.client(login="zhao.min")

    # Nothing to tell of for nearly three weeks.
    world.go_on(LEAK, step=DAY)
    assert world.mails() == []

    # A valve stays open at the dye works: its manager hears of it first.
    world.gauges["m-factory"].use = lambda at: factory(at) + LEAK_LPH
    world.go_on(LEAK + timedelta(days=4), step=timedelta(hours=6))
    print([(m["To"], m["Subject"]) for m in world.office.mails])
