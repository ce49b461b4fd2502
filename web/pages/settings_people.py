"""Settings of people: who works here and what lies on whose desk; the duty roster and absences by week."""

from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Response

from api.fields import Id, Name, midnight
from api.rows import Row, rows
from api.staff import duty
from api.staff import endpoints as people
from api.staff.password import make_password_link
from api.staff.schemas import (
    ChangeStaff,
    HandOver,
    Leave,
    NewAbsence,
    NewShift,
    NewShifts,
    NewStaff,
    PasswordLink,
    StaffDetail,
    StaffFilter,
)
from web.pages import ways
from web.pages.login import local_accounts
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("staff:read")]
Writer = Annotated[View, sees("staff:write")]
ROLES = ("manager", "operations", "reader", "admin")
TEXTS = ("name", "email", "phone", "superior", "deputy", "region")


def _desk(view: View) -> bool:
    """Whether the reader may set what concerns everybody."""
    return view.may("staff:write") and view.caller.key.sees_all


@router.get("/settings/staff")
def listed(view: Reader, left: bool = False, cursor: str | None = None) -> Response:
    """Show who works here, and what lies on whose desk."""
    given = StaffFilter(active=not left, cursor=cursor)
    found = people.list_staff(view.caller, given, view.request, Response())
    regions = duty.list_regions(view.caller).items
    return view.page(
        "settings_staff.html.jinja",
        found=found,
        left=left,
        regions=regions,
        roles=ROLES,
        admin=_admin(view),
    )


@router.post("/settings/staff")
def create(view: Writer, form: Fields, roles: Annotated[list[str] | None, Form()] = None) -> Response:
    """Take somebody in."""
    given = {name: form[name].strip() for name in (*TEXTS, "login", "language") if form.get(name, "").strip()}
    made = people.create_staff(
        view.caller,
        taken(NewStaff, given | {"roles": roles or [], "on_duty_desk": "on_duty_desk" in form}),
    )
    return view.go(f"/settings/staff/{made.login}", view.say("Taken in. Now make the link for the password."))


@router.get("/settings/staff/{login}")
def member(view: Reader, login: Name) -> Response:
    """Show one member of staff, with what may be changed."""
    return _member(view, people.get_staff(view.caller, login))


@router.post("/settings/staff/{login}")
def change(
    view: Writer, login: Name, form: Fields, roles: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Change who somebody is, or where they stand: only what is otherwise than it was."""
    stands = people.get_staff(view.caller, login)
    changes: dict[str, Any] = {}
    for name in (*TEXTS, "language"):
        if name in form and form[name].strip() != (getattr(stands, name) or ""):
            changes[name] = form[name].strip() or None
    if "roles_shown" in form and sorted(roles or []) != sorted(stands.roles):
        changes["roles"] = roles or []
    if "desk_shown" in form and ("on_duty_desk" in form) != stands.on_duty_desk:
        changes["on_duty_desk"] = "on_duty_desk" in form
    if changes:
        people.change_staff(view.caller, login, taken(ChangeStaff, changes))
    return view.go(f"/settings/staff/{login}", view.say("Saved."))


@router.post("/settings/staff/{login}/link")
def link(view: Writer, login: Name) -> Response:
    """Make the link by which somebody sets a password; it is shown this once."""
    made = make_password_link(view.caller, login, view.request)
    return _member(view, people.get_staff(view.caller, login), link=made)


@router.post("/settings/staff/{login}/leave")
def leave(view: Writer, login: Name, form: Fields) -> Response:
    """Hand over everything of somebody who leaves, and close the account."""
    given = taken(Leave, {"to": form.get("to", "").strip() or None, "note": form.get("note", "")})
    people.leave(view.caller, login, given)
    return view.go("/settings/staff", view.say("Handed over; the account is closed."))


@router.post("/settings/staff/{login}/hand-over")
def hand_over(view: Writer, login: Name, form: Fields) -> Response:
    """Hand over the open tickets of somebody."""
    said = {"to": form.get("to", "").strip() or None, "note": form.get("note", "")}
    given = taken(HandOver, said | {"urgent_only": "urgent_only" in form})
    handed = people.hand_over(view.caller, login, given)
    said_so = view.say("%(n)s tickets are handed over.") % {"n": sum(handed.tickets.values())}
    return view.go(f"/settings/staff/{login}", said_so)


@router.get("/settings/shifts")
def shifts(view: Reader, week: Annotated[str, Query(max_length=10)] = "") -> Response:
    """Show a week: who is on the duty desk, and who is away."""
    zone = view.utility.zone
    today = view.now.astimezone(zone).date()
    try:
        day = date.fromisoformat(week) if week else today
    except ValueError:
        day = today
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=n) for n in range(7)]
    start, end = midnight(monday, zone), midnight(monday + timedelta(days=7), zone)
    with view.caller.transaction() as conn:
        turns = rows(conn, "staff.shifts", since=start, until=end)
        away = rows(conn, "staff.away_between", since=start, until=end)
    return view.page(
        "settings_shifts.html.jinja",
        days=[(one, _on(turns, one, zone), _on(away, one, zone)) for one in days],
        today=today,
        before=monday - timedelta(days=7),
        after=monday + timedelta(days=7),
        desk=_desk(view),
    )


@router.post("/settings/shifts")
def add_shift(view: Writer, form: Fields) -> Response:
    """Put a turn on the roster."""
    turn = {name: form.get(name, "").strip() for name in ("login", "note")}
    times = {name: view.at(form.get(name, "")) for name in ("starts_at", "ends_at")}
    duty.add_shifts(view.caller, NewShifts(shifts=[taken(NewShift, {**turn, **times})]))
    return view.go(f"/settings/shifts?week={form.get('starts_at', '')[:10]}", view.say("On the roster."))


@router.post("/settings/shifts/{id_}/drop")
def drop_shift(view: Writer, id_: Id, form: Fields) -> Response:
    """Take a turn off the roster."""
    duty.drop_shift(view.caller, id_)
    return view.go(f"/settings/shifts?week={form.get('week', '')[:10]}", view.say("Off the roster."))


@router.post("/settings/absences")
def plan(view: Writer, form: Fields) -> Response:
    """Plan an absence of somebody."""
    names = ("starts_at", "ends_at", "deputy", "why")
    given = {name: form[name].strip() for name in names if form.get(name, "").strip()}
    people.plan_absence(view.caller, form.get("login", "").strip(), taken(NewAbsence, given))
    return view.go(
        f"/settings/shifts?week={form.get('starts_at', '')[:10]}", view.say("The absence is planned.")
    )


def _on(turns: list[Row], day: date, zone: ZoneInfo) -> list[Row]:
    """Return those that touch a day; without a beginning or end they go on for good."""
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    return [
        turn
        for turn in turns
        if (turn["starts_at"] is None or turn["starts_at"] < end)
        and (turn["ends_at"] is None or turn["ends_at"] > start)
    ]


def _admin(view: View) -> bool:
    return view.may("staff:write") and "admin" in view.me.roles


def _member(view: View, found: StaffDetail, *, link: PasswordLink | None = None) -> Response:
    return view.page(
        "settings_member.html.jinja",
        person=found,
        regions=duty.list_regions(view.caller).items,
        roles=ROLES,
        admin=_admin(view),
        desk=_desk(view),
        link=link,
        passwords=local_accounts(view.request),
        **(ways.shown(view, found.login) if found.active and _desk(view) else {"reached": None}),
    )
