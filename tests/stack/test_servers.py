"""The promises of `headwater stack`, on servers of the tests' own."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from jobs.stack import servers
from jobs.stack.errors import StackError
from jobs.stack.paths import stack_dir
from jobs.stack.process import command_line, identify
from tests.waiting import until


def stack_command(*arguments: str) -> list[str]:
    code = "from jobs.cli import main; main()"
    return [sys.executable, "-c", code, "stack", *arguments]


def postmaster() -> int:
    return int((stack_dir() / "run/postgres/postmaster.pid").read_text().split()[0])


def broker_pid() -> int:
    return int((stack_dir() / "run/mosquitto/mosquitto.pid").read_text())


def is_server(pid: int) -> bool:
    return any(argument.startswith(str(stack_dir() / "run")) for argument in command_line(pid)[1:])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: identify(pid) is None, what="the killed server to be gone")


def test_up_twice_leaves_the_servers_as_they_are_and_down_stops_them(own_local: Path) -> None:
    first = servers.up()
    pids = postmaster(), broker_pid()
    assert servers.up() == first
    assert (postmaster(), broker_pid()) == pids
    now = servers.status()
    assert (now.database_url, now.mqtt_url) == (first.database_url, first.mqtt_url)
    assert "mosquitto" in now.versions
    servers.down()
    assert [identify(pid) for pid in pids] == [None, None]
    assert servers.status().database_url is None
    # The ports are kept: what was configured with them goes on working.
    assert servers.up() == first


def test_two_concurrent_up_start_one_of_each(fresh_local: Path) -> None:
    runs = [subprocess.Popen(stack_command("up", "--json"), stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
    assert said[0] == said[1]
    started = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if is_server(int(entry.name))]
    assert sorted(started) == sorted([postmaster(), broker_pid()])


def test_database_is_durable_utf8_utc_and_has_timescaledb(own_local: Path) -> None:
    with psycopg.connect(servers.up().database_url, autocommit=True) as connection:
        connection.execute("create extension timescaledb")

        def shown(name: str) -> str:
            row = connection.execute(f"show {name}").fetchone()
            assert row is not None
            return str(row[0])

        assert {shown(n) for n in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
        assert shown("server_encoding") == "UTF8"
        assert shown("timezone") == "UTC"
        assert shown("jit") == "off"
        assert shown("timescaledb.telemetry_level") == "off"
        assert shown("listen_addresses") == "127.0.0.1"
        ordered = connection.execute("select upper('ä'), '中' > 'a'").fetchone()
        assert ordered == ("Ä", True)


def test_killed_servers_come_back_with_what_was_committed(own_local: Path) -> None:
    url = servers.up().database_url
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 42 as answer")
    kill(postmaster())
    kill(broker_pid())
    assert servers.up().database_url == url
    with psycopg.connect(url) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_pid_file_that_names_a_stranger_is_not_taken_for_a_server(own_local: Path) -> None:
    servers.up()
    pid_file = stack_dir() / "run/postgres/postmaster.pid"
    broker_file = stack_dir() / "run/mosquitto/mosquitto.pid"
    content = pid_file.read_text()
    servers.down()
    pid_file.write_text(content.replace(content.split()[0], str(os.getpid()), 1))
    broker_file.write_text(str(os.getpid()))
    assert servers.status().database_url is None
    servers.up()
    assert postmaster() != os.getpid()
    servers.down()
    assert identify(os.getpid()) is not None


def test_busy_port_is_left_to_its_holder(own_local: Path) -> None:
    before = servers.up()
    servers.down()
    with socket.create_server(("127.0.0.1", urlsplit(before.mqtt_url).port or 0)):
        after = servers.up()
    assert after.mqtt_url != before.mqtt_url
    assert after.database_url == before.database_url


def test_session_stops_the_servers_when_its_last_user_is_done(own_local: Path) -> None:
    with servers.stack_session() as urls:
        with servers.stack_session() as again:
            assert again == urls
        assert servers.status().database_url == urls.database_url
    assert servers.status().database_url is None


def test_session_leaves_servers_that_were_started_by_hand(own_local: Path) -> None:
    servers.up()
    with servers.stack_session():
        pass
    assert servers.status().database_url is not None


def test_killed_user_of_a_session_does_not_keep_the_servers_alive(own_local: Path) -> None:
    code = (
        "from jobs.stack import stack_session; import signal\n"
        "with stack_session(): print('in', flush=True); signal.pause()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with servers.stack_session():
        other.kill()
        other.communicate()
    assert servers.status().database_url is None


@pytest.mark.parametrize("room_bytes", [0, 1e18], ids=["in memory", "memory is short"])
def test_scratch_database_is_shared_lies_apart_and_is_gone_with_its_last_session(
    own_local: Path, monkeypatch: pytest.MonkeyPatch, room_bytes: float
) -> None:
    monkeypatch.setattr(servers, "SCRATCH_BYTES", room_bytes)
    link = stack_dir() / "run/scratch"
    with servers.stack_session(scratch=True) as urls:
        folder = link.resolve()
        assert folder.is_relative_to("/dev/shm") == (room_bytes == 0)
        with servers.stack_session() as lasting, servers.stack_session(scratch=True) as again:
            assert again == urls
            assert lasting.mqtt_url == urls.mqtt_url
            assert lasting.database_url != urls.database_url
        with psycopg.connect(urls.database_url) as connection:
            assert connection.execute("show data_directory").fetchone() == (f"{folder}/postgres",)
            assert connection.execute("show fsync").fetchone() == ("off",)
    assert not folder.exists()
    assert not link.is_symlink()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls.database_url)


def test_scratch_database_of_a_killed_session_is_cleared_away(own_local: Path) -> None:
    code = (
        "from jobs.stack import stack_session; import signal\n"
        "with stack_session(scratch=True): print('in', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        folder = (stack_dir() / "run/scratch").resolve()
        assert (folder / "postgres").is_dir()
        other.kill()
    with servers.stack_session():
        pass
    assert not folder.exists()


def test_reset_asks_then_begins_anew(own_local: Path) -> None:
    with psycopg.connect(servers.up().database_url) as connection:
        connection.execute("create table gone ()")
    refused = subprocess.run(stack_command("reset"), input="n\n", text=True, capture_output=True, check=False)
    assert refused.returncode == 1
    assert servers.status().database_url is not None
    subprocess.run(stack_command("reset", "--yes"), check=True, capture_output=True)
    assert not (stack_dir() / "run").exists()
    with psycopg.connect(servers.up().database_url) as connection:
        assert connection.execute("select to_regclass('gone')").fetchone() == (None,)


def test_status_tells_by_exit_code_whether_they_run(own_local: Path) -> None:
    assert subprocess.run(stack_command("status"), capture_output=True, check=False).returncode == 3
    servers.up()
    assert subprocess.run(stack_command("status"), capture_output=True, check=False).returncode == 0


def test_servers_of_the_settings_are_used_and_not_doubled(
    own_local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = servers.up()
    monkeypatch.setenv("HEADWATER_LOCAL", str(own_local / "other"))
    monkeypatch.setenv("HEADWATER_DATABASE_URL", urls.database_url)
    monkeypatch.setenv("HEADWATER_MQTT_URL", urls.mqtt_url)
    said: list[str] = []
    assert servers.up(said.append) == urls
    assert not (own_local / "other" / "stack" / "run").exists()
    password = urlsplit(urls.database_url).password
    assert password
    assert password not in "".join(said)
    monkeypatch.setenv("HEADWATER_LOCAL", str(own_local))
    monkeypatch.setenv("HEADWATER_DATABASE_URL", "")


def test_unreachable_server_of_the_settings_is_named(
    empty_local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/x")
    with pytest.raises(StackError, match="HEADWATER_DATABASE_URL does not answer"):
        servers.up()
    monkeypatch.setenv("HEADWATER_DATABASE_URL", "")
    monkeypatch.setenv("HEADWATER_MQTT_URL", "mqtt://127.0.0.1:1")
    with pytest.raises(StackError, match="HEADWATER_MQTT_URL does not answer"):
        servers.up()


def test_password_is_readable_by_its_owner_alone(own_local: Path) -> None:
    servers.up()
    assert (stack_dir() / "run/state.json").stat().st_mode & 0o777 == 0o600
    assert not (stack_dir() / "run/postgres.secret").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers under another account")
def test_root_in_a_closed_folder_puts_the_servers_where_their_account_can_enter(
    unpacked: Path, empty_local: Path
) -> None:
    empty_local.chmod(0o700)
    place = stack_dir()
    assert not place.is_relative_to(empty_local)
    assert (empty_local / "stack").readlink() == place
    (place / "root").symlink_to(unpacked)
    servers.up()
    assert Path(f"/proc/{postmaster()}").stat().st_uid != 0
    servers.down()
