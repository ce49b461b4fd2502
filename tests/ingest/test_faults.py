"""Whatever is killed, whenever: what was acknowledged to its publisher is stored, once."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from core.clock import SystemClock
from core.supervise import Supervisor
from ingest import role, writer
from jobs.stack import PrivateBroker, StackUrls
from sql.pool import Connection, connect
from tests.ingest.line import Line, singles
from tests.waiting import until

MANY = 20_000
WAITING = """
    select from pg_stat_activity
    where datname = current_database() and application_name = 'headwater ingest'
    and wait_event_type = 'Lock'"""


@contextlib.contextmanager
def killed_at_exit(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    with process:
        try:
            yield process
        finally:
            process.kill()


def retries() -> float:
    return REGISTRY.get_sample_value("headwater_ingest_database_retries_total") or 0.0


def keys(line: Line) -> int:
    """Readings, each counted once, having made sure that none is there twice."""
    rows = line.conn.execute("select count(*), count(distinct (meter_id, ts)) from reading").fetchall()
    assert rows[0][0] == rows[0][1]
    return int(rows[0][0])


def test_acknowledged_reading_survives_kill_of_the_ingester(line: Line) -> None:
    meters = line.meters(40)
    line.subscribe_session()
    messages = singles(meters, MANY)
    with killed_at_exit(line.process()) as ingester:
        publishing = threading.Thread(target=line.publish, args=(messages,))
        publishing.start()
        until(lambda: line.readings() > 1_000, 60)
        ingester.send_signal(signal.SIGKILL)
        ingester.wait(10)
        publishing.join(60)
    assert line.readings() < MANY
    with line.running():
        until(lambda: keys(line) == MANY, 60)
    assert not line.quarantined()


def test_nothing_is_lost_by_a_kill_before_the_commit(line: Line) -> None:
    meters = line.meters(40)
    line.subscribe_session()
    line.publish(singles(meters, MANY))
    with killed_at_exit(line.process("die_at_second_batch", HEADWATER_INGEST_BATCH_READINGS="2000")) as dying:
        assert dying.wait(60) == -signal.SIGKILL
    assert 0 < line.readings() < MANY
    with line.running():
        until(lambda: keys(line) == MANY, 60)


def test_nothing_is_lost_or_doubled_by_a_kill_between_commit_and_acknowledgement(line: Line) -> None:
    meters = line.meters(40)
    line.subscribe_session()
    line.publish(singles(meters, MANY))
    with killed_at_exit(line.process("die_after_commit", HEADWATER_INGEST_BATCH_READINGS="2000")) as dying:
        assert dying.wait(60) == -signal.SIGKILL
    assert 0 < line.readings() < MANY
    with line.running():
        until(lambda: keys(line) == MANY, 60)
    assert not line.quarantined()


def test_nothing_is_lost_while_database_sessions_are_ended_and_refused(
    line: Line, stack: StackUrls, database_url: str
) -> None:
    meters = line.meters(40)
    name = sql.Identifier(str(conninfo_to_dict(database_url)["dbname"]))
    messages = singles(meters, MANY)
    with line.running() as supervisor, psycopg.connect(stack.database_url, autocommit=True) as admin:
        publishing = threading.Thread(target=line.publish, args=(messages,))
        publishing.start()
        until(lambda: line.readings() > 500, 30)
        admin.execute(sql.SQL("alter database {} allow_connections false").format(name))
        refused = retries() + 3
        ended = admin.execute(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
            " where datname = %s and application_name = 'headwater ingest'",
            [name._obj[0]],
        ).fetchall()
        assert ended[0][0] >= 1
        until(lambda: retries() >= refused, 30)
        assert not supervisor.problems()
        admin.execute(sql.SQL("alter database {} allow_connections true").format(name))
        publishing.join(60)
        until(lambda: keys(line) == MANY, 60)
    assert not line.quarantined()


@pytest.fixture
def private_line(database_url: str, conn: Connection) -> Iterator[tuple[Line, PrivateBroker]]:
    with PrivateBroker() as broker:
        yield Line(database_url, broker.url, conn, "private"), broker


def test_nothing_is_lost_when_the_broker_restarts_in_order(private_line: tuple[Line, PrivateBroker]) -> None:
    line, broker = private_line
    meters = line.meters(40)
    line.subscribe_session()
    line.publish(singles(meters, 5_000))
    broker.stop()
    broker.start()
    with line.running():
        line.publish(singles(meters, 10_000)[5_000:])
        broker.stop()
        broker.start()
        until(lambda: keys(line) == 10_000, 60)


def test_acknowledgement_never_goes_out_on_another_connection(
    private_line: tuple[Line, PrivateBroker], conn: Connection
) -> None:
    """The broker forgets us and counts its packets anew: what we owe the old one means others on the new."""
    line, broker = private_line
    meters = line.meters(1)
    line.subscribe_session()
    messages = singles(meters, 550)
    old, new = messages[:50], messages[50:]
    with killed_at_exit(line.process("die_at_second_batch")) as dying:
        with connect(line.database_url, "owner") as blocker:
            blocker.execute("lock table reading in access exclusive mode")
            line.publish(old)
            until(lambda: conn.execute(WAITING).fetchall())
            broker.kill()
            broker.start()
            until(lambda: line.publish([("nobody", b"probe")]))
            line.publish(new)
        assert dying.wait(30) == -signal.SIGKILL
    assert line.readings() == 50
    with line.running():
        until(lambda: line.readings() == 550)


def test_dead_thread_turns_health_red_and_ends_the_process(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.meters(1)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    supervisor = Supervisor()
    monkeypatch.setattr(writer, "commit", fail)
    role.start(supervisor, line.settings(), SystemClock(), line.database_url)
    until(lambda: not supervisor.problems() and threading.active_count() > 1)
    line.subscribe_until(supervisor.stopping.is_set)
    assert supervisor.wait(5)
    assert "RuntimeError: a bug" in supervisor.problems()["writer"]
    assert set(supervisor.stop(20)) == {"writer"}


def test_process_with_a_dead_thread_exits_with_an_error_and_loses_nothing(line: Line) -> None:
    (meter,) = line.meters(1)
    line.subscribe_session()
    line.publish(singles([meter], 1))
    with killed_at_exit(line.process("broken")) as broken:
        assert broken.wait(60) == 70
    with line.running():
        until(line.readings)


def test_sigterm_ends_in_order_and_leaves_the_rest_to_the_broker(line: Line) -> None:
    meters = line.meters(40)
    line.subscribe_session()
    line.publish(singles(meters, MANY))
    with killed_at_exit(line.process(HEADWATER_INGEST_BATCH_READINGS="500")) as ingester:
        until(lambda: line.readings() > 1_000, 60)
        os.kill(ingester.pid, signal.SIGTERM)
        assert ingester.wait(20) == 0
    stored = line.readings()
    assert 1_000 < stored < MANY
    arrived = line.conn.execute("select sum(readings) from arrival").fetchall()[0][0]
    assert arrived == stored
    with line.running():
        until(lambda: keys(line) == MANY, 60)
    # What was stored had been acknowledged: nothing came a second time.
    assert line.conn.execute("select sum(readings) from arrival").fetchall()[0][0] == MANY


def test_message_that_the_store_refuses_is_found_and_put_aside(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours that shows in the store only: here, a value that its column can't take."""
    meters = line.meters(1)
    line.conn.execute("alter table reading add check (register_l <> 999990)")
    with line.running():
        line.publish(singles(meters, 50))
        until(lambda: line.readings() == 49)
        until(line.quarantined)
    assert [row[0] for row in line.quarantined()] == ["bad_value"]
    assert b"999990" in line.quarantined()[0][1]
