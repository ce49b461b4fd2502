"""From the first reading to a satisfied customer, in simulated time."""

from datetime import datetime, timedelta

from jobs.stack import StackUrls
from tests import factories
from tests.line.world import ZONE, Gauge, open_world


def home(at: datetime) -> float:
    return 18.0 if 6 <= at.hour < 23 else 0.0


def test_smoke(stack: StackUrls, database_url: str) -> None:
    start = datetime(2026, 10, 1, 0, 0, tzinfo=ZONE)
    with open_world(stack, database_url, start) as world:
        factories.insert(world.conn, "utility", name="江城水务", timezone="Asia/Shanghai", country="CN", price_m3=3.5, currency="CNY")
        li = factories.staff(world.conn, "li.na", name="李娜", language="zh")
        factories.customer(world.conn, "A-1", "m-1", name="王小明", manager_id=li, segment="special", email="wang@x.example")
        world.gauges["m-1"] = Gauge("m-1", home)
        world.go_on(start + timedelta(days=20), step=timedelta(days=1))
        world.gauges["m-1"].use = lambda at: home(at) + 40
        world.go_on(start + timedelta(days=22), step=timedelta(hours=6))
        print([m["Subject"] for m in world.office.mails])
        assert world.mails("li.na")
