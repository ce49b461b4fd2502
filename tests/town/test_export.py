"""`headwater export`: what goes out comes in again as it was."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.errors import BadDataError
from jobs import export as room
from jobs import registry
from jobs.cli import app
from jobs.dataset import open_dataset
from jobs.dataset.writer import Format
from jobs.export import Choice, export
from jobs.stack import StackUrls
from sql.pool import Connection, connect
from tests.databases import fresh_database
from tests.town.folders import folder

TODAY = date(2026, 1, 20)
TABLES: dict[str, bytes] = {
    "utility": b"select * from utility",
    "staff": b"""select s.login, s.name, s.email, s.roles, r.code, b.login, s.on_duty_desk from staff s
        left join region r on r.id = s.region_id left join staff b on b.id = s.superior_id order by 1""",
    "dma": b"""select d.code, d.name, r.code, night_start, night_end, min_pressure_kpa, connections, mains_km
        from dma d left join region r on r.id = d.region_id order by 1""",
    "customer": b"""select account_no, c.name, sector, segment, c.language, c.phone, c.email, s.login, d.code,
        shifts, household_size, lives_alone, category, needs from customer c
        left join staff s on s.id = manager_id left join dma d on d.id = c.dma_id order by 1""",
    "meter": b"""select serial, kind, d.code, f.code, q3_lph, resolution_l, register_modulus_l, interval_s,
        node, x, y, elevation_m, active from meter m
        left join dma d on d.id = m.dma_id left join dma f on f.id = from_dma_id
        order by 1""",
    "meter_installation": b"""select m.serial, p.code, p.account_no, p.node, p.x,
        i.installed_at = '-infinity', nullif(i.installed_at, '-infinity'), nullif(i.removed_at, 'infinity')
        from meter_installation i join meter m on m.id = i.meter_id
        join service_point p on p.id = i.service_point_id
        order by 1""",
    "customer_balance": b"select account_no, balance, as_of from customer_balance order by 1",
    "water_plan": b"select account_no, month, plan_m3 from water_plan order by 1, 2",
    "outage": b"""select o.code, kind, d.code, reason, starts_at, expected_end, ended_at from outage o
        join outage_dma a on a.outage_id = o.id join dma d on d.id = a.dma_id order by 1""",
    "weather": b"select * from weather order by ts",
    "node": b"select * from node order by 1",
    "pipe": b"select * from pipe order by 1",
    "network": b"select inp from network",
    "reading": b"""select m.serial, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags,
        received_at from reading r join meter m on m.id = r.meter_id order by 1, 2""",
}


@pytest.fixture
def rich(conn: Connection, tmp_path: Path) -> Connection:
    """A database that was loaded from a folder with something in every file and column."""
    path = folder(
        tmp_path / "rich",
        utility="name,timezone,country,currency,price_m3\n青溪水务,Asia/Shanghai,CN,CNY,3.8\n",
        staff="login,name,email,language,roles,region,superior,duty_desk\n"
        "wang,王敏,w@x.example,zh,manager;reader,东区,zhao,\nzhao,赵丽,,en,operations,,,true\n",
        dmas="dma,name,region,night_start,night_end,min_pressure_kpa,connections,mains_km\n"
        "d1,河东,东区,01:30,04:30,200,812,12.3\nd2,河西,,,,,,\n",
        customers="customer,name,sector,segment,dma,manager,language,phone,email,household_size,lives_alone,shifts,"
        "plan_m3_month,category,needs\n"
        "c1,王敏,residential,vulnerable,d1,wang,en,123,c@x.example,1,true,,12.5,,elderly;medical\n"
        "c2,云河厂,industrial,large,d1,zhao,zh,,,,,mo-fr 06:00-22:00,900,steelworks,\n",
        meters="meter,kind,customer,dma,from_dma,q3_lph,resolution_l,register_modulus_l,interval_s,x,y,elevation_m,node,"
        "installed_at,removed_at\nm1,customer,c1,d1,,2500,0.1,1e7,3600,1.5,2.5,3.25,n1,,2026-01-02T00:00:00Z\n"
        "m2,customer,c2,d1,,,,,900,,,,n2,2026-01-01T00:00:00Z,\n"
        "m3,customer,c1,d1,,2500,,,3600,,,,,2026-01-02T00:00:00Z,\n"
        "t1,dma_inlet,,d2,d1,,,,300,,,,,,\np1,pressure,,d2,,,,,300,,,7.5,n2,,\n",
        balances="customer,balance,as_of\nc1,-86.45,2026-01-01\nc2,1200,2025-12-31\n",
        outages="outage,kind,dma,reason,start,expected_end,end\n"
        "o1,planned,d1,valve,2026-01-01T00:00:00Z,2026-01-01T04:00:00Z,2026-01-01T05:00:00Z\n",
        weather="ts,rain_mm,air_c\n2026-01-01T01:00:00Z,0.2,4.5\n2026-01-01T02:00:00Z,,4.1\n",
        nodes="node,elevation_m,x,y\nn1,5,0,0\nn2,6.5,100,\n",
        pipes="pipe,node1,node2,length_m,diameter_mm\np1,n1,n2,100.5,80\n",
        readings="meter,ts,register_l,flow_lph,pressure_kpa,temperature_c,battery_v,flags,received_at\n"
        "m1,2026-01-01T00:00:00.123456Z,10.25,12.3,,11.1,3.61,leak;low_battery,2026-01-01T00:00:05Z\n"
        "m2,2026-01-01T00:15:00Z,20.5,,,,,,2026-01-01T03:00:00Z\n"
        "m1,2026-01-01T01:00:00Z,11,,,,,,2026-01-01T01:00:01Z\n"
        "t1,2026-01-03T01:00:00Z,,-4500.5,,,,,\np1,2026-01-09T01:00:00Z,,,310.2,,,,\n",
    )
    (path / "network.inp").write_text("[TITLE]\n青溪\n")
    load(conn, path)
    return conn


def load(conn: Connection, path: Path) -> None:
    dataset = open_dataset(path)
    registry.load_registry(conn, dataset, TODAY)
    registry.load_balances(conn, dataset, datetime(2026, 1, 20, tzinfo=UTC))
    assert registry.load_readings(conn, dataset).refused == 0


def dump(conn: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: conn.execute(query).fetchall() for name, query in TABLES.items()}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_import_of_an_export_gives_the_same_database(
    rich: Connection, stack: StackUrls, template_database: str, tmp_path: Path, form: Format
) -> None:
    written = export(rich, tmp_path / "out", Choice(form=form))
    assert written["readings"] == 5
    with (
        fresh_database(stack.database_url, template_database) as url,
        connect(url, "owner", autocommit=True) as other,
    ):
        load(other, tmp_path / "out")
        for name, rows in dump(rich).items():
            assert rows, name
            assert dump(other)[name] == rows, name


def test_many_spans_give_what_one_does(
    rich: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(rich, tmp_path / "one", Choice(form="csv"))
    monkeypatch.setattr(room, "_READINGS_AT_ONCE", 20)
    export(rich, tmp_path / "many", Choice(form="csv"))
    for file in (tmp_path / "one").iterdir():
        assert (tmp_path / "many" / file.name).read_bytes() == file.read_bytes()


def test_a_part_holds_what_it_refers_to_and_no_more(rich: Connection, tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    export(rich, tmp_path / "dma", Choice(start, start + timedelta(days=4), dmas=("d2",)))
    part = open_dataset(tmp_path / "dma")
    assert [row.meter for row in part.meters] == ["p1", "t1"]
    assert [row.dma for row in part.dmas] == ["d1", "d2"]  # the transfer meter takes from d1
    assert part.customers == []
    assert part.extent.rows == 1
    export(rich, tmp_path / "meter", Choice(meters=("m2",), form="csv"))
    part = open_dataset(tmp_path / "meter")
    assert [row.customer for row in part.customers] == ["c2"]
    assert part.extent.rows == 1


def test_a_folder_in_use_and_unknown_names_are_refused(rich: Connection, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine")
    with pytest.raises(BadDataError, match="is in use"):
        export(rich, tmp_path / "used", Choice())
    with pytest.raises(BadDataError, match="no meter m9"):
        export(rich, tmp_path / "new", Choice(meters=("m9",)))
    assert not (tmp_path / "new").exists()


def test_command_says_what_it_wrote(
    rich: Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["export", str(tmp_path / "out"), "--dmas", "d1", "--format", "csv"])
    assert done.exit_code == 0, done.output
    assert "readings" in done.output
    assert (tmp_path / "out" / "readings.csv").read_text().startswith('"meter","ts"')
