"""Inspections ahead of frost and heat and on device faults; letters as visits; what managers are told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.errors import BadDataError
from notify.calendar_file import Entry, calendar_file
from notify.channels import Message
from notify.letter import Letter
from notify.words import Words
from notify.writer import Writer
from service import inspections, visit_messages, weather
from service.weather import Limits, Spell
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW

ZONE = ZoneInfo("Asia/Shanghai")
LIMITS = Limits(frost_c=-3.0, heat_c=37.0)


def weekday(day: date) -> bool:
    return day.weekday() < 5


@pytest.fixture
def town(conn: Connection) -> samples.Town:
    made = samples.town(conn, segment="large", sector="industrial")
    conn.execute("select set_config('headwater.sees', 'all', false)")
    return made


def in_hours(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


def hours(start: datetime, *air_c: float | None) -> list[dict[str, Any]]:
    rest = {"rain_mm": None, "humidity_pct": None, "wind_kmh": None}
    return [{"ts": start + timedelta(hours=n), "air_c": c, **rest} for n, c in enumerate(air_c, 1)]


def visits_made(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select account_no, due_on, cause from visit order by id").fetchall()


def letters(conn: Connection) -> list[Letter]:
    rows = conn.execute(
        "select id, ticket_id, event_id, step, recipient, language, message, 1, created_at, kind"
        " from outbox order by id"
    )
    writer = Writer(Words("https://desk.example"))
    return [writer.letter(conn, Message(*row)) for row in rows.fetchall()]


def test_newer_forecasts_replace_older_ones_and_never_what_was_measured(conn: Connection) -> None:
    assert weather.take(conn, hours(NOW - timedelta(hours=2), 1.0, 2.0, 3.0, 4.0), issued_at=NOW) == (2, 2)
    weather.take(conn, hours(NOW, 30.0), issued_at=NOW - timedelta(hours=6))
    weather.take(conn, hours(NOW - timedelta(hours=2), 9.0, 9.0), issued_at=NOW - timedelta(days=1))
    kept = conn.execute("select air_c, issued_at is not null from weather order by ts").fetchall()
    assert kept == [(1.0, False), (2.0, False), (3.0, True), (4.0, True)]
    weather.take(conn, hours(NOW, 3.5), issued_at=NOW + timedelta(hours=1))
    assert conn.execute("select air_c, issued_at from weather order by ts").fetchall()[2] == (3.5, None)


def test_an_hour_with_an_impossible_temperature_is_refused(conn: Connection) -> None:
    with pytest.raises(BadDataError, match=r"270.*degrees Celsius"):
        weather.take(conn, hours(NOW, 270.0), issued_at=NOW)


@pytest.mark.parametrize(
    ("air_c", "found"),
    [
        ([-2.9] * 72, []),
        ([0.0] * 72 + [-10.0], []),
        ([0.0, -3.0, -1.0, -6.5, 2.0, None], [Spell("frost", in_hours(2), in_hours(4), -6.5)]),
        ([36.9, 37.0], [Spell("heat", in_hours(2), in_hours(2), 37.0)]),
    ],
)  # fmt: skip
def test_frost_and_heat_of_the_next_three_days_are_found(
    conn: Connection, air_c: list[float | None], found: list[Spell]
) -> None:
    weather.take(conn, hours(NOW, *air_c), issued_at=NOW)
    assert weather.spells(conn, LIMITS, at=NOW) == found


def test_each_large_customer_is_inspected_once_a_cold_spell_however_its_forecast_moves(
    conn: Connection, town: samples.Town
) -> None:
    for n in range(2, 6):
        factories.insert(
            conn, "customer", account_no=f"L{n}", name="x", segment="large", manager_id=town.manager_id
        )
    factories.insert(
        conn, "customer", account_no="G", name="x", segment="general", manager_id=town.manager_id
    )
    monday = datetime(2026, 11, 23, 1, tzinfo=UTC)

    def forecast(at: datetime, first_h: int, last_h: int, lowest_c: float) -> list[int]:
        spell = Spell("frost", at + timedelta(hours=first_h), at + timedelta(hours=last_h), lowest_c)
        return inspections.for_weather(conn, [spell], ZONE, weekday, at=at)

    assert len(forecast(monday, 60, 70, -5)) == 5
    days = [day for _, day, _ in visits_made(conn)]
    assert sorted(days.count(date(2026, 11, d)) for d in (23, 24)) == [2, 3]
    for day in range(1, 6):  # it comes earlier, lasts longer, and ends
        assert forecast(monday + timedelta(days=day), max(48 - 24 * day, 1), 70, -6) == []
    until = {cause["until"] for _, _, cause in visits_made(conn)}
    assert until == {"2026-12-01"}
    assert len(forecast(monday + timedelta(days=10), 60, 62, -4)) == 5  # after three mild days
    assert len(inspections.for_weather(conn, [Spell("heat", NOW, NOW, 38)], ZONE, weekday, at=NOW)) == 5


def test_a_device_fault_of_a_day_brings_one_visit_and_is_not_inspected_twice(
    conn: Connection, town: samples.Town
) -> None:
    samples.event(conn, "tamper", detected_at=NOW - timedelta(hours=23))
    assert inspections.for_devices(conn, ZONE, weekday, at=NOW) == []
    later = NOW + timedelta(hours=2)
    (first,) = inspections.for_devices(conn, ZONE, weekday, at=later)
    ((_, day, cause),) = visits_made(conn)
    assert (day, cause["hazard"], cause["meter"]) == (date(2026, 11, 23), "device", "M-1")
    samples.event(conn, "low_battery", epoch=1, detected_at=NOW - timedelta(days=3))
    assert inspections.for_devices(conn, ZONE, weekday, at=later) == []
    conn.execute("update visit set state = 'done' where id = %s", (first,))
    assert len(inspections.for_devices(conn, ZONE, weekday, at=later)) == 1
    conn.execute("update visit set state = 'done'")
    assert inspections.for_devices(conn, ZONE, weekday, at=later) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_manager_is_told_the_week_once_with_what_is_overdue_and_a_calendar_file(
    conn: Connection, language: str
) -> None:
    town = samples.town(conn, language=language)
    conn.execute("select set_config('headwater.sees', 'all', false)")
    mine = {"account_no": "A-1001", "manager_id": town.manager_id}
    for day in (18, 25, 27):
        factories.insert(
            conn, "visit", due_on=date(2026, 11, day), form="call" if day == 27 else "on_site", **mine
        )
    factories.insert(conn, "visit", due_on=date(2026, 12, 1), **mine)
    samples.event(conn)
    assert (visit_messages.week(conn, at=NOW), visit_messages.week(conn, at=NOW)) == (1, 0)
    (letter,) = letters(conn)
    if language == "zh":
        assert letter.subject == "下周走访计划（11月23日（周一）起）：2 户，另有 1 户逾期"
        assert "== 已逾期 ==" in letter.text and "待办：未消除的告警 1 条" in letter.text
    else:
        assert letter.subject == "Your visits from Mon 23 Nov: 2, and 1 overdue"
        assert "== Overdue ==" in letter.text and "Waiting there: 1 open finding" in letter.text
    assert letter.text.count("/visits/") == 3
    (file,) = letter.attachments
    unfolded = file.content.decode().replace("\r\n ", "")
    assert unfolded.count("BEGIN:VEVENT") == 2
    assert "DTSTART;VALUE=DATE:20261125" in unfolded and "DTEND;VALUE=DATE:20261126" in unfolded
    assert "滨江区" in unfolded or "12 Mill Lane\\, Riverside" in unfolded


def test_who_is_away_has_the_deputy_told(conn: Connection, town: samples.Town) -> None:
    factories.insert(
        conn, "visit", account_no="A-1001", manager_id=town.manager_id, due_on=date(2026, 11, 24)
    )
    factories.insert(
        conn, "staff_absence", staff_id=town.manager_id, starts_at=NOW - timedelta(days=1), created_by="li",
        created_at=NOW,
    )  # fmt: skip
    visit_messages.week(conn, at=NOW)
    (letter,) = letters(conn)
    assert letter.to_name == "陈静" and "您正在代理王丽的工作。" in letter.text


def test_the_day_gives_the_agendas_and_an_inspection_its_cause(conn: Connection, town: samples.Town) -> None:
    made = inspections.for_weather(conn, [Spell("frost", NOW, NOW, -7.25)], ZONE, weekday, at=NOW)
    visit_messages.inspections(conn, made, at=NOW)
    conn.execute("update visit set due_on = '2026-11-21'")
    visit_messages.day(conn, at=NOW)
    told, agenda = letters(conn)
    assert told.subject.startswith(
        "新增巡检 1 户：预报 2026 年 11 月 21 日 至 2026 年 11 月 21 日 最低气温 -7.2 ℃：检查"
    )
    assert "今日走访" in agenda.subject and "- 预报 2026 年 11 月 21 日" in agenda.text
    assert "水表 M-1 从未传数。" in agenda.text


def test_letters_are_sent_on_their_day_and_who_can_not_be_reached_is_to_be_found(
    conn: Connection, town: samples.Town
) -> None:
    rest = {"name": "周敏", "segment": "general", "sector": "residential", "manager_id": town.manager_id}
    factories.insert(conn, "customer", account_no="R1", email="zhou@example.org", **rest)
    factories.insert(conn, "customer", account_no="R2", **rest)
    for account in ("R1", "R2"):
        factories.insert(conn, "visit", account_no=account, due_on=date(2026, 11, 21), form="letter")
    for month, litres in ((date(2025, 10, 1), 9000), (date(2026, 10, 1), 12_340)):
        row = {"account_no": "R1", "volume_l": litres, "hours": 700, "made_at": NOW}
        factories.insert(conn, "customer_month", month=month, **row)
    assert visit_messages.letters(conn, at=NOW - timedelta(days=1)) == (0, 0)
    assert visit_messages.letters(conn, at=NOW) == (2, 1)
    assert visit_messages.letters(conn, at=NOW) == (0, 0)
    (letter,) = letters(conn)
    assert letter.to_name == "周敏"
    assert "2026年10月 12.3 m³（去年同月 9.0 m³）" in letter.text
    assert "邮箱 zhou@example.org，未登记地址" in letter.text
    assert conn.execute("select account_no, state from visit order by 1").fetchall() == [
        ("R1", "done"),
        ("R2", "cancelled"),
    ]
    assert conn.execute("select account_no, kind from contact_check").fetchall() == [("R2", "old")]


def test_calendar_file_folds_lines_between_characters_and_escapes_what_separates() -> None:
    made = calendar_file([Entry("1@x", date(2028, 2, 29), "走访；" * 30, "a, b; c\\d\ne")], NOW).decode()
    assert all(len(line.encode()) <= 75 for line in made.split("\r\n"))
    assert "LOCATION:a\\, b\\; c\\\\d\\ne" in made
    assert "SUMMARY:" + "走访；" * 30 in made.replace("\r\n ", "")
    assert "DTEND;VALUE=DATE:20280301" in made
