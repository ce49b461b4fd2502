"""The commands about people: `headwater staff`, `headwater crew`, `headwater segments`."""

import getpass
import secrets
from typing import Annotated, Any, Literal

import typer
from psycopg.rows import dict_row
from rich import box
from rich.console import Console
from rich.table import Table

from core.clock import SystemClock
from core.errors import BadDataError
from core.settings import load
from jobs.options import instant
from jobs.where import located
from service import accounts, crews, leaving, segments
from service import staff as rules
from service.crews import Crew
from service.handover import Order
from service.staff import Absence
from service.tickets import Actor
from sql.pool import Connection, connect

staff = typer.Typer(no_args_is_help=True, help="Who answers for the customers: list, add, absences, leaving.")
crew = typer.Typer(no_args_is_help=True, help="Crews that go out: list, set up.")
segment = typer.Typer(no_args_is_help=True, help="Large, special, vulnerable, general: propose, apply.")

By = Annotated[str, typer.Option(help="Who does it; the user of this machine, unless given.")]
EVERYBODY = {"login": None, "region": None, "after": "", "limit": 100_000}


def add_to(app: typer.Typer) -> None:
    """Put the commands of this module on the `headwater` command."""
    for name, group in (("staff", staff), ("crew", crew), ("segments", segment)):
        app.add_typer(group, name=name, rich_help_panel="Desk")


def _connected() -> Connection:
    return connect(located(load()).database_url, "owner")


def _rows(conn: Connection, query: bytes, **values: Any) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def _actor(by: str) -> Actor:
    return Actor(by or getpass.getuser())


@staff.command("add")
def add(
    login: str,
    name: Annotated[str, typer.Option(help="Name; default: the login.")] = "",
    email: Annotated[str | None, typer.Option(help="Where alerts go.")] = None,
    phone: Annotated[str | None, typer.Option(help="Telephone.")] = None,
    language: Annotated[Literal["zh", "en"], typer.Option(help="Language of messages.")] = "zh",
    role: Annotated[
        list[str] | None, typer.Option(help="admin, operations, manager, reader; repeatable.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region looked after.")] = None,
    superior: Annotated[str | None, typer.Option(help="Login of who is told when a deadline passes.")] = None,
    deputy: Annotated[str | None, typer.Option(help="Login of who stands in.")] = None,
    duty_desk: Annotated[bool, typer.Option(help="Gets what nobody else answers for.")] = False,
) -> None:
    """Add a member of staff, or change one; what isn't given stays, but for language, roles and duty desk."""
    from jobs import registry
    from jobs.dataset import StaffRow

    roles = ";".join(role or ["manager"])
    row = StaffRow(login, name or login, email, phone, language, roles, region, superior, deputy, duty_desk)
    with connect(located(load()).database_url, "owner", autocommit=True) as conn:
        changed = registry.add_staff(conn, [row])
    typer.echo(f"{login}: {'written' if changed else 'as it was'}")


@staff.command("password")
def password(
    login: str,
    generate: Annotated[bool, typer.Option(help="Make one and print it, instead of asking.")] = False,
) -> None:
    """Set the password with which somebody signs in to the console; ends the sessions that are open."""
    given = (
        secrets.token_urlsafe(12)
        if generate
        else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with _connected() as conn:
        accounts.set_password(conn, login, given, at=SystemClock().now())
    typer.echo(f"{login}: {given}" if generate else f"{login}: set")


@staff.command("unlink")
def unlink(login: str) -> None:
    """Forget somebody's account at the OpenID provider: the next log-in goes by the verified e-mail again."""
    with _connected() as conn:
        accounts.forget_identity(conn, login)
    typer.echo(f"{login}: known by e-mail at the next log-in")


@staff.command("list")
def list_(all_: Annotated[bool, typer.Option("--all", help="Those who have left, too.")] = False) -> None:
    """Show all staff: how they are reached, what they do, and what lies on their desks."""
    at = SystemClock().now()
    with _connected() as conn:
        found = _rows(conn, rules.Q["staff"], **EVERYBODY, active=None if all_ else True, at=at)
        loads = rules.loads(conn, [person["id"] for person in found], at=at)
    table = Table("who", "reached by", "does", "on the desk", box=box.SIMPLE, padding=(0, 1, 1, 0))
    for person in found:
        who = [person["login"], person["name"] if person["name"] != person["login"] else ""]
        reached = [person["email"] or "no e-mail", person["phone"] or "", person["language"]]
        cells = who, reached, _does(person), _desk(person, loads)
        table.add_row(*("\n".join(filter(None, cell)) for cell in cells))
    Console().print(table)


def _does(person: dict[str, Any]) -> list[str]:
    return [
        ", ".join(person["roles"]),
        f"region {person['region']}" if person["region"] else "",
        "always on the duty desk" if person["on_duty_desk"] else "",
        "on duty now" if person["on_duty"] else "",
        f"superior {person['superior']}" if person["superior"] else "",
        f"deputy {person['deputy']}" if person["deputy"] else "",
    ]


def _desk(person: dict[str, Any], loads: dict[int, dict[str, Any]]) -> list[str]:
    load_ = loads[person["id"]]
    until = f" until {person['away_until']:%Y-%m-%d %H:%M} UTC" if person["away_until"] else ""
    instead = f", {person['stands_in']} stands in" if person["stands_in"] else ""
    return [
        "" if person["active"] else "has left",
        f"away{until}{instead}" if person["away"] else "",
        f"{load_['open']} open, {load_['urgent']} urgent" if load_["open"] else "no open tickets",
        f"{load_['overdue']} overdue, {load_['due_24h']} due in 24 h" if load_["open"] else "",
        f"customers {load_['customers']:,}" if load_["customers"] else "",
    ]


@staff.command()
def away(
    login: str,
    since: Annotated[str, typer.Option("--from", help="Begin; now, unless given.")] = "",
    until: Annotated[str, typer.Option("--to", help="First instant back; open, unless given.")] = "",
    why: Annotated[str, typer.Option(help="Stays on record.")] = "",
    deputy: Annotated[str, typer.Option(help="Login of who stands in; the usual deputy, unless given.")] = "",
    by: By = "",
) -> None:
    """Plan an absence; when it begins, urgent tickets go to who stands in."""
    now = SystemClock().now()
    with _connected() as conn:
        absence = Absence(
            rules.id_of(conn, login),
            instant("--from", since) or now,
            instant("--to", until),
            why,
            rules.id_of(conn, deputy) if deputy else None,
        )
        id_ = rules.plan_absence(conn, absence, actor=_actor(by), at=now)
    typer.echo(f"Absence {id_} of {login} is planned.")


@staff.command()
def back(login: str, note: Annotated[str, typer.Option(help="Stays on record.")] = "", by: By = "") -> None:
    """Take back the tickets that went to who stood in and are still open there."""
    with _connected() as conn:
        staff_id = rules.id_of(conn, login)
        handed = rules.take_back(conn, staff_id, actor=_actor(by), note=note, at=SystemClock().now())
    typer.echo(f"{login} has {len(handed.ticket_ids):,} tickets back.")


@staff.command()
def leave(
    login: str,
    note: Annotated[str, typer.Option(help="Stays on every ticket and customer.")],
    to: Annotated[str, typer.Option(help="Login of who takes over everything.")] = "",
    by_region: Annotated[bool, typer.Option("--by-region", help="The regions' managers, evenly.")] = False,
    by: By = "",
) -> None:
    """Hand over everything of somebody who leaves, and close the accounts; nothing stays behind."""
    if bool(to) == by_region:
        raise BadDataError("Who takes over?", cure="Give --to LOGIN, or --by-region.")
    with _connected() as conn:
        staff_id = rules.id_of(conn, login, active=False)
        to_id = rules.id_of(conn, to) if to else None
        left = leaving.leave(conn, staff_id, to_id, Order(_actor(by), SystemClock().now(), note))
        everybody = _rows(conn, rules.Q["staff"], **EVERYBODY, active=True, at=SystemClock().now())
    names = {person["id"]: person["login"] for person in everybody}
    for who in sorted({*left.handed.tickets, *left.handed.customers}):
        tickets, customers = len(left.handed.tickets.get(who, ())), left.handed.customers.get(who, 0)
        typer.echo(f"{names[who]:20} tickets {tickets:>8,}, customers {customers:>10,}")
    rest = f"{left.visits} visits, {left.keys} keys revoked, {left.shifts} shifts dropped"
    typer.echo(f"{login} has left: {rest}")
    for what, codes in (("districts", left.districts), ("crews", left.crews)):
        if codes:
            typer.echo(f"{what} {', '.join(codes)}: {f'now of {to}' if to else 'nobody has them now'}")


@crew.command("list")
def crews_() -> None:
    """Show the crews."""
    table = Table("code", "name", "region", "lead", "skills", "open", box=box.SIMPLE)
    with _connected() as conn:
        found = _rows(conn, crews.Q["crews"], code=None)
    for row in found:
        name = row["name"] if row["active"] else f"{row['name']} (not active)"
        skills = ", ".join(row["skills"]) or "all"
        cells = row["code"], name, row["region"] or "", row["lead"] or "", skills
        table.add_row(*cells, str(row["open_tickets"]))
    Console().print(table)


@crew.command("set")
def set_crew(
    code: str,
    name: Annotated[str, typer.Option(help="Name.")],
    region: Annotated[str | None, typer.Option(help="Code of its region.")] = None,
    x: Annotated[float | None, typer.Option(help="Where it sets out from: with --y.")] = None,
    y: Annotated[float | None, typer.Option(help="With --x.")] = None,
    lead: Annotated[str | None, typer.Option(help="Login of who is told.")] = None,
    phone: Annotated[str | None, typer.Option(help="Telephone.")] = None,
    skill: Annotated[list[str] | None, typer.Option(help="Group or topic of tickets; repeatable.")] = None,
    member: Annotated[list[str] | None, typer.Option(help="Login; repeatable.")] = None,
    calendar: Annotated[str, typer.Option(help="When it works.")] = "round_the_clock",
    active: Annotated[bool, typer.Option(help="Whether it goes out.")] = True,
) -> None:
    """Set a crew up, or change it: what isn't given is as at the start."""
    wanted = Crew(code, name, region, x, y, lead, phone, skill or (), calendar, active, member or ())
    with _connected() as conn:
        crews.put(conn, wanted)
    typer.echo(f"Crew {code} is set up.")


@segment.command()
def propose() -> None:
    """Work out who would change segment and why, without changing anybody."""
    with _connected() as conn:
        _show(conn, segments.propose(conn, at=SystemClock().now()), applied=False)


@segment.command()
def apply(by: By = "") -> None:
    """Apply what is proposed for the running month."""
    with _connected() as conn:
        _show(conn, segments.apply(conn, by=_actor(by).name, at=SystemClock().now()), applied=True)


def _show(conn: Connection, made: segments.Proposal, *, applied: bool) -> None:
    typer.echo(f"{made.customers:,} customers {'changed' if applied else 'would change'}")
    for move in made.moved:
        typer.echo(f"{move.was:>12} -> {move.becomes:12} {move.customers:>10,}")
    rest = {"after": "", "after_id": 0, "becomes": None, "applied": applied, "limit": 20}
    for row in _rows(conn, segments.Q["changes"], month=made.month, **rest):
        typer.echo(f"{row['account_no']} {row['name']}: {row['why']}")
    if made.customers > 20:
        typer.echo(f"and {made.customers - 20:,} more: GET /v1/segments/changes?format=csv")
