"""The `headwater key` command: make, list and revoke API keys."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api import keys
from core.clock import SystemClock
from core.settings import load
from jobs.where import located
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("api")
app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)
SCOPES_HELP = "Comma-separated: " + ", ".join(keys.SCOPES) + "."


def _connected() -> Connection:
    return connect(located(load()).database_url, "owner")


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What uses the key; it signs what the key does.")],
    scopes: Annotated[str, typer.Option(help=SCOPES_HELP)],
    staff: Annotated[
        str | None, typer.Option(help="Login of its owner: the key sees what that person may see.")
    ] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it expires.")] = None,
) -> None:
    """Make a key and print it, this once."""
    now = SystemClock().now()
    expires_at = None if expires_days is None else now + timedelta(days=expires_days)
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    with _connected() as conn:
        key = keys.create(conn, name, wanted, now, login=staff, expires_at=expires_at)
    typer.echo(key)
    typer.echo("Keep it: only its hash is stored, and it is not shown again.", err=True)


@app.command("list")
def list_() -> None:
    """Show all keys, without their secrets."""
    table = Table("prefix", "name", "scopes", "staff", "created", "expires", "revoked", "last used")
    with _connected() as conn:
        found = conn.execute(Q["key_list"]).fetchall()
    for prefix, name, scopes, login, *times in found:
        shown = ["" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in times]
        table.add_row(prefix, name, " ".join(scopes), login or "", *shown)
    Console().print(table)


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The eight characters after `hw_`.")],
) -> None:
    """Refuse a key from now on."""
    with _connected() as conn:
        name = keys.revoke(conn, prefix, SystemClock().now())
    typer.echo(f"Revoked {name}.")
