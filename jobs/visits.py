"""What is periodic about visits, and `headwater weather import`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.clock import SystemClock
from core.errors import BadDataError
from core.settings import load
from jobs.dataset.rows import WeatherRow
from jobs.dataset.tables import read_table
from jobs.job import Run
from jobs.options import instant
from jobs.where import located
from service import inspections, visit_messages, visit_plan, weather
from service.utility import utility
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("visits")
app = typer.Typer(help="Weather, measured and forecast.", no_args_is_help=True)


def plan(run: Run) -> str:
    """Plan the visits of the periods that run or begin soon."""
    zone = utility(run.conn).zone
    made = visit_plan.plan(run.conn, zone, visit_plan.office_days(run.conn, zone), at=run.now)
    return f"{made} visits planned"


def inspect(run: Run) -> str:
    """Plan inspections ahead of frost and heat and on device faults, and tell the managers."""
    see_all(run.conn)
    zone = utility(run.conn).zone
    works = visit_plan.office_days(run.conn, zone)
    limits = weather.Limits(run.settings.frost_c, run.settings.heat_c)
    ahead = weather.spells(run.conn, limits, at=run.now)
    made = inspections.for_weather(run.conn, ahead, zone, works, at=run.now)
    made += inspections.for_devices(run.conn, zone, works, at=run.now)
    told = visit_messages.inspections(run.conn, made, at=run.now)
    return f"{len(made)} inspections planned, {told} messages"


def tell_day(run: Run) -> str:
    """Tell the managers today's agendas."""
    see_all(run.conn)
    return f"{visit_messages.day(run.conn, at=run.now)} messages"


def tell_week(run: Run) -> str:
    """Tell the managers next week's visits."""
    return f"{visit_messages.week(run.conn, at=run.due)} messages"


def letters(run: Run) -> str:
    """Send the visits that are letters, a transaction a batch."""
    total = sent = 0
    while True:
        with run.conn.transaction():
            due, gone = visit_messages.letters(run.conn, at=run.now)
        total, sent = total + due, sent + gone
        if due == 0:
            return f"{sent} letters sent, {total - sent} customers can't be reached"


def see_all(conn: Connection) -> None:
    """Let the rules read the use of every customer until the transaction ends."""
    conn.execute(Q["see_all"])


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="weather.csv or .parquet (docs/datasets.md).")],
    issued: Annotated[
        str, typer.Option(help="When the forecast was made; hours after it are forecast. Now, unless given.")
    ] = "",
) -> None:
    """Take in the weather, measured and forecast; a newer forecast replaces an older one."""
    if not file.is_file():
        raise BadDataError(f"There is no file {file}.", cure="Give the path of a weather.csv.")
    rows, _ = read_table(file, WeatherRow)
    issued_at = instant("--issued", issued) or SystemClock().now()
    with connect(located(load()).database_url, "owner") as conn:
        measured, forecast = weather.take(conn, map(asdict, rows), issued_at=issued_at)
    typer.echo(f"{measured:,} hours measured, {forecast:,} forecast")
