"""Settings of time: calendars of working hours, and the service levels counted by them."""

import re
from functools import partial
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Response

from api.calendars import endpoints as calendars
from api.calendars.schemas import Ahead, Calendar, ChangeCalendar, NewCalendar, Versions
from api.fields import Name
from api.sla import endpoints as levels
from api.sla.schemas import ChangeSla, NewSla, Opened, Priority
from core.errors import BadDataError
from core.hours import DAYS
from core.words import Segment
from web.labels import LABELS
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("settings:read")]
Writer = Annotated[View, sees("settings:write")]
Typed = Annotated[str, Query(max_length=40)]
HOURS = ("response_h", "resolution_h", "escalate_h")
SHARES = ("response_warn_share", "resolution_warn_share")
_DAY = re.compile(rf"\b({'|'.join(DAYS)})\b")
TOPICS = (*LABELS["group"], *(topic for topic in LABELS["topic"] if topic not in LABELS["group"]))


@router.get("/settings/calendars")
def all_calendars(view: Reader) -> Response:
    """Show the calendars."""
    found = calendars.list_calendars(view.caller).items
    return view.page("settings_calendars.html.jinja", found=found, days=DAYS, hours_of=partial(spoken, view))


@router.post("/settings/calendars")
def make_calendar(view: Writer, form: Fields) -> Response:
    """Make a calendar."""
    given = _calendar(form) | {"code": form.get("code", "").strip(), "why": form.get("why", "")}
    made = calendars.create_calendar(view.caller, taken(NewCalendar, given))
    return view.go(f"/settings/calendars/{made.code}", view.say("Saved."))


@router.get("/settings/calendars/{code}")
def calendar(view: Reader, code: Name, opened: Typed = "", hours: Typed = "8") -> Response:
    """Show one calendar: when is worked, what would be due when, and who changed it."""
    found = calendars.get_calendar(view.caller, code)
    asked = {"from": view.at(opened) if opened else None, "hours": _number("hours", hours)}
    ahead = calendars.preview(view.caller, code, taken(Ahead, asked))
    versions = calendars.list_versions(view.caller, code, Versions(), view.request, Response())
    return view.page(
        "settings_calendar.html.jinja",
        calendar=found,
        hours_of=partial(spoken, view),
        ahead=ahead,
        versions=versions,
        days=DAYS,
        opened=opened,
        hours=hours,
    )


@router.post("/settings/calendars/{code}")
def change_calendar(view: Writer, code: Name, form: Fields) -> Response:
    """Change a calendar: what was left as it stood stays."""
    stands = _stands(calendars.get_calendar(view.caller, code))
    changed = {name: value for name, value in _calendar(form).items() if value != stands[name]}
    given = taken(ChangeCalendar, changed | {"why": form.get("why", "")} | _version(form))
    calendars.change_calendar(view.caller, code, given)
    return view.go(f"/settings/calendars/{code}", view.say("Saved. Tickets keep the deadlines they have."))


@router.get("/settings/sla")
def all_levels(view: Reader, opened: Typed = "") -> Response:
    """Show the service levels, and by when a ticket opened at an instant would be due."""
    found = levels.list_sla(view.caller).items
    promised = levels.preview(view.caller, taken(Opened, {"at": view.at(opened)} if opened else {}))
    return view.page(
        "settings_levels.html.jinja",
        found=found,
        promised={one.code: one for one in promised.items},
        at_=promised.at,
        opened=opened,
    )


@router.get("/settings/sla/new")
def new_level(view: Writer) -> Response:
    """Show the form of a new service level."""
    return _level(view, None)


@router.post("/settings/sla")
def make_level(view: Writer, form: Fields) -> Response:
    """Make a service level."""
    given = {
        name: form[name] for name in ("code", "priority", "segment", "topic", "calendar") if form.get(name)
    }
    made = levels.create_sla(view.caller, taken(NewSla, given | _terms(form) | {"why": form.get("why", "")}))
    return view.go(f"/settings/sla/{made.code}", view.say("Saved."))


@router.get("/settings/sla/{code}")
def level(view: Reader, code: Name) -> Response:
    """Show one service level, and who changed it."""
    return _level(view, code)


@router.post("/settings/sla/{code}")
def change_level(view: Writer, code: Name, form: Fields) -> Response:
    """Change what is promised from now on."""
    given = _terms(form) | {"why": form.get("why", "")} | _version(form)
    if form.get("calendar"):
        given["calendar"] = form["calendar"]
    given["active"] = "active" in form
    levels.change_sla(view.caller, code, taken(ChangeSla, given))
    return view.go(f"/settings/sla/{code}", view.say("Saved. Tickets keep the deadlines they have."))


def _level(view: View, code: str | None) -> Response:
    found = levels.get_sla(view.caller, code) if code else None
    versions = levels.list_versions(view.caller, code, Versions(), view.request, Response()) if code else None
    return view.page(
        "settings_level.html.jinja",
        level=found,
        versions=versions,
        calendars=[one.code for one in calendars.list_calendars(view.caller).items],
        priorities=get_args(Priority),
        segments=[str(segment) for segment in Segment],
        topics=TOPICS,
    )


def spoken(view: View, hours: str) -> str:
    """Return working hours such as `mo-fr 08:30-12:00` with the days in the reader's words."""
    named = _DAY.sub(lambda day: view.label("weekday", day[0]), hours)
    return named.replace("daily", view.say("daily")).replace("-", "–")


def _calendar(form: dict[str, str]) -> dict[str, Any]:
    return {
        "week": {day: form.get(day, "").replace(",", " ").split() for day in DAYS},
        "holidays": "holidays" in form,
        "country": form.get("country", "").strip().upper(),
        "subdivision": form.get("subdivision", "").strip(),
        "closed_days": form.get("closed_days", "").replace(",", " ").split(),
        "extra_days": form.get("extra_days", "").replace(",", " ").split(),
    }


def _stands(found: Calendar) -> dict[str, Any]:
    return found.model_dump(mode="json", include={*_calendar({})})


def _terms(form: dict[str, str]) -> dict[str, Any]:
    hours = {name: _number(name, form[name]) for name in HOURS if form.get(name)}
    shares = {name: _number(name, form[name]) / 100 for name in SHARES if form.get(name)}
    return hours | shares


def _version(form: dict[str, str]) -> dict[str, int]:
    return {"version": int(form["version"])} if form.get("version", "").isdecimal() else {}


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadDataError(f"{name}: {text[:20]!r} is no number.") from None
