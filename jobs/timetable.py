"""The `headwater schedule` command: what is periodic, when it last ran, when it is due next."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.clock import SystemClock
from core.errors import NotFoundError
from core.settings import load
from jobs.where import located
from sql.pool import connect
from sql.query import Queries


def schedule(
    run: Annotated[str, typer.Option(help="Run this job now, whatever its schedule says.")] = "",
) -> None:
    """Show what is periodic, its last run and the next, in the utility's time; or run a job now."""
    from jobs import ledger
    from jobs.schedule import JOBS, declare
    from service.utility import utility

    settings, now = located(load()), SystemClock().now()
    if run:
        job = next((job for job in JOBS if job.name == run), None)
        if job is None:
            raise NotFoundError(f"No job {run!r}.", cure=f"There are: {', '.join(j.name for j in JOBS)}.")
        ledger.run_once(job, settings.database_url, settings, now.replace(microsecond=0), now)
    with connect(settings.database_url, "owner", autocommit=True) as conn:
        zone = utility(conn).zone
        declare(conn, JOBS, zone, now)
        found = conn.execute(Queries("api")["jobs"]).fetchall()
    table = Table("job", "what", "last run", "result", f"next ({zone})")
    for name, about, _, _, next_due, _, _, started, finished, ok, detail, *_ in found:
        result = detail if ok else f"failed: {detail}" if finished else "running" if started else ""
        times = [at.astimezone(zone).strftime("%m-%d %H:%M") if at else "" for at in (started, next_due)]
        table.add_row(name, about, times[0], result, times[1], style="red" if ok is False else None)
    Console().print(table)
