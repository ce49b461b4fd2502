"""Visits: who is visited when, what there is to talk about, and what came of it."""

from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from api.fields import Id
from api.visits import endpoints as visits
from api.visits.schemas import Arrange, Close, Finish, Postpone, VisitFilter
from core.errors import NotFoundError
from service import visit_form
from service.visit_form import FormField, OutcomeForm
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(prefix="/visits", include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("visits:read")]
Writer = Annotated[View, sees("visits:write")]
VisitId = Annotated[Id, Path(alias="id")]
Show = Literal["open", "overdue", "done", "cancelled"]
STATES: dict[str, list[str]] = {
    "open": ["due", "overdue", "postponed"],
    "overdue": ["overdue"],
    "done": ["done"],
    "cancelled": ["cancelled"],
}
BACK = timedelta(days=92)
"""So far back go the visits that are over."""
STEPS: dict[str, tuple[Any, type[BaseModel]]] = {
    "postpone": (visits.postpone, Postpone),
    "cancel": (visits.cancel, Close),
    "reopen": (visits.reopen, Close),
}


@router.get("")
def agenda(
    view: Reader,
    show: Show = "open",
    mine: bool = False,
    form: Literal["", "on_site", "call", "letter"] = "",
    segment: Literal["", "large", "special", "vulnerable", "general"] = "",
    dma: Annotated[str, Query(max_length=200)] = "",
    to: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Show visits by day: what is to be done, or what was."""
    today = view.now.astimezone(view.utility.zone).date()
    asked = {"form": form, "segment": segment, "dma": dma.strip(), "to": to}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value}
    if show in {"done", "cancelled"}:
        given["from"] = (today - BACK).isoformat()
    given |= {"state": STATES[show], "mine": mine, "cursor": cursor}
    found = visits.list_visits(view.caller, taken(VisitFilter, given), view.request, Response())
    days = [(day, list(those)) for day, those in groupby(found.items, lambda visit: visit.due_on)]
    return view.page(
        "visits.html.jinja", days=days, more_at=found.next, show=show, mine=mine, asked=asked, today=today
    )


@router.post("/new")
def arrange(view: Writer, form: Fields) -> Response:
    """Arrange a visit beside the cadence."""
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    made = visits.arrange(view.caller, taken(Arrange, given))
    return view.go(f"/visits/{made.id}", view.say("The visit is arranged."))


@router.get("/{id}")
def visit(view: Reader, id_: VisitId) -> Response:
    """Show a visit: the agenda, the form for its outcome, its history; printed, a sheet for the field."""
    found = visits.get_visit(view.caller, id_)
    today = view.now.astimezone(view.utility.zone).date()
    return view.page("visit.html.jinja", visit=found, asks=_asks(found.form), today=today)


@router.post("/{id}/finish")
def finish(view: Writer, id_: VisitId, form: Fields) -> Response:
    """Put the outcome on record."""
    found = visits.get_visit(view.caller, id_)
    visits.finish(view.caller, id_, taken(Finish, outcome(_asks(found.form), form)))
    return view.go(f"/visits/{id_}", view.say("The outcome is on record."))


@router.post("/{id}/{step}")
def act(view: Writer, id_: VisitId, step: Annotated[str, Path()], form: Fields) -> Response:
    """Postpone a visit, call it off, or take it up again."""
    if step not in STEPS:
        raise NotFoundError(f"There is no step {step!r}.")
    call, model = STEPS[step]
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    call(view.caller, id_, taken(model, _numbered(given)))
    return view.go(f"/visits/{id_}", view.say(DONE[step]))


def _(source: str) -> str:
    return source


DONE = {
    "postpone": _("The visit is put off."),
    "cancel": _("The visit is called off; the next comes with the next period."),
    "reopen": _("The visit is open again."),
}


def outcome(asks: OutcomeForm, form: dict[str, str]) -> dict[str, Any]:
    """Return the filled-in form as the body that the API takes; what was left empty changes nothing."""
    body: dict[str, Any] = _numbered({"version": form.get("version", "")})
    for field in asks.fields:
        typed = form.get(field.path, "").strip()
        if not typed:
            continue
        room, _, name = field.path.rpartition(".")
        (body.setdefault(room, {}) if room else body)[name] = _value(field, typed)
    follow_up = body.get("follow_up", {})
    if follow_up.keys() <= {"priority"}:
        body.pop("follow_up", None)
    return body


def _value(field: FormField, typed: str) -> object:
    match field.type:
        case "whole_number" if typed.isdecimal():
            return int(typed)
        case "yes_no":
            return typed == "yes"
        case "texts":
            return [line.strip() for line in typed.splitlines() if line.strip()]
        case _:
            return typed


def _numbered(given: dict[str, str]) -> dict[str, Any]:
    version = given.pop("version", "")
    return {**given, "version": int(version)} if version.isdecimal() else dict(given)


def _asks(form: str) -> OutcomeForm:
    return next(asked for asked in visit_form.forms() if asked.form == form)
