"""The `headwater customers` command: records that may be of the same customer, for a person to look at."""

import csv
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.settings import load
from jobs.where import located
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("profiles")
COLUMNS = ("group", "same", "account_no", "name", "address", "phone", "email", "manager", "created_at")
app = typer.Typer(help="What the records of customers are worth.", no_args_is_help=True)


@app.callback()
def _customers() -> None:
    """Keep `duplicates` a command of its own while it is the only one."""


@app.command()
def duplicates(
    out: Annotated[Path, typer.Option(help="CSV file to write: a row a record, a number a group.")],
) -> None:
    """List records that share a phone number, an e-mail address, or name and address; changes nothing."""
    with connect(located(load()).database_url, "owner") as conn:
        counts = report(conn, out)
    table = Table("same", "groups", "records")
    for same, (groups, records) in counts.items():
        table.add_row(same, str(groups), str(records))
    Console().print(table)
    typer.echo(f"{sum(records for _, records in counts.values())} rows in {out}; nothing was merged.")


def report(conn: Connection, out: Path) -> dict[str, tuple[int, int]]:
    """Write the groups as CSV; return how many groups and records there are of each kind."""
    rows = conn.execute(Q["duplicates"]).fetchall()
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_harmless(value) for value in row] for row in rows)
    groups = {(same, number) for number, same, *_ in rows}
    records = Counter(same for _, same, *_ in rows)
    return {same: (sum(1 for kind, _ in groups if kind == same), count) for same, count in records.items()}


def _harmless(value: object) -> object:
    """Return text that a spreadsheet would run as a formula with an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value[:1] else value
