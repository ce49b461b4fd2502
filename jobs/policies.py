"""The `headwater policy` command: list, try out, add and end what the detectors are told."""

import getpass
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from core.clock import SystemClock
from core.errors import BadDataError
from core.settings import load
from core.words import Scope
from jobs.options import instant
from jobs.where import located
from service import policies
from service.policies import Draft, Told
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("jobs")
app = typer.Typer(help="What the detectors are told: list, preview, add, end.", no_args_is_help=True)
MOST = 20

Detector = Annotated[str, typer.Option(help="Name of the detector (docs/detectors.md).")]
ScopeName = Annotated[Scope, typer.Option(help="For whom; a narrower scope wins over a wider one.")]
Key = Annotated[str, typer.Option(help="Sector, segment, DMA, account number or serial.")]
Params = Annotated[list[str] | None, typer.Option("--set", help="Parameter as name=value; repeatable.")]
Off = Annotated[bool, typer.Option("--off", help="Switch the detector off for the scope.")]
Exemption = Annotated[
    Literal["expected_flow", "holiday", "that_is_normal"] | None,
    typer.Option(help="Why the scope is exempt; switches the detector off too."),
]


@app.command("list")
def list_(all_: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False) -> None:
    """Show the policies that hold, the latest last."""
    table = Table("id", "detector", "scope", "says", "from", "until", "why", "by", "ended")
    with _connected() as conn:
        found = conn.execute(Q["policies"], {"at": None if all_ else SystemClock().now()}).fetchall()
    for id_, detector, scope, key, params, enabled, since, until, exempt, why, by, ended in found:
        says = exempt or (" ".join(f"{k}={v}" for k, v in params.items()) if enabled else "off")
        times = ["" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in (since, until)]
        table.add_row(str(id_), detector, f"{scope} {key}".strip(), says, *times, why, by, ended or "")
    Console().print(table)


@app.command()
def preview(
    detector: Detector,
    scope: ScopeName = Scope.DEFAULT,
    key: Key = "",
    given: Params = None,
    off: Off = False,
    exemption: Exemption = None,
    days: Annotated[int, typer.Option(min=1, max=92, help="How many days back from now.")] = 28,
) -> None:
    """Say what a policy would have raised in the last days, and what was raised without; saves nothing."""
    from jobs.preview import LiveRules

    settings = located(load())
    rules = LiveRules(settings.database_url, settings.detect_window_days)
    draft = _draft(detector, scope, key, given, off=off, exemption=exemption)
    rules.check(draft)
    with _connected() as conn:
        policies.require_subject(conn, draft)
    found = rules.preview(draft, days, SystemClock().now())
    console = Console()
    console.print(
        f"{found.meters:,} sites, {found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}, group {found.group}: "
        f"{len(found.without):,} events without the draft, {len(found.with_draft):,} with it",
        soft_wrap=True,
    )
    table = Table("seven days from", "without", "with")
    for week in found.weeks:
        table.add_row(f"{week.start:%Y-%m-%d %H:%M}", str(week.without), str(week.with_draft))
    console.print(table)
    for title, told in (("gone", found.only(with_draft=False)), ("new", found.only(with_draft=True))):
        _show(console, title, told)


@app.command()
def add(
    detector: Detector,
    why: Annotated[str, typer.Option(help="Stays on record.")],
    scope: ScopeName = Scope.DEFAULT,
    key: Key = "",
    given: Params = None,
    off: Off = False,
    exemption: Exemption = None,
    since: Annotated[str, typer.Option("--from", help="Holds from this time; now, unless given.")] = "",
    until: Annotated[str, typer.Option("--to", help="Holds until before this time.")] = "",
    by: Annotated[str, typer.Option(help="Who sets it; the user of this machine, unless given.")] = "",
) -> None:
    """Save a policy; detection takes it up within half a minute."""
    from jobs.preview import LiveRules

    settings = located(load())
    draft = _draft(detector, scope, key, given, off=off, exemption=exemption)
    draft = replace(draft, valid_from=instant("--from", since), valid_until=instant("--to", until), why=why)
    LiveRules(settings.database_url, settings.detect_window_days).check(draft)
    with _connected() as conn:
        id_ = policies.create(conn, draft, by or getpass.getuser(), SystemClock().now())
    typer.echo(f"Policy {id_} holds.")


@app.command()
def end(
    id_: Annotated[int, typer.Argument(metavar="ID", help="As `headwater policy list` shows it.")],
    why: Annotated[str, typer.Option(help="Stays on record.")],
    by: Annotated[str, typer.Option(help="Who ends it; the user of this machine, unless given.")] = "",
) -> None:
    """Let a policy hold no longer; what it said stays on record."""
    with _connected() as conn:
        policies.end(conn, id_, by or getpass.getuser(), why, SystemClock().now())
    typer.echo(f"Policy {id_} ended.")


def _connected() -> Connection:
    return connect(located(load()).database_url, "owner")


def _draft(
    detector: str, scope: Scope, key: str, given: list[str] | None, *, off: bool, exemption: str | None
) -> Draft:
    params = {}
    for text in given or []:
        name, _, value = text.partition("=")
        try:
            params[name] = float(value)
        except ValueError:
            raise BadDataError(f"--set is {text!r}.", cure="Write name=number.") from None
    return Draft(detector, str(scope), key, params, not off, exemption=exemption)


def _show(console: Console, title: str, told: list[Told]) -> None:
    if not told:
        return
    table = Table(title, "detector", "onset", "detected", "cleared", "severity", "magnitude")
    for event in told[:MOST]:
        times: list[datetime | None] = [event.onset, event.detected, event.cleared]
        shown = ["" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in times]
        size = f"{event.magnitude:g} {event.unit}"
        table.add_row(event.subject, event.detector, *shown, event.severity, size)
    console.print(table)
    if len(told) > MOST:
        console.print(f"and {len(told) - MOST:,} more")
