"""The `headwater` command."""

import sys

import typer

from core.errors import HeadwaterError
from jobs.stack.cli import app as stack_app

app = typer.Typer(no_args_is_help=True, help="Smart-water-meter readings to leaks, tickets and mails.")
app.add_typer(stack_app, name="stack")


@app.callback()
def _headwater() -> None:
    """Keep `stack` a subcommand, also while it is the only one."""


def main() -> None:
    """Run the command; a failure with a known cause is a message, not a traceback."""
    try:
        app()
    except HeadwaterError as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise SystemExit(1) from None
