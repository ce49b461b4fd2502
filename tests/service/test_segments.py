"""Who is large, special, vulnerable or general; why; and whose word it is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.errors import BadDataError, ConflictError
from core.words import Sector, Segment
from service import profiles, segments
from sql.pool import Connection
from tests import factories

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
MONTH = date(2026, 11, 1)


def customer(conn: Connection, account_no: str, m3: float = 0.0, months: int = 12, **values: Any) -> None:
    """Insert a customer who used `m3` in the last `months` months."""
    factories.insert(conn, "customer", account_no=account_no, name=account_no, **values)
    if m3:
        conn.execute(
            "insert into customer_month (account_no, month, volume_l, hours, made_at)"
            " select %s, date '2026-11-01' - n * interval '1 month', %s, 730, %s"
            " from generate_series(1, %s) n",
            (account_no, m3 * 1000 / months, NOW, months),
        )


def is_now(conn: Connection) -> dict[str, tuple[str, str]]:
    rows = conn.execute("select account_no, segment, segment_by from customer").fetchall()
    return {account: (segment, by) for account, segment, by in rows}


def judge(conn: Connection) -> dict[str, tuple[str, str]]:
    segments.propose(conn, at=NOW)
    segments.apply(conn, by="job", at=NOW)
    return is_now(conn)


def why(conn: Connection, account_no: str) -> str:
    rows = conn.execute(
        "select why from customer_change where account_no = %s order by version", [account_no]
    )
    return str(rows.fetchall()[-1][0])


@pytest.fixture
def town(conn: Connection) -> Connection:
    factories.insert(conn, "utility", name="x", timezone="Asia/Shanghai")
    conn.execute("update segment_policy set large_most_share = 0.3")
    return conn


def test_large_are_the_few_who_together_carry_the_share(town: Connection) -> None:
    for account, m3 in [("A", 50_000), ("B", 30_000), ("C", 15_000), ("D", 13_000), ("E", 12_000)]:
        customer(town, account, m3)
    for number in range(5):
        customer(town, f"F{number}", 1_000)
    made = segments.propose(town, at=NOW)
    assert [vars(move) for move in made.moved] == [{"was": "general", "becomes": "large", "customers": 1}]
    assert is_now(town)["A"] == ("general", "import")  # a proposal changes nobody
    applied = segments.apply(town, by="job", at=NOW)
    assert (applied.month, applied.customers) == (MONTH, 1)
    assert is_now(town)["A"] == ("large", "rule")
    assert why(town, "A") == "large: 50,000 m3 in 12 months, rank 1 of 10, together 40.0 %"
    rows = town.execute("select version, actor, before, after from customer_change").fetchall()
    assert rows == [
        (
            2,
            "rule",
            {"segment": "general", "segment_by": "import"},
            {"segment": "large", "segment_by": "rule"},
        )
    ]
    assert segments.propose(town, at=NOW).customers == 0
    sums = town.execute("select segment, customers, unmanaged, volume_m3 from segment_month order by 1")
    assert sums.fetchall() == [
        ("general", 9, 9, pytest.approx(75_000)),
        ("large", 1, 1, pytest.approx(50_000)),
    ]


def test_who_is_large_stays_so_a_little_longer(town: Connection) -> None:
    for account, m3 in [("A", 43_000), ("B", 20_000), ("C", 19_000), ("D", 18_000)]:
        customer(town, account, m3, segment="large" if account == "B" else "general", segment_by="rule")
    town.execute("update segment_policy set large_most_share = 0.5")
    assert {a for a, (segment, _) in judge(town).items() if segment == "large"} == {"A", "B"}
    town.execute("update segment_policy set large_keep_share = 0.43")
    assert {a for a, (segment, _) in judge(town).items() if segment == "large"} == {"A"}
    assert (
        why(town, "B") == "general: 20,000 m3 in 12 months, rank 2 of 4, together 63.0 %; past the first 40 %"
    )


def test_equals_are_treated_alike_and_a_town_of_equals_has_nobody_large(town: Connection) -> None:
    for account in "ABCDEFGH":
        customer(town, account, 9_000)
    assert set(judge(town).values()) == {("general", "import")}


def test_nobody_is_large_below_the_floor(town: Connection) -> None:
    customer(town, "A", 3_000)
    customer(town, "B", 10)
    assert judge(town)["A"] == ("general", "import")
    town.execute("update segment_policy set large_least_m3 = 3000, large_most_share = 0.5")
    assert judge(town)["A"] == ("large", "rule")


def test_a_short_time_is_held_against_its_part_of_the_floor(town: Connection) -> None:
    customer(town, "A", 700, months=2)  # 730 hours each: a sixth of 3,650 m3 is 608
    customer(town, "B", 10)
    customer(town, "C", 10)
    assert judge(town)["A"][0] == "large"


def test_special_and_vulnerable_follow_from_what_a_customer_is(town: Connection) -> None:
    customer(town, "H", 99_000, category="hospital")
    customer(town, "S", 10, category="school")
    customer(town, "X", 10, category="bakery")
    customer(town, "V", 10, lives_alone=True, needs=["elderly"])
    customer(town, "W", 10, needs=["elderly"])
    customer(town, "M", 10, needs=["medical"])
    found = judge(town)
    assert {account: segment for account, (segment, _) in found.items()} == {
        "H": "special",
        "S": "special",
        "X": "general",
        "V": "vulnerable",
        "W": "general",
        "M": "vulnerable",
    }
    assert why(town, "H").startswith("special: hospital; 99,000 m3 in 12 months, rank 1 of 6")
    assert why(town, "V").startswith("vulnerable: lives alone, elderly; ")
    town.execute("update customer set category = 'ruin' where account_no = 'S'")
    town.execute("update customer set needs = '{}' where account_no = 'M'")
    assert judge(town)["S"][0] == "general"
    assert "ruin is not special" in why(town, "S")
    assert "nothing makes it vulnerable any more" in why(town, "M")


def test_a_person_s_word_stands_until_it_is_handed_back(town: Connection) -> None:
    customer(town, "A", 50_000)
    for account in "BCD":
        customer(town, account, 10)
    segments.say(town, "B", Segment.SPECIAL, actor="li.wei", why="The mayor lives there.", at=NOW)
    assert judge(town)["B"] == ("special", "li.wei")
    segments.say(town, "B", None, actor="li.wei", why="She has moved.", at=NOW)
    assert is_now(town)["B"] == ("special", "rule")
    assert judge(town)["B"] == ("general", "rule")
    with pytest.raises(BadDataError, match="not a person"):
        segments.say(town, "B", None, actor="rule", why="x", at=NOW)


def test_what_a_person_said_meanwhile_overtakes_the_proposal(town: Connection) -> None:
    customer(town, "A", 50_000)
    for account in "BCD":
        customer(town, account, 10)
    segments.propose(town, at=NOW)
    segments.say(town, "A", Segment.VULNERABLE, actor="li.wei", why="x", at=NOW)
    assert segments.apply(town, by="job", at=NOW).customers == 0
    assert is_now(town)["A"] == ("vulnerable", "li.wei")
    assert town.execute("select count(*) from segment_change").fetchall() == [(0,)]


def test_what_was_imported_stands_where_nothing_is_known_against_it(town: Connection) -> None:
    customer(town, "L", 100, months=1, segment="large")
    customer(town, "N", segment="large")
    customer(town, "O", 100, months=12, segment="large")
    customer(town, "S", 100, segment="special")
    customer(town, "V", segment="vulnerable")
    for number in range(9):
        customer(town, f"F{number}", 200)
    found = judge(town)
    assert [found[account][0] for account in "LNOSV"] == [
        "large",
        "large",
        "general",
        "special",
        "vulnerable",
    ]


def test_the_channel_follows_who_has_not_chosen_another(town: Connection) -> None:
    town.execute("update segment_rule set channel = 'sms' where segment = 'vulnerable'")
    customer(town, "A", needs=["medical"])
    customer(town, "B", needs=["medical"])
    profiles.change(town, "B", {"channel": "sms"}, actor="li.wei", why="asked", at=NOW)
    profiles.change(town, "B", {"channel": "email"}, actor="li.wei", why="asked", at=NOW)
    judge(town)
    rows = town.execute("select account_no, channel from customer order by 1").fetchall()
    assert rows == [("A", "sms"), ("B", "email")]
    (after,) = town.execute("select after from customer_change where account_no = 'A'").fetchall()[0]
    assert after == {"segment": "vulnerable", "segment_by": "rule", "channel": "sms"}


def test_policy_and_rules_are_changed_in_versions(town: Connection) -> None:
    first = segments.policy(town)
    changed = segments.set_policy(town, {"large_share": 0.3}, actor="li.wei", version=first.version)
    assert (changed.large_share, changed.version, changed.updated_by) == (0.3, 2, "li.wei")
    with pytest.raises(ConflictError, match=r"version 2, not 1: li\.wei"):
        segments.set_policy(town, {"large_share": 0.2}, actor="bo", version=1)
    with pytest.raises(BadDataError, match="less than"):
        segments.set_policy(town, {"large_share": 0.5}, actor="bo")
    rule = segments.set_rule(
        town,
        Segment.GENERAL,
        Sector.COMMERCIAL,
        {"visit_every_months": None, "lift": 1},
        actor="bo",
        version=1,
    )
    assert (rule.visit_every_months, rule.lift, rule.version, rule.updated_by) == (None, 1, 2, "bo")
    with pytest.raises(ConflictError, match="general commercial is at version 2"):
        segments.set_rule(town, Segment.GENERAL, Sector.COMMERCIAL, {"lift": 0}, actor="bo", version=1)


def large(volumes: Sequence[float], share: float, floor: float, most: float) -> set[int]:
    """The rule, one customer after another."""
    total, found = sum(volumes), set()
    for number, volume in enumerate(volumes):
        before = sum(v for v in volumes if v > volume)
        as_many = sum(v >= volume for v in volumes)
        if volume > 0 and volume >= floor and before < share * total and as_many <= ceil(most * len(volumes)):
            found.add(number)
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    volumes=st.lists(st.integers(0, 20), min_size=1, max_size=12),
    share=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    most=st.sampled_from([0.0, 0.125, 0.5, 1.0]),
)
@example(volumes=[5], share=0.5, most=0.125)
@example(volumes=[0, 0], share=0.5, most=1.0)
def test_the_rule_is_that_of_the_slow_reference(
    town: Connection, volumes: list[int], share: float, most: float
) -> None:
    conn = town
    with conn.transaction(force_rollback=True):
        conn.execute(
            "update segment_policy set large_share = %s, large_keep_share = 1, large_most_share = %s,"
            " large_least_m3 = 3",
            (share, most),
        )
        for number, volume in enumerate(volumes):
            customer(conn, str(number), volume)
        town_of = {int(account): segment for account, (segment, _) in judge(conn).items()}
        # 12 months of 730 hours are a little less than the year the floor is for.
        assert {n for n, s in town_of.items() if s == "large"} == large(volumes, share, 3 * 8760 / 8766, most)
