"""The `headwater key` command: make, list, rotate, limit and revoke API keys."""

from datetime import timedelta
from typing import Annotated

import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from api import keys
from core.clock import SystemClock
from core.settings import load
from jobs.where import located
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("access")
app = typer.Typer(help="API keys: make, list, rotate, limit, revoke.", no_args_is_help=True)
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
    requests_a_minute: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Most requests; as the setting says otherwise.")
    ] = None,
) -> None:
    """Make a key and print it, this once."""
    now = SystemClock().now()
    expires_at = None if expires_days is None else now + timedelta(days=expires_days)
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    with _connected() as conn:
        key = keys.create(
            conn,
            name,
            wanted,
            now,
            login=staff,
            expires_at=expires_at,
            requests_a_minute=requests_a_minute,
        )
    typer.echo(key)
    typer.echo("Keep it: only its hash is stored, and it is not shown again.", err=True)


@app.command("list")
def list_() -> None:
    """Show all keys, without their secrets."""
    columns = ("created_at", "expires_at", "revoked_at", "last_used_at", "old_until")
    names = ("created", "expires", "revoked", "last used", "old secret until")
    table = Table("prefix", "name", "scopes", "staff", "a minute", *names)
    everything = {"at": "infinity", "prefix": "", "staff_id": None, "limit": None}
    with _connected() as conn, conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(Q["keys"], everything).fetchall()
    for key in reversed(found):
        times = ["" if key[at] is None else f"{key[at]:%Y-%m-%d %H:%M}" for at in columns]
        limit = str(key["requests_a_minute"] or "")
        table.add_row(key["prefix"], key["name"], " ".join(key["scopes"]), key["staff"] or "", limit, *times)
    Console().print(table)


@app.command()
def rotate(
    prefix: Annotated[str, typer.Argument(help="The eight characters after `hw_`.")],
    grace_h: Annotated[
        float, typer.Option(min=0, max=720, help="Hours that the old secret is still good.")
    ] = 24.0,
) -> None:
    """Give a key a new secret and print it, this once."""
    with _connected() as conn:
        key, until = keys.rotate(conn, prefix, timedelta(hours=grace_h), SystemClock().now())
    typer.echo(key)
    typer.echo(f"The secret before is good until {until:%Y-%m-%d %H:%M} UTC.", err=True)


@app.command("limit")
def limit_(
    prefix: Annotated[str, typer.Argument(help="The eight characters after `hw_`.")],
    requests_a_minute: Annotated[
        int | None, typer.Argument(min=1, max=1_000_000, help="Nothing: as the setting says.")
    ] = None,
) -> None:
    """Set how many requests a minute a key may make."""
    with _connected() as conn:
        keys.limit(conn, prefix, requests_a_minute)


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The eight characters after `hw_`.")],
) -> None:
    """Refuse a key from now on."""
    with _connected() as conn:
        keys.revoke(conn, prefix, SystemClock().now())
    typer.echo(f"Revoked {prefix}.")
