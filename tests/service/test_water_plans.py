"""Water plans: the outlook, the notices, the proposals, and files."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadDataError, ConflictError, NotFoundError
from core.settings import load
from detection.store import roster
from jobs import plans
from jobs.job import Run
from notify.channels import Message
from notify.letter import Letter
from notify.words import Words
from notify.writer import Writer
from service import water_plans
from service.months import add_months
from service.utility import utility
from service.water_plans import explained, read_csv
from sql.pool import Connection, connect
from tests import factories, samples

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
SECTORS = ["industrial"]


@pytest.fixture
def town(conn: Connection) -> samples.Town:
    return samples.town(conn, sector="industrial", language="en", name="Acme Works")


def plan(conn: Connection, plan_m3: float, account: str = "A-1001", month: date = NOVEMBER) -> None:
    factories.insert(conn, "water_plan", account_no=account, month=month, plan_m3=plan_m3)


def stands(conn: Connection, used_m3: float, low_m3: float | None = None, account: str = "A-1001") -> None:
    conn.execute(
        "insert into plan_forecast values (%s, %s, %s, %s, %s, %s, %s)"
        " on conflict (account_no, month) do update set used_m3 = excluded.used_m3,"
        " forecast_m3 = excluded.forecast_m3, low_m3 = excluded.low_m3, high_m3 = excluded.high_m3",
        (
            account,
            NOVEMBER,
            used_m3,
            *([None] * 3 if low_m3 is None else [low_m3 + 5, low_m3, low_m3 + 10]),
            NOW,
        ),
    )


def letters(conn: Connection, step: str) -> list[Letter]:
    rows = conn.execute(
        "select id, ticket_id, event_id, step, recipient, language, message, 1, created_at, kind from outbox"
        " where kind = 'plan' and step = %s order by id",
        (step,),
    )
    writer = Writer(Words("https://desk.example"))
    return [writer.letter(conn, Message(*row)) for row in rows.fetchall()]


def use(conn: Connection, meter_id: int, litres: float, days: int, until: datetime, quality: int = 0) -> None:
    conn.execute(
        "insert into usage_hourly (meter_id, slot, volume_l, quality) select %s, t, %s, %s"
        " from generate_series(%s::timestamptz, %s, interval '1 hour') t",
        (meter_id, litres, quality, until - timedelta(days=days), until - timedelta(hours=1)),
    )


def test_outlook_of_a_steady_customer_with_two_meters_is_what_a_calculator_says(
    conn: Connection, town: samples.Town
) -> None:
    plan(conn, 100)
    ((point,),) = conn.execute("select id from service_point").fetchall()
    second = factories.meter(conn, "M-2")
    factories.insert(conn, "meter_installation", meter_id=second, service_point_id=point)
    now = NOW.replace(minute=0)
    for meter in (town.meter_id, second):
        use(conn, meter, 50, 40, now)
    used, ends = plans.forecast(conn, ["A-1001"], NOVEMBER, utility(conn), now)
    hours = 20 * 24 + 9  # from the first, 00:00, to the 21st, 09:00 in Shanghai
    assert used[0] == pytest.approx(0.1 * hours)
    assert ends[1, 0] == pytest.approx(0.1 * 720)
    sigma = 0.05 * 2.4 * (720 - hours) / 24 * np.sqrt((720 - hours) / 24 / 7)  # a twentieth of a day's 2.4 m3
    assert ends[0, 0] == pytest.approx(0.1 * 720 - 2 * sigma)
    stored = conn.execute(
        "select used_m3, forecast_m3, low_m3, high_m3, made_at from plan_forecast"
    ).fetchall()
    assert stored == [(used[0], ends[1, 0], ends[0, 0], ends[2, 0], now)]


def test_outlook_says_nothing_of_the_end_before_two_weeks_are_known_and_counts_no_estimates(
    conn: Connection, town: samples.Town
) -> None:
    plan(conn, 100)
    use(conn, town.meter_id, 100, 13, NOW.replace(minute=0))
    use(conn, town.meter_id, 900, 5, NOW.replace(minute=0) - timedelta(days=13), quality=2)
    plans.forecast(conn, ["A-1001"], NOVEMBER, utility(conn), NOW)
    ((used, middle),) = conn.execute("select used_m3, forecast_m3 from plan_forecast").fetchall()
    assert (used, middle) == (pytest.approx(0.1 * 13 * 24), None)


def test_the_daily_job_forecasts_and_tells_by_batches(
    conn: Connection, town: samples.Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "BATCH", 2)
    for n in range(5):
        factories.insert(conn, "customer", account_no=f"B{n}", name="x", manager_id=town.manager_id)
        plan(conn, 10, f"B{n}")
    plan(conn, 20)
    use(conn, town.meter_id, 100, 40, NOW.replace(minute=0))
    said = plans.outlook(Run(conn, load(), NOW, NOW))
    assert said == "6 plans, 1 told: managers 1, customers 1 messages"
    assert plans.outlook(Run(conn, load(), NOW, NOW)) == "6 plans, 0 told: managers 0, customers 0 messages"
    assert conn.execute("select count(*) from plan_forecast").fetchall() == [(6,)]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([(50, 60), (79.9, 99)], ["", ""]),
        ([(50, 101), (80, 101), (100, 110)], ["forecast", "80", "100"]),
        ([(81, 95), (85, 101), (100, 110)], ["80", "forecast", "100"]),
        ([(85, 101)], ["forecast"]),
        ([(120, 130), (121, 131)], ["100", ""]),
        ([(100, None)], ["100"]),
    ],
)
def test_each_mark_is_told_once_and_what_is_passed_at_once_as_the_latest_of_it(
    conn: Connection, town: samples.Town, steps: list[tuple[float, float | None]], told: list[str]
) -> None:
    plan(conn, 100)
    for day, ((used, low), expected) in enumerate(zip(steps, told, strict=True)):
        stands(conn, used, low)
        at = NOW + timedelta(days=day)
        counts = water_plans.notify(conn, SECTORS, at=at)
        wanted = (1, 1, 1) if expected else (0, 0, 0)
        assert (counts.plans, counts.customers, counts.managers) == wanted
        assert water_plans.notify(conn, SECTORS, at=at).plans == 0
        if expected:
            row = "select message ->> 'stage' from outbox where step = 'customer' order by id desc limit 1"
            assert conn.execute(row).fetchall() == [(expected,)]


def test_no_forecast_is_told_in_the_first_days(conn: Connection, town: samples.Town) -> None:
    plan(conn, 100)
    stands(conn, 5, 150)
    assert water_plans.notify(conn, SECTORS, at=datetime(2026, 11, 4, 12, tzinfo=UTC)).plans == 0
    assert water_plans.notify(conn, SECTORS, at=datetime(2026, 11, 4, 16, tzinfo=UTC)).plans == 1


def test_a_forecast_that_a_ticket_tells_is_not_told_to_the_manager_again(
    conn: Connection, town: samples.Town
) -> None:
    plan(conn, 100)
    stands(conn, 60, 120)
    event_id = samples.event(conn, "plan_overrun")
    assert water_plans.notify(conn, SECTORS, at=NOW).managers == 1  # no ticket yet
    conn.execute("update water_plan set noticed = '{}', version = 2")
    ticket = factories.insert(
        conn, "ticket", "id", priority="low", urgent=False, sla="low", grp="plan",
        routed_by="account_manager", response_due=NOW, resolution_due=NOW, account_no="A-1001",
    )  # fmt: skip
    factories.insert(conn, "ticket_event", ticket_id=ticket, event_id=event_id)
    told = water_plans.notify(conn, SECTORS, at=NOW + timedelta(days=1))
    assert (told.customers, told.managers) == (1, 0)


def test_managers_get_one_message_and_customers_of_other_sectors_none(
    conn: Connection, town: samples.Town
) -> None:
    for n in range(3):
        factories.insert(
            conn,
            "customer",
            account_no=f"R{n}",
            name=f"Home {n}",
            email="x@example.org",
            manager_id=town.manager_id,
        )
        plan(conn, 10, f"R{n}")
        stands(conn, 8 + n, account=f"R{n}")
    told = water_plans.notify(conn, SECTORS, at=NOW)
    assert (told.plans, told.customers, told.managers) == (3, 0, 1)
    (letter,) = letters(conn, "manager")
    assert letter.subject == "Water plans of November 2026: 3 to look at"
    assert [line for line in letter.text.splitlines() if line.startswith("Home")] == [
        "Home 2 · R2", "Home 1 · R1", "Home 0 · R0",
    ]  # fmt: skip
    assert "- Plan used up: 10 m³ of 10 m³ (100%)." in letter.text
    assert "- 80 % of the plan used: 8 m³ of 10 m³ (80%)." in letter.text


def test_plans_of_a_manager_who_is_away_go_to_the_deputy_then_as_routing_does(
    conn: Connection, town: samples.Town
) -> None:
    plan(conn, 10)
    stands(conn, 8)
    factories.insert(conn, "customer", account_no="R1", name="Own", manager_id=town.deputy_id)
    plan(conn, 10, "R1")
    stands(conn, 9, account="R1")
    away = (
        "insert into staff_absence (staff_id, starts_at, ends_at, created_by, created_at)"
        " values (%s, %s, %s, 't', %s)"
    )
    conn.execute(away, [town.manager_id, NOW - timedelta(days=1), NOW + timedelta(days=3), NOW])
    assert water_plans.notify(conn, SECTORS, at=NOW).managers == 1
    (letter,) = letters(conn, "manager")
    told = "select recipient from outbox where step = 'manager' order by id"
    assert conn.execute(told).fetchall() == [("chen@utility.example",)]
    assert letter.text.count("王丽, the account manager, is away: you stand in.") == 1
    conn.execute("delete from outbox")
    conn.execute("update water_plan set noticed = '{}'")
    conn.execute(away, [town.deputy_id, NOW - timedelta(days=1), NOW + timedelta(days=3), NOW])
    assert water_plans.notify(conn, SECTORS, at=NOW).managers == 1
    assert conn.execute(told).fetchall() == [("desk@utility.example",)]
    conn.execute("delete from outbox")
    conn.execute("update water_plan set noticed = '{}'")
    factories.staff(conn, "north", region_id=town.region_id, roles=["manager"])
    assert water_plans.notify(conn, SECTORS, at=NOW).managers == 2
    told_by = [row[0] for row in conn.execute(told)]
    assert sorted(told_by) == ["desk@utility.example", "north@utility.example"]


@pytest.mark.parametrize("stage", [(85, None), (60, 120), (100, 110)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_customer_is_told_in_own_words_and_language(
    conn: Connection, stage: tuple[float, float | None], language: str
) -> None:
    samples.town(conn, sector="industrial", language=language)
    plan(conn, 100)
    stands(conn, *stage)
    water_plans.notify(conn, SECTORS, at=NOW)
    (letter,) = letters(conn, "customer")
    for text in (letter.text, letter.html):
        assert "{" not in text.split("</style>")[-1] and "None" not in text
        assert ("November 2026" if language == "en" else "2026年11月") in text
        assert ("are expected by the end" in text or "预计月末用水" in text) == (stage[1] is not None)
    assert "A-1001" in letter.subject


def test_a_changed_plan_is_told_anew(conn: Connection, town: samples.Town) -> None:
    plan(conn, 100)
    stands(conn, 85)
    assert water_plans.notify(conn, SECTORS, at=NOW).customers == 1
    given: dict[str, Any] = {"actor": "li", "at": NOW}
    water_plans.put(conn, "A-1001", NOVEMBER, 90, "less", **given, version=1)
    assert water_plans.notify(conn, SECTORS, at=NOW).customers == 1
    with pytest.raises(ConflictError, match=r"version 2, not 1: 90 m³, by li on 2026-11-21 01:30 UTC"):
        water_plans.put(conn, "A-1001", NOVEMBER, 95, "x", **given, version=1)
    with pytest.raises(NotFoundError):
        water_plans.put(conn, "none", NOVEMBER, 95, "x", **given)


def month_of_use(conn: Connection, month: date, m3_day: float, share: float = 1.0) -> None:
    days = (add_months(month, 1) - month).days
    factories.insert(
        conn, "customer_month", account_no="A-1001", month=month, volume_l=1000 * m3_day * days,
        hours=round(24 * days * share), made_at=NOW,
    )  # fmt: skip


def test_next_months_plan_is_last_years_month_times_the_trend(conn: Connection, town: samples.Town) -> None:
    plan(conn, 100)
    for back in range(2, 26):
        month = add_months(DECEMBER, -back)
        month_of_use(conn, month, (10 + month.month) * (1.1 if back <= 13 else 1.0))
    conn.execute("update customer_month set volume_l = volume_l * 1.2 where month = '2026-08-01'")
    month_of_use(conn, NOVEMBER, 99)  # the running month doesn't count
    assert water_plans.propose(conn, DECEMBER, at=NOW) == 1
    row = conn.execute("select plan_m3, low_m3, high_m3, basis, facts from plan_proposal").fetchall()
    (proposed, low, high, basis, facts) = row[0]
    months = {5: 15, 6: 16, 7: 17, 8: 18, 9: 19, 10: 20}
    trend = sum(v * 1.1 * (1.2 if m == 8 else 1) for m, v in months.items()) / sum(months.values())
    assert (basis, facts["months"]) == ("last_year", 6)
    assert proposed == pytest.approx(22 * 31 * 1.1 * trend, abs=0.1)
    assert low < proposed < high and high / low == pytest.approx(1.2, abs=0.01)
    assert water_plans.propose(conn, DECEMBER, at=NOW) == 1  # made anew while nobody has decided


def test_february_of_28_days_is_held_against_29_by_the_day(conn: Connection, town: samples.Town) -> None:
    plan(conn, 100, month=date(2029, 1, 1))
    at = datetime(2029, 1, 20, tzinfo=UTC)
    for back in range(1, 26):
        month_of_use(conn, add_months(date(2029, 1, 1), -back), 10)
    water_plans.propose(conn, date(2029, 2, 1), at=at)
    assert conn.execute("select plan_m3, facts ->> 'last_year_m3' from plan_proposal").fetchall() == [
        (280, "280.0")
    ]
    plan(conn, 1, month=date(2027, 12, 1))
    water_plans.propose(conn, date(2028, 2, 1), at=datetime(2028, 1, 20, tzinfo=UTC))
    ((leap,),) = conn.execute("select plan_m3 from plan_proposal where month = '2028-02-01'").fetchall()
    assert leap == 290


def test_with_little_history_the_median_is_proposed_and_with_less_nothing(
    conn: Connection, town: samples.Town
) -> None:
    plan(conn, 100)
    for back, m3_day in ((2, 10), (3, 30)):
        month_of_use(conn, add_months(DECEMBER, -back), m3_day)
    month_of_use(conn, add_months(DECEMBER, -4), 500, share=0.5)  # half of it isn't known
    assert water_plans.propose(conn, DECEMBER, at=NOW) == 0
    month_of_use(conn, add_months(DECEMBER, -5), 14)
    assert water_plans.propose(conn, DECEMBER, at=NOW) == 1
    assert conn.execute("select plan_m3, basis from plan_proposal").fetchall() == [(434, "median")]


def test_accepted_proposals_become_plans_once_and_declined_ones_never(
    conn: Connection, town: samples.Town
) -> None:
    for n, state in enumerate(("proposed", "proposed", "proposed")):
        factories.insert(conn, "customer", account_no=f"P{n}", name="x")
        factories.insert(
            conn, "plan_proposal", account_no=f"P{n}", month=DECEMBER, plan_m3=10 + n, low_m3=9, high_m3=20,
            basis="median", state=state, made_at=NOW,
        )  # fmt: skip
    given: dict[str, Any] = {"actor": "li", "at": NOW}
    assert water_plans.decline(conn, DECEMBER, ["P0"], **given) == 1
    assert water_plans.accept(conn, DECEMBER, ["P0", "P1"], **given) == 1
    assert water_plans.accept(conn, DECEMBER, None, **given) == 1
    assert water_plans.accept(conn, DECEMBER, None, **given) == 0
    made = conn.execute("select account_no, plan_m3, decided_by from water_plan order by 1").fetchall()
    assert made == [("P1", 11, "li"), ("P2", 12, "li")]


def test_what_proposals_rest_on_is_said_in_both_languages() -> None:
    facts = {"last_year_m3": 1880.0, "trend": -5.0, "months": 6}
    assert explained("last_year", facts, "zh") == (
        "以去年同月用水 1880 m³（按日折算）为基数；最近 6 个月比上年同期减少 5%。"
    )
    assert explained("last_year", facts | {"trend": 0.0}, "en").endswith(
        "6 months used as much as a year before."
    )
    assert "7" in explained("median", {"months": 7}, "zh") and "7" in explained("median", {"months": 7}, "en")


def test_a_file_is_taken_in_whole_or_every_fault_is_named(conn: Connection, town: samples.Town) -> None:
    good = "\ufeffaccount_no,month,plan_m3\r\nA-1001,2026-12,1900\r\nA-1001,2028-02,1800.5\r\n"
    given: dict[str, Any] = {"actor": "li", "why": "plans", "at": NOW}
    assert water_plans.take(conn, good, **given) == (2, 2)
    assert water_plans.take(conn, good, **given) == (2, 0)
    bad = (
        "account_no,month,plan_m3\nA-1001,2026-12,-1\nnobody,2026-12,5\nA-1001,2026-13,5\n"
        "A-1001,2027-01,x\nA-1001,2027-02\nA-1001,2027-03,5\nA-1001,2027-03,6\nA-1001,2027-04,nan\n"
    )
    with pytest.raises(BadDataError) as refused:
        water_plans.take(conn, bad, **given)
    for number in (2, 3, 4, 5, 6, 8, 9):
        assert f"line {number}: " in str(refused.value)
    assert "line 7: " not in str(refused.value)
    assert "stands on line 7 already" in str(refused.value)
    assert conn.execute("select count(*) from water_plan").fetchall() == [(2,)]


@given(text=st.text(alphabet=st.sampled_from('ab,"\n\r2026-1;\x00\ufeff .'), max_size=80))
def test_no_file_breaks_the_reader(text: str) -> None:
    for file in (text, f"account_no,month,plan_m3\n{text}"):
        lines, faults = read_csv(file)
        assert all(line.plan_m3 >= 0 for _, line in lines)
        assert lines or faults or not text.strip()


def test_detection_reads_the_plans_that_stand(
    conn: Connection, town: samples.Town, database_url: str
) -> None:
    """A proposal is no plan."""
    plan(conn, 120.5)
    plan(conn, 80, month=DECEMBER)
    factories.insert(
        conn, "plan_proposal", account_no="A-1001", month=date(2027, 1, 1), plan_m3=1, low_m3=1, high_m3=1,
        basis="median", made_at=NOW,
    )  # fmt: skip
    with connect(database_url, "detect") as detect:
        seen = roster(detect)
    for month, planned in (("2026-11", [120.5]), ("2026-12", [80.0]), ("2027-01", [])):
        known = seen.plan_m3(month)
        assert known[~np.isnan(known)].tolist() == planned
