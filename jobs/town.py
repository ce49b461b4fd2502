"""The commands on datasets: `headwater import | simulate | replay | demo`."""

import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from core.clock import SystemClock
from core.errors import BadDataError, SettingsError
from jobs.options import duration, instant, ordered_span
from jobs.report import report

PANEL = "Data"


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the `headwater` command."""
    app.command("import", rich_help_panel=PANEL)(import_)
    app.command(rich_help_panel=PANEL)(export)
    app.command(rich_help_panel=PANEL)(simulate)
    app.command(rich_help_panel=PANEL)(replay)
    app.command(rich_help_panel=PANEL)(demo)
    app.command(rich_help_panel=PANEL)(backtest)
    app.command(rich_help_panel=PANEL)(forecast)
    app.command(rich_help_panel=PANEL)(report)


def import_(
    folder: Annotated[Path, typer.Argument(help="Dataset folder (docs/datasets.md).")],
    readings: Annotated[bool, typer.Option(help="Load the readings as well as the master data.")] = True,
) -> None:
    """Load a dataset folder into the database: master data, then the readings in bulk."""
    from core.settings import load
    from jobs import customers, registry
    from jobs.dataset import open_dataset
    from jobs.progress import track
    from jobs.where import located
    from sql.pool import connect

    dataset, now = open_dataset(folder), SystemClock().now()
    with connect(located(load()).database_url, "owner", autocommit=True) as conn:
        changed = registry.load_registry(conn, dataset, now.date())
        for table, rows in changed.items():
            typer.echo(f"{table:20} {rows:>12,} new or changed")
        if dataset.balances:
            taken = registry.load_balances(conn, dataset, now)
            left = f", {taken.older:,} older than what stands" if taken.older else ""
            typer.echo(f"{'balance':20} {taken.changed:>12,} new or changed{left}")
        if dataset.customers:
            customers.tell_after_import(conn)
        if readings:
            with track("readings", dataset.extent.rows) as advance:
                loaded = registry.load_readings(conn, dataset, advance)
            typer.echo(f"{'reading':20} {loaded.stored:>12,} new of {loaded.read:,}")
            for (reason, column), count in sorted(loaded.report.counts.items()):
                typer.echo(f"refused {count:,}: {reason}, column {column}", err=True)
            for example in loaded.report.examples:
                typer.echo(f"  {example}", err=True)
        silent = registry.staff_without_mail(conn)
        if silent:
            typer.echo(f"No mail reaches {', '.join(silent)}: `headwater staff add LOGIN --email ADDRESS`.")


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write the dataset: empty, or not there yet.")],
    since: Annotated[str, typer.Option("--from", help="Readings from this time: 2026-11-21T20:00:00Z.")] = "",
    until: Annotated[str, typer.Option("--to", help="Readings before this time.")] = "",
    meters: Annotated[str, typer.Option(help="Serials, separated by commas; all without it.")] = "",
    dmas: Annotated[str, typer.Option(help="Codes of DMAs, separated by commas: all of their meters.")] = "",
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the readings.")] = "parquet",
) -> None:
    """Write the database, or a part of it, as a dataset folder."""
    from core.settings import load
    from jobs import export as room
    from jobs.progress import track
    from jobs.where import located
    from sql.pool import connect

    period = ordered_span(since, until)
    choice = room.Choice(*period, _names(meters), _names(dmas), form)
    with connect(located(load()).database_url, "owner", autocommit=True) as conn:
        written = room.export(conn, folder, choice, track)
    for name, rows in written.items():
        typer.echo(f"{name:20} {rows:>12,}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def simulate(
    folder: Annotated[Path, typer.Argument(help="Where to write the dataset.")],
    homes: Annotated[int, typer.Option(min=1, help="Homes.")] = 300,
    factories: Annotated[int, typer.Option(min=0, help="Factories; with any, four other firms too.")] = 12,
    days: Annotated[int, typer.Option(min=2, help="Days.")] = 42,
    seed: Annotated[int, typer.Option(help="The same seed gives the same town.")] = 7,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First local day. Default: DAYS before today."),
    ] = None,
    interval: Annotated[int, typer.Option(help="Seconds between customer readings: 900, 1800, 3600.")] = 3600,
    tz: Annotated[str, typer.Option(help="The town's time zone.")] = "Asia/Shanghai",
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the readings.")] = "parquet",
) -> None:
    """Make a labelled town: homes, firms, districts, pressure, faults; seeded and reproducible."""
    from jobs.progress import track
    from jobs.simulate import Plan
    from jobs.simulate import simulate as make

    today = SystemClock().now().astimezone(ZoneInfo(tz)).date()
    first = start.date() if start else today - timedelta(days=days)
    plan = Plan(homes, factories, days, seed, first, interval, tz)
    with track("homes", plan.homes) as advance:
        made = make(plan, folder, form=form, progress=advance)
    typer.echo(f"{folder}: {made.meters:,} meters, {made.readings:,} readings, {made.labels} labelled faults")


def replay(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    speed: Annotated[str, typer.Option(help="How many times faster than it was; or max.")] = "max",
    meters: Annotated[str, typer.Option(help="Serials, separated by commas; all without it.")] = "",
    since: Annotated[str, typer.Option("--from", help="Readings from this time: 2026-11-21T20:00:00Z.")] = "",
    until: Annotated[str, typer.Option("--to", help="Readings before this time.")] = "",
    window: Annotated[
        int, typer.Option(min=1, help="Seconds of a meter's readings in one message.")
    ] = 21_600,
    topic: Annotated[str, typer.Option(help="Where to publish.")] = "meters/{meter}/readings",
    recent: Annotated[
        bool, typer.Option(help="Move all times by whole weeks to end in the last one.")
    ] = False,
) -> None:
    """Publish a dataset over MQTT at QoS 1, in the order in which its readings were received."""
    from core.settings import load
    from jobs import replay as room
    from jobs.dataset import open_dataset
    from jobs.dataset.readings import micros
    from jobs.progress import track
    from jobs.publisher import Publisher
    from jobs.where import located

    dataset = open_dataset(folder)
    course = room.Course(
        speed=_speed(speed),
        window_s=window,
        meters=tuple(meters.split(",")) if meters else None,
        start=instant("--from", since),
        end=instant("--to", until),
        shift_us=room.weeks_to(dataset.extent.last, micros(SystemClock().now())) if recent else 0,
        topic=topic,
    )
    url = located(load(), mqtt=True).mqtt_url
    with Publisher(url) as publisher, track("readings", dataset.extent.rows) as advance:
        done = room.replay(dataset, publisher, course, advance)
    typer.echo(
        f"{done.readings:,} readings in {done.messages:,} messages acknowledged by the broker "
        f"in {done.took_s:.1f} s"
    )
    if done.unheard:
        typer.echo(f"{done.unheard:,} messages had no subscriber: does `headwater ingest` run?", err=True)


def demo(
    homes: Annotated[int, typer.Option(min=1, help="Homes of the town.")] = 300,
    factories: Annotated[int, typer.Option(min=0, help="Its factories.")] = 12,
    days: Annotated[int, typer.Option(min=4, help="Days until now.")] = 42,
    real: Annotated[bool, typer.Option("--real/--no-real", help="With ten real districts.")] = True,
    limit: Annotated[
        float, typer.Option("--seconds-limit", help="How long the line may take to come to rest.")
    ] = 170.0,
    keep_up: Annotated[bool | None, typer.Option(help="Stay up afterwards. Default: on a terminal.")] = None,
) -> None:
    """Run a utility in miniature on real and simulated readings, and score what it found."""
    try:
        from jobs.demo import run
        from jobs.demo.data import Scale
    except ModuleNotFoundError as problem:
        raise SettingsError(
            f"The demo needs the package {problem.name}.",
            cure="`make setup` installs it, or `pip install 'headwater[demo]'`.",
        ) from problem

    console = Console()
    stay = console.is_terminal if keep_up is None else keep_up
    scale = Scale(homes, factories, days, with_districts=real)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the servers and roles are stopped in order
    code = run.run(run.Demo(scale, run.default_folder(), limit, stay, console, SystemClock()))
    raise typer.Exit(code)


def backtest(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    out: Annotated[Path, typer.Option(help="Where to write the events, as CSV.")],
    since: Annotated[str, typer.Option("--from", help="Events from this time: 2026-11-21T20:00:00Z.")] = "",
    until: Annotated[str, typer.Option("--to", help="What was received before this time.")] = "",
    every: Annotated[str, typer.Option(help="How often the detectors look: 15m, 1h, 1d.")] = "1h",
) -> None:
    """Run the detectors over a dataset as if it were live, and write the events they raise."""
    from jobs import backtest as room
    from jobs.backtest.ledger import write
    from jobs.dataset import open_dataset
    from jobs.progress import track

    if not out.parent.is_dir() or out.is_dir():
        raise BadDataError(f"--out is {out}.", cure="Name a file in a folder that is there.")
    course = room.Course(*ordered_span(since, until), duration("--every", every))
    dataset = open_dataset(folder)
    with track("readings", dataset.extent.rows) as advance:
        found = room.backtest(dataset, course, advance)
    write(out, found.rows)
    typer.echo(f"{out}: {len(found.rows):,} events in {found.readings + found.refused:,} readings")
    if found.refused:
        typer.echo(
            f"{found.refused:,} readings were refused as an ingester would; `headwater import` says why."
        )
    if found.too_late:
        typer.echo(f"{found.too_late:,} readings came too late for the window and were left out.")


def forecast(
    folder: Annotated[Path, typer.Argument(help="Dataset folder.")],
    at: Annotated[str, typer.Option(help="Forecast from this whole hour on, e.g. 2026-11-21T20:00:00Z.")],
    out: Annotated[Path, typer.Option(help="Where to write the forecast, as CSV.")],
    hours: Annotated[int, typer.Option(min=1, max=1464, help="How many hours ahead.")] = 168,
) -> None:
    """Forecast customers' use and DMAs' inflow by the hour, from what had been received by then."""
    from jobs import forecast as room
    from jobs.dataset import open_dataset
    from jobs.progress import track

    if not out.parent.is_dir() or out.is_dir():
        raise BadDataError(f"--out is {out}.", cure="Name a file in a folder that is there.")
    when = instant("--at", at)
    if when is None or when.timestamp() % 3600:
        raise BadDataError(f"--at is {at!r}.", cure="Give a whole hour, for example 2026-11-21T20:00:00Z.")
    dataset = open_dataset(folder)
    with track("readings", dataset.extent.rows) as advance:
        made = room.ahead(dataset, when, hours, advance)
    room.write(out, made.rows)
    typer.echo(f"{out}: {hours} hours of {len(made.rows) // hours} customers' meters and DMAs")
    if made.unknown:
        typer.echo(f"{len(made.unknown)} of which less than two weeks are known were left out.")


def _speed(text: str) -> float:
    if text == "max":
        return float("inf")
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise BadDataError(f"--speed is {text!r}.", cure="Give a number above 0, or max.")
    return speed
