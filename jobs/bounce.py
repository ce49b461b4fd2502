"""The `headwater bounce` command: a mail server's report, piped in."""

import email
import os
import sys

import psycopg
import typer

from core.clock import SystemClock
from core.errors import InfrastructureError
from core.settings import load
from jobs.where import located
from sql.pool import connect

MOST_BYTES = 10_000_000


def bounce() -> None:
    """Take a mail server's report on a mail of ours from standard input, as an MTA's pipe delivers it.

    Exit code 0: taken, or nothing of ours; 75 (EX_TEMPFAIL): the database is away, deliver it again; 65
    (EX_DATAERR): it can't be read.
    """
    from service import bounces

    raw = sys.stdin.buffer.read(MOST_BYTES + 1)
    if not raw.strip() or len(raw) > MOST_BYTES:
        typer.echo("no mail, or one too long to be a report", err=True)
        raise typer.Exit(os.EX_DATAERR)
    try:
        with connect(located(load()).database_url, "notify") as conn:
            said = bounces.take(conn, email.message_from_bytes(raw), at=SystemClock().now())
    except (InfrastructureError, psycopg.Error) as problem:
        typer.echo(problem, err=True)
        raise typer.Exit(os.EX_TEMPFAIL) from None
    typer.echo(said or "no report on a delivery")
