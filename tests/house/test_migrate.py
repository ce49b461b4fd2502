"""Migrations: safe at once, never edited, complete."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from core.errors import ConflictError
from sql import scripts
from sql.migrate import migrate
from sql.pool import Connection, RoleName, connect
from sql.scripts import checksum, files


def test_two_runners_at_once_apply_everything_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(2) as both:
        applied = list(both.map(migrate, [empty_database_url] * 2))
    assert sorted(applied, key=len) == [[], [f.name for f in files()]]


def test_a_runner_killed_in_the_middle_leaves_nothing_half_done(empty_database_url: str) -> None:
    program = (
        "import sys, sql.migrate as m\n"
        "real = m.checksum\n"
        "def die(file):\n"
        "    if file.name.startswith('0003'):\n"
        "        import os; os._exit(9)\n"
        "    return real(file)\n"
        "m.checksum = die\n"
        "m.migrate(sys.argv[1])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, empty_database_url], check=False)
    assert ended.returncode == 9
    assert migrate(empty_database_url) == [f.name for f in files()][2:]


def test_an_edited_migration_is_refused_with_its_cure(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty_database_url)
    copy = tmp_path / "migrations"
    shutil.copytree(scripts.FOLDER, copy)
    monkeypatch.setattr(scripts, "FOLDER", copy)
    first = files()[0]
    first.write_text(first.read_text() + "\n-- changed\n")
    with pytest.raises(ConflictError, match=rf"{first.name} was edited .* new migration"):
        migrate(empty_database_url)


def test_landed_files_have_the_checksums_on_record() -> None:
    record = (scripts.FOLDER / "SHA256SUMS").read_text().splitlines()
    assert record == [f"{checksum(file)}  {file.name}" for file in files()]


def test_what_is_many_and_dropped_by_age_is_a_hypertable(conn: Connection) -> None:
    rows = conn.execute("select hypertable_name from timescaledb_information.hypertables").fetchall()
    many = {"reading", "usage_hourly", "usage_daily", "meter_day", "quarantine", "audit"}
    assert {name for (name,) in rows} == many


def test_compression_policies_stand_where_the_edition_has_them(conn: Connection) -> None:
    ((edition,),) = conn.execute("select current_setting('timescaledb.license')").fetchall()
    ((policies,),) = conn.execute(
        "select count(*) from timescaledb_information.jobs where proc_name like '%compression%'"
    ).fetchall()
    assert policies == (2 if edition == "timescale" else 0)


@pytest.mark.parametrize("role", ["ingest", "detect", "notify", "api"])
def test_a_role_may_not_do_what_it_has_no_business_with(database_url: str, role: RoleName) -> None:
    forbidden = {
        "ingest": ["select * from customer", "delete from reading", "insert into ticket default values"],
        "detect": ["insert into reading (meter_id, ts) values (1, now())", "select * from api_key"],
        "notify": [
            "delete from ticket",
            "select password_hash from staff, api_key",
            "update reading set ts = ts",
        ],
        "api": ["select * from reading", "select password_hash from staff", "delete from event"],
    }
    with connect(database_url, role, autocommit=True) as conn:
        for statement in forbidden[role]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)


def test_entries_are_append_only_even_for_the_owner(conn: Connection) -> None:
    for statement in ("update ticket_entry set why = ''", "delete from event_entry", "truncate ticket_entry"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            conn.execute(statement.encode())
