from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import BadDataError
from detection import store
from jobs import registry
from jobs.dataset import StaffRow, open_dataset
from service.balances import Taken
from sql.pool import Connection
from tests.town.folders import CUSTOMERS, READINGS, folder

TODAY = date(2026, 11, 21)


def rows(conn: Connection, query: bytes) -> list[tuple[object, ...]]:
    return conn.execute(query).fetchall()


def test_loading_twice_changes_nothing(conn: Connection, tmp_path: Path) -> None:
    dataset = open_dataset(
        folder(
            tmp_path,
            utility="name,timezone,currency,price_m3\n青溪水务,Asia/Shanghai,CNY,3.8\n",
            customers=CUSTOMERS.replace("dma\n", "dma,plan_m3_month\n").replace("d1\n", "d1,30\n"),
            outages="outage,kind,dma,reason,start,expected_end\n"
            "o1,planned,d1,valve,2026-01-01T00:00:00Z,2026-01-01T04:00:00Z\n",
        )
    )
    first = registry.load_registry(conn, dataset, TODAY)
    readings = registry.load_readings(conn, dataset)
    assert first == {
        "utility": 1, "region": 1, "staff": 1, "dma": 1, "customer": 2, "service_point": 2, "meter": 2,
        "meter_installation": 2, "water_plan": 4, "outage": 1,
        "node": 0, "pipe": 0, "network": 0, "weather": 0,
    }  # fmt: skip
    assert (readings.read, readings.stored, readings.refused) == (3, 3, 0)
    assert set(registry.load_registry(conn, dataset, TODAY).values()) == {0}
    again = registry.load_readings(conn, dataset)
    assert (again.read, again.stored, again.refused) == (3, 0, 0)
    assert rows(conn, b"select count(*), count(distinct meter_id) from reading") == [(3, 2)]
    assert rows(conn, b"select count(*) from customer_change") == [(0,)]
    assert rows(conn, b"select month::text from water_plan where account_no = 'c1' order by month") == [
        ("2026-01-01",),
        ("2026-11-01",),
    ]


def test_detection_is_told_of_imported_readings(conn: Connection, tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path))
    registry.load_registry(conn, dataset, TODAY)
    conn.execute("listen headwater_reading")
    registry.load_readings(conn, dataset)
    [(meters, first, last, count)] = rows(
        conn, b"select cardinality(meter_ids), ts_min[1], ts_max[1], readings from arrival"
    )
    assert (meters, count) == (2, 3)
    assert (last - first).total_seconds() == 3600  # type: ignore[operator]
    assert [n.channel for n in conn.notifies(timeout=5, stop_after=1)] == ["headwater_reading"]


def test_a_reading_that_is_there_stands_and_a_conflict_is_counted(conn: Connection, tmp_path: Path) -> None:
    registry.load_registry(conn, open_dataset(folder(tmp_path)), TODAY)
    registry.load_readings(conn, open_dataset(folder(tmp_path)))
    changed = folder(tmp_path, readings=READINGS.replace("20.5", "99") + "m1,2026-01-01T02:00:00Z,12,,\n")
    loaded = registry.load_readings(conn, open_dataset(changed))
    assert (loaded.stored, loaded.refused) == (1, 1)
    assert rows(conn, b"select register_l from reading order by register_l") == [(10,), (11,), (12,), (20.5,)]


def test_a_changed_customer_is_written_and_the_change_kept(conn: Connection, tmp_path: Path) -> None:
    registry.load_registry(conn, open_dataset(folder(tmp_path)), TODAY)
    conn.execute(
        "update customer set phone = '123', segment = 'vulnerable', segment_by = 'li' where account_no = 'c1'"
    )
    moved = folder(tmp_path, customers=CUSTOMERS.replace("王敏", "王小敏"))
    changed = registry.load_registry(conn, open_dataset(moved), TODAY)
    assert changed["customer"] == 1
    assert rows(conn, b"select name, phone, segment, version from customer where account_no = 'c1'") == [
        ("王小敏", "123", "vulnerable", 2)
    ]
    assert rows(conn, b"select actor, version, before->>'name', after->>'name' from customer_change") == [
        ("import", 2, "王敏", "王小敏")
    ]


def test_an_exchanged_meter_follows_at_the_same_service_point(conn: Connection, tmp_path: Path) -> None:
    meters = (
        "meter,customer,installed_at,removed_at\n"
        "old,c1,,2026-01-02T00:00:00Z\nm2,c2,,\nm1,c1,2026-01-02T00:00:00Z,\ngarden,c1,,\n"
    )
    for _ in range(2):
        registry.load_registry(conn, open_dataset(folder(tmp_path, meters=meters)), TODAY)
    points = rows(
        conn,
        b"""select m.serial, p.code, m.active, i.removed_at = 'infinity' from meter_installation i
            join meter m on m.id = i.meter_id join service_point p on p.id = i.service_point_id
            order by m.serial""",
    )
    assert points == [
        ("garden", "c1/garden", True, True),
        ("m1", "c1/old", True, True),
        ("m2", "c2/m2", True, True),
        ("old", "c1/old", False, False),
    ]


def test_a_meter_that_moves_on_ends_its_first_installation(conn: Connection, tmp_path: Path) -> None:
    registry.load_registry(conn, open_dataset(folder(tmp_path)), TODAY)
    meters = "meter,customer,installed_at\nm1,c2,2026-02-01T00:00:00Z\nm2,c2,\n"
    registry.load_registry(conn, open_dataset(folder(tmp_path, meters=meters)), TODAY)
    assert rows(
        conn,
        b"""select p.account_no, i.removed_at = 'infinity' from meter_installation i
            join meter m on m.id = i.meter_id join service_point p on p.id = i.service_point_id
            where m.serial = 'm1' order by i.installed_at""",
    ) == [("c1", False), ("c2", True)]


def test_meters_and_readings_alone_make_bare_customers_and_dmas(conn: Connection, tmp_path: Path) -> None:
    registry.load_registry(conn, open_dataset(folder(tmp_path, customers="", dmas="")), TODAY)
    assert rows(conn, b"select account_no, name from customer order by 1") == [("c1", "c1"), ("c2", "c2")]
    assert rows(conn, b"select code, name from dma") == [("d1", "d1")]


def test_staff_have_superiors_deputies_and_what_is_not_given_stays(conn: Connection) -> None:
    registry.add_staff(
        conn,
        [
            StaffRow("wang", "王敏", "wang@x.example", superior="zhao", deputy="duty", region="东区"),
            StaffRow("zhao", "赵丽", language="en", roles="operations;reader"),
            StaffRow("duty", "值班台", duty_desk=True),
        ],
    )
    assert registry.add_staff(conn, [StaffRow("wang", "王小敏")]) == 1
    everybody = b"""select s.login, s.name, s.email, s.language, s.roles, r.code, p.login, d.login,
        s.on_duty_desk
        from staff s left join region r on r.id = s.region_id left join staff p on p.id = s.superior_id
        left join staff d on d.id = s.deputy_id order by s.login"""
    assert rows(conn, everybody) == [
        ("duty", "值班台", None, "zh", ["manager"], None, None, None, True),
        ("wang", "王小敏", "wang@x.example", "zh", ["manager"], "东区", "zhao", "duty", False),
        ("zhao", "赵丽", None, "en", ["operations", "reader"], None, None, None, False),
    ]
    assert registry.staff_without_mail(conn) == ["duty", "zhao"]
    with pytest.raises(BadDataError, match="no role king"):
        registry.add_staff(conn, [StaffRow("wang", "王敏", roles="king")])


def test_readings_before_their_meters_are_refused(conn: Connection, tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="2 meters are not in the database"):
        registry.load_readings(conn, open_dataset(folder(tmp_path)))


def test_what_is_refused_is_named_by_line_and_column(conn: Connection, tmp_path: Path) -> None:
    more = (
        "m1,2026-01-01T02:00:00Z,-5,,\n"
        "m1,2026-01-01T03:00:00Z,13,,2026-01-01T02:00:00Z\n"
        "m1,2026-01-01T04:00:00Z,,,\n"
        "m2,2026-01-01T00:00:10Z,21,,2026-01-02T00:00:00Z\n"
    )
    dataset = open_dataset(folder(tmp_path, readings=READINGS + more))
    registry.load_registry(conn, dataset, TODAY)
    loaded = registry.load_readings(conn, dataset)
    assert (loaded.read, loaded.stored, loaded.refused) == (7, 3, 4)
    said = [str(example) for example in loaded.report.examples]
    assert [text.split(":")[0] for text in sorted(said)] == [
        "readings.csv, line 5, column register_l",
        "readings.csv, line 6, column ts",
        "readings.csv, line 7, column ts",
        "readings.csv, line 8, column ts",
    ]
    assert "-5 L is not between 0 and 1e+13 L. Check the sensor" in "".join(said)


def test_network_and_weather_are_loaded_and_a_change_is_told_by_its_revision(
    conn: Connection, tmp_path: Path
) -> None:
    nodes, pipes = "node,elevation_m,x,y\nn1,5,0,0\nn2,6,100,0\n", "pipe,node1,node2,length_m\np1,n1,n2,100\n"
    weather = "ts,rain_mm,air_c\n2026-01-01T01:00:00Z,0.2,4.5\n"
    path = folder(tmp_path, nodes=nodes, pipes=pipes, weather=weather)
    (path / "network.inp").write_text("[TITLE]\nTown\n")
    for revision in (2, 2):
        registry.load_registry(conn, open_dataset(path), TODAY)
        before = store.roster(conn)
        assert before.network is not None
        assert before.network.revision == revision
    assert (before.network.pipe.tolist(), before.network.inp) == (["p1"], "[TITLE]\nTown\n")
    assert before.network.length_m.tolist() == [100]
    assert store.roster(conn, before).network is before.network
    (path / "pipes.csv").write_text(pipes.replace("100", "120"))
    registry.load_registry(conn, open_dataset(path), TODAY)
    after = store.roster(conn, before).network
    assert after is not None
    assert (after.revision, after.length_m.tolist()) == (3, [120])
    assert rows(conn, b"select rain_mm, air_c, wind_kmh from weather") == [(0.2, 4.5, None)]


def test_balances_are_taken_as_by_the_api_once_and_never_older_ones(conn: Connection, tmp_path: Path) -> None:
    head, at = "customer,balance,as_of\n", datetime(2026, 11, 21, tzinfo=UTC)
    dataset = open_dataset(
        folder(tmp_path / "bills", balances=f"{head}c1,-86.454,2026-11-20\nc2,5,2026-11-20\n")
    )
    registry.load_registry(conn, dataset, TODAY)
    assert registry.load_balances(conn, dataset, at) == Taken(2, 0, 0, [])
    assert registry.load_balances(conn, dataset, at + timedelta(days=1)) == Taken(0, 2, 0, [])
    later = open_dataset(folder(tmp_path / "later", balances=f"{head}c1,7,2026-11-19\nc2,6,2026-11-20\n"))
    assert registry.load_balances(conn, later, at) == Taken(1, 0, 1, [])
    assert rows(conn, b"select account_no, balance::text, received_by from customer_balance order by 1") == [
        ("c1", "-86.45", "import of bills"),
        ("c2", "6.00", "import of later"),
    ]
    strangers = open_dataset(
        folder(tmp_path / "x", customers="", balances=f"{head}c1,9,2026-11-21\nc9,9,2026-11-21\n")
    )
    with pytest.raises(BadDataError, match="1 customers of balances aren't there, c9 the first"):
        registry.load_balances(conn, strangers, at)
    assert rows(conn, b"select balance::text from customer_balance where account_no = 'c1'") == [("-86.45",)]
