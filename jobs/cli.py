"""The `headwater` command."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from core.errors import HeadwaterError
from jobs import customers, keys, policies, staffing, timetable, town, visits
from jobs.stack.cli import app as stack_app

app = typer.Typer(
    help="Smart-water-meter readings become service that comes before the complaint.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(stack_app, name="stack", rich_help_panel="Set-up")
app.add_typer(keys.app, name="key", rich_help_panel="Set-up")
app.add_typer(policies.app, name="policy", rich_help_panel="Detection")
app.add_typer(customers.app, name="customers", rich_help_panel="Service")
app.add_typer(visits.app, name="weather", rich_help_panel="Data")
town.add_to(app)
staffing.add_to(app)


def _role(name: str, text: str) -> None:
    def command() -> None:
        from jobs import roles

        run: Callable[[], int] = getattr(roles, name)
        raise typer.Exit(run())

    app.command(name, help=text, rich_help_panel="Roles")(command)


_role("ingest", "Take readings from the MQTT broker into the database.")
_role("detect", "Turn readings into hourly use and events.")
_role("notify", "Turn events into tickets and send their messages.")
_role("api", "Serve the REST API.")
_role("jobs", "Run what is periodic.")


app.command(rich_help_panel="Set-up")(timetable.schedule)


@app.command("mail-in", rich_help_panel="Roles")
def mail_in(
    lmtp: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Listen there for mails by LMTP, until stopped.")
    ] = "",
) -> None:
    """Take one mail from standard input: a ticket is made or gone on with. For mail servers (sysexits)."""
    if lmtp:
        from jobs import roles

        raise typer.Exit(roles.mail_in(lmtp))
    from jobs.mail_in import run, standard_input

    raise typer.Exit(run(standard_input()))


@app.command(rich_help_panel="Roles")
def up() -> None:
    """Bring the database up to date, then run every role; restart what dies, stop all on Ctrl-C."""
    from core import logs
    from core.settings import load
    from jobs import up as everything
    from jobs.where import located
    from sql.migrate import migrate as apply

    settings = located(load(), mqtt=True)
    logs.configure(settings.log_level)
    apply(settings.database_url)
    raise typer.Exit(everything.run())


@app.command(rich_help_panel="Set-up")
def migrate(
    wait_s: Annotated[float, typer.Option(help="How long to wait for another runner.")] = 300.0,
) -> None:
    """Bring the database's schema up to date; safe to run at any time, and by two at once."""
    from core.settings import load
    from jobs.where import located
    from sql.migrate import migrate as apply

    applied = apply(located(load()).database_url, patience_s=wait_s)
    for name in applied:
        typer.echo(f"applied {name}")
    typer.echo(f"{len(applied)} migrations applied; the schema is current.")


def main() -> None:
    """Run the command; an error of ours is one clear line, not a traceback."""
    try:
        app()
    except HeadwaterError as problem:
        typer.secho(f"headwater: {problem}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
