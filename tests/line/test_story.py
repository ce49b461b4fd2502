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


def due(of: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(of[name])


def kinds(world: World, number: int, *wanted: str) -> list[str]:
    """The first entry of each of these kinds, in the order they were written."""
    rows = world.conn.execute("select kind from ticket_entry where ticket_id = %s order by id", [number])
    return list(dict.fromkeys(kind for (kind,) in rows if kind in wanted))


def link_in(mail: EmailMessage, url: str) -> str:
    match = re.search(re.escape(url) + r"(/s/\S+)", text(mail))
    assert match, text(mail)
    return match[1]


def test_a_leak_from_the_first_reading_to_a_satisfied_customer(world: World) -> None:
    found(world.conn)
    world.gauges = {"m-factory": Gauge("m-factory", factory), "m-home": Gauge("m-home", home)}
    li, wang = world.client(login="li.na"), world.client(login="wang.fang")
    operations = world.client(login="zhao.min")
    subscribed = operations.post("/v1/figures/subscriptions", json={"staff": "zhao.min"})
    assert subscribed.status_code == 200, subscribed.text

    # Nothing to tell of for nearly three weeks.
    world.go_on(LEAK, step=DAY)
    assert world.mails(subject="[#") == []

    # A valve stays open at the dye works: its manager hears of it first, with what to do.
    world.gauges["m-factory"].use = lambda at: factory(at) + LEAK_LPH
    world.go_until(lambda: world.mails("li.na", "【紧急】"), LEAK + 4 * DAY)
    alarm = world.mails("li.na", "【紧急】")[0]
    number = int(re.findall(r"#(\d+)", alarm["Subject"])[0])
    opened = ticket(operations, number)
    for words in ("420 升/小时", "绿色通道", "江城印染厂", "大客户：", "节水", "尊敬的江城印染厂"):
        assert words in text(alarm), words
    assert (opened["urgent"], opened["assignee"], opened["state"]) == (True, "li.na", "open")
    assert due(opened, "response_due") - due(opened, "opened_at") == DAY
    assert due(opened, "resolution_due") - due(opened, "opened_at") == 2 * DAY

    # Nobody answers: she is warned, urged, and then her superior is told.
    world.go_until(lambda: world.mails("zhao.min", f"#{number}"), due(opened, "response_due") + DAY)
    assert kinds(world, number, "warned", "urged", "escalated") == ["warned", "urged", "escalated"]
    assert len(world.mails("li.na", f"#{number}")) >= 3

    # The superior gives it to the deputy, with a note; two people act on it, and one of them is told.
    note = "李娜在外培训，请今天联系厂方动力科。"
    handed = operations.post(f"/v1/tickets/{number}/assign", json={"to": "wang.fang", "note": note})
    assert handed.status_code == 200, handed.text
    world.settle()
    assert any(note in text(mail) for mail in world.mails("wang.fang", f"#{number}"))
    seen = ticket(li, number)["version"]
    act(wang, number, "acknowledge", why="已联系动力科", version=seen)
    late = li.post(f"/v1/tickets/{number}/acknowledge", json={"why": "我来", "version": seen})
    assert late.status_code == 409
    assert "wang.fang" in late.text
    assert "respond" in late.json()["allowed"]
    act(wang, number, "respond", why="今晚停产时逐路关阀排查")

    # The works can only be shut down later: the clock stands still for two days.
    waiting = act(wang, number, "pause", why="厂方周末停产才能关阀")
    world.go_on(world.now + 2 * DAY, step=12 * HOUR)
    going = act(wang, number, "resume", why="已停产")
    assert due(going, "resolution_due") - due(waiting, "resolution_due") == 2 * DAY

    # The valve is closed; the meter says so before anybody has written it down.
    world.gauges["m-factory"].use = factory
    world.go_until(lambda: world.mails("wang.fang", "【已停止】"), world.now + 4 * DAY)
    offered = ticket(wang, number)["known_problems"]
    assert offered, "typical problems are offered on the ticket"
    act(wang, number, "resolve", cause_code="valve_leak", why="更换冷却水旁通阀密封")

    # The customer isn't satisfied: the ticket is open again, and who had resolved it stays on record.
    world.settle()
    first = only(world.mails("water@dyeworks.example", "满意"))
    with httpx2.Client(base_url=world.url, timeout=30) as browser:
        link = link_in(first, world.url)
        page = browser.get(link)
        assert page.status_code == 200
        assert f"#{number}" in page.text
        assert "<script" not in page.text
        assert browser.get(link[:-4] + "AAAA").status_code in {404, 410}
        assert (
            browser.post(link, data={"satisfied": "no", "score": "2", "remark": "夜里还在走字"}).status_code
            == 200
        )
        world.settle()
        again = ticket(wang, number)
        assert (again["state"], again["urgent"]) == ("reopened", True)
        assert any("夜里还在走字" in text(mail) for mail in world.mails("wang.fang", f"#{number}"))
        act(wang, number, "respond", why="今晚再查消防管网")
        world.go_on(world.now + 12 * HOUR, step=12 * HOUR)
        act(wang, number, "resolve", cause_code="valve_leak", why="消防水池补水阀一并更换")
        world.settle()

        # Asked again, it is.
        second = link_in(world.mails("water@dyeworks.example", "满意")[-1], world.url)
        assert second != link
        assert browser.post(second, data={"satisfied": "yes", "score": "5"}).status_code == 200
        assert browser.post(second, data={"satisfied": "no", "score": "1"}).status_code == 409
    assert ticket(wang, number)["state"] == "confirmed"
    asked = wang.get(f"/v1/tickets/{number}/surveys").json()["items"]
    assert [(s["round"], s["satisfied"], s["resolved_by"]) for s in asked] == [
        (1, False, "wang.fang"),
        (2, True, "wang.fang"),
    ]

    _valve_work(world, operations)
    _end_of_the_month(world, operations)


def _valve_work(world: World, operations: httpx2.Client) -> None:
    """The district is without water for a day: everybody knew, and nothing is raised."""
    start = (world.now + 2 * DAY).replace(hour=9, minute=0)
    drafted = operations.post(
        "/v1/outages",
        json={
            "kind": "planned",
            "cause": "valve_work",
            "starts_at": start.isoformat(),
            "expected_end": (start + 8 * HOUR).isoformat(),
            "dmas": ["D1"],
            "supply": [{"place": "滨江小学东门"}],
            "contact": "96390",
        },
    )
    assert drafted.is_success, drafted.text
    number = drafted.json()["id"]
    preview = operations.get(f"/v1/outages/{number}/preview")
    assert preview.status_code == 200, preview.text
    assert operations.post(f"/v1/outages/{number}/announce", json={}).status_code == 200
    world.settle()
    zh, en = only(world.mails("dyeworks", "停水通知")), only(world.mails("jane@home"))
    assert "滨江小学东门" in text(zh)
    assert "96390" in text(zh)
    assert not re.search("[\u4e00-\u9fff]", en["Subject"])
    tickets = world.conn.execute("select count(*) from ticket").fetchall()
    uses = {serial: gauge.use for serial, gauge in world.gauges.items()}
    world.go_on(start, step=6 * HOUR)
    for gauge in world.gauges.values():
        gauge.use = lambda at: 0.0
    world.go_on(start + 7 * HOUR)
    assert operations.post(f"/v1/outages/{number}/restore", json={}).status_code == 200
    for serial, use in uses.items():
        world.gauges[serial].use = use
    world.settle()
    assert only(world.mails("dyeworks", "【恢复供水】"))
    assert len(world.mails("jane@home")) == 4  # announced, reminded, begun, restored
    assert world.conn.execute("select count(*) from ticket").fetchall() == tickets


def _end_of_the_month(world: World, operations: httpx2.Client) -> None:
    """The figures say what happened, and the report is in the superior's mailbox."""
    world.go_on(datetime(2026, 11, 2, 8, tzinfo=ZONE), step=DAY)
    september, october = world.mails("zhao.min", "月报")
    assert "2026年9月" in september["Subject"]
    assert "2026年10月" in october["Subject"]
    (paper,) = october.iter_attachments()
    assert paper.get_content_type() == "application/pdf"
    assert paper.get_content()[:5] == b"%PDF-"
    month = operations.get("/v1/figures", params={"since": "2026-10", "until": "2026-10"})
    assert month.status_code == 200, month.text
    figures = next(f for f in month.json()["items"] if f["dimension"] == "utility")
    assert figures["opened"] == 1
    failed = world.conn.execute("select job, due_at, detail from job_run where ok is not true").fetchall()
    assert failed == []
    assert world.conn.execute("select state, last_error from outbox where state <> 'sent'").fetchall() == []
