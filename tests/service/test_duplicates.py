"""Records that may be of the same customer are listed for a person; nothing is merged."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.customers import counts, likely, write
from sql.pool import Connection
from tests import factories
from tests.town.folders import folder


def test_likely_duplicates_are_listed_by_what_they_share(conn: Connection, tmp_path: Path) -> None:
    for account, values in {
        "A1": {"name": "李娜", "phone": "+86 27 5550 0147", "address": "江城市中山路 15 号"},
        "A2": {"name": "黎娜", "phone": "139", "address": "江城市中山路15号"},
        "A3": {"name": "=Ann", "phone": "(027) 5550-0147", "email": "Ann@x.example"},
        "A4": {"name": "Bob", "email": " ann@X.example"},
        "A5": {"name": "李娜", "address": "江城市解放路 1 号"},
        "A6": {"name": "李娜"},
        "A7": {"name": "李娜"},
    }.items():
        factories.customer(conn, account, **values)
    out = tmp_path / "duplicates.csv"
    found = likely(conn)
    assert counts(found) == {"email": (1, 2), "name and address": (1, 2), "phone": (1, 2)}
    write(found, out)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["same"], row["account_no"], row["name"]) for row in csv.DictReader(file)]
    assert rows == [
        ("email", "A3", "'=Ann"),
        ("email", "A4", "Bob"),
        ("name and address", "A1", "李娜"),
        ("name and address", "A2", "黎娜"),
        ("phone", "A1", "李娜"),
        ("phone", "A3", "'=Ann"),
    ]
    assert conn.execute("select count(*) from customer").fetchall() == [(7,)]


def test_the_command_merges_and_takes_apart(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    for account in ("A1", "A2"):
        factories.customer(conn, account)
    words = ["--why", "Entered twice.", "--by", "anna"]
    done = CliRunner().invoke(app, ["customers", "merge", "A2", "--into", "A1", *words])
    assert "A2 is merged into A1, which is at version 2 now." in done.output
    assert conn.execute("select actor, why from customer_change").fetchall() == [("anna", "Entered twice.")]
    assert conn.execute("select account_no from customer").fetchall() == [("A1",)]
    done = CliRunner().invoke(app, ["customers", "unmerge", "A2", *words])
    assert "A2 is a record of its own again." in done.output
    assert conn.execute("select count(*) from customer").fetchall() == [(2,)]


def test_an_import_says_which_records_look_like_one_customer(
    conn: Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "120")
    factories.customer(conn, "A1", name="李娜", phone="027 5550 0100")
    rows = "".join(f"c{n},[b]{n},+86 27 5550 01{n // 2:02}\n" for n in range(30))
    path = folder(tmp_path / "d", customers=f"customer,name,phone\n{rows}")
    done = CliRunner().invoke(app, ["import", str(path), "--no-readings"])
    assert done.exit_code == 0, done.output
    assert "phone │ 15     │ 31" in done.output
    assert done.output.count("[b]") == 9
    assert "A1" in done.output
    assert "10 of 31 rows; all: `headwater customers duplicates --out FILE`." in done.output
    assert conn.execute("select count(*) from customer").fetchall() == [(31,)]
