"""The `headwater customers` command: records that may be of the same customer, for a person to look at."""

import csv
from collections import Counter
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core.clock import SystemClock
from core.settings import load
from jobs.where import located
from service import customer_merging
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("profiles")
COLUMNS = ("group", "same", "account_no", "name", "address", "phone", "email", "manager", "created_at")
SHOWN = 10
Row = tuple[Any, ...]
By = Annotated[str, typer.Option(help="Who does it; the user of this machine, unless given.")]
app = typer.Typer(
    help="What the records of customers are worth, and two that are of one customer.", no_args_is_help=True
)


@app.command()
def duplicates(
    out: Annotated[Path, typer.Option(help="CSV file to write: a row a record, a number a group.")],
) -> None:
    """List records that share a phone number, an e-mail address, or name and address; changes nothing."""
    with connect(located(load()).database_url, "owner") as conn:
        rows = likely(conn)
    write(rows, out)
    _print_counts(rows)
    typer.echo(f"{len(rows)} rows in {out}; nothing was merged.")


@app.command()
def merge(
    account_no: Annotated[str, typer.Argument(help="Account number of the duplicate.")],
    into: Annotated[str, typer.Option(help="Account number of the record that goes on.")],
    why: Annotated[str, typer.Option(help="Stands in the history.")],
    by: By = "",
) -> None:
    """Merge a duplicate into another record, meters, tickets, plans and all; its number still finds it."""
    with connect(located(load()).database_url, "owner") as conn:
        at = SystemClock().now()
        version = customer_merging.merge(conn, account_no, into, actor=by or getuser(), why=why, at=at)
    typer.echo(f"{account_no} is merged into {into}, which is at version {version} now.")
    typer.echo(f"The way back: `headwater customers unmerge {account_no} --why WHY`.")


@app.command()
def unmerge(
    account_no: Annotated[str, typer.Argument(help="Account number of the record that was merged.")],
    why: Annotated[str, typer.Option(help="Stands in the history.")],
    by: By = "",
) -> None:
    """Take a merge back, while nothing was built upon it."""
    with connect(located(load()).database_url, "owner") as conn:
        customer_merging.undo(conn, account_no, actor=by or getuser(), why=why, at=SystemClock().now())
    typer.echo(f"{account_no} is a record of its own again.")


def tell_after_import(conn: Connection) -> None:
    """Print what likely duplicates there are now: how many of each kind, and the first of them."""
    rows = likely(conn)
    if not rows:
        typer.echo("No two records of customers look like one customer.")
        return
    typer.echo("These records may be of the same customer:")
    _print_counts(rows)
    table = Table("group", *COLUMNS[1:6])
    for number, same, account_no, name, address, phone, *_ in rows[:SHOWN]:
        table.add_row(str(number), same, account_no, escape(name), escape(address or ""), escape(phone or ""))
    Console().print(table)
    typer.echo(
        f"{min(SHOWN, len(rows))} of {len(rows)} rows; all: `headwater customers duplicates --out FILE`."
    )


def likely(conn: Connection) -> list[Row]:
    """Return a row (COLUMNS) a record that may be of the same customer as others of its group."""
    return conn.execute(Q["duplicates"]).fetchall()


def counts(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Return how many groups and records share each kind of thing."""
    groups = Counter(same for same, _ in {(same, number) for number, same, *_ in rows})
    records = Counter(same for _, same, *_ in rows)
    return {same: (groups[same], count) for same, count in records.items()}


def write(rows: Sequence[Row], out: Path) -> None:
    """Write the rows as CSV that a spreadsheet can open."""
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_harmless(value) for value in row] for row in rows)


def _print_counts(rows: Sequence[Row]) -> None:
    table = Table("same", "groups", "records")
    for same, (groups, records) in counts(rows).items():
        table.add_row(same, str(groups), str(records))
    Console().print(table)


def _harmless(value: object) -> object:
    """Return text that a spreadsheet would run as a formula with an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value[:1] else value
