"""Records that may be of the same customer are listed for a person; nothing is merged."""

import csv
from pathlib import Path

from jobs.customers import report
from sql.pool import Connection
from tests import factories


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
    assert report(conn, out) == {"email": (1, 2), "name and address": (1, 2), "phone": (1, 2)}
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
