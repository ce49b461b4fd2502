"""Detection on the real database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest

from core.batch import ReadingBatch
from core.clock import SystemClock
from core.settings import Settings
from core.supervise import Supervisor
from detection.cycle import Detection
from detection.engine import Engine
from detection.role import start
from detection.store import judged
from detection.store import roster as stored_roster
from service import outage_drafts, outages, segments
from service.outage import Deed
from service.outage_area import Area
from service.outage_drafts import Draft
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import factories
from tests.detection.builders import HOUR, T0, factory, home, live, ordered, play, readings, register
from tests.waiting import until

WEEKS = 20 * 24


def store(conn: Connection, *batches: ReadingBatch) -> None:
    """Store readings and their arrivals in one transaction, as the ingester does."""
    with conn.transaction():
        for batch in batches:
            rows = zip(
                batch.meter_id.tolist(),
                batch.ts.tolist(),
                batch.register_l,
                batch.flow_lph,
                batch.pressure_kpa,
                batch.battery_v,
                strict=True,
            )
            with conn.cursor().copy(
                "copy reading (meter_id, ts, register_l, flow_lph, pressure_kpa, battery_v) from stdin"
            ) as copy:
                for meter, ts, *values in rows:
                    copy.write_row((meter, _at(ts), *(None if np.isnan(v) else float(v) for v in values)))
            arrive(conn, batch)
        conn.execute("select pg_notify('headwater_reading', '')")


def arrive(conn: Connection, batch: ReadingBatch) -> None:
    meters = sorted(set(batch.meter_id.tolist()))
    spans = [batch.ts[batch.meter_id == m] for m in meters]
    conn.execute(
        "insert into arrival (meter_ids, ts_min, ts_max, readings) values (%s, %s, %s, %s)",
        (meters, [_at(int(s.min())) for s in spans], [_at(int(s.max())) for s in spans], len(batch)),
    )


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def part(batch: ReadingBatch, lo: int, hi: int) -> ReadingBatch:
    return batch.take(np.arange(lo, min(hi, len(batch))))


def events(conn: Connection) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute("select * from event order by subject, grp, epoch").fetchall()


def entries(conn: Connection) -> list[str]:
    return [r[0] for r in conn.execute("select kind from event_entry order by id").fetchall()]


@pytest.fixture
def utility(conn: Connection) -> Connection:
    conn.execute("insert into utility (name, timezone, price_m3) values ('Test', 'Asia/Shanghai', 4)")
    return conn


@pytest.fixture
def detect(database_url: str) -> Iterator[Connection]:
    with connect(database_url, "detect") as connection:
        yield connection


def detection() -> Detection:
    return Detection(SystemClock(), window_days=36)


def halves(batch: ReadingBatch, hours: int) -> tuple[ReadingBatch, ReadingBatch]:
    """Return the readings of the first hours, and the rest."""
    early = batch.ts < (T0 + hours * HOUR) * 10**6
    return batch.take(early), batch.take(~early)


@contextmanager
def role(database_url: str, count: int = 1) -> Iterator[list[Supervisor]]:
    settings = Settings(detect_settle_s=0.05, detect_every_s=1.0)
    supervisors = [Supervisor() for _ in range(count)]
    for supervisor in supervisors:
        start(supervisor, settings, SystemClock(), database_url)
    try:
        yield supervisors
    finally:
        for supervisor in supervisors:
            assert supervisor.stop() == {}


def test_leak_opens_one_event_with_its_figures(utility: Connection, detect: Connection) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    store(utility, register(meter, home(WEEKS, leak=(400, WEEKS, 30))))
    assert detection().cycle(detect)
    (event,) = events(utility)
    assert (event["subject"], event["grp"], event["epoch"]) == ("m-1", "leak", 0)
    assert event["account_no"] == "A1" and event["meter_id"] == meter
    assert event["onset"] == _at((T0 + 400 * HOUR) * 10**6)
    assert event["detected_at"] >= event["onset"]
    assert event["evidence"]["continuous_flow"]["rate_lph"] == 30.0
    assert event["loss_m3"] == pytest.approx(30 * (WEEKS - 400) / 1000)
    assert event["money"] == pytest.approx(event["loss_m3"] * 4)
    assert entries(utility) == ["opened"]
    (hours, total) = utility.execute("select count(*), sum(volume_l) from usage_hourly").fetchall()[0]
    assert hours == WEEKS and total == pytest.approx(home(WEEKS, leak=(400, WEEKS, 30)).sum())


def test_same_readings_announced_twice_change_nothing(utility: Connection, detect: Connection) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    batch = register(meter, home(WEEKS, leak=(400, WEEKS, 30)))
    store(utility, batch)
    working = detection()
    working.cycle(detect)
    arrive(utility, batch)
    working.cycle(detect)
    assert len(events(utility)) == 1 and entries(utility) == ["opened"]


def test_batch_that_commits_late_does_not_slip_past(
    utility: Connection, detect: Connection, database_url: str
) -> None:
    """A transaction begins first, takes its identity and clock values first, and commits last."""
    slow = factories.customer(utility, "A1", "m-1")
    quick = factories.customer(utility, "A2", "m-2")
    leaking = home(WEEKS, leak=(400, WEEKS, 30))
    working = detection()
    # Chunks are made under a lock until commit; with them in place, writers don't wait for each other.
    store(utility, register(factories.meter(utility, "m-0"), home(WEEKS)))
    with connect(database_url, "owner") as held:
        held.execute("select pg_current_xact_id()")
        store(held, register(slow, leaking))
        for lo in (0, 200, 400):
            store(utility, part(register(quick, leaking), lo, lo + 200))
            assert working.cycle(detect)
        assert [e["subject"] for e in events(utility)] == ["m-2"]
        held.commit()
    assert working.cycle(detect)
    assert [e["subject"] for e in events(utility)] == ["m-1", "m-2"]


def test_pieces_with_restarts_come_out_like_the_whole(utility: Connection, detect: Connection) -> None:
    volumes = home(WEEKS, leak=(300, 400, 30))
    for account, pieces in (("A1", [WEEKS + 1]), ("A2", [290, 330, 331, 390, 410, WEEKS + 1])):
        batch = register(factories.customer(utility, account, account), volumes)
        lo = 0
        for hi in pieces:
            store(utility, part(batch, lo, hi))
            assert detection().cycle(detect)  # a new process each time: rebuilt from the store
            lo = hi
    whole, pieced = events(utility)
    same = ["onset", "detected_at", "last_seen", "cleared_at", "loss_m3", "severity", "evidence", "magnitude"]
    assert {k: whole[k] for k in same} == {k: pieced[k] for k in same}
    assert whole["cleared_at"] is not None


def test_a_restart_reads_the_hours_of_whole_dmas_back(utility: Connection, detect: Connection) -> None:
    rng = np.random.default_rng(5)
    at = np.arange(62 * 24)
    flow = 40_000 * (1 + 0.5 * np.sin((at % 24 - 8) / 24 * 2 * np.pi)) * rng.normal(1, 0.02, len(at))
    flow[1300:1400] += 9_000
    for code, pieces in (("D1", [500, 1000, 1490]), ("D2", [200, 700, 1250, 1302, 1350, 1490])):
        standing = detection()
        dma = factories.dma(utility, code)
        meter = factories.meter(
            utility, f"in-{code}", kind="dma_inlet", dma_id=dma, interval_s=HOUR, q3_lph=2_000_000
        )
        batch = readings(meter, T0 + HOUR * np.arange(len(at) + 1), flow_lph=np.concatenate([[0.0], flow]))
        lo = 0
        for hi in pieces:
            store(utility, part(batch, lo, hi))
            working = standing if code == "D1" else detection()  # a new process each time
            assert working.cycle(detect)
            lo = hi
    whole, pieced = events(utility)
    assert (whole["subject"], pieced["subject"]) == ("D1", "D2")
    same = ["detectors", "onset", "cleared_at", "magnitude", "evidence"]
    assert {k: whole[k] for k in same} == {k: pieced[k] for k in same}
    assert whole["cleared_at"] is not None


def test_a_restart_reads_back_what_customers_used_before_the_window(
    utility: Connection, detect: Connection
) -> None:
    hours = 80 * 24
    rng = np.random.default_rng(7)
    homes = [home(hours, seed=n) * 10 for n in range(4)]
    flow = sum(homes) + 60 + rng.normal(0, 6, hours).round()
    flow[1700:1800] += 700
    span, engines = (T0 // HOUR, T0 // HOUR + hours), []
    for code, pieces in (("D1", [1400, 1650, hours + 1]), ("D2", [1400, 1500, 1650, 1710, 1760, hours + 1])):
        working = detection()
        dma = factories.dma(utility, code)
        inlet = factories.meter(
            utility, f"in-{code}", kind="dma_inlet", dma_id=dma, interval_s=HOUR, q3_lph=2_000_000
        )
        meters = [factories.customer(utility, f"{code}-{n}", f"{code}-{n}", dma_id=dma) for n in range(4)]
        utility.execute("update meter set interval_s = 900 where id = %s", [meters[3]])
        batches = [
            readings(inlet, T0 + HOUR * np.arange(hours + 1), flow_lph=np.concatenate([[0.0], flow])),
            *(register(m, v) for m, v in zip(meters[:3], homes, strict=False)),
            register(meters[3], np.repeat(homes[3], 4) / 4, step_s=900),
        ]
        lo = 0
        for hi in pieces:
            ends = [(T0 + HOUR * n) * 10**6 for n in (lo, hi)]
            store(utility, *(b.take((b.ts >= ends[0]) & (b.ts < ends[1])) for b in batches))
            working = working if code == "D1" else detection()  # a new process each time
            assert working.cycle(detect)
            lo = hi
        engines.append((dma, working._engine))
    (used, heard), again = (e.zones.use_of(dma, *span) for dma, e in engines)  # type: ignore[union-attr]
    np.testing.assert_allclose(used, sum(homes))
    assert (heard == 4).all()
    np.testing.assert_array_equal(again, (used, heard))
    whole, pieced = (e for e in events(utility) if e["grp"] == "network")
    assert whole["detectors"] == ["water_balance"]
    same = ["detectors", "onset", "cleared_at", "magnitude", "evidence"]
    assert {k: whole[k] for k in same} == {k: pieced[k] for k in same}


def test_a_first_start_judges_a_backlog_longer_than_the_window_like_a_backtest(
    utility: Connection, detect: Connection
) -> None:
    """Two events of a DMA lie before the newest window of 36 days; the last one of its home after it."""
    hours = 130 * 24
    rng = np.random.default_rng(6)
    at = np.arange(hours)
    flow = 40_000 * (1 + 0.5 * np.sin((at % 24 - 8) / 24 * 2 * np.pi)) * rng.normal(1, 0.02, hours)
    flow[800:900] += 9_000
    flow[1700:1800] += 9_000
    dma = factories.dma(utility, "D1")
    inlet = factories.meter(utility, "in", kind="dma_inlet", dma_id=dma, interval_s=HOUR, q3_lph=2_000_000)
    sensor = factories.meter(utility, "p", kind="pressure", dma_id=dma, interval_s=HOUR)
    customer = factories.customer(utility, "A1", "m-1", dma_id=dma)
    instants = T0 + HOUR * np.arange(hours + 1)
    batch = ordered(
        readings(inlet, instants, flow_lph=np.concatenate([[0.0], flow])),
        readings(sensor, instants[1:], pressure_kpa=300 + at % 24),
        register(customer, home(hours, leak=(3000, hours, 30))),
    )
    in_time = Engine(stored_roster(utility))
    play(in_time, batch, every_s=7 * 86_400)
    expected = {(e.subject, e.onset_s, e.cleared_s) for e in live(in_time)}
    assert [subject for subject, _, _ in sorted(expected, key=str)] == ["D1", "D1", "m-1"]
    store(utility, batch)
    working = detection()
    assert working.cycle(detect)
    found = {(e["subject"], e["onset"], e["cleared_at"]) for e in events(utility)}
    assert found == {(s, _at(lo * 10**6), hi and _at(hi * 10**6)) for s, lo, hi in expected}
    zones, span = working._engine.zones, (T0 // HOUR, T0 // HOUR + hours)  # type: ignore[union-attr]
    for read in (zones.inflow_of, zones.use_of):
        for ours, theirs in zip(
            read(dma, *span), getattr(in_time.zones, read.__name__)(dma, *span), strict=True
        ):
            np.testing.assert_allclose(ours, theirs)
    np.testing.assert_allclose(zones.sensors_of(dma, *span)[1], in_time.zones.sensors_of(dma, *span)[1])


def test_late_readings_retract_what_they_refute(utility: Connection, detect: Connection) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    volumes = home(WEEKS)
    volumes[400:440] += 5 + np.arange(40) * 7 % 23  # never alike
    volumes[420:422] = [100, 0]  # it rested, but the telegrams that say so are late
    batch = register(meter, volumes)
    gap = np.isin(np.arange(len(batch)), [421])
    working = detection()
    store(utility, part(batch.take(~gap), 0, 440))
    working.cycle(detect)
    assert entries(utility) == ["opened"]
    store(utility, batch.take(gap))
    working.cycle(detect)
    assert entries(utility) == ["opened", "retracted"]
    assert events(utility)[0]["retracted_at"] is not None


def test_sensors_of_a_district_are_one_event(utility: Connection, detect: Connection) -> None:
    dma = factories.dma(utility, "D1", min_pressure_kpa=200)
    meters = [
        factories.meter(utility, f"p-{i}", kind="pressure", dma_id=dma, interval_s=900) for i in range(3)
    ]
    ts = T0 + 900 * np.arange(1, 200)
    for i, meter in enumerate(meters):
        kpa = np.where((np.arange(199) >= 100 + i) & (np.arange(199) < 140), 120 - 10 * i, 300)
        store(utility, readings(meter, ts, pressure_kpa=kpa))
    detection().cycle(detect)
    (event,) = events(utility)
    assert (event["subject_kind"], event["subject"], event["grp"]) == ("dma", "D1", "pressure")
    assert event["evidence"]["low_pressure"]["meters"] == ["p-0", "p-1", "p-2"]
    assert event["evidence"]["low_pressure"]["min_kpa"] == 100
    assert event["magnitude"] == 100 and event["unit"] == "kPa" and event["cleared_at"] is not None


def test_announced_outage_suppresses_what_it_explains(utility: Connection, detect: Connection) -> None:
    dma = factories.dma(utility, "D1", min_pressure_kpa=200)
    meter = factories.meter(utility, "p-1", kind="pressure", dma_id=dma, interval_s=900)
    outage = factories.insert(
        utility,
        "outage",
        "id",
        code="O1",
        kind="planned",
        state="announced",
        reason="valve",
        starts_at=_at(T0 * 10**6),
        expected_end=_at((T0 + 10 * HOUR) * 10**6),
    )
    factories.insert(utility, "outage_dma", outage_id=outage, dma_id=dma)
    ts = T0 + 900 * np.arange(1, 40)
    store(utility, readings(meter, ts, pressure_kpa=np.where(np.arange(39) >= 20, 50, 300)))
    working = detection()
    working.cycle(detect)
    assert events(utility)[0]["suppressed_by"] is not None and entries(utility) == ["suppressed"]
    later = T0 + 900 * np.arange(40, 60)
    store(utility, readings(meter, later, pressure_kpa=np.full(20, 50)))
    working.cycle(detect)
    assert events(utility)[0]["suppressed_by"] is None and entries(utility) == ["suppressed", "opened"]


def test_off_shift_use_of_a_factory(utility: Connection, detect: Connection) -> None:
    meter = factories.customer(utility, "F1", "m-f", sector="industrial", shifts="mo-fr 14:00-06:00")
    volumes = factory(28 * 24)
    volumes[26 * 24 + 2 : 26 * 24 + 7] = 600  # a Saturday
    store(utility, register(meter, volumes))
    detection().cycle(detect)
    (event,) = events(utility)
    assert event["detectors"] == ["off_shift"] and event["grp"] == "industrial"
    assert event["onset"] == _at((T0 + (26 * 24 + 2) * HOUR) * 10**6)
    assert event["evidence"]["off_shift"]["volume_l"] == 3000


def test_a_change_of_segment_reaches_the_running_detector(
    utility: Connection, detect: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detection.cycle._MASTER_DATA_S", 0.0)
    meters = [factories.customer(utility, account, account) for account in ("A1", "B1")]
    factories.insert(
        utility,
        "detector_policy",
        detector="continuous_flow",
        scope="segment",
        scope_key="special",
        enabled=False,
    )
    leaking = home(WEEKS, leak=(400, WEEKS, 30))
    (first, second) = zip(*(halves(register(meter, leaking), 390) for meter in meters), strict=True)
    working = detection()
    store(utility, *first)
    working.cycle(detect)
    utility.execute("update customer set category = 'school' where account_no = 'A1'")
    segments.propose(utility, at=_at(T0 * 10**6))
    assert segments.apply(utility, by="test", at=_at(T0 * 10**6)).customers == 1
    store(utility, *second)
    working.cycle(detect)
    assert [event["subject"] for event in events(utility)] == ["B1"]


def test_policy_that_is_wrong_is_left_out_and_the_others_hold(
    utility: Connection, detect: Connection
) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    factories.customer(utility, "A2", "m-2")
    for detector, params in (("continuous_flow", '{"threshold": 1}'), ("nonsense", "{}")):
        factories.insert(utility, "detector_policy", detector=detector, scope="default", params=params)
    factories.insert(
        utility, "detector_policy", detector="continuous_flow", scope="meter", scope_key="m-1", enabled=False
    )
    other = meter + 1
    leaking = home(WEEKS, leak=(400, WEEKS, 30))
    store(utility, register(meter, leaking), register(other, leaking))
    detection().cycle(detect)
    assert [e["subject"] for e in events(utility)] == ["m-2"]


def test_edited_usage_stands(utility: Connection, detect: Connection) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    slot = _at((T0 + HOUR) * 10**6)
    factories.insert(utility, "usage_hourly", meter_id=meter, slot=slot, volume_l=7, quality=3)
    store(utility, register(meter, [5, 5, 5]))
    detection().cycle(detect)
    rows = utility.execute("select volume_l, quality from usage_hourly order by slot").fetchall()
    assert rows == [(5, 0), (7, 3), (5, 0)]


def test_two_replicas_make_one_event(utility: Connection, database_url: str) -> None:
    meters = [factories.customer(utility, f"A{i}", f"m-{i}") for i in range(8)]
    batches = [register(m, home(WEEKS, seed=m, leak=(408, WEEKS, 30))) for m in meters]
    with role(database_url, 2):
        for lo in range(0, WEEKS + 1, 60):
            store(utility, *(part(b, lo, lo + 60) for b in batches))
        until(lambda: len(events(utility)) == len(meters))
        until(lambda: all(e["loss_m3"] == pytest.approx(2.16) for e in events(utility)))
    assert sorted(entries(utility)) == ["opened"] * len(meters)


def test_role_comes_back_when_the_database_does(utility: Connection, database_url: str) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    batch = register(meter, home(WEEKS, leak=(400, WEEKS, 30)))
    with role(database_url):
        store(utility, part(batch, 0, 300))
        until(lambda: utility.execute("select count(*) from usage_hourly").fetchall()[0][0] >= 299)
        utility.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        store(utility, part(batch, 300, len(batch)))
        until(lambda: len(events(utility)) == 1)


def test_burst_wakes_the_role_at_once(utility: Connection, database_url: str) -> None:
    """Twenty days of history, then the quarter-hours of a burst one by one."""
    meter = factories.customer(utility, "A1", "m-1")
    utility.execute("update meter set interval_s = 900")
    quiet = np.repeat(home(WEEKS), 4) / 4
    batch = register(meter, [*quiet, 400, 400], step_s=900)
    seen = threading.Event()
    with role(database_url), connect(database_url, "notify", autocommit=True) as ear:
        ear.execute("listen headwater_event")
        store(utility, part(batch, 0, len(quiet) + 1))
        until(lambda: utility.execute("select count(*) from usage_hourly").fetchall()[0][0] == WEEKS)
        for i in (len(quiet) + 1, len(quiet) + 2):
            store(utility, part(batch, i, i + 1))
        for _ in ear.notifies(timeout=20, stop_after=1):
            seen.set()
    assert seen.is_set()
    (event,) = events(utility)
    assert event["detectors"] == ["burst"] and event["magnitude"] == 1600 and event["severity"] == "critical"
    assert event["onset"] == _at((T0 + WEEKS * HOUR) * 10**6)


def test_judged_events_are_read_back_and_leave_the_baseline(utility: Connection, detect: Connection) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    batch = register(meter, home(WEEKS, leak=(400, 440, 30)))
    store(utility, batch)
    detection().cycle(detect)
    (event,) = events(utility)
    assert judged(detect, T0) == {}
    factories.insert(
        utility, "event_verdict", event_id=event["id"], verdict="confirmed", actor="li", at=_at(T0 * 10**6)
    )
    detect.rollback()
    assert judged(detect, T0) == {meter: [(T0 + 400 * HOUR, int(event["cleared_at"].timestamp()))]}
    assert judged(detect, T0 + WEEKS * HOUR) == {}
    arrive(utility, batch)
    detect.rollback()
    assert detection().cycle(detect)


def test_window_is_rebuilt_from_hourly_usage_and_goes_on_as_if_never_stopped(
    utility: Connection, detect: Connection
) -> None:
    """An hourly meter and a quarter-hourly one; after the restart a late reading and new ones come."""
    meters = [factories.customer(utility, f"A{n}", f"m-{n}") for n in (1, 2)]
    utility.execute("update meter set interval_s = 900 where id = %s", [meters[1]])
    leaking = home(WEEKS, leak=(380, WEEKS, 30))
    batches = [register(meters[0], leaking), register(meters[1], np.repeat(leaking, 4) / 4, step_s=900)]
    first = [b.take((np.arange(len(b)) < len(b) * 9 // 10) & (np.arange(len(b)) != 200)) for b in batches]
    rest = [b.take((np.arange(len(b)) >= len(b) * 9 // 10) | (np.arange(len(b)) == 200)) for b in batches]
    store(utility, *first)
    assert detection().cycle(detect)
    assert len(events(utility)) == 2
    store(utility, *rest)
    assert detection().cycle(detect)  # one that has just started
    for event in events(utility):
        assert event["cleared_at"] is None
        assert event["loss_m3"] == pytest.approx(30 * (WEEKS - 380) / 1000, rel=0.01)
    assert sorted(set(entries(utility))) == ["opened"]
    assert utility.execute("select count(*) from usage_hourly").fetchall() == [(2 * WEEKS,)]


@pytest.mark.parametrize("fails", ["write_usage", "write_changes", "outages"])
def test_cycle_goes_on_where_it_was_when_the_database_comes_back(
    utility: Connection, detect: Connection, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = factories.customer(utility, "A1", "m-1")
    batch = register(meter, home(WEEKS, leak=(400, WEEKS, 30)))
    store(utility, part(batch, 0, 300))
    working = detection()
    assert working.cycle(detect)
    engine = working._engine
    store(utility, part(batch, 300, len(batch)))
    with monkeypatch.context() as away:

        def refuse(*_: object) -> None:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

        away.setattr(f"detection.store.{fails}", refuse)
        with pytest.raises(psycopg.OperationalError):
            working.cycle(detect)
    assert events(utility) == []
    assert working.cycle(detect)
    assert working._engine is engine
    assert len(events(utility)) == 1 and entries(utility) == ["opened"]
    assert utility.execute("select count(*) from usage_hourly").fetchall() == [(WEEKS,)]


def test_facts_of_days_outlast_a_restart(utility: Connection, detect: Connection) -> None:
    """A battery's fall is known from before the restart, although its readings aren't read again."""
    meter = factories.customer(utility, "A1", "m-1")
    hour = np.arange(24 * 20)
    flows = register(meter, home(len(hour) - 1))
    volts = np.where(hour % 24 == 12, 3.6 - 0.0122 * (hour // 24), np.nan)
    batch = replace(flows, battery_v=volts)
    for part_ in (batch.take(hour < 24 * 10), batch.take(hour >= 24 * 10)):
        store(utility, part_)
        assert detection().cycle(detect)  # one that has just started
    ((evidence, onset),) = utility.execute(
        "select evidence, onset from event where grp = 'device'"
    ).fetchall()
    assert evidence["low_battery"]["reason"] == "trend"
    assert onset == _at((T0 + 14 * 24 * HOUR) * 10**6)
    ((days, least),) = utility.execute(
        "select count(*), min(battery_v) from meter_day where battery_v > 0"
    ).fetchall()
    assert days == 19 and round(least, 2) == 3.38


def test_an_outage_entered_late_suppresses_what_was_raised_and_a_new_area_lets_it_speak(
    utility: Connection, detect: Connection
) -> None:
    dma = factories.dma(utility, "D1", min_pressure_kpa=200)
    factories.dma(utility, "D2")
    factories.customer(utility, "A-1", dma_id=dma)
    meter = factories.meter(utility, "p-1", kind="pressure", dma_id=dma, interval_s=900)
    ts = T0 + 900 * np.arange(1, 40)
    store(utility, readings(meter, ts, pressure_kpa=np.where(np.arange(39) >= 20, 50, 300)))
    working = detection()
    working.cycle(detect)
    assert entries(utility) == ["opened"]
    now = _at((T0 + 9 * HOUR) * 10**6)
    deed = Deed(Actor("li"), now)
    draft = Draft(
        "unplanned",
        Area(("D1",)),
        _at((T0 + 5 * HOUR) * 10**6),
        _at((T0 + 18 * HOUR) * 10**6),
        "pump_failure",
    )
    outage = outage_drafts.create(utility, draft, deed)
    working.cycle(detect)
    assert entries(utility) == ["opened"]  # a draft explains nothing
    outages.announce(utility, outage, deed)
    working.cycle(detect)
    assert entries(utility) == ["opened", "suppressed"]
    outages.change(utility, outage, {}, deed, area=Area(("D2",), "A-1"))
    working.cycle(detect)
    assert entries(utility) == ["opened", "suppressed", "opened"]
