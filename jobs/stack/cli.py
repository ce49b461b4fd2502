"""`headwater stack`: the private servers by hand."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from jobs.stack import servers

app = typer.Typer(no_args_is_help=True, help="The private TimescaleDB and Mosquitto of this clone.")
STOPPED = 3


def _progress(line: str) -> None:
    typer.echo(line, err=True)


@app.command()
def up(
    as_json: Annotated[bool, typer.Option("--json", help="Print the URLs as one JSON object.")] = False,
) -> None:
    """Start what isn't running, wait until it is ready, and print the URLs."""
    urls = servers.up(_progress)
    if as_json:
        typer.echo(json.dumps(asdict(urls)))
    else:
        typer.echo(f"database  {urls.database_url}\nmqtt      {urls.mqtt_url}")


@app.command()
def down() -> None:
    """Stop the servers in order; the data stay."""
    servers.down()
    typer.echo("stopped")


@app.command()
def status() -> None:
    """Say what runs, where, and in which versions; exit code 3 when a server is stopped."""
    now = servers.status()
    typer.echo(f"database  {now.database_url or 'stopped'}\nmqtt      {now.mqtt_url or 'stopped'}")
    for name, version in sorted(now.versions.items()):
        typer.echo(f"{name} {version}")
    if now.database_url is None or now.mqtt_url is None:
        raise typer.Exit(STOPPED)


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop the servers and delete their data."""
    if not yes:
        typer.confirm("Delete the private database and the broker's queue?", abort=True)
    servers.reset()
    typer.echo("reset")
